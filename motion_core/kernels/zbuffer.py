"""Launches reproject_zbuffer.cu: points reprojected along a camera path, and the picture warped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..progress import Progress, silent
from . import loader

FILE = "reproject_zbuffer.cu"
# Frames are processed together as long as their z-buffers and planes of depth fit this: the cache
# of a large GPU holds it, and few launches suffice.
SCRATCH_BYTES = 1 << 25
CELL_BYTES = 12
# The most rows of blocks that a launch can have.
MAX_FRAMES = 65535


@dataclass(frozen=True, eq=False)
class Views:
    """A picture's 3D points and the cameras of a path.

    Attributes:
        points: (3, H * W) float32, camera coordinates of the picture's pixels.
        valid: (H * W,) bool, whether a pixel has depth.
        intrinsics: (3, 3) of the picture.
        matrices: (T, 3, 4), point to pixel times depth.
        own_view: (T,) bool, frames whose camera is the picture's own: nothing is hidden there.
        near: depth at or below which a point is behind the camera.
        width: of a frame in pixels.
        height: of a frame in pixels.
        radius: how far gaps are closed, in cells, as in camera.Occlusion.
        threshold: relative depth by which a point may lie behind its cell, as in camera.Occlusion.
    """

    points: Tensor
    valid: Tensor
    intrinsics: Tensor
    matrices: Tensor
    own_view: Tensor
    near: float
    width: int
    height: int
    radius: int
    threshold: float

    @property
    def frames(self) -> int:
        """The number of frames, T."""
        return len(self.matrices)


def reproject_points_cuda(
    views: Views, progress: Progress = silent
) -> tuple[Tensor, Tensor] | None:
    """Pixels and visibility of all points in every frame.

    A point behind the camera keeps its last position.

    Args:
        views: the points and the cameras.
        progress: called after each run of frames.

    Returns:
        Pixels (T, H * W, 2) float32 and visibility (T, H * W) bool; None where the kernel cannot
        run.
    """
    kernels = _launchers(views, ["splat_points", "close_rows", "test_visibility"])
    if kernels is None:
        return None
    views = _on_device(views)
    splat, close, test = kernels
    count = views.points.shape[1]
    xy = views.points.new_empty(views.frames, count, 2)
    visible = torch.empty(xy.shape[:2], dtype=torch.bool, device=xy.device)
    sizes = [views.width, views.height]
    for first, frames, buffer, plane in _chunks(views):
        _splat(splat, views, first, frames, buffer, xy)
        _close(close, views, frames, buffer, plane)
        inputs = [views.points, views.valid, views.matrices, views.own_view, plane, count, first]
        rule = [views.near, views.radius, views.threshold, visible]
        test(
            (loader.num_blocks(count), frames, 1),
            (loader.BLOCK_THREADS, 1, 1),
            [*inputs, *sizes, *rule],
        )
        progress(first + frames, views.frames)
    return xy, visible


@dataclass(frozen=True, eq=False)
class WarpSource:
    """The picture that is warped.

    Attributes:
        image: (H, W, 3) float32.
        quads: (H - 1, W - 1) bool, whether four neighbouring pixels form one surface.
        back: (T, 3, 4), a frame's pixel times its depth to the picture's pixel times depth.
        hole_color: (3,), of pixels that the picture does not cover.
    """

    image: Tensor
    quads: Tensor
    back: Tensor
    hole_color: Tensor


def warp_image_cuda(
    views: Views, source: WarpSource, progress: Progress = silent
) -> tuple[Tensor, Tensor] | None:
    """The picture warped to every frame of the path.

    Args:
        views: the picture's points and the cameras.
        source: the picture.
        progress: called after each run of frames.

    Returns:
        Video (T, H, W, 3) float32 and holes (T, H, W) bool; None where the kernel cannot run.
    """
    kernels = _launchers(views, ["splat_points", "splat_quads", "close_rows", "warp_backward"])
    if kernels is None:
        return None
    views = _on_device(views)
    splat, fill, close, warp = kernels
    tensors = (source.image, source.back, source.hole_color)
    image, back, color = (_like(tensor, views.points) for tensor in tensors)
    quads = source.quads.to(image.device).contiguous()
    video = image.new_empty(views.frames, *image.shape)
    holes = torch.empty(video.shape[:3], dtype=torch.bool, device=image.device)
    cells, threads = views.width * views.height, (loader.BLOCK_THREADS, 1, 1)
    sizes = [views.width, views.height]
    for first, frames, buffer, plane in _chunks(views):
        _splat(splat, views, first, frames, buffer, None)
        if quads.numel():
            args = [views.points, quads, views.matrices, first, *sizes, views.near, buffer]
            fill((loader.num_blocks(quads.numel()), frames, 1), threads, args)
        _close(close, views, frames, buffer, plane)
        args = [image, views.valid, back, views.own_view, buffer, plane, color, first, *sizes]
        args += [views.radius, views.threshold, video, holes]
        warp((loader.num_blocks(cells), frames, 1), threads, args)
        progress(first + frames, views.frames)
    return video, holes


def _launchers(views: Views, names: list[str]) -> list[loader.Launch] | None:
    if max(views.points.shape[1], views.width * views.height, views.frames) > loader.MAX_INT32:
        return None
    return loader.launchers(FILE, names, views.points.device)


def _on_device(views: Views) -> Views:
    points = views.points.contiguous()
    return Views(
        points,
        views.valid.to(points.device).contiguous(),
        _like(views.intrinsics, points),
        _like(views.matrices, points),
        views.own_view.to(points.device).contiguous(),
        float(views.near),
        views.width,
        views.height,
        views.radius,
        float(views.threshold),
    )


def _like(tensor: Tensor, reference: Tensor) -> Tensor:
    return tensor.to(reference).contiguous()


def _chunks(views: Views) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """First frame, number of frames, a cleared z-buffer and a plane of depths; both are reused."""
    cells = views.width * views.height
    step = min(max(SCRATCH_BYTES // (CELL_BYTES * cells), 1), views.frames, MAX_FRAMES)
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
    inputs = [views.points, views.valid, views.matrices, views.intrinsics, count, first, frames]
    out = [views.width, views.height, views.near, int(xy is not None)]
    # The kernel ignores the pointer where no pixels are requested.
    out += [views.points if xy is None else xy, buffer]
    launch((loader.num_blocks(count), 1, 1), (loader.BLOCK_THREADS, 1, 1), [*inputs, *out])


def _close(launch: loader.Launch, views: Views, frames: int, buffer: Tensor, plane: Tensor) -> None:
    cells = views.width * views.height
    args = [buffer, views.width, views.height, views.radius, plane]
    launch((loader.num_blocks(cells), frames, 1), (loader.BLOCK_THREADS, 1, 1), args)
