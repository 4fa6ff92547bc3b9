"""Points of one picture with depth, seen again along a camera path (appendix A.6).

The world is the camera frame of the picture: a path whose pose is the identity sees the picture
itself. ``reference.py`` defines the arithmetic; this is the vectorised form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..depth.model import DepthMap
from ..depth.sample import depth_at
from ..errors import CanvasError, ShapeError
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .model import CameraPath
from .pinhole import NEAR_SHARE, pixel_centres, project, unproject
from .zbuffer import DEFAULT_OCCLUSION, Occlusion, ZBuffer

# Points handled at once on the CPU: temporaries stay in the cache and off the memory bill.
BAND_POINTS = 1 << 16


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points of the picture in its own camera's frame.

    points: (3, M) float32; points without depth lie on their ray at depth 1.
    valid: (M,) bool, or None when all have depth.
    K: (3, 3) float64 of the picture, to find the pixels again.
    near: depth at or below which a point counts as behind the camera.
    """

    points: Tensor
    valid: Tensor | None
    K: Tensor
    near: float

    @property
    def count(self) -> int:
        """M, the number of points."""
        return self.points.shape[1]

    def pixels(self, band: slice) -> Tensor:
        """(M, 2) where a band was seen in the picture."""
        return project(self.points[:, band].T, self.K)[0]

    def bands(self) -> Iterator[slice]:
        """Runs of points small enough for the cache; all at once on other devices."""
        step = BAND_POINTS if self.points.device.type == "cpu" else max(self.count, 1)
        for start in range(0, self.count, step):
            yield slice(start, min(start + step, self.count))


def reproject_pixels(
    depth: DepthMap,
    path: CameraPath,
    *,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    progress: Progress = silent,
) -> Tracks:
    """Every pixel of the picture followed along the camera path, (T, H * W) in raster order.

    A point is visible when it is ahead of the camera, on the canvas and not hidden (see
    Occlusion). Pixels without depth stay where they are and are never visible; points behind the
    camera keep their last place.
    Raises CanvasError when depth and path have different canvases, ValueError for a path without
    frames or cells larger than a pixel, which are for chosen points.
    """
    if occlusion.cell_px != 1:
        raise ValueError(f"reproject_pixels needs cell_px 1; got {occlusion.cell_px}.")
    check_same_view(depth, path)
    cloud = make_cloud(depth)
    zbuffer = ZBuffer(path.size, occlusion, depth.z.device)
    xy = torch.empty(path.num_frames, cloud.count, 2, device=depth.z.device)
    visible = torch.empty(xy.shape[:2], dtype=torch.bool, device=depth.z.device)
    z = torch.empty(cloud.count, device=depth.z.device)
    cells = torch.empty(cloud.count, dtype=torch.int32, device=depth.z.device)
    for frame in range(path.num_frames):
        zbuffer.clear()
        matrix = projection(path, frame).to(z)
        for band in cloud.bands():
            seen = project_band(cloud, band, matrix, z[band])
            _store(xy, frame, band, seen, cloud)
            cells[band] = zbuffer.cells(seen.pixels)
            zbuffer.splat(cells[band], z[band])
        if sees_the_picture(path, frame, depth.K):
            visible[frame] = depth.valid.reshape(-1)
        else:
            zbuffer.spread()
            for band in cloud.bands():
                torch.le(z[band], zbuffer.limits(cells[band]), out=visible[frame, band])
        progress(frame + 1, path.num_frames)
    ids = torch.arange(cloud.count, device=depth.z.device)
    return Tracks(xy, visible, ids, path.size, path.fps)


def reproject_points(
    depth: DepthMap,
    path: CameraPath,
    points: Tensor,
    *,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    progress: Progress = silent,
) -> Tracks:
    """Chosen points of the picture followed along the camera path.

    points: (N, 2) float pixels of the picture; ids number them. Depth between pixels is read as
    depth_at does. Points off the picture or without depth stay put and are never visible.
    Otherwise as reproject_pixels.
    Raises what reproject_pixels raises, and ShapeError unless points are (N, 2).
    """
    check_same_view(depth, path)
    chosen = chosen_cloud(depth, points)
    xy, z = follow_clouds(lambda frame: chosen, path)
    surface = make_cloud(depth, occlusion.cell_px)

    def hiding(frame: int) -> list[Cloud]:
        return [] if sees_the_picture(path, frame, depth.K) else [surface]

    visible = unhidden(hiding, path, xy, z, occlusion=occlusion, progress=progress)
    ids = torch.arange(chosen.count, device=xy.device)
    return Tracks(xy, visible, ids, path.size, path.fps)


def unhidden(
    hiding: Callable[[int], Sequence[Cloud]],
    path: CameraPath,
    xy: Tensor,
    z: Tensor,
    *,
    occlusion: Occlusion,
    progress: Progress = silent,
) -> Tensor:
    """(T, N) bool, which points are on canvas, ahead, and not hidden.

    hiding: the clouds that may hide points in a frame. xy: (T, N, 2) pixels of the path's canvas.
    z: (T, N) camera depth, -inf for points behind.
    """
    zbuffer = ZBuffer(path.size, occlusion, xy.device)
    visible = torch.isfinite(z) & _on_canvas(xy, path)
    for frame in range(path.num_frames):
        clouds = hiding(frame)
        if clouds:
            zbuffer.clear()
            for cloud in clouds:
                splat_cloud(zbuffer, cloud, projection(path, frame).to(xy))
            zbuffer.spread()
            visible[frame] &= z[frame] <= zbuffer.limits(zbuffer.cells(xy[frame].T.clone()))
        progress(frame + 1, path.num_frames)
    return visible


def check_same_view(depth: DepthMap, path: CameraPath) -> None:
    """Raises CanvasError or ValueError unless the path can look at this depth."""
    if depth.size != path.size:
        raise CanvasError(
            f"the depth is {depth.size} but the camera path is for {path.size}; resize the depth "
            "to the canvas first (resize_depth)."
        )
    if path.num_frames == 0:
        raise ValueError("the camera path has no frames; make it with at least one.")


def projection(path: CameraPath, frame: int) -> Tensor:
    """(3, 4) float64: world point to pixel, times its depth."""
    return path.K[frame] @ path.T_cam_world[frame, :3]


def sees_the_picture(path: CameraPath, frame: int, K: Tensor) -> bool:
    """Whether one frame is the picture's own view, in which nothing is hidden."""
    own = torch.cat([K, torch.zeros_like(K[:, :1])], dim=1)
    return bool(torch.allclose(projection(path, frame), own, rtol=1e-9, atol=1e-9))


def make_cloud(depth: DepthMap, step: int = 1) -> Cloud:
    """Every step-th pixel of the depth, both ways, as points; step 1 is all of them."""
    first = step // 2
    pixels = pixel_centres(depth.size, depth.z.device)[first::step, first::step].reshape(-1, 2)
    z = depth.z[first::step, first::step].reshape(-1)
    valid = depth.valid[first::step, first::step].reshape(-1)
    return cloud_of(depth, pixels, z, valid)


def splat_cloud(zbuffer: ZBuffer, cloud: Cloud, matrix: Tensor) -> None:
    """Put a whole cloud into the z-buffer under one (3, 4) projection."""
    z = torch.empty(cloud.count, device=cloud.points.device)
    for band in cloud.bands():
        seen = project_band(cloud, band, matrix, z[band])
        zbuffer.splat(zbuffer.cells(seen.pixels), z[band])


@dataclass(frozen=True, eq=False)
class Seen:
    """A band of projected points.

    pixels: (2, M) float32; far off canvas where `ahead` is False. ahead: (M,) bool, or None when
    every point is ahead of the camera and has depth.
    """

    pixels: Tensor
    ahead: Tensor | None


def project_band(cloud: Cloud, band: slice, matrix: Tensor, z: Tensor) -> Seen:
    """Pixels of one band under a (3, 4) projection; its depths are written into `z` (M,)."""
    product = torch.addmm(matrix[:, 3:], matrix[:, :3], cloud.points[:, band])
    pixels = product[:2]
    if cloud.valid is not None:
        product[2].masked_fill_(~cloud.valid[band], 0.0)
    z.copy_(product[2])
    if float(z.amin()) > cloud.near:
        return Seen(pixels.div_(product[2]), None)
    ahead = z > cloud.near
    pixels.div_(torch.where(ahead, z, torch.ones_like(z)))
    pixels.masked_fill_(~ahead, -1e9)
    return Seen(pixels, ahead)


def _store(xy: Tensor, frame: int, band: slice, seen: Seen, cloud: Cloud) -> None:
    """Write a band's pixels; points not ahead keep their last place."""
    if seen.ahead is None:
        out = torch.view_as_complex(xy)[frame, band]
        torch.complex(seen.pixels[0], seen.pixels[1], out=out)
        return
    last = xy[frame - 1, band] if frame else cloud.pixels(band)
    xy[frame, band] = torch.where(seen.ahead[:, None], seen.pixels.T, last)


def follow_clouds(cloud_at: Callable[[int], Cloud], path: CameraPath) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and depths (T, N) of N points that may move in the world.

    cloud_at: where they are in a frame. Depth is -inf where a point is not ahead of the camera,
    and its pixel the last one it had.
    """
    first = cloud_at(0)
    xy = torch.empty(path.num_frames, first.count, 2, device=first.points.device)
    z = torch.empty(xy.shape[:2], device=xy.device)
    everything = slice(0, first.count)
    for frame in range(path.num_frames if first.count else 0):
        cloud = cloud_at(frame)
        seen = project_band(cloud, everything, projection(path, frame).to(xy), z[frame])
        _store(xy, frame, everything, seen, cloud)
        if seen.ahead is not None:
            z[frame].masked_fill_(~seen.ahead, -torch.inf)
    return xy, z


def chosen_cloud(depth: DepthMap, points: Tensor) -> Cloud:
    """The scene points at pixels (N, 2) of the picture. Raises ShapeError for another shape."""
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError(f"points must be (N, 2) pixels; got {tuple(points.shape)}.")
    points = points.to(depth.z)
    z, valid = depth_at(depth, points)
    return cloud_of(depth, points, z, valid)


def cloud_of(depth: DepthMap, pixels: Tensor, z: Tensor, valid: Tensor) -> Cloud:
    """Points at pixels (M, 2) and depths (M,), with the lens of a depth map."""
    points = unproject(pixels, torch.where(valid, z, torch.ones_like(z)), depth.K)
    near = NEAR_SHARE * float(depth.z[depth.valid].amin())
    mask = None if bool(valid.all()) else valid
    return Cloud(points.T.contiguous(), mask, depth.K, near)


def _on_canvas(xy: Tensor, path: CameraPath) -> Tensor:
    return (xy >= 0).all(dim=-1) & (xy < xy.new_tensor(path.size)).all(dim=-1)
