"""ska-edge: networks that keep learning on a microcontroller, in integers, provable bit for bit.

The same things as on the command line::

    import ska_edge

    trained = ska_edge.train("digits", hidden=(32,), epochs=20)
    trained.model.save(Path("digits.ska"))
    model = ska_edge.load("digits.ska")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ska_edge.model.model_file import Model
    from ska_edge.training.train import Trained

__all__ = ["load", "train"]


def train(data: str, **options: Any) -> Trained:
    """Train on a built-in data set, a CSV or an npz file; options as in `options.Options`.

    Raises InputError for data or options that cannot work.
    """
    # Imported here: the generator and its boards import this package and need none of it.
    from ska_edge.data import dataset as data_module
    from ska_edge.training.options import Options
    from ska_edge.training.train import train as train_model

    return train_model(data_module.load(data), Options(**options))


def load(path: str | Path) -> Model:
    """A model from a file; InputError says why a file is refused."""
    from ska_edge.model.model_file import load_model

    return load_model(Path(path))
