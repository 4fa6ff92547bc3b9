"""One drag on every photograph: the figures of every method."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...fields.arrays import FloatArray
from ...tracks.model import Tracks, make_tracks
from .image_figures import image_figures
from .lpips import Lpips
from .methods import Drawing, Method
from .motion_figures import STILL_PX, interior, motion_figures
from .natural_drag import FRAMES, NaturalDrag, natural_drag
from .photographs import Photograph, read_photograph

# In the order of the tables.
FIGURES = (
    "torn",
    "torn per 1000",
    "goes",
    "bending",
    "background",
    "folds",
    "specks",
    "broken",
    "handle",
    "pins",
    "still",
)


def photograph_row(
    folder: Path, name: str, lpips: Lpips | None
) -> Callable[[Method], dict[str, float]]:
    """A function that gives the figures of a method on a photograph, which is read once."""
    photograph = read_photograph(folder, name)
    drag = natural_drag(photograph.thing, name)
    return lambda method: drag_figures(method, photograph, drag, lpips)


def drag_figures(
    method: Method, photograph: Photograph, drag: NaturalDrag, lpips: Lpips | None
) -> dict[str, float]:
    """The figures of one method.

    Args:
        method: that moves the picture.
        photograph: with the outline of the thing.
        drag: of the thing.
        lpips: measures the picture that does not move, or None.

    Returns:
        Those of motion_figures and image_figures at the last frame; handle: mean distance of the
        dragged points from where they are dragged to, pixels; pins: fraction of the pins that move
        by more than STILL_PX, NaN without pins; still: LPIPS between the picture and a frame in
        which every point rests, NaN without lpips.
    """
    drawing = method(photograph.image, drag.tracks)
    picture = photograph.image.numpy()
    moved = drawing.displacement()
    thing = photograph.thing
    figures = motion_figures(moved, thing, photograph.others, drag.displacement)
    figures |= image_figures(last_frame(drawing), picture, moved, interior(thing))
    group, pins = np.split(_at_starts(moved, drag.tracks), [len(drag.tracks.ids) - _pins(drag)])
    figures["handle"] = float(np.linalg.norm(group - drag.displacement, axis=-1).mean())
    far = np.linalg.norm(pins, axis=-1) > STILL_PX
    figures["pins"] = float(far.mean()) if len(pins) else math.nan
    figures["still"] = math.nan if lpips is None else _still(method, photograph, drag, lpips)
    return figures


def last_frame(drawing: Drawing) -> FloatArray:
    """(H, W, 3) the frame at the end of the drag."""
    return drawing.frame(FRAMES - 1)


def _still(method: Method, photograph: Photograph, drag: NaturalDrag, lpips: Lpips) -> float:
    resting = make_tracks(drag.tracks.xy[:1].repeat(2, 1, 1), drag.tracks.size)
    frame = torch.from_numpy(method(photograph.image, resting).frame(1))
    return float(lpips(frame[None], photograph.image[None]))


def _pins(drag: NaturalDrag) -> int:
    return int((drag.tracks.xy[-1] == drag.tracks.xy[0]).all(dim=-1).sum())


def _at_starts(moved: FloatArray, tracks: Tracks) -> FloatArray:
    """(N, 2) the displacements of the pixels that tracks start in."""
    column, row = tracks.xy[0].floor().long().numpy().T
    return moved[row, column]
