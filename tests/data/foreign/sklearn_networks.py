"""Writes the scikit-learn fixtures of this folder with skl2onnx.

`python sklearn_networks.py` wrote the present files with scikit-learn 1.9.1, skl2onnx 1.20.0 and
pandas.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler

HERE = Path(__file__).parent


def write(name: str, x, y, scaler, activation: str, hidden: tuple[int, ...], **options) -> None:
    network = MLPClassifier(
        hidden, activation=activation, max_iter=400, learning_rate_init=0.02, random_state=0
    )
    fitted = make_pipeline(scaler, network).fit(x, y)
    first = x[:1].astype(np.float32)
    chosen = {id(fitted): options} if options else None
    exported = to_onnx(fitted, first, options=chosen)
    (HERE / name).write_bytes(exported.SerializeToString())


warnings.filterwarnings("ignore")
iris, cancer, digits = load_iris(), load_breast_cancer(), load_digits()
species = iris.target_names[iris.target]
tumors = cancer.target_names[cancer.target]
columns = load_iris(as_frame=True).data

write("iris_tanh.onnx", iris.data, species, StandardScaler(), "tanh", (8,))
write("iris_columns.onnx", columns, species, StandardScaler(), "tanh", (6, 5))
write("iris_linear.onnx", iris.data, iris.target, StandardScaler(), "identity", (5,))
write("iris_relu.onnx", iris.data, species, StandardScaler(), "relu", (8,))
write("iris_normalizer.onnx", iris.data, species, Normalizer(), "tanh", (4,))
write("cancer.onnx", cancer.data, tumors, MinMaxScaler(), "logistic", (8, 4))
write("digits.onnx", digits.data, digits.target, MinMaxScaler(), "logistic", (16,), zipmap=False)
