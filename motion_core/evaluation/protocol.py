"""The protocol: errors of dense motion from few tracks, with the same cases for every method.

Cases come from procedural scenes with exact motion, of seeds that training never uses. The
settings of every classical method are chosen on the validation scenes, for each number of tracks,
before the test scenes are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..fields.densifier import Densifier
from ..fields.motion_field import MotionField
from ..layered_scenes.rendering import render_frames
from ..layered_scenes.scenes import Split
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .cases import Case, World, case_of, scene_at
from .field_errors import dense_errors, track_error, visible_accuracy
from .journal import Journal, Row
from .methods import FAMILIES
from .oracle import oracle_segments
from .perceptual import Perceptual
from .statistics import Figure, figure
from .video_errors import video_errors, video_of

# Rows of a table: of each method, of each scene, one per seed.
Rows = dict[str, list[list[dict[str, float]]]]
# Figures by method and place.
Figures = dict[str, dict[str, Figure]]
# The names of the true video, and of lite's fit with the true segments, among the methods. They do
# not compete.
FLOOR, CEILING = "ground truth", "oracle segments"


@dataclass(frozen=True, eq=False)
class Study:
    """Which cases are measured, and where the rows go.

    Attributes:
        world: the generator of the scenes.
        seeds: each draws other tracks on the same scenes.
        journal: keeps the rows.
        total: rows that the whole study will have, for progress.
        progress: called per row.
    """

    world: World = World.OURS
    seeds: Sequence[int] = (0,)
    journal: Journal = field(default_factory=lambda: Journal(None, {}))
    total: int = 0
    progress: Progress = silent

    def name(self, part: str, count: str, seed: int, index: int) -> str:
        """The journal's name of a case in a part of the study."""
        return f"{self.world.value}/{part}/{count}/{seed}/{index}"

    def keep(self, name: str, row: Row) -> None:
        """Adds a row to the journal and reports progress."""
        self.journal.add(name, row)
        self.progress(len(self.journal.rows), max(self.total, len(self.journal.rows)))


def tuned(study: Study, clips: int, count: str) -> dict[str, Densifier]:
    """The classical methods, each with the setting of least error on validation scenes.

    Args:
        study: of which the first seed places the tracks.
        clips: number of validation scenes.
        count: of COUNTS, the number of tracks.

    Returns:
        Densifiers by "family (setting)". The error is that over the frame.
    """
    seed = study.seeds[0]
    open_families = {name: family for name, family in FAMILIES.items() if len(family) > 1}
    names = [study.name("tuning", count, seed, index) for index in range(clips)]
    for index, name in enumerate(names):
        if name in study.journal.rows:
            continue
        case = case_of(scene_at(study.world, Split.VALIDATION, index), index, count, seed)
        row = {
            family: {key: _frame_error(case, densifier) for key, densifier in settings.items()}
            for family, settings in open_families.items()
        }
        study.keep(name, row)
    chosen = {}
    for family, settings in FAMILIES.items():
        best = next(iter(settings))
        if family in open_families:
            rows = [study.journal.rows[name][family] for name in names]
            best = min(settings, key=lambda key: figure([row[key] for row in rows]).mean)
        chosen[f"{family} ({best})" if best else family] = settings[best]
    return chosen


def measure(study: Study, methods: Mapping[str, Densifier], clips: int, count: str) -> Rows:
    """Errors of methods on the test scenes.

    Args:
        study: which cases are measured.
        methods: densifiers by name.
        clips: number of test scenes.
        count: of COUNTS, the number of tracks.

    Returns:
        Rows with the places "frame", "object", "boundary", "background" and "tracks" in pixels of
        the 256-pixel picture, and "visible" as a fraction.
    """
    return _measured(study, "test", clips, count, lambda case, _: _dense_row(case, methods))


def measure_videos(
    study: Study, methods: Mapping[str, Densifier], clips: int, count: str, perceptual: Perceptual
) -> Rows:
    """Errors of the videos that methods make of the first test scenes, and of the true video.

    Args:
        study: which cases are measured.
        methods: densifiers by name.
        clips: number of test scenes.
        count: of COUNTS, the number of tracks.
        perceptual: measures LPIPS.

    Returns:
        Rows with the measures of video_errors; those of the true video under FLOOR.
    """

    def row(case: Case, index: int) -> Row:
        textured = scene_at(study.world, Split.TEST, index, keep_textures=True)
        truth = torch.from_numpy(render_frames(textured)).float() / 255.0
        return video_rows(case.image, case.tracks, truth, methods, perceptual)

    return _measured(study, "videos", clips, count, row)


def video_rows(
    image: Tensor,
    tracks: Tracks,
    truth: Tensor,
    methods: Mapping[str, Densifier],
    perceptual: Perceptual,
) -> Row:
    """Errors of every method's video, and of the true one.

    Args:
        image: (H, W, 3) 0..1, the input of the methods.
        tracks: on it.
        truth: (T, H, W, 3) 0..1.
        methods: by name.
        perceptual: measures LPIPS.
    """
    errors = {FLOOR: video_errors(truth, truth, tracks, perceptual)}
    for name, densifier in methods.items():
        video = video_of(name, densifier, image, tracks)
        errors[name] = video_errors(video, truth, tracks, perceptual)
    return errors


def means(rows: Rows) -> Figures:
    """Per method and place. A scene's error is its mean over the seeds; the standard error is that
    of the mean over scenes."""
    return {
        name: {place: figure(values) for place, values in by_scene(scenes).items()}
        for name, scenes in rows.items()
    }


def by_scene(scenes: list[list[dict[str, float]]]) -> dict[str, list[float]]:
    """One method's errors: by place, a mean over the seeds for every scene."""
    places = scenes[0][0] if scenes else {}
    return {
        place: [figure([row[place] for row in seeds]).mean for seeds in scenes] for place in places
    }


def _measured(
    study: Study, part: str, clips: int, count: str, measure_case: Callable[[Case, int], Row]
) -> Rows:
    """Rows of a part of the study for all scenes and seeds, from the journal where it has them."""
    rows: Rows = {}
    for index in range(clips):
        for seed in study.seeds:
            name = study.name(part, count, seed, index)
            if name not in study.journal.rows:
                case = case_of(scene_at(study.world, Split.TEST, index), index, count, seed)
                study.keep(name, measure_case(case, index))
            for method, row in study.journal.rows[name].items():
                scenes = rows.setdefault(method, [])
                if len(scenes) == index:
                    scenes.append([])
                scenes[index].append(row)
    return rows


def _dense_row(case: Case, methods: Mapping[str, Densifier]) -> Row:
    row: Row = {}
    for name, densifier in methods.items():
        row[name] = _field_row(densifier(case.image, case.tracks), case)
    row[CEILING] = _field_row(oracle_segments(case.tracks, case.truth), case)
    return row


def _field_row(field: MotionField, case: Case) -> dict[str, float]:
    row = dense_errors(field.displacement, case.truth, case.tracks)
    row["tracks"] = track_error(field.displacement, case.tracks)
    row["visible"] = visible_accuracy(field.visible, case.truth)
    return row


def _frame_error(case: Case, densifier: Densifier) -> float:
    moved = densifier(case.image, case.tracks).displacement
    return dense_errors(moved, case.truth, case.tracks)["frame"]
