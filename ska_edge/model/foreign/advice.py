"""Says what to do about operators of a foreign graph that cannot be imported."""

from __future__ import annotations

_RETRAIN = (
    "only relu, tanh and sigmoid can be imported, so train the network with one of these"
    " activations (scikit-learn: activation='tanh')"
)
_CHAIN = "only fully connected layers can be read, so train a network of those"
_FLOAT = "export the network in float, before it is quantized"

ADVICE = {
    **dict.fromkeys(
        (
            "LeakyRelu",
            "PRelu",
            "Elu",
            "Selu",
            "Celu",
            "Gelu",
            "Clip",
            "Max",
            "HardSigmoid",
            "HardSwish",
            "Softplus",
            "Softsign",
            "Swish",
            "Mish",
            "Erf",
        ),
        _RETRAIN,
    ),
    **dict.fromkeys(("Conv", "MaxPool", "AveragePool", "GlobalAveragePool"), _CHAIN),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Loop", "Scan", "If"), _CHAIN),
    **dict.fromkeys(
        ("LinearClassifier", "TreeEnsembleClassifier", "SVMClassifier", "LinearRegressor"),
        "train an MLPClassifier instead",
    ),
    **dict.fromkeys(
        ("Normalizer", "LpNormalization", "LayerNormalization", "ReduceL2"),
        "it divides each row by its own norm, so leave it out of the exported file, and normalize"
        " the rows of your data",
    ),
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "QLinearMatMul", "MatMulInteger", "QGemm"), _FLOAT
    ),
}
"""What to do about some operators that cannot be imported; `advice` also answers for all others."""


def advice(operator: str) -> str:
    """Return what to do about an operator that cannot be imported."""
    return ADVICE.get(operator, "export the network without it")
