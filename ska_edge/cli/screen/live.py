"""Draws one device while it learns, and does what the keys of the terminal ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ska_edge.cli.screen.columns import METRICS
from ska_edge.cli.screen.metrics import layers_beside
from ska_edge.cli.screen.plot import LinePlot
from ska_edge.cli.screen.trends import Snapshot, Trends
from ska_edge.device.steering import Steering
from ska_edge.model.model_file import Model
from ska_edge.monitor.fleet import Member
from ska_edge.monitor.monitor import Monitor
from ska_edge.report.printable import printable
from ska_edge.rules.confidence import UNKNOWN

LEGEND = "keys: p pauses  s saves  + doubles the rate  - halves it  q ends"
FOLLOWING = "keys: 0 to 9 label the last window of a sensor  q ends"
LEAVING = "keys: q ends"
LONGEST = 12  # characters of a class name
SHOWN = 8  # last rows whose predictions are shown


class Keys:
    """Does what the keys ask for, on all devices.

    Args:
        pressed: returns the keys that were pressed since its last call.
        members: the devices.
        following: whether the devices learn by themselves; then only `q` and digits have a
            meaning.
        classes: whether the outputs of the network are classes, which a digit can name.
    """

    def __init__(
        self,
        pressed: Callable[[], str],
        members: Sequence[Member],
        following: bool,
        classes: bool = True,
    ) -> None:
        self._pressed, self._members, self._following = pressed, members, following
        self._classes = classes

    @property
    def legend(self) -> str:
        """A line that lists the keys."""
        if not self._following:
            return LEGEND
        return FOLLOWING if self._classes else LEAVING

    def act(self) -> None:
        """Do what was asked for since the last call.

        Raises KeyboardInterrupt for `q` if no device learns rows, because there is no row after
        which a device could stop.
        """
        for key in self._pressed():
            if key in "qQ":
                self._end()
            elif not self._following:
                self._steer(key)
            elif key in "0123456789":
                for steering in self._all():
                    steering.label(int(key))

    def _end(self) -> None:
        learning = [member for member in self._members if member.state == "learning"]
        if self._following or not learning:
            raise KeyboardInterrupt
        for steering in self._all():
            steering.end()

    def _steer(self, key: str) -> None:
        for steering in self._all():
            if key in "pP ":
                steering.pause()
            elif key in "sS":
                steering.save()
            elif key in "+-":
                steering.change_rate(-1 if key == "+" else 1)

    def _all(self) -> list[Steering]:
        found = (member.monitor for member in self._members)
        return [monitor.steering for monitor in found if monitor is not None]


class _Picture:
    """Lines, the layers with their trends, and more lines.

    If all this is higher than the screen, the layers are shown without their trends, side by side.
    """

    def __init__(
        self,
        above: Sequence[RenderableType],
        layers: RenderableType,
        small: RenderableType,
        below: Sequence[RenderableType],
    ) -> None:
        self._whole = Group(*above, layers, *below)
        self._small = Group(*above, small, *below)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the picture that fits."""
        # The cursor is in the line below the picture.
        fits = len(console.render_lines(self._whole, options)) < console.size.height
        yield self._whole if fits else self._small


def live_picture(
    model: Model,
    member: Member,
    trends: Trends,
    title: str,
    warnings: Sequence[str],
    plain: bool,
    below: Sequence[RenderableType] = (),
) -> RenderableType:
    """Return the present state of one device that has learned something.

    `title` says how far it is, in a line of its own unless it is ""; `plain` draws without block
    characters. `below` are the last lines.
    """
    monitor = member.monitor
    assert monitor is not None
    snapshot = trends.snapshot(plain)
    lines: list[RenderableType] = [
        Text(_head(member, monitor), style="bold"),
        *([Text(printable(title))] if title else []),
        *_window(model, monitor),
        *_answers(model, snapshot),
    ]
    lines += [Text(f"warning: {printable(text)}", style="yellow") for text in warnings]
    if monitor.steering.answer:
        lines.append(Text(printable(monitor.steering.answer)))
    panels = Columns([_layer(model, number, snapshot) for number in range(len(snapshot.layers))])
    small = layers_beside(model.plan, [metrics for metrics, _ in snapshot.layers])
    return _Picture(lines, panels, small, below)


def _head(member: Member, monitor: Monitor) -> str:
    state = "paused" if monitor.steering.paused else member.state
    speed = f", {monitor.rate:.1f} samples/s" if not member.ended else ""
    return printable(f"{monitor.info.board} at {monitor.port}: {state}{speed}")


def _window(model: Model, monitor: Monitor) -> list[RenderableType]:
    """Return a line about the newest window of the device's sensor, and its signal.

    Without a window, there is no line. There is no signal of an image, and none of a window whose
    raw samples were not read.
    """
    if not monitor.seen:
        return []
    line = Text(printable(monitor.seen), "bold")
    window, front = monitor.window, model.plan.front
    if window is None or window.raw is None or front is None or front.image:
        return [line]
    return [line, LinePlot(model.axes, np.array(window.raw, dtype=np.float64))]


def _answers(model: Model, snapshot: Snapshot) -> list[Text]:
    """Return lines about the last rows: their classes, how many were right, and the error."""
    lines = []
    if snapshot.last:
        names = [_said(model, *each) for each in snapshot.last[:SHOWN]]
        lines.append(Text(f"last rows: {', '.join(names)}"))
        right = sum(label == predicted for label, predicted in snapshot.last)
        lines.append(Text(f"right of the last {len(snapshot.last)}: {right}  {snapshot.right}"))
    if snapshot.mean_error is not None:
        lines.append(Text(f"error of the outputs: {snapshot.mean_error:.3f}  {snapshot.error}"))
    return lines


def _said(model: Model, label: int, predicted: int) -> str:
    """Return the class of a row, and the device's answer if it is another one."""
    truth = _name(model, label)
    if label == predicted:
        return truth
    answer = "unknown" if predicted == UNKNOWN else _name(model, predicted)
    return f"{truth} (said {answer})"


def _name(model: Model, label: int) -> str:
    """Return the name of a class; a long one is shortened in the middle."""
    name = printable(model.state.labels[label])
    if len(name) <= LONGEST:
        return name
    half = (LONGEST - 2) // 2
    return f"{name[:half]}..{name[-half:]}"


def _layer(model: Model, number: int, snapshot: Snapshot) -> Table:
    """Return the metrics of a layer, one per line, with their trends."""
    metrics, trends = snapshot.layers[number]
    neurons = model.plan.layers[number].outputs
    table = Table(
        title=Text(f"layer {number} ({neurons})", style="bold"),
        title_justify="left",
        show_header=False,
        box=None,
        padding=(0, 1, 0, 0),
    )
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right", min_width=6)
    table.add_column(no_wrap=True)
    for metric, trend in zip(METRICS, trends, strict=True):
        table.add_row(metric.title, metric.text(metrics), trend)
    return table
