"""Launches reproject_zbuffer.cu: points followed under a camera path, and the picture warped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..progress import Progress, silent
from . import loader

FILE = "reproject_zbuffer.cu"
# Frames are worked on together until their z-buffers and planes of depth take this much: what a
# large GPU holds in its cache, and few launches.
SCRATCH_BYTES = 1 << 25
CELL_BYTES = 12
# A launch has no more rows of blocks.
MOST_FRAMES = 65535


@dataclass(frozen=True, eq=False)
class Views:
    """A picture's points and the cameras that look at them.

    points: (3, H * W) float32. valid: (H * W,) bool. lens: (3, 3) of the picture. matrices:
    (T, 3, 4), point to pixel times depth. own_view: (T,) bool, frames that see the picture itself,
    in which nothing is hidden. near: depth at or below which a point is behind the camera.
    radius, threshold: how gaps close and who hides whom, as Occlusion says.
    """

    points: Tensor
    valid: Tensor
    lens: Tensor
    matrices: Tensor
    own_view: Tensor
    near: float
    width: int
    height: int
    radius: int
    threshold: float

    @property
    def frames(self) -> int:
        """T."""
        return len(self.matrices)


def follow_all(views: Views, progress: Progress = silent) -> tuple[Tensor, Tensor] | None:
    """Pixels (T, H * W, 2) float32 of all points and which are visible (T, H * W).

    Points that are not ahead of the camera keep their last place. None where the kernel cannot
    run.
    """
    names = ["splat_points", "close_rows", "judge_points"]
    ready = _ready(views, names)
    if ready is None:
        return None
    views = _on_device(views)
    splat, close, judge = ready
    count = views.points.shape[1]
    xy = views.points.new_empty(views.frames, count, 2)
    visible = torch.empty(xy.shape[:2], dtype=torch.bool, device=xy.device)
    sizes = [views.width, views.height]
    for first, frames, buffer, plane in _chunks(views):
        _splat(splat, views, first, frames, buffer, xy)
        _close(close, views, frames, buffer, plane)
        seen = [views.points, views.valid, views.matrices, views.own_view, plane, count, first]
        rule = [views.near, views.radius, views.threshold, visible]
        judge((loader.over(count), frames, 1), (loader.BLOCK, 1, 1), [*seen, *sizes, *rule])
        progress(first + frames, views.frames)
    return xy, visible


@dataclass(frozen=True, eq=False)
class Picture:
    """What is warped.

    image: (H, W, 3) float32. quads: (H - 1, W - 1) bool, corners whose four pixels are one
    surface. back: (T, 3, 4), a frame's pixel times its depth to the picture's. hole_color: (3,).
    """

    image: Tensor
    quads: Tensor
    back: Tensor
    hole_color: Tensor


def warp_all(
    views: Views, picture: Picture, progress: Progress = silent
) -> tuple[Tensor, Tensor] | None:
    """The picture seen along the path: video (T, H, W, 3) float32 and holes (T, H, W) bool.

    None where the kernel cannot run.
    """
    ready = _ready(views, ["splat_points", "splat_quads", "close_rows", "look_back"])
    if ready is None:
        return None
    views = _on_device(views)
    splat, fill, close, preview = ready
    asked = (picture.image, picture.back, picture.hole_color)
    image, back, color = (_like(one, views.points) for one in asked)
    quads = picture.quads.to(image.device).contiguous()
    video = image.new_empty(views.frames, *image.shape)
    holes = torch.empty(video.shape[:3], dtype=torch.bool, device=image.device)
    cells, threads = views.width * views.height, (loader.BLOCK, 1, 1)
    sizes = [views.width, views.height]
    for first, frames, buffer, plane in _chunks(views):
        _splat(splat, views, first, frames, buffer, None)
        if quads.numel():
            args = [views.points, quads, views.matrices, first, *sizes, views.near, buffer]
            fill((loader.over(quads.numel()), frames, 1), threads, args)
        _close(close, views, frames, buffer, plane)
        args = [image, views.valid, back, views.own_view, buffer, plane, color, first, *sizes]
        args += [views.radius, views.threshold, video, holes]
        preview((loader.over(cells), frames, 1), threads, args)
        progress(first + frames, views.frames)
    return video, holes


def _ready(views: Views, names: list[str]) -> list[loader.Launch] | None:
    if max(views.points.shape[1], views.width * views.height, views.frames) > loader.MOST:
        return None
    return loader.launchers(FILE, names, views.points.device)


def _on_device(views: Views) -> Views:
    points = views.points.contiguous()
    return Views(
        points,
        views.valid.to(points.device).contiguous(),
        _like(views.lens, points),
        _like(views.matrices, points),
        views.own_view.to(points.device).contiguous(),
        float(views.near),
        views.width,
        views.height,
        views.radius,
        float(views.threshold),
    )


def _like(tensor: Tensor, other: Tensor) -> Tensor:
    return tensor.to(other).contiguous()


def _chunks(views: Views) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """First frame, number of frames, a cleared z-buffer and a plane of depths, used again."""
    cells = views.width * views.height
    step = min(max(SCRATCH_BYTES // (CELL_BYTES * cells), 1), views.frames, MOST_FRAMES)
    device = views.points.device
    buffer = torch.empty(step, cells, dtype=torch.int64, device=device)
    plane = torch.empty(step, cells, dtype=torch.float32, device=device)
    for first in range(0, views.frames, max(step, 1)):
        buffer.fill_(-1)
        yield first, min(step, views.frames - first), buffer, plane


def _splat(
    launch: loader.Launch, views: Views, first: int, frames: int, buffer: Tensor, xy: Tensor | None
) -> None:
    count = views.points.shape[1]
    seen = [views.points, views.valid, views.matrices, views.lens, count, first, frames]
    out = [views.width, views.height, views.near, int(xy is not None)]
    # Where no pixels are wanted any pointer does.
    out += [views.points if xy is None else xy, buffer]
    launch((loader.over(count), 1, 1), (loader.BLOCK, 1, 1), [*seen, *out])


def _close(launch: loader.Launch, views: Views, frames: int, buffer: Tensor, plane: Tensor) -> None:
    cells = views.width * views.height
    args = [buffer, views.width, views.height, views.radius, plane]
    launch((loader.over(cells), frames, 1), (loader.BLOCK, 1, 1), args)
