"""A contact sheet of an evaluation: the last frames of its methods side by side."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..layered_scenes.rendering import render_frames
from ..layered_scenes.scenes import Split
from ..overlay import OverlayStyle, draw_tracks
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .cases import case_of, scene_at
from .run import Evaluation, shown_methods
from .video_errors import last_frame_of

SCENES = 4
TILE, GAP, BAND = 192, 4, 18
INK, PAPER = 32, 255


def evaluation_sheet(evaluation: Evaluation, progress: Progress = silent) -> Tensor:
    """The last frame of SCENES test scenes as each method makes it: (H, W, 3) uint8.

    One row per scene and number of tracks: the picture with its tracks, the truth, no control, the
    best classical method, the draft, lite.
    """
    settings = evaluation.settings
    jobs = [
        (count, index) for count in evaluation.dense for index in range(min(SCENES, settings.clips))
    ]
    bands = []
    for done, (count, index) in enumerate(jobs, start=1):
        shown = shown_methods(
            evaluation.methods[count], evaluation.dense[count], evaluation.learned
        )
        scene = scene_at(settings.world, Split.TEST, index, keep_textures=True)
        case = case_of(scene, index, count, settings.seeds[0])
        tiles = {
            f"tracks: {count}": _with_tracks(case.image, case.tracks),
            "truth": torch.from_numpy(render_frames(scene)[-1]).float() / 255,
        }
        for name, densifier in shown.items():
            tiles[name] = last_frame_of(name, densifier, case.image, case.tracks)
        bands.append(_band(tiles))
        progress(done, len(jobs))
    widest = max(band.shape[1] for band in bands)
    filled = [
        np.pad(band, ((0, GAP), (0, widest - band.shape[1]), (0, 0)), constant_values=PAPER)
        for band in bands
    ]
    return torch.from_numpy(np.concatenate(filled))


def _band(tiles: dict[str, Tensor]) -> np.ndarray:
    """Tiles side by side with their names above them, uint8."""
    import cv2

    columns = []
    for name, tile in tiles.items():
        pixels = (tile.clamp(0, 1) * 255).round().byte().cpu().numpy()
        small = cv2.resize(pixels, (TILE, TILE), interpolation=cv2.INTER_AREA)
        label = np.full((BAND, TILE, 3), PAPER, np.uint8)
        cv2.putText(
            label,
            name.split(" (")[0],
            (2, BAND - 5),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.4,
            (INK,) * 3,
            1,
            cv2.LINE_AA,
        )
        columns += [np.concatenate([label, small]), np.full((BAND + TILE, GAP, 3), PAPER, np.uint8)]
    return np.concatenate(columns[:-1], axis=1)


def _with_tracks(image: Tensor, tracks: Tracks) -> Tensor:
    """The picture with its tracks drawn over it."""
    return draw_tracks(image, tracks, OverlayStyle(tail_frames=64))[-1]
