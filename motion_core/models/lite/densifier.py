"""Lite's control encoder as a densifier: dense motion in one step."""

from __future__ import annotations

from torch import Tensor

from ...fields.motion_field import MotionField
from ...progress import Progress, silent
from ...tracks.model import Tracks
from .lite import Lite
from .load import load_lite


class LiteDensifier:
    """A Densifier: the field of a model's control encoder."""

    def __init__(self, lite: Lite) -> None:
        self.lite = lite

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier and Lite.field."""
        return self.lite.field(image, tracks, progress=progress)


def make_lite_densifier() -> LiteDensifier:
    """A densifier with the weights that the pack ships. Raises what load_lite raises."""
    return LiteDensifier(load_lite())
