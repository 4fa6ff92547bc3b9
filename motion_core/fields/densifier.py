"""The protocol of densifiers: dense motion from a picture and tracks."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..progress import Progress, silent
from ..tracks.model import Tracks
from .motion_field import MotionField


class Densifier(Protocol):
    """Sparse tracks on a picture in, dense motion of the picture out.

    Args:
        image: (H, W, 3) float 0..1, frame 0.
        tracks: T frames of N points on the same canvas; N may be 0, which gives a field at rest.
        progress: called as work proceeds; it may raise to stop the work.

    Returns:
        A field of T frames on the picture's canvas, at a resolution that the densifier chooses.

    Raises:
        TypeError, ShapeError, ValueError: the image is no picture.
        CanvasError: the tracks were measured on another canvas.
    """

    def __call__(
        self, image: Tensor, tracks: Tracks, progress: Progress = silent
    ) -> MotionField: ...
