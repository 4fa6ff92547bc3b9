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
# More is better here; everywhere else less is.
MORE = {"visible", "psnr", "ssim", "found"}


def as_values(found: Evaluation) -> dict[str, Any]:
    """A report for json.dumps: the settings and every figure; what is not known is null."""
    settings = found.settings
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
        "unit": "pixels of a 256-pixel picture",
        "notes": list(found.notes),
        "errors": _plain_tables(found.dense),
        "videos": _plain_tables(found.videos),
        "davis": _plain_tables(found.davis),
        "of the best baseline": {
            count: {
                name: {
                    place: {"baseline": other, **_plain(one)}
                    for place, (other, one) in compared(rows, name, found.learned).items()
                }
                for name in found.learned
            }
            for count, rows in found.dense.items()
        },
    }


def as_markdown(found: Evaluation) -> str:
    """Tables by number of tracks, the best mean of each column in bold."""
    settings = found.settings
    world = "the second generator" if settings.world is World.OTHER else "the generator of training"
    seeds = ", ".join(map(str, settings.seeds))
    parts = [
        f"# {settings.model} on {settings.clips} held-out scenes of {world}, track seeds {seeds}\n"
    ]
    parts += [f"{note}\n" for note in found.notes]
    parts.append("## Against the best of the others\n")
    parts.append(comparison_table(found.dense, found.learned))
    for title, tables, places in (
        ("Errors of the motion", found.dense, DENSE),
        ("Errors of the video", found.videos, VIDEO),
        ("DAVIS", found.davis, DAVIS),
    ):
        if tables:
            parts.append(f"## {title}\n")
        for count, rows in tables.items():
            parts.append(f"### {titled(count)}\n")
            parts.append(figure_table(means(rows), places))
    return "\n".join(parts)


def figure_table(figures: Figures, places: Sequence[str]) -> str:
    """One row per method. Places that no method has a figure for are left out."""
    known = [name for name in places if any(one[name].clips for one in figures.values())]
    lines = ["| method | " + " | ".join(known) + " |", "|---|" + "---:|" * len(known)]
    best = {place: _best(figures, place) for place in known}
    for method, row in figures.items():
        cells = [_cell(row[place], place, best[place]) for place in known]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def compared(rows: Rows, name: str, learned: Sequence[str]) -> dict[str, tuple[str, Figure]]:
    """A learned method's error relative to that of the best other method, for each of COMPARED.

    Returns:
        By place the name of the other method and the ratio. "frame and object" is their mean, on
        scenes where both are known.
    """
    both = {
        method: [[_with_both(row) for row in seeds] for seeds in scenes]
        for method, scenes in rows.items()
    }
    found = {}
    for place in COMPARED:
        other = best_baseline(both, tuple(learned), place)
        ours, theirs = (by_scene(both[method])[place] for method in (name, other))
        found[place] = other, ratio(ours, theirs)
    return found


def comparison_table(tables: Mapping[str, Rows], learned: Sequence[str]) -> str:
    """How much lower than that of the best other method each learned method's error is, and at the
    tracks, how much is left of the error without control."""
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


def _lower(other: str, part: Figure) -> str:
    if not part.clips:
        return "–"
    name = other.split(" (")[0]
    return f"{100 * (1 - part.mean):+.0f} ± {100 * part.error:.0f} % ({name})"


def _plain_tables(tables: Mapping[str, Rows]) -> dict[str, Any]:
    return {
        count: {
            method: {place: _plain(one) for place, one in places.items()}
            for method, places in means(rows).items()
        }
        for count, rows in tables.items()
    }


def _plain(one: Figure) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(one).items()
    }


def _best(figures: Figures, place: str) -> float:
    means = [
        row[place].mean
        for name, row in figures.items()
        if name not in (FLOOR, CEILING) and row[place].clips
    ]
    return (max if place in MORE else min)(means, default=math.nan)


def _cell(one: Figure, place: str, best: float) -> str:
    if not one.clips:
        return "–"
    digits = 3 if place in ("ssim", "lpips", "visible", "found") else 2
    text = f"{one.mean:.{digits}f} ± {one.error:.{digits}f}"
    return f"**{text}**" if one.mean == best else text
