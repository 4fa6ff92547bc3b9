"""Reports of an evaluation on real pictures: JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..statistics import Figure, median_figure
from .drag_study import FIGURES
from .run import ByItem, RealEvaluation

# Figures of which a larger value is better.
MORE = {"goes"}
DIGITS = {"torn": 0, "torn per 1000": 1, "specks": 0, "handle": 2}
NOTES = (
    "One natural drag per photograph: 3 x 3 points in the middle of the thing move by 12 to 20 % "
    "of the long side, up to 9 pins rest beside it. Measured at the last of 16 frames, at most 512 "
    "pixels a side. Medians over photographs, with the standard error of bootstrap samples.",
    "torn: length of the tears inside the thing, pixels (neighbours that part by more than 3 px), "
    "also per 1000 pixels of its interior. goes: fraction of the interior that goes with the drag "
    "(within half of it). bending: deviation of that part from a similarity, root mean square "
    "relative to the drag. background: fraction that moves by more than 1.5 px. folds: fraction of "
    "the interior that is turned over. specks: small spots that the picture does not explain. "
    "broken: fraction of the area that shows the thing that the picture does not explain. handle: "
    "distance of the dragged points from their target, px. pins: fraction of them that move. "
    "still: LPIPS to the picture when all points rest.",
)


def as_values(evaluation: RealEvaluation) -> dict[str, Any]:
    """A report for json.dumps: settings, medians, and the figures of every photograph."""
    settings = evaluation.settings
    return {
        "asked": {
            "methods": list(settings.methods),
            "every": settings.every,
            "lpips": settings.lpips is not None,
            **settings.fingerprint(),
        },
        "notes": list(NOTES),
        "photographs": {
            "medians": {
                method: {name: _plain(asdict(found)) for name, found in row.items()}
                for method, row in medians(evaluation.photographs).items()
            },
            "figures": {
                method: {item: _plain(row) for item, row in items.items()}
                for method, items in evaluation.photographs.items()
            },
        },
    }


def as_markdown(evaluation: RealEvaluation) -> str:
    """Tables of medians, the best of each column in bold."""
    count = len(evaluation.settings.photographs())
    parts = [f"# {count} photographs with one drag\n", *(f"{note}\n" for note in NOTES)]
    parts.append(median_table(medians(evaluation.photographs), FIGURES))
    return "\n".join(parts)


def medians(methods: Mapping[str, ByItem]) -> dict[str, dict[str, Figure]]:
    """Median figures by method."""
    return {
        method: {
            name: median_figure([row[name] for row in items.values()])
            for name in next(iter(items.values()))
        }
        for method, items in methods.items()
    }


def median_table(figures: Mapping[str, Mapping[str, Figure]], columns: Sequence[str]) -> str:
    """One row per method. Columns without any figure are left out."""
    known = [name for name in columns if any(row[name].clips for row in figures.values())]
    lines = ["| method | " + " | ".join(known) + " |", "|---|" + "---:|" * len(known)]
    for method, row in figures.items():
        cells = [_cell(row[name], name, _best(figures, name)) for name in known]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _best(figures: Mapping[str, Mapping[str, Figure]], name: str) -> float:
    values = [row[name].mean for row in figures.values() if row[name].clips]
    return (max if name in MORE else min)(values, default=math.nan)


def _cell(figure: Figure, name: str, best: float) -> str:
    if not figure.clips:
        return "–"
    digits = DIGITS.get(name, 3)
    text = f"{figure.mean:.{digits}f} ± {figure.error:.{max(digits, 1)}f}"
    return f"**{text}**" if figure.mean == best else text


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
