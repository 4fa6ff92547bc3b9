"""The log of a run as a picture: how the loss falls, and how the errors do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import atomic_write
from ..errors import FormatError, MissingExtraError
from .lite.probes import LEVELS


@dataclass(frozen=True)
class Panel:
    """Which of a probe's errors are shown, by number of tracks or by level of noise."""

    title: str
    names: tuple[str, ...]
    above: str
    below: str
    legend: str


PANELS = (
    Panel(
        "error over the frame / no motion",
        ("1", "4", "16", "64", "256", "drag"),
        "all",
        "none",
        "tracks",
    ),
    Panel(
        "error with its picture / with another", tuple(map(str, LEVELS)), "own", "other", "noise"
    ),
)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log. Raises FormatError with the line that is none, OSError."""
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError as error:
            raise FormatError(f"{path} line {number} is no JSON: {error}.") from error
    return lines


def plot_log(log: Path, target: Path) -> None:
    """Draw a log: the loss, and the probe's errors over the frame relative to no motion (of a
    base: relative to those with another scene's picture).

    The two side by side show whether the loss tells how well tracks are followed. A log without
    lines draws nothing. Raises MissingExtraError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "curves need matplotlib: pip install motion-prompting[train]."
        ) from error
    lines = read_log(log) if log.exists() else []
    losses = [line for line in lines if "loss" in line]
    probes = [line for line in lines if "probe" in line]
    if not losses:
        return
    figure = Figure(figsize=(9, 3.6))
    left, right = figure.subplots(1, 2)
    left.plot([line["step"] for line in losses], [line["loss"] for line in losses], lw=1)
    left.set(
        title="loss",
        xlabel="step",
        yscale="log" if min(one["loss"] for one in losses) > 0 else "linear",
    )
    for panel in PANELS:
        _ratios(right, panel, [line for line in probes if panel.above in _kinds(line)])
    figure.tight_layout()
    with atomic_write(target) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _kinds(line: dict[str, Any]) -> set[str]:
    return {name.partition("/")[2] for name in line["probe"]}


def _ratios(axes: Any, panel: Panel, probes: list[dict[str, Any]]) -> None:
    if not probes:
        return
    for name in panel.names:
        values = [
            line["probe"][f"{name}/{panel.above}"] / line["probe"][f"{name}/{panel.below}"]
            for line in probes
        ]
        axes.plot([line["step"] for line in probes], values, marker=".", lw=1, label=name)
    axes.set(title=panel.title, xlabel="step", ylim=(0, None))
    axes.legend(title=panel.legend, fontsize=7)
