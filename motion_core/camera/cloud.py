"""Points of a picture in space, and where a camera sees them.

The world is the camera frame of the picture: a path whose pose is the identity sees the picture
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..depth.sample import depth_at
from ..errors import ShapeError
from .camera_path import CameraPath
from .pinhole import NEAR_SHARE, pixel_centres, project, unproject
from .zbuffer import ZBuffer

# Points handled at once on the CPU. Fewer keep temporaries smaller, more make fewer calls: a busy
# machine feels every call. This many stay below four frames of memory at 832x480, in three bands.
BAND_POINTS = 134_000
# Where points that are not ahead of the camera are put: off any canvas.
NOWHERE = -1e9


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

    def pixels(self, where: slice) -> Tensor:
        """(k, 2) where a run of points was seen in the picture."""
        return project(self.points[:, where].T, self.K)[0]


@dataclass(frozen=True, eq=False)
class Band:
    """A run of a cloud's points with room for what becomes of them, used again every frame.

    points: (3, k). missing: (k,) bool, points without depth, or None. z: (k,) depth, and pixels:
    (2, k), both after project. scaled is scratch, shared by all bands of a cloud.
    """

    where: slice
    points: Tensor
    missing: Tensor | None
    near: float
    z: Tensor
    scaled: Tensor
    pixels: Tensor

    def project(self, matrix: Tensor) -> Tensor | None:
        """Fill z and pixels under a (3, 4) projection.

        Returns None when every point is ahead of the camera and has depth, else (k,) bool; pixels
        of the other points are far off canvas and their depth means nothing.
        """
        torch.addmm(matrix[:, 3:], matrix[:, :3], self.points, out=self.scaled)
        if self.missing is not None:
            self.scaled[2].masked_fill_(self.missing, 0.0)
        self.z.copy_(self.scaled[2])
        if float(self.z.amin()) > self.near:
            self.pixels.div_(self.z)
            return None
        ahead = self.z > self.near
        self.pixels.div_(torch.where(ahead, self.z, torch.ones_like(self.z)))
        self.pixels.masked_fill_(~ahead, NOWHERE)
        return ahead


def bands_of(cloud: Cloud) -> list[Band]:
    """A cloud's points in runs small enough for the cache; all at once on other devices."""
    device = cloud.points.device
    length = min(BAND_POINTS, cloud.count) if device.type == "cpu" else cloud.count
    z = torch.empty(cloud.count, device=device)
    scaled = torch.empty(3, length, device=device)
    missing = None if cloud.valid is None else ~cloud.valid
    bands = []
    for start in range(0, cloud.count, max(length, 1)):
        where = slice(start, min(start + length, cloud.count))
        room = slice(0, where.stop - start)
        bands.append(
            Band(
                where,
                cloud.points[:, where],
                None if missing is None else missing[where],
                cloud.near,
                z[where],
                scaled[:, room],
                scaled[:2, room],
            )
        )
    return bands


def projection(path: CameraPath, frame: int, like: Tensor) -> Tensor:
    """(3, 4): world point to pixel times its depth, in the dtype and on the device of `like`."""
    return (path.K[frame] @ path.T_cam_world[frame, :3]).to(like)


def sees_the_picture(path: CameraPath, frame: int, K: Tensor) -> bool:
    """Whether one frame is the picture's own view, in which nothing is hidden."""
    lens = K.to(path.K)
    own = torch.cat([lens, torch.zeros_like(lens[:, :1])], dim=1)
    return bool(torch.allclose(projection(path, frame, lens), own, rtol=1e-9, atol=1e-9))


def make_cloud(depth: DepthMap, step: int = 1) -> Cloud:
    """Every step-th pixel of the depth, both ways, as points; step 1 is all of them."""
    first = step // 2
    pixels = pixel_centres(depth.size, depth.z.device)[first::step, first::step].reshape(-1, 2)
    z = depth.z[first::step, first::step].reshape(-1)
    valid = depth.valid[first::step, first::step].reshape(-1)
    return cloud_of(depth, pixels, z, valid)


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


def splat_cloud(zbuffer: ZBuffer, cloud: Cloud, matrix: Tensor) -> None:
    """Put a whole cloud into the z-buffer under one (3, 4) projection."""
    for band in bands_of(cloud):
        band.project(matrix)
        zbuffer.splat(zbuffer.cells(band.pixels), band.z)


def follow_clouds(cloud_at: Callable[[int], Cloud], path: CameraPath) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and depths (T, N) of N points that may move in the world.

    cloud_at: where they are in a frame. Depth is -inf where a point is not ahead of the camera,
    and its pixel the last one it had.
    """
    first = cloud_at(0)
    xy = torch.empty(path.num_frames, first.count, 2, device=first.points.device)
    z = torch.empty(xy.shape[:2], device=xy.device)
    for frame in range(path.num_frames):
        cloud = cloud_at(frame)
        for band in bands_of(cloud):
            ahead = band.project(projection(path, frame, xy))
            store_pixels(xy, frame, band, ahead, cloud)
            z[frame, band.where] = band.z
            if ahead is not None:
                z[frame, band.where].masked_fill_(~ahead, -torch.inf)
    return xy, z


def store_pixels(xy: Tensor, frame: int, band: Band, ahead: Tensor | None, cloud: Cloud) -> None:
    """Write a band's pixels into xy (T, N, 2); points not ahead keep their last place."""
    if ahead is None:
        out = torch.view_as_complex(xy[frame, band.where])
        torch.complex(band.pixels[0], band.pixels[1], out=out)
        return
    last = xy[frame - 1, band.where] if frame else cloud.pixels(band.where)
    xy[frame, band.where] = torch.where(ahead[:, None], band.pixels.T, last)
