"""ska-edge: networks that keep learning on a microcontroller, in integers, provable bit for bit.

Train a model, look at it, save it, load it again:

>>> import ska_edge
>>> trained = ska_edge.train("iris", hidden=8, epochs=5)
>>> trained.accuracy["fixed"]["test"] > 0.8
True
>>> trained.model.save("iris.ska")
>>> ska_edge.load("iris.ska").plan.sizes
(4, 8, 3)

`train` also takes a file or `(x, y)` arrays. Every error that is raised on purpose is a `SkaError`,
and its message is one sentence; only `Classifier` and `Regressor` also raise the errors that
scikit-learn expects. docs/PYTHON.md explains the whole API.

Importing ska_edge is cheap: numpy and everything else is imported when a name is first used.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from ska_edge.errors import (
    CheckError,
    ContactLost,
    DeviceError,
    InputError,
    SkaError,
    ToolError,
)

if TYPE_CHECKING:
    from ska_edge.api.classifier import Classifier
    from ska_edge.api.device import Device, connect
    from ska_edge.api.load import load
    from ska_edge.api.regressor import Regressor
    from ska_edge.api.train import train
    from ska_edge.data.dataset import Dataset
    from ska_edge.data.source import load_data
    from ska_edge.model.model_file import Model
    from ska_edge.training.train import Trained

__all__ = [
    "CheckError",
    "Classifier",
    "ContactLost",
    "Dataset",
    "Device",
    "DeviceError",
    "InputError",
    "Model",
    "Regressor",
    "SkaError",
    "ToolError",
    "Trained",
    "__version__",
    "connect",
    "load",
    "load_data",
    "train",
]

#: The version of ska-edge.
__version__ = "0.1.0"

# The module of each public name; it is imported when the name is first used.
_HOMES = {
    "Classifier": "ska_edge.api.classifier",
    "Dataset": "ska_edge.data.dataset",
    "Device": "ska_edge.api.device",
    "Model": "ska_edge.model.model_file",
    "Regressor": "ska_edge.api.regressor",
    "Trained": "ska_edge.training.train",
    "connect": "ska_edge.api.device",
    "load": "ska_edge.api.load",
    "load_data": "ska_edge.data.source",
    "train": "ska_edge.api.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ska_edge' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # the next use of the name does not call this function
    return value


def __dir__() -> list[str]:
    """Return the module's names and all public names; without scikit-learn, the estimators are
    left out.
    """
    estimators = {"Classifier", "Regressor"}
    missing = estimators if importlib.util.find_spec("sklearn") is None else set()
    return sorted({*globals(), *__all__} - missing)
