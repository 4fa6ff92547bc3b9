"""A whole evaluation: from settings to rows of figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..fields.densifier import Densifier
from ..models.lite.weights import SHIPPED
from ..progress import Progress, silent
from ..tracks.arguments import whole_number
from .cases import COUNTS, DRAG, World
from .davis import davis_names, measure_davis
from .journal import Journal
from .methods import DRAFT, NO_CONTROL, lite_densifiers
from .perceptual import Perceptual
from .protocol import CEILING, Rows, Study, means, measure, measure_videos, tuned

MODELS = ("lite",)


@dataclass(frozen=True)
class Settings:
    """The settings of an evaluation.

    Attributes:
        model: of MODELS.
        weights: files of weights for lite, or none for the shipped file; several are compared.
        steps: of the sampler, also compared where weights hold a control branch; none for the
            default.
        world: the generator of the scenes.
        counts: numbers of tracks, of COUNTS.
        clips: how many test scenes are measured.
        seeds: of the tracks; the first also tunes the classical methods.
        rendered: how many of the test scenes are also measured as videos.
        tuning: how many validation scenes choose the settings of the classical methods.
        davis: a DAVIS folder, or None.

    Raises:
        ValueError: a value is out of range or unknown.
        FormatError: the folder is not DAVIS.
    """

    model: str = "lite"
    weights: tuple[Path, ...] = ()
    steps: tuple[int, ...] = ()
    world: World = World.OURS
    counts: tuple[str, ...] = COUNTS
    clips: int = 128
    seeds: tuple[int, ...] = (0,)
    rendered: int = 16
    tuning: int = 32
    davis: Path | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"evaluate knows {', '.join(MODELS)}; got {self.model!r}.")
        wild = [count for count in self.counts if count not in COUNTS]
        if wild or not self.counts:
            raise ValueError(f"tracks must be of {', '.join(COUNTS)}; got {wild or 'none'}.")
        for steps in self.steps:
            whole_number("steps", steps, least=1, most=1000)
        whole_number("clips", self.clips, least=1)
        whole_number("tuning", self.tuning, least=1)
        whole_number("rendered", self.rendered, least=0, most=self.clips)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be different numbers, at least one; got {self.seeds}.")
        if self.davis is not None:
            davis_names(self.davis)

    def named_weights(self) -> dict[str, Path | None]:
        """The weights by the names that they have in tables."""
        if len(self.weights) < 2:
            return {"lite": self.weights[0] if self.weights else None}
        names = [path.stem for path in self.weights]
        if len(set(names)) < len(names):
            raise ValueError(f"weights files to compare need different names; got {names}.")
        return {f"lite {name}": path for name, path in zip(names, self.weights, strict=True)}

    def fingerprint(self) -> dict[str, Any]:
        """The settings that must be the same for a journal to be resumed."""
        files = {name: _digest(path) for name, path in self.named_weights().items()}
        return {
            "weights": files,
            "steps": self.steps,
            "tuning": self.tuning,
            "tuned at": self.seeds[0],
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        settings: of the evaluation.
        dense, videos, davis: rows by count of tracks; see means().
        learned: names of the methods that are lite.
        notes: explanations for the reader of a report.
        methods: the densifiers by count of tracks and name.
    """

    settings: Settings
    dense: dict[str, Rows]
    videos: dict[str, Rows]
    davis: dict[str, Rows]
    learned: tuple[str, ...]
    notes: tuple[str, ...]
    methods: dict[str, dict[str, Densifier]] = field(default_factory=dict)


def evaluate(
    settings: Settings, journal: Journal | None = None, progress: Progress = silent
) -> Evaluation:
    """Measures everything that the settings name.

    Args:
        settings: of the evaluation.
        journal: rows that are known already, and where new ones are added; an exception raised by
            progress leaves it intact.
        progress: called per row.

    Raises:
        The errors of load_lite for weights, and of read_clip for pictures of DAVIS.
    """
    perceptual = Perceptual()
    learned = lite_densifiers(settings.named_weights(), settings.steps)
    counts = [count for count in COUNTS if count in settings.counts]
    journal = journal or Journal(None, settings.fingerprint())
    study = Study(settings.world, settings.seeds, journal, _total(settings, counts), progress)
    dense, videos, methods = {}, {}, {}
    for count in counts:
        methods[count] = {**tuned(study, settings.tuning, count), **learned}
        dense[count] = measure(study, methods[count], settings.clips, count)
        if settings.rendered:
            shown = shown_methods(methods[count], dense[count], tuple(learned))
            videos[count] = measure_videos(study, shown, settings.rendered, count, perceptual)
    davis = {}
    if settings.davis is not None:
        davis = measure_davis(study, settings.davis, methods, perceptual)
    notes = _notes(settings, perceptual)
    return Evaluation(settings, dense, videos, davis, tuple(learned), notes, methods)


def shown_methods(
    methods: Mapping[str, Densifier], rows: Rows, learned: tuple[str, ...]
) -> dict[str, Densifier]:
    """The methods whose videos are made.

    These are no control, the classical method with the least error over the frame, the draft, and
    lite.
    """
    best = best_baseline(rows, learned, "frame")
    names = [NO_CONTROL, best, DRAFT, *(name for name in learned if not name.endswith(" by ids"))]
    return {name: methods[name] for name in dict.fromkeys(names)}


def best_baseline(rows: Rows, learned: tuple[str, ...], place: str) -> str:
    """The method with the least mean error at a place that is neither learned nor an oracle."""
    apart = {*learned, CEILING}
    figures = means({name: rows[name] for name in rows if name not in apart})
    known = {name: places[place].mean for name, places in figures.items() if places[place].clips}
    return min(known, key=lambda name: known[name]) if known else NO_CONTROL


def _total(settings: Settings, counts: list[str]) -> int:
    seeds = len(settings.seeds)
    each = settings.tuning + seeds * (settings.clips + settings.rendered)
    clips = 0 if settings.davis is None else len(davis_names(settings.davis))
    return len(counts) * each + clips * seeds * len([count for count in counts if count != DRAG])


def _notes(settings: Settings, perceptual: Perceptual) -> tuple[str, ...]:
    notes = [
        "Errors are mean endpoint errors in pixels of a 256-pixel image over what is visible in "
        "frames 1..15, mean ± standard error over scenes; object: objects above the background "
        "that hold a track; boundary: cells beside another surface; visible: fraction of cells and "
        "frames whose visibility is right.",
        f"Settings of the classical methods, in brackets, are those with the least error over the "
        f"frame on {settings.tuning} validation scenes of the same world, chosen for each number "
        "of tracks.",
        f"{CEILING}: lite's own fit with the true segmentation: the effect of a perfect "
        "segmentation. It does not compete.",
    ]
    if settings.rendered:
        notes.append(
            f"Videos are made of the first {settings.rendered} scenes. followed: endpoint error "
            "of points that Lucas-Kanade, forwards and backwards, finds again in the video, "
            "against the target tracks; found: the fraction of them it finds."
        )
        if perceptual.missing:
            notes.append(f"LPIPS is not measured: {perceptual.missing}.")
    return tuple(notes)


def _digest(path: Path | None) -> str:
    return hashlib.sha256((path or SHIPPED).read_bytes()).hexdigest()[:16]
