"""Depth of every frame of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ShapeError
from ..geometry import Size
from .depth_map import DepthMap


@dataclass(frozen=True, eq=False)
class DepthVideo:
    """One depth map per frame of a video, all on one canvas.

    Attributes:
        maps: T depth maps. Their scale must not jump from frame to frame: a depth model for videos,
            or one reading of a whole batch, keeps it.

    Raises:
        ShapeError: There is no map, or their canvases differ.
    """

    maps: tuple[DepthMap, ...]

    @staticmethod
    def of(maps: Sequence[DepthMap]) -> DepthVideo:
        """A depth video in which every frame has the lens of frame 0.

        A clip is taken through one lens; estimates of it differ from frame to frame.

        Raises:
            ShapeError: There is no map, or their canvases differ.
        """
        return DepthVideo(tuple(replace(depth, K=maps[0].K) for depth in maps))

    def __post_init__(self) -> None:
        if not self.maps:
            raise ShapeError("a depth video needs the depth of at least one frame; got none.")
        for frame, depth in enumerate(self.maps):
            if depth.size != self.size:
                raise ShapeError(
                    f"all frames of a depth video have one size; frame 0 is {self.size} and frame "
                    f"{frame} is {depth.size}."
                )

    @property
    def first(self) -> DepthMap:
        """The depth of frame 0."""
        return self.maps[0]

    @property
    def size(self) -> Size:
        """The canvas of every frame."""
        return self.maps[0].size
