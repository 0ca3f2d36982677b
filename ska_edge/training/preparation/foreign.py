"""Makes a model of a network from another program, with formats calibrated on data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ska_edge.data.dataset import Dataset
from ska_edge.model.encoding import FEATURES
from ska_edge.model.foreign.network import ForeignNetwork
from ska_edge.model.foreign.original import decided
from ska_edge.model.model_file import Model
from ska_edge.model.quantization import quantize_state
from ska_edge.network.twin import parameters_for, tensors_of, twin
from ska_edge.training.options import Options
from ska_edge.training.preparation.calibration import ROWS, Magnitudes
from ska_edge.training.preparation.draft import calibrated, draft_for, with_input
from ska_edge.training.settling import for_network, settled


@dataclass(frozen=True, slots=True)
class Import:
    """A network from another program as a model, and the rows on which it was calibrated.

    Attributes:
        model: the model, with its float twin.
        dataset: the rows, with features and classes as the model takes them.
    """

    model: Model
    dataset: Dataset

    def compare(self, network: ForeignNetwork) -> Comparison:
        """Compare the classes of the file, the float twin and the integers for the rows.

        Raises InputError as `original.decided` does.
        """
        x, y = self.dataset.x, self.dataset.y
        original = decided(network, x)
        classes = {
            "file": original,
            "float": self.model.float_decisions(x).argmax(axis=1),
            "fixed": self.model.decisions(x).argmax(axis=1),
        }
        return Comparison(
            rows=len(y),
            accuracy={name: float((found == y).mean()) for name, found in classes.items()},
            same={name: int((found == original).sum()) for name, found in classes.items()},
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of a file of another program and of its import, by "file", "float" and "fixed".

    Attributes:
        rows: number of rows.
        accuracy: fractions of rows that are classified correctly.
        same: numbers of rows with the class that the file chooses.
    """

    rows: int
    accuracy: dict[str, float]
    same: dict[str, int]


def import_network(network: ForeignNetwork, dataset: Dataset, options: Options) -> Import:
    """Import a network, with formats for all rows of a data set; see `imported`."""
    options = for_network(options, network.widths, network.activation).untried()
    options = settled(options, network.inputs, network.classes)
    dataset = network.matched(dataset)
    return Import(imported(network, dataset, options), dataset)


def imported(network: ForeignNetwork, dataset: Dataset, options: Options) -> Model:
    """Return a network as a model with integers, whose float twin is the network in real numbers.

    Args:
        network: the network; the file's own scaling of features is a part of its first layer.
        dataset: rows from which scaling and formats are chosen, as `network.matched` gives them.
        options: the options of the learning that follows, with all defaults filled in; `hidden`
            has the widths of the network.

    Raises InputError for data or weights that fit no format.
    """
    sizes = (network.inputs, *network.widths, network.classes)
    draft = draft_for(options, dataset, len(dataset.x), sizes)
    draft, scaling = with_input(draft, dataset, options)
    plan = draft.resolve()
    tensors = tensors_of(network.parameters(scaling, dataset.x))
    seen = Magnitudes()
    seen.observe(
        twin(plan, parameters_for(plan, tensors), plan.rate.real), scaling.apply(dataset.x[:ROWS])
    )
    plan = calibrated(draft, seen, plan).resolve()
    notes: dict[str, Any] = {"data": dataset.name, "imported": network.path.name}
    if dataset.features is not None:
        notes[FEATURES] = list(dataset.features)
    parameters = parameters_for(plan, tensors)
    state = quantize_state(plan, tensors_of(parameters))
    return Model(plan, state, scaling, parameters, notes=notes)
