"""Reports of an evaluation on real pictures: JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..statistics import Figure, figure, median_figure
from .clip_study import FIGURES as CLIP_FIGURES
from .clip_tracks import DRAG
from .clips import scene_of
from .drag_study import FIGURES
from .drawn_cases import FIGURES as CASE_FIGURES
from .run import ByItem, RealEvaluation

# Figures of which a larger value is better.
MORE = {"goes", "psnr", "ssim", "vmaf"}
DIGITS = {"torn": 0, "torn per 1000": 1, "specks": 0, "vmaf": 1} | dict.fromkeys(
    ("handle", "unseen", "apart", "given", "marked", "psnr"), 2
)
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
CASE_NOTES = (
    "Trajectories that people have drawn, without an outline. specks as above; broken, folds and "
    "moved (by more than 1.5 px): fractions of the whole frame; handle: distance of the drawn "
    "points from their ends, px. Medians.",
)
CLIP_NOTES = (
    "The first frame of every clip moved along some of the clip's own tracks (chained DIS flow, "
    "checked forwards and backwards over the whole clip); 16 frames, 256 pixels on the long side. "
    "Means over scenes with their standard error; clips of one scene count as one.",
    "unseen: mean endpoint error at the tracks that are not given, px; apart: at those of them "
    "that depart by more than 3 px from the similarity of most tracks; given: at the given ones; "
    "marked: at points marked by people. psnr, ssim, lpips, vmaf: of the frames against the clip's "
    "own. VMAF was made for larger pictures: its values compare methods, no more.",
)


def as_values(evaluation: RealEvaluation) -> dict[str, Any]:
    """A report for json.dumps: settings, medians, and the figures of every photograph."""
    settings = evaluation.settings
    return {
        "asked": {
            "methods": list(settings.methods),
            "every": settings.every,
            "parts": list(settings.parts),
            "lpips": settings.lpips is not None,
            "vmaf": settings.vmaf is not None,
            **settings.fingerprint(),
        },
        "notes": [*NOTES, *CASE_NOTES, *CLIP_NOTES],
        "photographs": {
            "medians": _plain_figures(medians(evaluation.photographs)),
            "figures": _plain_items(evaluation.photographs),
        },
        "cases": {
            "medians": _plain_figures(medians(evaluation.cases)),
            "figures": _plain_items(evaluation.cases),
        },
        "clips": {
            count: {
                "means": _plain_figures(scene_means(methods)),
                "figures": _plain_items(methods),
            }
            for count, methods in evaluation.clips.items()
        },
    }


def as_markdown(evaluation: RealEvaluation) -> str:
    """Tables of medians over photographs and of means over scenes, the best of each column in
    bold."""
    parts = []
    photographs, clips = evaluation.settings.photographs(), evaluation.settings.clips()
    if photographs:
        parts += [f"# {len(photographs)} photographs with one drag\n"]
        parts += [f"{note}\n" for note in NOTES]
        parts.append(figure_table(medians(evaluation.photographs), FIGURES))
    if evaluation.cases:
        parts += [f"# {len(evaluation.settings.cases())} cases drawn by people\n"]
        parts += [f"{note}\n" for note in CASE_NOTES]
        parts.append(figure_table(medians(evaluation.cases), CASE_FIGURES))
    if clips:
        parts += [f"# {len(clips)} real clips\n", *(f"{note}\n" for note in CLIP_NOTES)]
    for count, methods in evaluation.clips.items():
        found = scene_means(methods)
        if found:
            measured = max(len(items) for items in methods.values())
            name = "the drag of the outlined thing" if count == DRAG else f"N = {count}"
            parts.append(f"## {name} ({measured} clips)\n")
            parts.append(figure_table(found, CLIP_FIGURES))
    return "\n".join(parts)


def medians(methods: Mapping[str, ByItem]) -> dict[str, dict[str, Figure]]:
    """Median figures by method."""
    return {
        method: {
            name: median_figure([row[name] for row in items.values()])
            for name in next(iter(items.values()))
        }
        for method, items in methods.items()
        if items
    }


def scene_means(methods: Mapping[str, ByItem]) -> dict[str, dict[str, Figure]]:
    """Mean figures by method. A scene's figure is the mean over its clips, NaN left out."""
    found: dict[str, dict[str, Figure]] = {}
    for method, items in methods.items():
        scenes: dict[str, list[dict[str, float]]] = {}
        for clip, row in items.items():
            scenes.setdefault(scene_of(clip), []).append(row)
        if scenes:
            found[method] = {
                name: figure([figure([row[name] for row in rows]).mean for rows in scenes.values()])
                for name in CLIP_FIGURES
            }
    return found


def figure_table(figures: Mapping[str, Mapping[str, Figure]], columns: Sequence[str]) -> str:
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
    return f"**{text}**" if round(figure.mean, digits) == round(best, digits) else text


def _plain_figures(figures: Mapping[str, Mapping[str, Figure]]) -> dict[str, Any]:
    return {
        method: {name: _plain(asdict(found)) for name, found in row.items()}
        for method, row in figures.items()
    }


def _plain_items(methods: Mapping[str, ByItem]) -> dict[str, Any]:
    return {
        method: {item: _plain(row) for item, row in items.items()}
        for method, items in methods.items()
    }


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
