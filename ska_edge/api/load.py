"""`ska_edge.load`: a model from its file."""

from __future__ import annotations

import os

from ska_edge.model.model_file import Model
from ska_edge.model.open import open_model


def load(path: str | os.PathLike[str]) -> Model:
    """A model from a model file (.ska) or from an integer ONNX file (.onnx).

    Raises InputError, whose message says why the file is refused.

    Example: ``model = ska_edge.load("digits.ska")``
    """
    return open_model(path)
