"""Finds signs that the data of a device drift: inputs beyond their format, and falling recall."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from ska_edge.plan.plan import Plan

# In a format from calibration, at most 0.1 % of the inputs of the training are at a limit. The
# inputs have left the range if more than 1 % of all inputs in the last `WINDOW` rows are at a
# limit, and at least `ROWS_OUTSIDE` of these rows have such inputs.
WINDOW = 200
OUTSIDE = 0.01
ROWS_OUTSIDE = 10

# The recall of a class has fallen if its last rows are right less often than its earlier rows: by
# more than a third, and by more than `SURE` standard errors.
LAST = 30
EARLIER = 50
THIRD = 3
SURE = 4.0

NEW_ROWS = "if the sensor drifts, train the model anew with new rows"
GUARD = f"{NEW_ROWS}, or with {{running_normalization}}, with which a device follows the sensor"


class Drift:
    """Follows the rows that a device learns, each with the decision before the device learned it.

    Args:
        plan: the plan of the device.

    Attributes:
        names: the names of the device's outputs, (classes,); at first those of the plan.
        advice: what to do about drift, with names of training options in braces.
    """

    def __init__(self, plan: Plan) -> None:
        names, format = plan.labels, plan.layers[0].input
        self._ends = (format.minimum, format.maximum)
        self.names, self._labeled = names, plan.rule_definition.supervised
        self.advice = GUARD if self._labeled and not plan.running_normalization else NEW_ROWS
        self._limits = deque[int](maxlen=WINDOW)  # how many inputs of each row are at a limit
        self._inputs = 0  # inputs per row
        self._last = [deque[bool](maxlen=LAST) for _ in names]
        self._earlier = np.zeros((len(names), 2), dtype=np.int64)  # right rows, and all rows
        self._reported: set[int] = set()
        self._outside = False

    def add(self, x: Sequence[int], label: int, right: bool) -> None:
        """Add a row, its inputs (d,), its class, and whether the device decided for that class."""
        at_limit = sum(map(self._ends.__contains__, x))
        self._limits.append(at_limit)
        self._inputs = len(x)
        last = self._last[label]
        if len(last) == LAST:
            self._earlier[label] += (last[0], 1)
        last.append(right)

    def outside(self) -> str | None:
        """Return a clause when inputs have left the range of their format for the first time."""
        rows = np.array(self._limits)
        if self._outside or np.count_nonzero(rows) < ROWS_OUTSIDE:
            return None
        share = float(rows.mean()) / self._inputs
        if share <= OUTSIDE:
            return None
        self._outside = True
        at = f"{share:.1%} of the inputs are at a limit of their format"
        return f"in the last {len(rows)} rows, {at}"

    def fallen(self) -> Iterator[str]:
        """Yield a clause for each class whose recall has fallen; each class is reported once."""
        for label, last in enumerate(self._last if self._labeled else ()):
            right, rows = self._earlier[label].tolist()
            if label in self._reported or rows < EARLIER:
                continue
            before, now = right / rows, sum(last) / LAST
            # Even a class that was always right may be wrong now and then.
            error = math.sqrt(max(before * (1 - before), 1 / LAST) * (1 / LAST + 1 / rows))
            if before - now > max(before / THIRD, SURE * error):
                self._reported.add(label)
                yield (
                    f"of {rows} earlier rows of the class '{self.names[label]}', {before:.0%} were"
                    f" right, and of its last {LAST} rows {now:.0%}"
                )
