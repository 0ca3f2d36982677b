"""Writes the PyTorch fixtures of this folder.

`python torch_networks.py` wrote the present files with torch 2.13.0, onnxscript 0.7 and
scikit-learn 1.9.1.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from sklearn.datasets import load_digits, load_iris
from torch import nn

HERE = Path(__file__).parent


class Scale(nn.Module):
    """Standardize the features."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", x.mean(dim=0))
        self.register_buffer("std", x.std(dim=0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


class Image(nn.Module):
    """Decide whether an image shows a digit below 5; a reshape uses the number of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(64, 8), nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.view(x.size(0), -1) / 16
        return torch.sigmoid(self.output(torch.tanh(self.hidden(rows))))


def trained(network: nn.Module, x: torch.Tensor, loss, steps: int) -> nn.Module:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(network(x)).backward()
        optimizer.step()
    return network.eval()


def plain(path: Path) -> None:
    """Remove the notes of the exporter, which have paths of the computer that ran it."""
    model = onnx.load(path, load_external_data=False)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")
    for edge in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        edge.ClearField("metadata_props")
    model.ClearField("functions")
    path.write_bytes(model.SerializeToString())


torch.manual_seed(0)
iris, digits = load_iris(), load_digits()
flowers, species = torch.tensor(iris.data, dtype=torch.float32), torch.tensor(iris.target)
images = torch.tensor(digits.images, dtype=torch.float32)[:, None]
numbers, large = torch.tensor(digits.target), torch.tensor(digits.target > 4)
entropy, binary = nn.CrossEntropyLoss(), nn.BCELoss()

logits = nn.Sequential(Scale(flowers), nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.1), nn.Linear(6, 3))
trained(logits, flowers, lambda y: entropy(y, species), 200)
torch.onnx.export(
    logits,
    (flowers[:1],),
    HERE / "torch_logits.onnx",
    dynamo=False,
    input_names=["x"],
    dynamic_axes={"x": {0: "n"}},
)

softmax = nn.Sequential(
    nn.Flatten(),
    nn.BatchNorm1d(64),
    nn.Linear(64, 12),
    nn.Sigmoid(),
    nn.BatchNorm1d(12),
    nn.Linear(12, 10),
    nn.Softmax(dim=1),
)
trained(softmax, images, lambda y: nn.functional.nll_loss(y.log(), numbers), 200)
torch.onnx.export(
    softmax,
    (images[:2],),
    HERE / "torch_outside.onnx",  # the exporter puts the larger weights into another file
    dynamo=True,
    dynamic_shapes=({0: torch.export.Dim("n")},),
)
plain(HERE / "torch_outside.onnx")

shaped = trained(Image(), images, lambda y: binary(y[:, 0], large.float()), 200)
torch.onnx.export(
    shaped,
    (images[:2],),
    HERE / "torch_shaped.onnx",
    dynamo=False,
    input_names=["x"],
    dynamic_axes={"x": {0: "n"}},
)
