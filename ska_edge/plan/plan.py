"""Defines the plan: every integer constant, format and table of a network.

`resolve` makes a new plan. Host and device use the same plan. The digest identifies a plan. A model
file has a plan and the weights (see `model_file`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from ska_edge.arithmetic.fixedpoint import QFormat, Rate, Table
from ska_edge.arithmetic.function import FixedFunction
from ska_edge.frontend.front import Front
from ska_edge.frontend.frontends import front_functions
from ska_edge.plan.decay import Decay
from ska_edge.plan.layer import LayerPlan, Matrix, Tensor
from ska_edge.plan.margin import margin_integer, real_margin
from ska_edge.plan.replay import FIFO, MOST_SEEN, Replay
from ska_edge.plan.spare import NAME_BYTES
from ska_edge.plan.state_field import StateField
from ska_edge.rules.functions import NormalizedStep, neuron_functions
from ska_edge.rules.neuron import VARIANCE, NeuronFormats, RawInput, mean_format, step_limits
from ska_edge.rules.rule import RULES, SIGMOID, Rule

SCHEMA = 2
LONGEST_SHIFT = 31  # a C int32 cannot be shifted by more bits
# The JSON always has these fields. Every other field is left out if it has its default, because
# older plans lack the newer fields, and the digest of a plan must not change.
ALWAYS = ("readout", "per_class", "per_sample", "schema")


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that fixes the integers of training and inference, except the weights.

    Attributes:
        rule, precision: names in `RULES` and `PRECISIONS`.
        layers: hidden layers and the output layer, in order.
        formats: the formats of a neuron's values, the same in all layers.
        labels: class names, one per output; for a regression, the names of the targets.
        rate: learning rate; it includes the division by the batch size.
        batch: samples per update.
        steps: steps on a held batch (`published`), otherwise 1.
        first_learned: the first layer that learns; layers below it do not change.
        replay: the replay buffer.
        seed: seed of all random numbers during learning (signs, codes, replays).
        raw: how a device converts raw features to inputs; None if only a host does.
        table: the decision table's integers.
        front: how a device computes raw features from windows of samples; None if it gets features.
        margin: a sample whose output errors are all below the margin, in absolute value, changes
            no weight. In the format of the shift; 0 if there is no margin.
        activation: that of the hidden layers, in `ACTIVATIONS`.
        least_confidence: in the format of the decision: a sample with a smaller confidence, the
            difference of its two largest decisions, belongs to no known class; 0 if every sample
            belongs to one. It does not affect learning.
        output: the format of a regression's values and targets; None if the outputs are decisions
            of classes.
        spares: number of spare outputs, the last ones. A state has their names.
        normalized: whether a large input lowers the rate for its sample. If |x|^2/d is above 1, the
            rate is divided by the power of two whose logarithm is nearest to that of |x|^2/d; x is
            the input and d its width.
        decay: how the rate falls with the samples that a device has learned.
        running_normalization: whether each input is normalized by a running mean and variance,
            which the state has and every learned sample moves.
        schema: version of this structure.
    """

    rule: str
    precision: str
    layers: tuple[LayerPlan, ...]
    formats: NeuronFormats
    labels: tuple[str, ...]
    rate: Rate
    batch: int
    steps: int
    first_learned: int
    replay: Replay
    seed: int
    raw: RawInput | None
    table: tuple[int, ...]
    front: Front | None = None
    margin: int = 0
    activation: str = SIGMOID
    least_confidence: int = 0
    output: QFormat | None = None
    spares: int = 0
    normalized: bool = False
    decay: Decay = Decay()
    running_normalization: bool = False
    schema: int = SCHEMA

    @property
    def rule_definition(self) -> Rule:
        """The definition of the rule, with the plan's activation."""
        return RULES[self.rule].with_activation(self.activation)

    @property
    def rule_words(self) -> str:
        """The rule, and its activation unless that is the usual one."""
        return self.rule if self.activation == SIGMOID else f"{self.rule} with {self.activation}"

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return self.layers[0].inputs

    @property
    def classes(self) -> int:
        """Width of the output layer."""
        return self.layers[-1].outputs

    @property
    def named(self) -> int:
        """Number of classes that have a name in the plan; the spare outputs come after them."""
        return self.classes - self.spares

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, hidden widths, classes."""
        return (self.inputs, *(layer.outputs for layer in self.layers))

    @property
    def hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.layers) - 1

    @property
    def gain(self) -> int:
        """Exponent of the factor 2**gain in a projected shift."""
        return self.rule_definition.gain(self.classes)

    @property
    def regression(self) -> bool:
        """Whether the outputs are values, to be compared with targets, not decisions of classes."""
        return self.output is not None

    @property
    def raw_float(self) -> bool:
        """Whether the raw features that a device standardizes are float32 numbers, not integers."""
        return self.raw is not None and self.raw.points is not None

    def neuron_functions(self) -> tuple[FixedFunction, ...]:
        """Return the functions of the front end and of a neuron in this plan."""
        return front_functions(self.front) + neuron_functions(
            self.rule_definition,
            self.formats,
            self.decision_table,
            self.gain,
            self.layers[0].input,
            self.raw,
            self.output,
            self.normalized_step,
            self.running_normalization,
        )

    @property
    def normalized_step(self) -> NormalizedStep | None:
        """The numbers of a normalized step; None if the step is not normalized."""
        if not self.normalized:
            return None
        format = self.layers[0].input
        largest = self.inputs * format.minimum**2
        return NormalizedStep(step_limits(self.inputs, format), largest, self.rate_halvings_max)

    def first_neuron(self, layer: int) -> int:
        """Return the number of a layer's first neuron; neurons are numbered through all layers."""
        return sum(below.outputs for below in self.layers[:layer])

    @property
    def decision_table(self) -> Table:
        """The lookup table of sigmoid."""
        return Table("ska_decision_table", self.table, self.formats.decision)

    def tensors(self) -> Iterator[Tensor]:
        """Yield all tensors of parameters, in the order of the flat array of parameters."""
        offset = 0
        for index, layer in enumerate(self.layers):
            matrices = [("", layer.matrix)]
            if layer.readout is not None:
                matrices.append(("readout_", layer.readout))
            for kind, matrix in matrices:
                shapes = {"weight": (matrix.outputs, matrix.inputs), "bias": (matrix.outputs,)}
                for name, shape in shapes.items():
                    tensor = Tensor(index, f"{kind}{name}", shape, matrix.weight, offset)
                    yield tensor
                    offset += tensor.size

    @property
    def parameter_count(self) -> int:
        """Number of learned integers, including readouts."""
        return sum(tensor.size for tensor in self.tensors())

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the learned integers."""
        return sum(tensor.size * tensor.format.bits // 8 for tensor in self.tensors())

    def state_fields(self) -> tuple[StateField, ...]:
        """Return the fields of the state, in their order in memory; `ska_t` begins with them.

        Larger elements come before smaller ones, so that no core needs padding between fields.
        firmware_gen/memory/members.py adds the other members; ska_state.h is generated from both.
        """
        signal = f"<i{self.layers[0].input.bits // 8}"
        weight = f"<i{self.formats.weight_bits // 8}"
        parameters = ("parameter_count", self.parameter_count)
        inputs, classes = ("inputs", self.inputs), ("classes", self.classes)
        slots, batch = ("replay_slots", self.replay.per_class), ("batch", self.batch)
        fields = [
            StateField("step", "<u4", (), "updates since ska_init"),
            StateField("samples", "<u4", (), "samples that ska_learn has accepted since ska_init"),
        ]
        if self.replay.per_class:
            fields.append(StateField("drawn", "<u4", (), "random words used so far"))
        note = "in the order of the plan; see ska_tables.h"
        fields.append(StateField("parameters", weight, (parameters,), note))
        if self.running_normalization:
            mean = mean_format(self.layers[0].input)  # it has as many bits as a weight
            note = f"running mean of each input, {mean.name}"
            fields.append(StateField("mean", f"<i{mean.bits // 8}", (inputs,), note))
            note = f"running variance of each input minus 1, {VARIANCE.name}"
            fields.append(StateField("variance", "<i2", (inputs,), note))
        if self.replay.per_class:
            note = f"samples of each class so far, stored or not; at most {MOST_SEEN}"
            if self.replay.kind == FIFO:
                note = "samples of each class; if all slots are full: slots + index of the oldest"
            fields.append(StateField("seen", "<u2", (classes,), note))
            fields.append(StateField("replay", signal, (classes, slots, inputs), "stored samples"))
        if not self.rule_definition.supervised:
            fields.append(StateField("held", "<u2", (), "samples in the batch so far"))
            fields.append(StateField("batch", signal, (batch, inputs), "the held batch"))
        if self.spares:
            note = "names of the added classes in UTF-8, filled up with 0; all 0: not in use"
            axes = ("spares", self.spares), ("name_bytes", NAME_BYTES)
            fields.append(StateField("names", "<u1", axes, note))
        note = "rate = SKA_RATE_MANTISSA * 2^-15 * 2^-(SKA_RATE_SHIFT + this)"
        fields.append(StateField("rate_halvings", "<u1", (), note))
        return tuple(fields)

    @property
    def state_bytes(self) -> int:
        """Bytes of the state: everything that learning changes."""
        return sum(field.size for field in self.state_fields())

    @property
    def rate_halvings_max(self) -> int:
        """How many times the rate can be halved before a shift of an update exceeds 31."""
        matrices = [matrix for layer in self.layers for matrix in layer.matrices]
        largest = max(
            max(self.update_shift(matrix), self.bias_update_shift(matrix)) for matrix in matrices
        )
        return max(0, LONGEST_SHIFT - largest - self.rate.shift)

    @property
    def rate_varies(self) -> bool:
        """Whether the rate of a step depends on more than the `rate_halvings` of the state."""
        return self.normalized or self.decay.times > 0

    def halvings(self, samples: int, halvings: int) -> int:
        """Return how many times the rate is halved for the next sample.

        `samples` and `halvings` are those of the state. A normalized step may halve it further.
        """
        return min(halvings + self.decay.halvings(samples), self.rate_halvings_max)

    def forward_format(self, matrix: Matrix) -> QFormat:
        """Return the format of the upper bits of a weight, which sums use; see `Precision`."""
        bits = self.formats.forward_bits
        return QFormat(bits, matrix.weight.frac - (matrix.weight.bits - bits))

    # The loops of the C runtime need these numbers.

    def sum_frac(self, matrix: Matrix) -> int:
        """Return the fractional bits of W a + b: as many as any term has, and more than z has."""
        products = self.forward_format(matrix).frac + matrix.input.frac
        return max(products, matrix.weight.frac, self.formats.knowledge.frac + 1)

    def sum_align(self, matrix: Matrix) -> int:
        """Return the shift that gives W a the fractional bits of the sum."""
        return self.sum_frac(matrix) - self.forward_format(matrix).frac - matrix.input.frac

    def bias_align(self, matrix: Matrix) -> int:
        """Return the shift that gives b the fractional bits of the sum."""
        return self.sum_frac(matrix) - matrix.weight.frac

    def forward_shift(self, matrix: Matrix) -> int:
        """Return the shift from the sum W a + b to the knowledge."""
        return self.sum_frac(matrix) - self.formats.knowledge.frac

    def update_shift(self, matrix: Matrix) -> int:
        """Return the shift from step * input to a weight's change, without that of the rate."""
        return self.formats.shift.frac + matrix.input.frac - matrix.weight.frac + matrix.halvings

    def bias_update_shift(self, matrix: Matrix) -> int:
        """Return the shift from step to a change of a bias, without that of the rate."""
        return self.formats.shift.frac - matrix.weight.frac + matrix.halvings

    def projection_shift(self, matrix: Matrix) -> int:
        """Return the shift from the accumulator of A^T e to the projection."""
        fraction = self.forward_format(matrix).frac + self.formats.error.frac
        return fraction - self.formats.projection.frac

    def with_margin(self, margin: float) -> Plan:
        """Return the same plan with another margin, a real number from 0 to below `LIMIT`."""
        return replace(self, margin=margin_integer(margin, self.formats.shift))

    @property
    def real_margin(self) -> float:
        """The margin as a real number, the shortest one that `margin_integer` converts to it."""
        return real_margin(self.margin, self.formats.shift)

    @property
    def hidden_halvings(self) -> int:
        """How many times the rate of the hidden layers is halved; their readouts keep the rate."""
        return self.layers[0].matrix.halvings if self.hidden else 0

    @property
    def signs_shift(self) -> int:
        """Shift from the accumulator of B e to the projection."""
        return self.formats.shift.frac - self.formats.projection.frac

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data; `plan_from_json` is the inverse."""
        data: dict[str, Any] = _CONVERTER.unstructure(self)
        return data

    @property
    def digest(self) -> str:
        """16 hexadecimal digits (8 bytes on the wire) that identify this plan."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(text).hexdigest()[:16]


def _sparse(kind: type[Any], converter: Converter) -> Callable[[Any], dict[str, Any]]:
    left_out: dict[str, Any] = {
        each.name: override(omit_if_default=each.name not in ALWAYS) for each in fields(kind)
    }
    return make_dict_unstructure_fn(kind, converter, **left_out)


_CONVERTER = Converter()
_CONVERTER.register_unstructure_hook_factory(is_dataclass, _sparse)
