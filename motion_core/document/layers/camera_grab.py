"""Camera grab: a scene point that follows the pointer while the camera moves.

The motion of the camera needs depth, so `motion_core.camera.follow` makes a camera path of this
layer; expansion makes no tracks of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...geometry import Size
from ...tracks.model import Tracks, empty_tracks
from ..dots.limits import layer_label
from ..fields import Fields
from ..layer import ExpansionContext, Layer
from ..path import Path
from ..sample import ControlPath, sample_path
from .field_groups import path_fields, read_path


@dataclass(frozen=True)
class CameraGrabLayer(Layer):
    """A scene point grabbed by the pointer; needs depth to become a camera path."""

    kind = "camera_grab"

    path: Path = Path(())

    @classmethod
    def read(cls, fields: Fields, common: Mapping[str, Any]) -> CameraGrabLayer:
        """The layer of a JSON object."""
        return cls(**common, path=read_path(fields))

    def own_fields(self) -> dict[str, Any]:
        """The path."""
        return path_fields(self.path)

    @property
    def version(self) -> int:
        """That of the path."""
        return self.path.version

    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> ControlPath:
        """The pointer at every frame."""
        return sample_path(self.path, frames=frames, size=size, drawn_on=drawn_on)

    def expand(self, context: ExpansionContext) -> Tracks:
        """No tracks: `expansion_note` says where the layer acts instead."""
        return empty_tracks(context.frames, context.size, fps=context.fps)

    def expansion_note(self) -> str:
        """Where the layer acts."""
        return (
            f"{layer_label(self)} moves the camera and makes no tracks: connect the drawing to "
            'Camera Path with the motion "follow".'
        )
