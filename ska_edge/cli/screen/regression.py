"""Shows R2 and the mean absolute error of a regression."""

from __future__ import annotations

from collections.abc import Mapping

from ska_edge.cli.screen.console import Output
from ska_edge.model.evaluation import Evaluation
from ska_edge.model.regression import Figures, Fit

Found = Mapping[str, Evaluation | Fit | None]


def fits(found: Found) -> dict[str, Fit]:
    """Return the results of a regression by part; empty for classes."""
    return {part: each for part, each in found.items() if isinstance(each, Fit)}


def fit_table(out: Output, title: str, parts: Mapping[str, str], found: Found) -> None:
    """Print R2 and the mean absolute error of each target, in float and in fixed point.

    `parts` are the parts to show, each with the title of its column.
    """
    shown = fits(found)
    labels = next(iter(shown.values())).labels
    rows = []
    for label in labels:
        for name, arithmetic in (("float_", "float"), ("", "fixed")):
            for figure in ("r2", "mae"):
                cells = [_text(shown.get(part), f"{name}{figure}", label) for part in parts]
                rows.append([label, arithmetic, figure.upper(), *cells])
    out.table(title, ["target", "arithmetic", "", *parts.values()], rows)


def _text(fit: Fit | None, name: str, label: str) -> str:
    figures: Figures | None = None if fit is None else getattr(fit, name)
    value = None if figures is None else figures[label]
    if value is None:
        return "-"
    return f"{value:.3f}" if name.endswith("r2") else f"{value:.4g}"
