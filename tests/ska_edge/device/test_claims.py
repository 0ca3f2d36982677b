"""What a device reports is compared with its plan before use; a wrong report gives one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ska_edge.device.link import Link
from ska_edge.device.stream import Stream
from ska_edge.errors import DeviceError
from ska_edge.model.model_file import Model
from ska_edge.model.scaling import Scaling
from ska_edge.monitor.monitor import Monitor
from ska_edge.monitor.verify import verify
from ska_edge.network.state import State
from ska_edge.plan.resolve import make_plan
from ska_edge.wire.message import Field
from ska_edge.wire.protocol import BY_NAME, Want
from tests.fake_device import CLASSES, INPUTS, LAYERS, FakeDevice

PLAN = make_plan((INPUTS, 5, CLASSES))
MODEL = Model(PLAN, State(PLAN), Scaling(np.zeros(INPUTS), np.ones(INPUTS)))
INPUT, LABELS = np.ones((3, INPUTS), dtype=np.int64), np.zeros(3, dtype=np.int64)
HELLO = BY_NAME["HELLO"].code
SAID = {field.name: field for field in BY_NAME["WELCOME"].fields}
FREE = {"seq", "protocol", "board"}  # other tests cover these fields


class Liar(FakeDevice):
    """A device that runs the plan but reports some false values."""

    lies: dict[str, Any]
    answers: dict[str, Any]

    def __init__(self) -> None:
        self.lies, self.answers = {}, {}
        super().__init__()

    def welcome(self) -> dict[str, Any]:
        planned = {"digest": bytes.fromhex(PLAN.digest), "state_bytes": PLAN.state_bytes}
        return {**super().welcome(), **planned, **self.lies}

    def reply(self, seq: int, name: str, values: Any) -> bytes:
        lies = self.answers if name in ("RESULT", "METRICS") else {}
        return super().reply(
            seq, name, {**values, **{k: v for k, v in lies.items() if k in values}}
        )


@pytest.fixture
def liar() -> Iterator[Liar]:
    device = Liar()
    yield device
    device.close()


def connect(device: FakeDevice) -> Link:
    return Link(device.port, timeout=0.05, tries=2)


def monitored(device: Liar, want: Want = Want.METRICS) -> None:
    link = connect(device)
    stream = Stream(lambda: link, PLAN.digest, want=want, plan=PLAN)
    try:
        list(Monitor(stream, PLAN).run(INPUT, LABELS))
    finally:
        stream.close()


def verified(device: Liar) -> None:
    with connect(device) as link:
        verify(link, MODEL, INPUT, LABELS)


def refusal(use: Callable[[Liar], None], device: Liar) -> str:
    with pytest.raises(DeviceError) as caught:
        use(device)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("use", [monitored, verified])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "layers",
            LAYERS + 3,
            f"has {LAYERS + 3} layers, but its plan has {LAYERS}; flash it again",
        ),
        ("layers", 1, f"has 1 layers, but its plan has {LAYERS}"),
        ("layers", 0, "says that it has 0 layers"),
        ("classes", CLASSES + 1, f"has {CLASSES + 1} classes, but its plan has {CLASSES}"),
        ("classes", 0, "says that it has 0 classes"),
        ("inputs", INPUTS - 1, f"has {INPUTS - 1} inputs, but its plan has {INPUTS}"),
        ("inputs", 0, "says that it has 0 inputs"),
        ("input_width", 2, "has 2 bytes in an element of an input, but its plan has 1"),
        ("input_width", 3, "has 3 bytes, which no plan has"),
        ("state_bytes", 7, "has 7 bytes of state, but its plan has"),
        ("halvings", 200, "has halved its rate 200 times, but its plan allows"),
        ("credit", 0, "says that it has 0 requests that may be in flight"),
        ("digest", bytes(8), "runs the plan 0000000000000000, not"),
    ],
)
def test_a_welcome_that_is_not_the_plans_is_refused(
    liar: Liar, use: Callable[[Liar], None], name: str, value: Any, words: str
) -> None:
    liar.lies = {name: value}
    assert words in refusal(use, liar)
    assert set(liar.names()) == {"HELLO"}


def test_a_later_welcome_is_compared_too(liar: Liar) -> None:
    with connect(liar) as link:
        link.expect_plan(PLAN)
        liar.lies = {"layers": 9}
        with pytest.raises(DeviceError, match="has 9 layers"):
            link.hello()


@pytest.mark.parametrize("use", [monitored, lambda device: connect(device).learn((1,) * INPUTS, 0)])
@pytest.mark.parametrize(
    ("lies", "words"),
    [
        ({"predicted": CLASSES}, f"says that class {CLASSES} is the largest of {CLASSES} decis"),
        ({"z_square": -1}, "z_square, which is never negative, is -1"),
    ],
)
def test_an_answer_that_no_device_gives_is_refused(
    liar: Liar, use: Callable[[Liar], None], lies: dict[str, int], words: str
) -> None:
    liar.answers = lies
    assert words in refusal(use, liar)


def test_metrics_of_a_layer_that_is_not_there_are_refused(liar: Liar) -> None:
    metrics = liar.metrics
    liar.metrics = lambda layer: {**metrics(layer), "layer": 7 * layer}  # type: ignore[method-assign]
    assert "sends metrics of layer 7, but has 2 layers" in refusal(monitored, liar)


def numbers(field: Field) -> st.SearchStrategy[Any]:
    if field.count != 1:
        assert isinstance(field.count, int)
        return st.binary(min_size=field.count, max_size=field.count)
    top = 2 ** (8 * field.size) - 1
    return st.sampled_from([0, 1, 2, 3, 255 % (top + 1), top]) | st.integers(0, top)


lies = st.fixed_dictionaries(
    {}, optional={name: numbers(field) for name, field in SAID.items() if name not in FREE}
)
answers = st.fixed_dictionaries(
    {},
    optional={
        field.name: st.sampled_from([0, 1, 2, 3, 9, 2 ** (8 * field.size) - 1])
        for field in BY_NAME["RESULT"].fields
        if field.count == 1
    }
    | {"entropy": st.integers(-(2**63), 2**63 - 1), "z_square": st.integers(-1, 2**63 - 1)},
)


@given(lies, answers)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_device_says_ends_in_results_or_one_sentence(
    liar: Liar, said: dict[str, Any], answered: dict[str, Any]
) -> None:
    liar.lies, liar.answers = said, answered
    liar.restart()
    try:
        monitored(liar)
    except DeviceError as error:
        assert "\n" not in str(error)
