"""Training curves: the loss of a run beside its validation errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_write import atomic_write
from ..errors import MissingExtraError
from .lite.probes import COUNTS, LEVELS
from .log import read_log
from .track_controlnet.probe import LEVELS as CONTROL_LEVELS


@dataclass(frozen=True)
class Panel:
    """A plot of ratios of probe errors, which stand in a log as `{name}/{key}`.

    Attributes:
        title: Of the plot.
        names: One curve each.
        numerator, denominator: Keys of the two errors.
        legend: Title of the legend.
    """

    title: str
    names: tuple[str, ...]
    numerator: str
    denominator: str
    legend: str


PANELS = (
    Panel(
        "endpoint error / that of no motion", (*map(str, COUNTS), "drag"), "all", "none", "tracks"
    ),
    Panel(
        "endpoint error with own image / with another",
        tuple(map(str, LEVELS)),
        "own",
        "other",
        "noise level",
    ),
)


CONTROL_PANEL = Panel(
    "loss with tracks / without, held-out clips",
    tuple(f"{level:g}" for level in CONTROL_LEVELS),
    "own",
    "none",
    "noise level",
)


def plot_log(log: Path, target: Path, panels: tuple[Panel, ...] = PANELS) -> None:
    """Draw the loss of a log, and beside it the ratios of probe errors.

    For stages with tracks the error over the frame is divided by that of no motion, for a base the
    error with its own image by that with another scene's. A log without both draws nothing.

    Args:
        log: A log.jsonl; one that does not exist counts as empty.
        target: The PNG to write.
        panels: The ratios; one is drawn for each whose numerator is in the log.

    Raises:
        MissingExtraError: matplotlib is not installed.
        FormatError: See `read_log`.
        OSError: The log cannot be read or the image cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "curves need matplotlib: pip install motion-prompting[train]."
        ) from error
    lines = read_log(log) if log.exists() else []
    steps = [line["step"] for line in lines if "loss" in line]
    losses = [line["loss"] for line in lines if "loss" in line]
    probes = [line for line in lines if "probe" in line]
    if not losses and not probes:
        return
    figure = Figure(figsize=(9, 3.6))
    left, right = figure.subplots(1, 2)
    left.plot(steps, losses, lw=1)
    left.set(title="loss", xlabel="step", yscale="log" if min(losses, default=0) > 0 else "linear")
    for panel in panels:
        _plot_ratios(right, panel, [line for line in probes if panel.numerator in _keys(line)])
    figure.tight_layout()
    with atomic_write(target) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _keys(line: dict[str, Any]) -> set[str]:
    return {name.partition("/")[2] for name in line["probe"]}


def _plot_ratios(axes: Any, panel: Panel, probes: list[dict[str, Any]]) -> None:
    if not probes:
        return
    steps = [line["step"] for line in probes]
    for name in panel.names:
        above, below = f"{name}/{panel.numerator}", f"{name}/{panel.denominator}"
        values = [line["probe"][above] / line["probe"][below] for line in probes]
        axes.plot(steps, values, marker=".", lw=1, label=name)
    axes.set(title=panel.title, xlabel="step", ylim=(0, None))
    axes.legend(title=panel.legend, fontsize=7)
