"""What an evaluation found, for machines and for people."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from .protocol import Figure, Table

PLACES = ("frame", "object", "boundary", "background", "tracks")


def as_values(table: Table, told: dict[str, Any]) -> dict[str, Any]:
    """A report for json.dumps: what was asked (told) and every figure; NaN becomes null."""
    figures = {
        count: {
            method: {place: _plain(one) for place, one in places.items()}
            for method, places in methods.items()
        }
        for count, methods in table.items()
    }
    return {"asked": told, "unit": "pixels of a 256-pixel picture", "errors": figures}


def as_markdown(table: Table) -> str:
    """One table per question, the least mean of each column in bold."""
    parts = []
    for count, methods in table.items():
        title = "one drag and pins" if not count.isdigit() else f"N = {count}"
        parts.append(f"### {title}\n")
        parts.append("| method | " + " | ".join(PLACES) + " |")
        parts.append("|---|" + "---:|" * len(PLACES))
        least = {place: _least([places[place] for places in methods.values()]) for place in PLACES}
        for method, places in methods.items():
            cells = [_cell(places[place], least[place]) for place in PLACES]
            parts.append(f"| {method} | " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts)


def _plain(one: Figure) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(one).items()
    }


def _least(figures: list[Figure]) -> float:
    return min((one.mean for one in figures if one.clips), default=math.nan)


def _cell(one: Figure, least: float) -> str:
    if not one.clips:
        return "–"
    text = f"{one.mean:.2f} ± {one.error:.2f}"
    return f"**{text}**" if one.mean == least else text
