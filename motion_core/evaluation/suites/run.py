"""A suite on any number of models: from folders of videos to a report."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import FormatError, MissingExtraError
from ...progress import Progress, silent
from ..journal import Journal, Row
from ..statistics import Figure, figure
from .case import SuiteCase, read_frames
from .fvd import VideoFeatures, frechet_distance
from .scores import Measure, Scene, Tools
from .suite import Suite
from .videos import Entry

logger = logging.getLogger(__name__)

SCORES = "scores"


@dataclass(frozen=True, eq=False)
class EntryScores:
    """What was measured of one model.

    Attributes:
        name: Of the model.
        rows: Figures by case and measure; NaN where a measure does not apply or finds nothing.
        missing: Cases without a video.
        problems: By case, why its video could not be measured.
        fvd: Fréchet video distance over all cases; NaN without I3D or with too few videos.
    """

    name: str
    rows: dict[str, dict[str, float]]
    missing: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    fvd: float = math.nan

    def summary(self, measure: str, cases: Sequence[str]) -> Figure:
        """Mean over cases, and its standard error."""
        return figure([self.rows[case].get(measure, math.nan) for case in cases])


@dataclass(frozen=True, eq=False)
class SuiteReport:
    """A suite's report.

    Attributes:
        suite: Its name.
        measures: The columns.
        cases: Names of all cases.
        entries: The models.
        about: Tracker, backbone, weights: what the figures depend on.
    """

    suite: str
    measures: tuple[Measure, ...]
    cases: tuple[str, ...]
    entries: tuple[EntryScores, ...]
    about: dict[str, Any]

    def common_cases(self) -> list[str]:
        """Cases that every model has; the leaderboard compares these alone."""
        return [case for case in self.cases if all(case in entry.rows for entry in self.entries)]


def run_suite(
    suite: Suite,
    cases: Sequence[SuiteCase],
    entries: Sequence[Entry],
    tools: Tools,
    journal: Journal,
    video_features: VideoFeatures | None = None,
    progress: Progress = silent,
) -> SuiteReport:
    """Measure all videos of all models.

    A video that cannot be measured is listed in `problems` and does not end the work. Rows of the
    journal are not measured again.

    Args:
        suite: What to measure.
        cases: Of its folder.
        entries: Videos by model.
        tools: Tracker, backbone and LPIPS.
        journal: Receives a row per video.
        video_features: I3D, or None where there are no weights.
        progress: Called per video.
    """
    total = sum(len(entry.videos) for entry in entries)
    done = 0
    scored = []
    for entry in entries:
        rows: dict[str, dict[str, float]] = {}
        problems: dict[str, str] = {}
        for case in cases:
            if case.name not in entry.videos:
                continue
            key = f"{entry.name}/{case.name}"
            if key not in journal.rows:
                try:
                    row = _scores(suite, case, entry.videos[case.name], tools)
                    journal.add(key, {SCORES: row})
                except FormatError as error:
                    problems[case.name] = str(error)
            if key in journal.rows:
                rows[case.name] = _row(journal.rows[key])
            done += 1
            progress(done, total)
        fvd = _fvd(suite, cases, entry, rows, video_features)
        scored.append(EntryScores(entry.name, rows, entry.missing, problems, fvd))
    about = {
        "tracker": tools.tracker_name,
        "backbone": tools.backbone.name,
        "lpips": tools.lpips is not None,
        "fvd": video_features is not None,
    }
    names = tuple(case.name for case in cases)
    return SuiteReport(suite.name, suite.measures, names, tuple(scored), about)


def _row(row: Row) -> dict[str, float]:
    return dict(row[SCORES])


def _scores(suite: Suite, case: SuiteCase, video: Path, tools: Tools) -> dict[str, float]:
    """Figures of one video. Raises FormatError where it cannot be read or does not fit its case."""
    scene = Scene(case, read_frames(video), tools)
    found: dict[str, float] = {}
    for measure in suite.measures:
        found[measure.name] = math.nan
        if not measure.applies(case):
            continue
        try:
            found[measure.name] = measure.score(scene)
        except FormatError:
            raise
        except (ValueError, MissingExtraError) as error:
            # No point can be followed, a package is missing: this figure alone is unknown.
            logger.warning("%s, %s: %s", case.name, measure.name, error)
    return found


def _fvd(
    suite: Suite,
    cases: Sequence[SuiteCase],
    entry: Entry,
    rows: dict[str, dict[str, float]],
    video_features: VideoFeatures | None,
) -> float:
    """FVD of a model's videos against the true ones."""
    if not suite.has_fvd or video_features is None:
        return math.nan
    pairs = [(case, entry.videos[case.name]) for case in cases if case.name in rows and case.truth]
    if len(pairs) < 2:
        return math.nan
    made = [video_features(read_frames(video)) for _, video in pairs]
    true = [video_features(read_frames(case.truth)) for case, _ in pairs if case.truth]
    return frechet_distance(made, true)
