"""Reports of an evaluation: JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .cases import DRAG, World
from .protocol import CEILING, FLOOR, Figures, Rows, by_scene, means
from .run import Evaluation, best_baseline
from .statistics import Figure, ratio

DENSE = ("frame", "object", "boundary", "background", "tracks", "visible")
VIDEO = ("psnr", "ssim", "lpips", "followed", "found")
DAVIS = ("tracks", "unseen", *VIDEO)
COMPARED = ("frame", "boundary", "object", "frame and object")
# Measures of which a larger value is better.
MORE = {"visible", "psnr", "ssim", "found"}


def as_values(evaluation: Evaluation) -> dict[str, Any]:
    """A report for json.dumps: the settings and all figures; unknown figures are null."""
    settings = evaluation.settings
    return {
        "asked": {
            **asdict(settings),
            "weights": {
                name: "shipped" if path is None else path.name
                for name, path in settings.named_weights().items()
            },
            "world": settings.world.value,
            "davis": None if settings.davis is None else settings.davis.name,
        },
        "unit": "pixels of a 256-pixel image",
        "notes": list(evaluation.notes),
        "errors": _plain_tables(evaluation.dense),
        "videos": _plain_tables(evaluation.videos),
        "davis": _plain_tables(evaluation.davis),
        "of the best baseline": {
            count: {
                name: {
                    place: {"baseline": baseline, **_plain(figure)}
                    for place, (baseline, figure) in compared(
                        rows, name, evaluation.learned
                    ).items()
                }
                for name in evaluation.learned
            }
            for count, rows in evaluation.dense.items()
        },
    }


def as_markdown(evaluation: Evaluation) -> str:
    """Tables by number of tracks, the best mean of each column in bold."""
    settings = evaluation.settings
    world = "the second generator" if settings.world is World.OTHER else "the generator of training"
    seeds = ", ".join(map(str, settings.seeds))
    parts = [
        f"# {settings.model} on {settings.clips} held-out scenes of {world}, track seeds {seeds}\n"
    ]
    parts += [f"{note}\n" for note in evaluation.notes]
    parts.append("## Against the best of the others\n")
    parts.append(comparison_table(evaluation.dense, evaluation.learned))
    for title, tables, places in (
        ("Errors of the motion", evaluation.dense, DENSE),
        ("Errors of the video", evaluation.videos, VIDEO),
        ("DAVIS", evaluation.davis, DAVIS),
    ):
        if tables:
            parts.append(f"## {title}\n")
        for count, rows in tables.items():
            parts.append(f"### {titled(count)}\n")
            parts.append(figure_table(means(rows), places))
    return "\n".join(parts)


def figure_table(figures: Figures, places: Sequence[str]) -> str:
    """One row per method. Places that no method has a figure for are left out."""
    known = [name for name in places if any(row[name].clips for row in figures.values())]
    lines = ["| method | " + " | ".join(known) + " |", "|---|" + "---:|" * len(known)]
    best = {place: _best(figures, place) for place in known}
    for method, row in figures.items():
        cells = [_cell(row[place], place, best[place]) for place in known]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def compared(rows: Rows, name: str, learned: Sequence[str]) -> dict[str, tuple[str, Figure]]:
    """A learned method's error relative to that of the best other method.

    Args:
        rows: of all methods.
        name: of the learned method.
        learned: names of all learned methods, which are not compared with each other.

    Returns:
        For each place of COMPARED, the name of the other method and the ratio of the errors.
        "frame and object" is the mean of both, on scenes where both are known.
    """
    both = {
        method: [[_with_both(row) for row in seeds] for seeds in scenes]
        for method, scenes in rows.items()
    }
    ratios = {}
    for place in COMPARED:
        baseline = best_baseline(both, tuple(learned), place)
        ours, theirs = (by_scene(both[method])[place] for method in (name, baseline))
        ratios[place] = baseline, ratio(ours, theirs)
    return ratios


def comparison_table(tables: Mapping[str, Rows], learned: Sequence[str]) -> str:
    """A table of the learned methods against the best other method.

    Columns are the reduction of the error by place and, at the tracks, the error relative to that
    without control.
    """
    heads = [*COMPARED, "at the tracks, of no control"]
    lines = ["| tracks | method | " + " | ".join(heads) + " |", "|---|---|" + "---:|" * len(heads)]
    for count, rows in tables.items():
        for name in learned:
            cells = [_lower(*pair) for pair in compared(rows, name, learned).values()]
            left = ratio(by_scene(rows[name])["tracks"], by_scene(rows["no control"])["tracks"])
            cells.append(f"{100 * left.mean:.1f} ± {100 * left.error:.1f} %")
            lines.append(f"| {titled(count)} | {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def titled(count: str) -> str:
    """A number of tracks as a heading."""
    return "one drag and pins" if count == DRAG else f"N = {count}"


def _with_both(row: dict[str, float]) -> dict[str, float]:
    return {**row, "frame and object": (row["frame"] + row["object"]) / 2}


def _lower(baseline: str, part: Figure) -> str:
    if not part.clips:
        return "–"
    name = baseline.split(" (")[0]
    return f"{100 * (1 - part.mean):+.0f} ± {100 * part.error:.0f} % ({name})"


def _plain_tables(tables: Mapping[str, Rows]) -> dict[str, Any]:
    return {
        count: {
            method: {place: _plain(figure) for place, figure in places.items()}
            for method, places in means(rows).items()
        }
        for count, rows in tables.items()
    }


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(figure).items()
    }


def _best(figures: Figures, place: str) -> float:
    means = [
        row[place].mean
        for name, row in figures.items()
        if name not in (FLOOR, CEILING) and row[place].clips
    ]
    return (max if place in MORE else min)(means, default=math.nan)


def _cell(figure: Figure, place: str, best: float) -> str:
    if not figure.clips:
        return "–"
    digits = 3 if place in ("ssim", "lpips", "visible", "found") else 2
    text = f"{figure.mean:.{digits}f} ± {figure.error:.{digits}f}"
    return f"**{text}**" if figure.mean == best else text
