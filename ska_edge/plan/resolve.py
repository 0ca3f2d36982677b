"""Makes a plan: derives, checks and proves its integers from sizes and names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ParamSpec

from ska_edge.arithmetic.fixedpoint import QFormat, Rate
from ska_edge.errors import InputError
from ska_edge.frontend.front import Front
from ska_edge.plan.check import check_plan
from ska_edge.plan.decay import Decay
from ska_edge.plan.formats import activation_format, layer_plans, neuron_formats
from ska_edge.plan.margin import LIMIT, margin_integer
from ska_edge.plan.plan import Plan
from ska_edge.plan.precision import PRECISIONS
from ska_edge.plan.replay import Replay
from ska_edge.plan.spare import spare_labels
from ska_edge.rules.neuron import RawInput, decision_table
from ska_edge.rules.rule import ACTIVATIONS, RELU, RULES, SIGMOID

RULE, PRECISION, RATE = "local", "w16a8", 0.125  # the defaults of `Draft`

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Draft:
    """The specification of a plan, from which its integers are resolved.

    Attributes:
        sizes: inputs, hidden widths (none or more), classes.
        rule, precision: names in `RULES` and `PRECISIONS`.
        rate: learning rate of one update, a real number. The plan has this rate, divided by the
            batch size, as a `Rate`.
        batch: samples per update.
        steps: steps on a batch for a rule without labels, by default 2; 1 for other rules.
        input_format: format of the input; by default that of the activation.
        weight_formats: formats from calibration, by layer and "weight" or "readout_weight"; by
            default those of the precision.
        knowledge_format: format from calibration; by default that of the precision.
        activation_format: format of RELU from calibration; by default up to `RELU_LIMIT`. That
            of SIGMOID is always the precision's.
        labels: class names; "0", "1", ... by default.
        output_only: whether only the output layer learns.
        replay, seed, raw, front: see `Plan`.
        margin: a real number, see `Plan`.
        hidden_halvings: how many times the rate of the hidden layers is halved.
        activation: that of the hidden layers, in `ACTIVATIONS`.
        output: format of the values of a regression; None for classes.
        spares: number of spare outputs, the last ones of `sizes`; `labels` does not name them.
        normalized, decay, running_normalization: see `Plan`.
    """

    sizes: Sequence[int]
    rule: str = RULE
    precision: str = PRECISION
    rate: float = RATE
    batch: int = 1
    steps: int | None = None
    input_format: QFormat | None = None
    weight_formats: Mapping[tuple[int, str], QFormat] = field(default_factory=dict)
    knowledge_format: QFormat | None = None
    activation_format: QFormat | None = None
    labels: Sequence[str] | None = None
    output_only: bool = False
    replay: Replay = Replay()
    seed: int = 0
    raw: RawInput | None = None
    front: Front | None = None
    margin: float = 0.0
    hidden_halvings: int = 0
    activation: str = SIGMOID
    output: QFormat | None = None
    spares: int = 0
    normalized: bool = False
    decay: Decay = Decay()
    running_normalization: bool = False

    def with_formats_of(self, plan: Plan) -> Draft:
        """Return the same draft with another plan's formats, front end and raw-input conversion."""
        formats = {(t.layer, t.name): t.format for t in plan.tensors() if t.name.endswith("weight")}
        return replace(
            self,
            input_format=plan.layers[0].input,
            weight_formats=formats,
            knowledge_format=plan.formats.knowledge,
            activation_format=plan.formats.activation,
            front=plan.front,
            output=plan.output,
            raw=plan.raw,
        )

    def resolve(self) -> Plan:
        """Resolve, check and prove the plan.

        Raises InputError for a specification that gives no valid plan, see `check_plan`.
        """
        self._check()
        definition, profile = RULES[self.rule], PRECISIONS[self.precision]
        hidden, classes = len(self.sizes) - 2, self.sizes[-1]
        activation = activation_format(profile, self.activation)
        if self.activation == RELU and self.activation_format is not None:
            activation = self.activation_format
        plan = Plan(
            rule=self.rule,
            precision=self.precision,
            layers=layer_plans(
                self.sizes,
                definition,
                profile,
                self.input_format or profile.activation,
                activation,
                self.weight_formats,
                self.hidden_halvings,
                self.output is not None,
            ),
            formats=neuron_formats(
                profile, classes, self.knowledge_format or profile.knowledge, activation
            ),
            labels=(*self._names(), *spare_labels(self.spares)),
            rate=Rate.from_real(self.rate / self.batch),
            batch=self.batch,
            steps=self.steps if self.steps is not None else 1 if definition.supervised else 2,
            first_learned=hidden if self.output_only else 0,
            replay=self.replay,
            seed=self.seed,
            raw=self.raw,
            front=self.front,
            table=decision_table(profile.decision, profile.table_limit),
            margin=margin_integer(self.margin, profile.shift),
            activation=self.activation,
            output=self.output,
            spares=self.spares,
            normalized=self.normalized,
            decay=self.decay,
            running_normalization=self.running_normalization,
        )
        check_plan(plan)
        return plan

    def _names(self) -> Sequence[str]:
        """Return the names of the classes, without the spare outputs."""
        if self.labels is not None:
            return self.labels
        return [str(number) for number in range(self.sizes[-1] - self.spares)]

    def _check(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"no rule {self.rule!r}; there are {', '.join(RULES)}")
        if self.precision not in PRECISIONS:
            raise InputError(f"no precision {self.precision!r}; there are {', '.join(PRECISIONS)}")
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"no activation {self.activation!r}; there are {', '.join(ACTIVATIONS)}"
            )
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise InputError(f"layer sizes {list(self.sizes)} are not all positive")
        if self.batch < 1:
            raise InputError("the batch is at least 1")
        if not 0 <= self.spares < self.sizes[-1]:
            raise InputError(f"{self.spares} of {self.sizes[-1]} outputs cannot be spare")
        if not 0 <= self.margin < LIMIT:
            raise InputError(f"the margin is at least 0 and below {LIMIT}, not {self.margin}")


def _resolved(draft: Callable[P, Draft]) -> Callable[P, Plan]:
    def make(*args: P.args, **kwargs: P.kwargs) -> Plan:
        return draft(*args, **kwargs).resolve()

    return make


make_plan = _resolved(Draft)
"""`Draft(...).resolve()` in one call, with the same arguments."""
