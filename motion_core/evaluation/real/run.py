"""A whole evaluation on real pictures: from settings to figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.lite.weights import SHIPPED
from ...progress import Progress, silent
from ...tracks.arguments import whole_number
from ..journal import Journal
from .clip_study import clip_figures
from .clip_tracks import COUNTS, TrackedClip, given_tracks, tracked_clip
from .clip_tracks import LONG_SIDE as CLIP_SIDE
from .clips import clip_names, read_real_clip, scene_of
from .drag_study import photograph_row
from .drawn_cases import DrawnCase, case_figures, case_names, read_case
from .lpips import Lpips
from .methods import METHODS, Method
from .natural_drag import FRAMES
from .photographs import LONG_SIDE, photograph_names
from .vmaf import Vmaf

# Figures of one method by item.
ByItem = dict[str, dict[str, float]]
PHOTOGRAPHS, CASES, CLIPS = "photographs", "cases", "clips"
PARTS = (PHOTOGRAPHS, CASES, CLIPS)
# Of the choice of tracks.
SEED = 0


@dataclass(frozen=True)
class RealSettings:
    """The settings of an evaluation on real pictures.

    Attributes:
        folder: of the data.
        methods: of METHODS.
        every: every so many photographs, cases and clips are measured, from the first on.
        lpips: the file of LPIPS' weights (see lpips.py), or None.
        parts: of PARTS.
        counts: numbers of tracks on clips, of COUNTS.
        per_scene: the most clips of one scene, or None for all.
        vmaf: an ffmpeg with libvmaf (see vmaf.py), or None.

    Raises:
        ValueError: a value is out of range or unknown.
        FormatError: the folder holds no photographs, or no clips.
    """

    folder: Path
    methods: tuple[str, ...] = METHODS
    every: int = 1
    lpips: Path | None = None
    parts: tuple[str, ...] = PARTS
    counts: tuple[str, ...] = COUNTS
    per_scene: int | None = None
    vmaf: Path | None = None

    def __post_init__(self) -> None:
        for name, known in (("methods", METHODS), ("parts", PARTS), ("counts", COUNTS)):
            got = getattr(self, name)
            unknown = [value for value in got if value not in known]
            if unknown or not got:
                raise ValueError(f"{name} must be of {', '.join(known)}; got {unknown or 'none'}.")
        whole_number("every", self.every, least=1)
        if self.per_scene is not None:
            whole_number("per_scene", self.per_scene, least=1)
        self.photographs()
        self.clips()

    def photographs(self) -> list[str]:
        """Names of the photographs to measure."""
        if PHOTOGRAPHS not in self.parts:
            return []
        return photograph_names(self.folder)[:: self.every]

    def cases(self) -> list[str]:
        """Names of the drawn cases to measure."""
        return case_names(self.folder)[:: self.every] if CASES in self.parts else []

    def clips(self) -> list[str]:
        """Names of the clips to measure."""
        if CLIPS not in self.parts:
            return []
        scenes: dict[str, list[str]] = {}
        for name in clip_names(self.folder):
            scenes.setdefault(scene_of(name), []).append(name)
        kept = [name for names in scenes.values() for name in names[: self.per_scene]]
        return kept[:: self.every]

    def fingerprint(self) -> dict[str, Any]:
        """The settings that must be the same for a journal to be resumed.

        Methods and the choice of photographs may differ: rows are kept per method and photograph.
        """
        return {
            "weights": _digest(SHIPPED),
            "lpips": None if self.lpips is None else _digest(self.lpips),
            "vmaf": None if self.vmaf is None else _digest(self.vmaf),
            "long side": LONG_SIDE,
            "long side of clips": CLIP_SIDE,
            "frames": FRAMES,
            "seed": SEED,
        }


@dataclass(frozen=True, eq=False)
class RealEvaluation:
    """The results.

    Attributes:
        settings: of the evaluation.
        photographs: figures by method and photograph.
        cases: figures by method and drawn case.
        clips: figures by number of tracks, method and clip. A clip that cannot be measured with a
            number of tracks has none there.
    """

    settings: RealSettings
    photographs: dict[str, ByItem]
    cases: dict[str, ByItem]
    clips: dict[str, dict[str, ByItem]]


def evaluate_real(
    settings: RealSettings, journal: Journal | None = None, progress: Progress = silent
) -> RealEvaluation:
    """Measures everything that the settings name.

    Args:
        settings: of the evaluation.
        journal: rows that are known already, and where new ones are added; an exception raised by
            progress leaves it intact.
        progress: called per picture or clip, number of tracks and method.

    Raises:
        FormatError: a file of the data or LPIPS' weights cannot be read.
        The errors of load_lite.
    """
    return _RealStudy(settings, journal, progress).run()


class _RealStudy:
    """The state of an evaluation."""

    def __init__(self, settings: RealSettings, journal: Journal | None, progress: Progress) -> None:
        self.settings = settings
        self.journal = journal or Journal(None, settings.fingerprint())
        self.lpips = None if settings.lpips is None else Lpips(settings.lpips)
        self.vmaf = None if settings.vmaf is None else Vmaf(settings.vmaf)
        self.methods = {name: Method(name) for name in settings.methods}
        self.progress = progress
        pictures = len(settings.photographs()) + len(settings.cases())
        clips = len(settings.clips()) * len(settings.counts)
        self.done, self.total = 0, (pictures + clips) * len(self.methods)

    def run(self) -> RealEvaluation:
        """See evaluate_real."""
        settings = self.settings
        photographs = self._by_method(settings.photographs(), self._photograph)
        cases = self._by_method(settings.cases(), self._case)
        clips: dict[str, dict[str, ByItem]] = {
            count: {name: {} for name in self.methods} for count in settings.counts
        }
        for name in settings.clips():
            for count, rows in self._clip(name).items():
                for method, row in rows.items():
                    clips[count][method][name] = row
        return RealEvaluation(settings, photographs, cases, clips if settings.clips() else {})

    def _by_method(
        self, names: list[str], measure: Callable[[str], dict[str, dict[str, float]]]
    ) -> dict[str, ByItem]:
        found: dict[str, ByItem] = {name: {} for name in self.methods}
        for name in names:
            for method, row in measure(name).items():
                found[method][name] = row
        return found if names else {}

    def _case(self, name: str) -> dict[str, dict[str, float]]:
        case: DrawnCase | None = None
        rows = {}
        for method_name, method in self.methods.items():
            key = f"case/{name}/{method_name}"
            if key not in self.journal.rows:
                case = case or read_case(self.settings.folder, name)
                self.journal.add(key, {method_name: case_figures(method, case, self.lpips)})
            rows[method_name] = self.journal.rows[key][method_name]
            self._step()
        return rows

    def _photograph(self, name: str) -> dict[str, dict[str, float]]:
        measure: Callable[[Method], dict[str, float]] | None = None
        rows = {}
        for method_name, method in self.methods.items():
            key = f"photo/{name}/{method_name}"
            if key not in self.journal.rows:
                measure = measure or photograph_row(self.settings.folder, name, self.lpips)
                self.journal.add(key, {method_name: measure(method)})
            rows[method_name] = self.journal.rows[key][method_name]
            self._step()
        return rows

    def _clip(self, name: str) -> dict[str, dict[str, dict[str, float]]]:
        """Figures by number of tracks and method; the clip is tracked if any is not known yet."""
        clip: TrackedClip | None = None
        found: dict[str, dict[str, dict[str, float]]] = {}
        for count in self.settings.counts:
            for method_name, method in self.methods.items():
                key = f"clip/{name}/{count}/{method_name}"
                if key not in self.journal.rows:
                    clip = clip or tracked_clip(read_real_clip(self.settings.folder, name))
                    given = given_tracks(clip, count, SEED)
                    measures = self.lpips, self.vmaf
                    row = {} if given is None else clip_figures(method, clip, given, *measures)
                    self.journal.add(key, {method_name: row})
                row = self.journal.rows[key][method_name]
                if row:
                    found.setdefault(count, {})[method_name] = row
                self._step()
        return found

    def _step(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
