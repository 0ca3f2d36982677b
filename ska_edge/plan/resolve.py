"""Making a plan: from sizes and names to integers that are checked and proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ska_edge.arithmetic.fixedpoint import QFormat, Rate
from ska_edge.errors import InputError
from ska_edge.plan.check import check_plan
from ska_edge.plan.formats import layer_plans, neuron_formats
from ska_edge.plan.plan import Plan, Replay
from ska_edge.plan.precision import PRECISIONS
from ska_edge.rules.neuron import RawInput, decision_table
from ska_edge.rules.rule import RULES


def make_plan(
    sizes: Sequence[int],
    *,
    rule: str = "local",
    precision: str = "w16a8",
    rate: float = 0.125,
    batch: int = 1,
    steps: int | None = None,
    input_format: QFormat | None = None,
    weight_formats: Mapping[tuple[int, str], QFormat] | None = None,
    knowledge_format: QFormat | None = None,
    labels: Sequence[str] | None = None,
    readout_only: bool = False,
    replay: Replay | None = None,
    seed: int = 0,
    raw: RawInput | None = None,
) -> Plan:
    """Resolve a plan and prove it.

    Args:
        sizes: inputs, hidden widths (none or more), classes.
        rule, precision: names in `RULES` and `PRECISIONS`.
        rate: real learning rate of one update; it is rounded to a `Rate`, and divided by the batch.
        batch: samples per update.
        steps: steps on a held batch, for rules without labels (2 by default), else 1.
        input_format: format of the input; the activation's by default.
        weight_formats: formats that calibration found, by layer and "weight" or "head_weight"; the
            precision's by default.
        knowledge_format: likewise.
        labels: class names; "0", "1", ... by default.
        readout_only: hidden layers stay as they are.
        replay, seed, raw: see `Plan`.

    Raises:
        InputError: the names are not known, a number makes no sense, or a sum leaves 64 bits.
    """
    if rule not in RULES:
        raise InputError(f"no rule {rule!r}; there are {', '.join(RULES)}")
    if precision not in PRECISIONS:
        raise InputError(f"no precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"layer sizes {list(sizes)} are not all positive")
    if batch < 1:
        raise InputError("the batch is at least 1")
    definition, profile = RULES[rule], PRECISIONS[precision]
    hidden, classes = len(sizes) - 2, sizes[-1]
    plan = Plan(
        rule=rule,
        precision=precision,
        layers=layer_plans(
            sizes,
            definition,
            profile,
            input_format or profile.activation,
            weight_formats or {},
        ),
        formats=neuron_formats(profile, classes, knowledge_format or profile.knowledge),
        labels=tuple(labels) if labels is not None else tuple(str(c) for c in range(classes)),
        rate=Rate.from_real(rate / batch),
        batch=batch,
        steps=steps if steps is not None else 1 if definition.supervised else 2,
        first_learned=hidden if readout_only else 0,
        replay=replay or Replay(),
        seed=seed,
        raw=raw,
        table=decision_table(profile.decision, profile.table_limit),
    )
    check_plan(plan)
    return plan
