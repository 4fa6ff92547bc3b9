"""Pictures with trajectories that people have drawn on them, read from a local folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import FormatError
from ...geometry import Size
from ...image_files import read_image
from ...images import image_size, resize_images
from ...regular_files import decode_text
from ...tracks.model import Tracks, make_tracks
from ...tracks.time import resample
from .image_figures import image_figures
from .lpips import Lpips
from .methods import Method
from .motion_figures import STILL_PX, folds
from .natural_drag import FRAMES
from .photographs import LONG_SIDE, PICTURE, reduced

SETS, DRAWN = "cases", "tracks.json"
# In the order of the tables.
FIGURES = ("specks", "broken", "folds", "moved", "handle", "still")
MOST_BYTES, MOST_TRAJECTORIES = 1 << 23, 4096


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """A picture and what people have drawn on it.

    Attributes:
        name: SET/NAME.
        image: (H, W, 3) float32 0..1, at most LONG_SIDE a side.
        tracks: FRAMES frames, one track per trajectory.
    """

    name: str
    image: Tensor
    tracks: Tracks


def case_names(folder: Path) -> list[str]:
    """SET/NAME of every picture of a folder with drawn trajectories, in order; maybe none."""
    drawn = sorted((folder / SETS).glob(f"*/*/{DRAWN}"))
    return [f"{path.parent.parent.name}/{path.parent.name}" for path in drawn]


def read_case(folder: Path, name: str) -> DrawnCase:
    """A picture with its trajectories: polylines, moved boxes' centres, or handles and targets.

    Polylines are even in time; handles move to their targets on a straight line.

    Raises:
        FormatError: a file is missing or broken, or holds no trajectory.
    """
    place = folder / SETS / name
    image = read_image(place / PICTURE)
    size = reduced(image_size(image), LONG_SIDE)
    tracks = [_track(line, size, place) for line in _polylines(place / DRAWN)]
    xy = torch.cat([track.xy for track in tracks], dim=1)
    visible = torch.cat([track.visible for track in tracks], dim=1)
    picture = resize_images(image, size).clamp(0, 1)
    return DrawnCase(name, picture, make_tracks(xy, size, visible=visible))


def case_figures(method: Method, case: DrawnCase, lpips: Lpips | None) -> dict[str, float]:
    """The figures of one method at the last frame; there is no outline, so they are of the frame.

    Returns:
        specks and broken as image_figures has them, broken over the whole frame; folds: fraction
        of the picture that is turned over; moved: fraction of it that moves by more than STILL_PX;
        handle: mean distance in pixels of the drawn points from their ends, in the picture; still:
        LPIPS to the picture when all points rest, NaN without lpips.
    """
    drawing = method(case.image, case.tracks)
    moved = drawing.displacement()
    everywhere = np.ones(moved.shape[:2], bool)
    frame = drawing.frame(FRAMES - 1)
    figures = image_figures(frame, case.image.numpy(), moved, everywhere)
    figures["folds"] = folds(moved, everywhere)
    figures["moved"] = float((np.linalg.norm(moved, axis=-1) > STILL_PX).mean())
    figures["handle"] = _handle_error(moved, case.tracks)
    figures["still"] = float("nan")
    if lpips is not None:
        resting = make_tracks(case.tracks.xy[:1].repeat(2, 1, 1), case.tracks.size)
        still = torch.from_numpy(method(case.image, resting).frame(1))
        figures["still"] = float(lpips(still[None], case.image[None]))
    return figures


def _handle_error(moved: np.ndarray, tracks: Tracks) -> float:
    """Mean over the tracks that start and end visibly in the picture; NaN if none does."""
    start, end = tracks.xy[0].numpy(), tracks.xy[-1].numpy()
    column, row = np.floor(start).astype(int).T
    inside = (column >= 0) & (column < moved.shape[1]) & (row >= 0) & (row < moved.shape[0])
    inside &= (tracks.visible[0] & tracks.visible[-1]).numpy()
    if not inside.any():
        return float("nan")
    reached = moved[row[inside], column[inside]]
    return float(np.linalg.norm(reached - (end - start)[inside], axis=-1).mean())


def _polylines(path: Path) -> list[Any]:
    """The trajectories of a file, each a list of places as fractions."""
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path} is larger than {MOST_BYTES} bytes.")
    try:
        drawn = json.loads(decode_text(path.read_bytes(), "replace"))
        if "handles" in drawn:
            lines = [list(pair) for pair in zip(drawn["handles"], drawn["targets"], strict=True)]
        else:
            lines = drawn.get("trajectories") or drawn.get("centres") or []
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError(f"{path} does not hold drawn trajectories: {error}") from error
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_TRAJECTORIES:
        raise FormatError(
            f"{path} must hold 1 to {MOST_TRAJECTORIES} trajectories, centres, or handles and "
            "targets."
        )
    return lines


def _track(line: Any, size: Size, place: Path) -> Tracks:
    """A polyline of fractions as a track of FRAMES frames, invisible where it has no place."""
    try:
        known = torch.tensor([point is not None for point in line])[:, None]
        places = torch.tensor([point or (0.0, 0.0) for point in line]).reshape(-1, 1, 2)
    except (ValueError, TypeError, RuntimeError) as error:
        raise FormatError(f"{place / DRAWN} must hold lists of x, y: {error}") from error
    if not len(places) or not bool(torch.isfinite(places).all()):
        raise FormatError(f"{place / DRAWN} holds an empty or infinite trajectory.")
    drawn = make_tracks(places * torch.tensor(size), size, visible=known)
    return resample(drawn, FRAMES)
