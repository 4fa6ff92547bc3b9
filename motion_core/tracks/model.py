"""The central type: points followed through time on one canvas."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size
from .frame_rate import checked_rate


@dataclass(frozen=True, eq=False)
class Tracks:
    """N points with their positions in T frames of one canvas.

    T and N may be zero: a prompt without tracks is valid and means "no motion control".

    Attributes:
        xy: (T, N, 2) float32, columns (x, y) in pixels; the centre of the top-left pixel is (0.5,
            0.5). Points may leave the canvas.
        visible: (T, N) bool. Where False, xy is a finite placeholder that must not be read.
        ids: (N,) int64, all different. The id of a point survives selection and concatenation.
        size: The canvas that xy is measured on.
        fps: Frames per second, or None when unknown.

    Raises:
        TypeError, ShapeError, ValueError: A value does not have the dtype, shape or range above.
    """

    xy: Tensor
    visible: Tensor
    ids: Tensor
    size: Size = field()
    fps: float | None = None

    def __post_init__(self) -> None:
        _check_tensors(self.xy, self.visible, self.ids)
        _check_values(self.xy, self.ids)
        object.__setattr__(self, "size", checked_size(*self.size))
        checked_rate(self.fps, "Tracks.fps")

    @property
    def num_frames(self) -> int:
        """T, the number of frames."""
        return self.xy.shape[0]

    @property
    def num_points(self) -> int:
        """N, the number of tracks."""
        return self.xy.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        return self.xy.device

    def to(self, device: torch.device | str) -> Tracks:
        """The same tracks on another device."""
        return replace(
            self,
            xy=self.xy.to(device),
            visible=self.visible.to(device),
            ids=self.ids.to(device),
        )


def make_tracks(
    xy: Tensor,
    size: Size,
    *,
    visible: Tensor | None = None,
    ids: Tensor | None = None,
    fps: float | None = None,
) -> Tracks:
    """Tracks from positions of any float dtype.

    Args:
        xy: (T, N, 2) pixels of `size`.
        size: The canvas.
        visible: (T, N) bool; None makes all points visible.
        ids: (N,) whole numbers; None numbers the points 0..N-1.
        fps: Frames per second, or None when unknown.

    Raises:
        TypeError, ShapeError, ValueError: As for Tracks.
    """
    if xy.ndim != 3 or xy.shape[-1] != 2:
        raise ShapeError(f"xy must be (T, N, 2) pixels; got {tuple(xy.shape)}.")
    frames, points = xy.shape[:2]
    if visible is None:
        visible = torch.ones(frames, points, dtype=torch.bool, device=xy.device)
    if ids is None:
        ids = torch.arange(points, dtype=torch.int64, device=xy.device)
    return Tracks(xy.to(torch.float32), visible.to(torch.bool), ids.to(torch.int64), size, fps)


def empty_tracks(frames: int, size: Size, *, fps: float | None = None) -> Tracks:
    """Zero tracks through `frames` frames: "no motion control"."""
    return make_tracks(torch.zeros(frames, 0, 2), size, fps=fps)


def _check_tensors(xy: Tensor, visible: Tensor, ids: Tensor) -> None:
    wanted = (
        ("xy", xy, torch.float32),
        ("visible", visible, torch.bool),
        ("ids", ids, torch.int64),
    )
    for name, value, dtype in wanted:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tracks.{name} must be a torch tensor; got {type(value).__name__}.")
        if value.dtype != dtype:
            raise TypeError(f"Tracks.{name} must be {dtype}; got {value.dtype}.")
        if value.device != xy.device:
            raise ValueError(f"Tracks.{name} is on {value.device} but xy is on {xy.device}.")
    if visible.ndim != 2:
        raise ShapeError(f"Tracks.visible must be (T, N); got {tuple(visible.shape)}.")
    frames, points = visible.shape
    if xy.shape != (frames, points, 2):
        raise ShapeError(
            f"Tracks.xy must be (T, N, 2) = {(frames, points, 2)} to match visible; "
            f"got {tuple(xy.shape)}."
        )
    if ids.shape != (points,):
        raise ShapeError(f"Tracks.ids must be (N,) = {(points,)}; got {tuple(ids.shape)}.")


def _check_values(xy: Tensor, ids: Tensor) -> None:
    if not _is_finite(xy):
        frame, point = torch.nonzero(~torch.isfinite(xy).all(dim=-1))[0].tolist()
        raise ValueError(
            f"Tracks.xy must be finite, also where a point is invisible; frame {frame}, track "
            f"{point} is {xy[frame, point].tolist()}. Mark lost points invisible and give them "
            "any finite position."
        )
    is_rising = bool((ids[1:] > ids[:-1]).all())
    if not is_rising and ids.unique().numel() != ids.numel():
        raise ValueError("Tracks.ids must all be different; renumber them or use concat().")


def _is_finite(xy: Tensor) -> bool:
    """One pass for the usual case: a sum is finite unless a term is not, or it overflows."""
    return bool(torch.isfinite(xy.sum())) or bool(torch.isfinite(xy).all())
