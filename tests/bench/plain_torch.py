"""The published rule and its metrics in plain PyTorch, for comparison in `reference_speed`.

It follows the papers: one tensor operation per term, ``.item()`` for every metric, and no
compilation. It computes the same as ``Reference.learn_steps``, in the dtype of the tensors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LN2 = math.log(2.0)


@torch.no_grad()
def learn_steps(
    weights: list[Tensor], biases: list[Tensor], x: Tensor, steps: int, eta: float
) -> list[list[dict[str, float]]]:
    """Run ``steps`` passes of the batch ``x`` (n, d); change ``weights``, ``biases`` in place.

    Returns the metrics of every pass after the first, per layer, named as in ``StepMetrics``.
    """
    last_knowledge, last_decisions = forward(weights, biases, x)
    history = []
    for _ in range(1, steps):
        knowledge, decisions = forward(weights, biases, x)
        metrics = []
        for layer, (z, d) in enumerate(zip(knowledge, decisions, strict=True)):
            shift = d - last_decisions[layer]
            slope = d * (1 - d)
            delta = z * slope + shift
            a = x if layer == 0 else last_decisions[layer - 1]
            weights[layer] += eta / LN2 * torch.matmul(delta.T, a) / len(x)
            biases[layer] += eta / LN2 * delta.mean(dim=0)

            moved = z - last_knowledge[layer]
            flow = moved / eta
            z_shift = (z * shift).sum().item()
            z_norm = torch.linalg.norm(z).item()
            norms = z_norm * torch.linalg.norm(shift).item()
            metrics.append(
                {
                    "entropy": -z_shift / LN2,
                    "cosine": z_shift / norms if norms > 0 else 0.0,
                    "z_norm": z_norm,
                    "w_norm": torch.linalg.norm(weights[layer]).item(),
                    "tensor_net": ((d - z * slope / LN2) * moved).sum().item(),
                    "flow": torch.linalg.norm(flow).item(),
                    "lagrangian": -(z * slope * flow).sum().item(),
                }
            )
        history.append(metrics)
        last_knowledge, last_decisions = knowledge, decisions
    return history


def forward(
    weights: list[Tensor], biases: list[Tensor], x: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the knowledge and the decisions of every layer, (n, width) each."""
    knowledge, decisions = [], []
    a = x
    for w, b in zip(weights, biases, strict=True):
        z = torch.matmul(a, w.T) + b
        a = torch.sigmoid(z)
        knowledge.append(z)
        decisions.append(a)
    return knowledge, decisions
