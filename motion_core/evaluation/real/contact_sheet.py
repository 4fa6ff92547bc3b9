"""Contact sheets of photographs: every tenth, with the last frame of every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...fields.arrays import FloatArray
from ...overlay import OverlayStyle, draw_tracks
from ...progress import Progress, silent
from .drag_study import last_frame
from .methods import Method
from .motion_figures import interior
from .natural_drag import natural_drag
from .photographs import read_photograph
from .run import RealSettings

# Every so many photographs are shown. Tiles have this width, pixels.
EVERY, TILE, GAP, BAND = 10, 256, 4, 18
INK, PAPER = 32, 255


def real_sheet(settings: RealSettings, progress: Progress = silent) -> Tensor:
    """(H, W, 3) uint8: a row per EVERY-th photograph; the drag over it, then the methods.

    Args:
        settings: of the evaluation.
        progress: called per row.
    """
    methods = {name: Method(name) for name in settings.methods}
    names = settings.photographs()[::EVERY]
    bands = []
    for done, name in enumerate(names, start=1):
        bands.append(_band(settings.folder, name, methods))
        progress(done, len(names))
    filled = [np.pad(band, ((0, GAP), (0, 0), (0, 0)), constant_values=PAPER) for band in bands]
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


def _tile(name: str, picture: FloatArray) -> np.ndarray:
    import cv2

    height = round(TILE * picture.shape[0] / picture.shape[1])
    pixels = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    small = cv2.resize(pixels, (TILE, height), interpolation=cv2.INTER_AREA)
    label = np.full((BAND, TILE, 3), PAPER, np.uint8)
    face = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(label, name, (2, BAND - 5), face, 0.4, (INK,) * 3, 1, cv2.LINE_AA)
    return np.pad(np.concatenate([label, small]), ((0, 0), (0, GAP), (0, 0)), constant_values=PAPER)
