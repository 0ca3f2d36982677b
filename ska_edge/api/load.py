"""Defines `ska_edge.load`, which reads a model from its file."""

from __future__ import annotations

import os

from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model


def load(path: str | os.PathLike[str]) -> Model:
    """Load a model from a model file (.ska) or from an integer ONNX file (.onnx).

    Raises InputError if the file is refused; the message gives the reason.

    Example: ``model = ska_edge.load("digits.ska")``
    """
    return open_model(path)
