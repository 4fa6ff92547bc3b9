"""Tracks relative to the picture: the start and the displacement of each point."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from ..tracks.model import Tracks
from ..tracks.select import select
from ..tracks.start import first_visible, thin_evenly, track_starts

MOST_POINTS = 4096
# No picture is that large, and no square of it overflows.
FARTHEST_PX = 1e6


@dataclass(frozen=True, eq=False)
class Motion:
    """Points of the picture and their displacements.

    Attributes:
        source: (N, 2) float32, the position of each point in the picture, pixels of `canvas`.
        shift: (T, N, 2) float32, the displacement from there; zero where a point is not visible.
        visible: (T, N) bool.
        late: (N,) bool, first visible after frame 0, so that `source` is estimated.
        track: (N,) which track each point is.
        canvas: width and height in pixels.
    """

    source: FloatArray
    shift: FloatArray
    visible: BoolArray
    late: BoolArray
    track: IndexArray
    canvas: Size


def motion_of(tracks: Tracks) -> Motion:
    """The motion that tracks define for a picture.

    A point that is first visible after frame 0 is taken to have rested until then: its place in
    the picture is its first visible position. Points never visible are dropped; of more than
    MOST_POINTS points an even choice is kept (a preview cannot show more).
    """
    clipped = replace(tracks, xy=tracks.xy.clamp(-FARTHEST_PX, FARTHEST_PX)).to("cpu")
    appears = torch.nonzero(first_visible(clipped.visible)[1])[:, 0]
    starts = track_starts(select(clipped, appears)).xy
    kept = appears[thin_evenly(starts, max(tracks.size), MOST_POINTS)]
    tracks = select(clipped, kept)
    start, visible = track_starts(tracks), tracks.visible.numpy()
    source = start.xy.numpy()
    shift = np.where(visible[..., None], tracks.xy.numpy() - source, np.float32(0))
    late = start.frame.numpy() > 0
    return Motion(source, shift, visible, late, kept.numpy(), tracks.size)
