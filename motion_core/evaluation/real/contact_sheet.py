"""Contact sheets: every tenth photograph and clip, with the last frame of every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...fields.arrays import FloatArray
from ...overlay import OverlayStyle, draw_tracks
from ...progress import Progress, silent
from .clip_tracks import TrackedClip, given_tracks, tracked_clip
from .clips import read_real_clip
from .drag_study import last_frame
from .methods import Method
from .motion_figures import interior
from .natural_drag import natural_drag
from .photographs import read_photograph
from .run import SEED, RealSettings

# Every so many photographs and clips are shown. Tiles have this width, pixels.
EVERY, TILE, GAP, BAND = 10, 256, 4, 18
INK, PAPER = 32, 255


def real_sheet(settings: RealSettings, progress: Progress = silent) -> Tensor:
    """(H, W, 3) uint8: a row per EVERY-th photograph, the drag over it, then the methods; and a
    row per EVERY-th clip and number of tracks: the tracks, the clip's own last frame, the methods.

    Args:
        settings: of the evaluation.
        progress: called per row.
    """
    methods = {name: Method(name) for name in settings.methods}
    photographs, clips = settings.photographs()[::EVERY], settings.clips()[::EVERY]
    bands = []
    for done, name in enumerate([*photographs, *clips], start=1):
        if done <= len(photographs):
            bands.append(_band(settings.folder, name, methods))
        else:
            bands += _clip_bands(
                tracked_clip(read_real_clip(settings.folder, name)), settings.counts, methods
            )
        progress(done, len(photographs) + len(clips))
    wide = max(band.shape[1] for band in bands)
    filled = [
        np.pad(band, ((0, GAP), (0, wide - band.shape[1]), (0, 0)), constant_values=PAPER)
        for band in bands
    ]
    return torch.from_numpy(np.concatenate(filled))


def _band(folder: Path, name: str, methods: dict[str, Method]) -> np.ndarray:
    photograph = read_photograph(folder, name)
    tracks = natural_drag(photograph.thing, name).tracks
    drawn = draw_tracks(photograph.image, tracks, OverlayStyle(tail_frames=64))[-1].clone()
    rim = torch.from_numpy(photograph.thing & ~interior(photograph.thing))
    drawn[rim] = (drawn[rim] + drawn.new_tensor([1.0, 0.0, 0.0])) / 2
    tiles = {f"{photograph.label} {name}": drawn.numpy()}
    tiles |= {key: last_frame(method(photograph.image, tracks)) for key, method in methods.items()}
    return np.concatenate([_tile(*item) for item in tiles.items()], axis=1)


def _clip_bands(
    clip: TrackedClip, counts: tuple[str, ...], methods: dict[str, Method]
) -> list[np.ndarray]:
    """One row per number of tracks that the clip has."""
    bands = []
    for count in counts:
        given = given_tracks(clip, count, SEED)
        if given is None:
            continue
        drawn = draw_tracks(clip.video[0], given, OverlayStyle(tail_frames=64))[-1]
        tiles = {f"{clip.clip.name} N={count}": drawn.numpy(), "real": clip.video[-1].numpy()}
        last = given.num_frames - 1
        tiles |= {
            name: method(clip.video[0], given).frame(last) for name, method in methods.items()
        }
        bands.append(np.concatenate([_tile(*item) for item in tiles.items()], axis=1))
    return bands


def _tile(name: str, picture: FloatArray) -> np.ndarray:
    import cv2

    height = round(TILE * picture.shape[0] / picture.shape[1])
    pixels = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    small = cv2.resize(pixels, (TILE, height), interpolation=cv2.INTER_AREA)
    label = np.full((BAND, TILE, 3), PAPER, np.uint8)
    face = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(label, name, (2, BAND - 5), face, 0.4, (INK,) * 3, 1, cv2.LINE_AA)
    return np.pad(np.concatenate([label, small]), ((0, 0), (0, GAP), (0, 0)), constant_values=PAPER)
