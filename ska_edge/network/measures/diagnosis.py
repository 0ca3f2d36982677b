"""Finds signs of poor learning in the metrics that training produces anyway.

The signs are those of the paper (arXiv 2503.13942) and of integer arithmetic: a plateau of the
entropy, exploding knowledge, layers out of step, collapse, vanishing updates, saturation. A `Watch`
collects metrics, from the host's trainer or from a device, and reports the signs.

With labels, a network that classifies well is healthy. Its output layer may have large, even
saturated knowledge, because its answers are confident. Its updates may round to zero, because
nothing is left to learn. Signs that also appear in these cases count only while the errors of the
output layer are large. Trends count only if these errors no longer fall.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import with_names
from ska_edge.network.measures.metrics import LayerMetrics
from ska_edge.network.output import DEVIATIONS
from ska_edge.plan.plan import Plan
from ska_edge.rules.neuron import TABLE_STEPS_LOG2

Reals = NDArray[np.float64]

# --- thresholds -----------------------------------------------------------------------------------
# Below, a healthy training is one with a test accuracy of at least 90 %, on digits, vowels, wine,
# breast_cancer or iris, with a rule that learns from labels, and with the default options.

# Each sign except a collapse needs this many updates. With fewer, a mean over single samples is
# still mostly chance.
ENOUGH = 20
# With labels, a trend needs this many updates, because every update has different samples. A rule
# without labels repeats one batch, which gives less noise.
ENOUGH_FOR_A_TREND = 200
# Fewer rows have no useful spread: two rows are always on a line, three in a plane.
ENOUGH_ROWS = 4

# A network counts as trained if the output layer leaves less than this fraction of the labels'
# variance unexplained. Healthy trainings end below 0.2; a training of only two epochs on iris ends
# at 0.3. Trainings that only guess, or whose updates vanish, end at 1 or more.
LEARNED = 0.5
# Below this unexplained fraction nothing is left to learn, and updates may round to zero.
LEARNED_ALL = 0.1

# The entropy is constant if its means in the two halves of the last third of the steps differ by
# less than this fraction of its largest value. At this speed, the entropy would need eight times
# the steps so far to get from 0 to its largest value.
STILL = 0.02
# A shift still falls if its mean square in the last third of the steps is smaller than in the
# second third by this fraction. A slower fall needs more than four times the steps so far to halve
# the mean square.
FALLS = 0.05
# The shift has become small if its root mean square is below this fraction of its initial value. A
# constant entropy then marks the end of learning, not a plateau.
SETTLED = 0.5

# The decision table ends at 8, or at 16 for wide formats. Beyond its end, a decision is 0 or 1 with
# slope 0, so a layer whose mean knowledge is beyond the end hardly learns. Growth is an earlier
# sign, but only in the outer half of the table: growth in the inner half is normal.
GROWN = 10.0
STILL_GROWS = 1.1

# Two smoothed entropies move in opposite directions if their correlation is below `AGAINST`, and if
# each moved by a quarter of its range. (With 8 blocks, chance alone does this in one of 40 pairs.)
AGAINST = -0.7
MOVED = 0.25
# A change of less than this many standard errors counts as chance.
SURE = 3.0

# One direction gives a participation ratio of 1, two equally strong directions give 2. Below 1.5,
# one direction dominates.
COLLAPSED = 1.5

# If this share of updates rounds to zero, only one of a hundred weights changes; the other updates
# only cost time.
VANISHED = 0.99

# A value at the limit of its format is wrong by an unknown amount; this share of them is tolerable.
SATURATED = 0.01
# In a trained network with labels, knowledge at its limit is mostly a confident answer. In healthy
# trainings, up to 0.36 of an output layer's knowledge is at the limit, and up to 0.14 of a hidden
# layer's. With rates 8 times too large, this fraction is 0.6 to 1, and the layers hardly
# learn.
STUCK = 0.5

# When twice this number of points are stored, the mean of each pair replaces the pair.
POINTS = 200
BLOCKS = 12  # parts of a smoothed series; 4 of them are a third of the steps

SIGNS = (
    "exploding knowledge",
    "collapse",
    "saturation",
    "vanishing updates",
    "plateau",
    "out of step",
)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One sign that a training fails.

    Attributes:
        sign: one of `SIGNS`, which are sorted, the worst first.
        layer: index, from 0; for a pair of layers, the lower one.
        what: the observation, with its figures.
        advice: a suggestion, with names of training options in braces.
    """

    sign: str
    layer: int
    what: str
    advice: str

    def sentence(self, call: Callable[[str], str] = str) -> str:
        """Return one line of text; `call` names the options, by default as Python does."""
        advice = with_names(self.advice, call)
        return f"{self.sign} in layer {self.layer}: {self.what}; {advice}"

    def as_dict(self, call: Callable[[str], str] = str) -> dict[str, Any]:
        """Return plain data for JSON: sign, layer and the sentence as text."""
        return {"sign": self.sign, "layer": self.layer, "text": self.sentence(call)}


def participation_ratio(decisions: NDArray[Any]) -> float:
    """Return the effective number of directions in rows (n, width): (sum e)^2 / sum e^2, 1 to
    width.

    Here e are the eigenvalues of the covariance over the rows. The result is 0 if all rows are
    equal.
    """
    centered = np.asarray(decisions, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    # Both products have the same eigenvalues, except for zeros. Take the smaller one.
    wide = centered.shape[1] > centered.shape[0]
    covariance = centered @ centered.T if wide else centered.T @ centered
    squares = float((covariance * covariance).sum())
    return float(np.trace(covariance)) ** 2 / squares if squares else 0.0


class Watch:
    """Collects the metrics of a training and reports signs of failure.

    However long the training is, it stores at most twice `POINTS` points. Each point is a mean over
    the same number of successive updates.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._labeled = plan.rule_definition.supervised
        self._step = -1
        self._updates = 0
        self._pending: list[Reals] = []
        self._points: list[Reals] = []  # each is (layers, quantities)
        self._series_of_all: Reals | None = None  # the points as one array
        self._each = 1  # updates per point
        self._ratios: dict[int, tuple[float, float]] = {}

    @property
    def points(self) -> int:
        """Number of stored means."""
        return len(self._points)

    def add(self, step: int, layers: Sequence[LayerMetrics]) -> None:
        """Add the metrics of one update, one per layer; a repeated update is ignored."""
        if step == self._step or not layers:
            return
        self._step = step
        self._updates += 1
        self._pending.append(np.array([self._values(i, layer) for i, layer in enumerate(layers)]))
        if len(self._pending) < self._each:
            return
        self._points.append(np.mean(self._pending, axis=0))
        self._pending = []
        self._series_of_all = None
        if len(self._points) == 2 * POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [(one + other) / 2 for one, other in pairs]
            self._each *= 2

    def decisions(
        self, layer: int, rows: NDArray[Any], inputs: NDArray[Any], labels: NDArray[np.integer]
    ) -> None:
        """Set a layer's decisions, rows (n, width), for inputs (n, d) with labels (n,).

        They replace earlier decisions of the layer. Fewer than 4 rows, a single column, and the
        values of a regression are ignored.
        """
        if len(rows) < ENOUGH_ROWS or rows.shape[1] < 2:
            return
        output = layer == len(self._plan.layers) - 1
        if output and self._plan.regression:
            return  # targets may depend on each other
        # The decisions can differ in as many directions as these data, but not in more.
        apart = np.eye(self._plan.classes)[labels] if output and self._labeled else inputs
        self._ratios[layer] = participation_ratio(rows), participation_ratio(apart)

    def symptoms(self) -> list[Symptom]:
        """Return the current symptoms, at most one per sign and layer, the worst first."""
        found: list[Symptom] = []
        stagnates = self._stagnates()
        if self._updates >= ENOUGH and len(self._points) >= BLOCKS:
            signs = (self._exploding, self._saturation, self._vanishing)
            trends = (self._plateau, self._discord) if stagnates else ()
            for layer in range(len(self._plan.layers)):
                found += filter(None, (sign(layer) for sign in (*signs, *trends)))
        # A layer whose updates vanish keeps its initial weights. With labels, those of an output
        # layer are 0, so all its decisions are equal, but this is not a collapse.
        vanishing = "vanishing updates" in {symptom.sign for symptom in found}
        if stagnates and not (self._labeled and vanishing):
            found += self._collapses()
        return sorted(found, key=lambda symptom: (SIGNS.index(symptom.sign), symptom.layer))

    # --- series -----------------------------------------------------------------------------------

    def _values(self, index: int, layer: LayerMetrics) -> tuple[float, ...]:
        """Return one layer's stored metrics, in the order of the names in `_series`."""
        neurons = self._plan.layers[index].matrix.outputs * self._plan.batch
        return (
            layer.entropy,
            layer.z_norm**2 / neurons,
            layer.shift_norm**2 / neurons,
            layer.z_saturated,
            layer.w_saturated,
            layer.zero_updates,
        )

    def _series(self, name: str, layer: int) -> Reals:
        """Return one quantity of one layer over the steps, (points,)."""
        names = ("entropy", "z_square", "shift_square", "z_saturated", "w_saturated", "zero")
        column = names.index(name)
        if self._series_of_all is None:
            self._series_of_all = np.array(self._points)
        series: Reals = self._series_of_all[:, layer, column]
        return series

    def unexplained(self) -> float:
        """Return the fraction of the labels' variance that the output layer leaves unexplained,
        over the last third of the steps.

        It is 0 if all errors are 0. With classes, it is 1 if every decision is 1 / classes. For
        rules without labels, and before the first point, it is 1.
        """
        if not self._labeled or not self._points:
            return 1.0
        classes = self._plan.classes
        errors = _last_third(self._series("shift_square", len(self._plan.layers) - 1))
        if self._plan.regression:
            return float(errors.mean()) * DEVIATIONS**2
        return float(errors.mean() * classes * classes / max(classes - 1, 1))

    def _learned(self) -> bool:
        return self.unexplained() < LEARNED

    def _stagnates(self) -> bool:
        """Tell whether the output layer's errors are large and do not fall; True without labels."""
        if not self._labeled:
            return True
        known = self._updates >= ENOUGH_FOR_A_TREND and not self._learned()
        return known and not self._falls(len(self._plan.layers) - 1)

    def _falls(self, layer: int) -> bool:
        _, before, last = np.array_split(self._series("shift_square", layer), 3)
        return bool(last.mean() < (1 - FALLS) * before.mean())

    # --- signs ------------------------------------------------------------------------------------

    def _collapses(self) -> list[Symptom]:
        advice = (
            "lower {rate}, or try another {seed} or {rule}"
            if self._labeled
            else "make fewer {steps}, or use a rule with labels ({rule} local)"
        )
        found = []
        for layer, (ratio, possible) in self._ratios.items():
            # If the data have few directions, such as two classes, the required ratio is lower.
            if ratio < min(COLLAPSED, (1 + possible) / 2):
                what = f"its decisions differ in one direction (participation ratio {ratio:.2f})"
                if not ratio:
                    what = "it makes the same decisions for all inputs"
                found.append(Symptom("collapse", layer, what, advice))
        return found

    def _exploding(self, layer: int) -> Symptom | None:
        if self._learned():
            return None
        edge = (len(self._plan.table) - 1) / 2 ** (TABLE_STEPS_LOG2 + 1)
        size = np.sqrt(_blocks(self._series("z_square", layer)))
        first, now = float(size[0]), float(_last_third(size).mean())
        grows = size[-1] > STILL_GROWS * size[-BLOCKS // 3 - 1]
        if now > edge:
            what = f"its root mean square is {now:.1f}, but the decision table ends at {edge:g}"
        elif now > edge / 2 and now > GROWN * first and grows:
            what = f"its root mean square grew from {first:.1f} to {now:.1f} and still grows"
        else:
            return None
        advice = "lower {rate}" if self._labeled else "lower {rate} or make fewer {steps}"
        return Symptom("exploding knowledge", layer, what, f"{advice}, or scale the inputs")

    def _saturation(self, layer: int) -> Symptom | None:
        weights = float(_last_third(self._series("w_saturated", layer)).mean())
        if weights > SATURATED:
            what = f"{weights:.0%} of its weights are at a limit of their format"
            advice = "lower {rate}, or train a new model on these data, with formats for them"
            return Symptom("saturation", layer, what, advice)
        knowledge = float(_last_third(self._series("z_saturated", layer)).mean())
        limit = STUCK if self._labeled and self._learned() else SATURATED
        nothing_left = self.unexplained() < LEARNED_ALL and layer == len(self._plan.layers) - 1
        if knowledge <= limit or nothing_left:
            return None
        what = f"{knowledge:.0%} of its knowledge is at a limit of its format"
        return Symptom("saturation", layer, what, "lower {rate}, or scale the inputs")

    def _vanishing(self, layer: int) -> Symptom | None:
        share = float(self._series("zero", layer).mean())
        if share <= VANISHED or not self._learns(layer) or self.unexplained() < LEARNED_ALL:
            return None
        if not self._labeled and self._settled(layer):
            return None
        what = f"{share:.1%} of the updates of its weights round to zero"
        return Symptom("vanishing updates", layer, what, "raise {rate}, or take {precision} w32a16")

    def _plateau(self, layer: int) -> Symptom | None:
        if self._settled(layer) or not self._learns(layer) or self._falls(layer):
            return None
        entropy = self._series("entropy", layer)
        move, error = _movement(_last_third(entropy))
        chance = SURE * error if self._labeled else 0.0
        if abs(move) > max(STILL * float(np.abs(_blocks(entropy)).max()), chance):
            return None
        what = "its entropy no longer moves, but its shift has not become small"
        return Symptom("plateau", layer, what, "try another {rate}, or more neurons in {hidden}")

    def _discord(self, layer: int) -> Symptom | None:
        above = layer + 1
        if above == len(self._plan.layers):
            return None
        lower, upper = (self._series("entropy", index) for index in (layer, above))
        moves = [_steady_move(series) for series in (lower, upper)]
        if moves[0] * moves[1] >= 0:
            return None
        late = slice(BLOCKS // 3, None)
        if np.corrcoef(_blocks(lower)[late], _blocks(upper)[late])[0, 1] > AGAINST:
            return None
        directions = ["rises" if move > 0 else "falls" for move in moves]
        what = f"its entropy {directions[0]} while that of layer {above} {directions[1]}"
        return Symptom("out of step", layer, what, "lower {rate}, or take fewer layers in {hidden}")

    def _learns(self, layer: int) -> bool:
        """Tell whether the layer learns; the shift of a frozen layer is always 0."""
        return bool(self._series("shift_square", layer).any())

    def _settled(self, layer: int) -> bool:
        shift = np.sqrt(_blocks(self._series("shift_square", layer)))
        return bool(_last_third(shift).mean() < SETTLED * shift[: BLOCKS // 6].mean())


def _last_third(series: Reals) -> Reals:
    return series[len(series) - len(series) // 3 :]


def _blocks(series: Reals) -> Reals:
    """Smooth a series: return the means of `BLOCKS` successive parts."""
    return np.array([part.mean() for part in np.array_split(series, BLOCKS)])


def _movement(series: Reals) -> tuple[float, float]:
    """Return the mean of the second half minus that of the first, and its standard error."""
    halves = np.array_split(series, 2)
    error = math.sqrt(sum(float(half.var()) / len(half) for half in halves))
    return float(halves[1].mean() - halves[0].mean()), error


def _steady_move(series: Reals) -> float:
    """Return the change over the last two thirds; 0 if it may be chance, or is small."""
    move, error = _movement(series[len(series) // 3 :])
    smooth = _blocks(series)
    span = float(smooth.max() - smooth.min())
    return move if abs(move) > max(MOVED * span, SURE * error) else 0.0
