"""A picture with depth and a moving camera, prepared once for everything computed from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..depth.sample import depth_at
from ..errors import CanvasError, ShapeError
from ..kernels.zbuffer import Views
from .camera_path import CameraPath
from .cloud import PointCloud
from .pinhole import NEAR_SHARE, pixel_centres, unproject
from .surface import joined_quads
from .zbuffer import DEFAULT_OCCLUSION, Occlusion, ZBuffer


@dataclass(frozen=True, eq=False)
class CameraScene:
    """The depth of a picture, a camera path through it, and the occlusion rule.

    Point clouds, projections and the z-buffer are built on first use and shared by
    reproject_pixels, reproject_points, render_warped and compose_3d. A scene serves one
    computation at a time.

    Attributes:
        depth: Depth of the picture; its camera frame is the world.
        path: The camera of every frame, on the same canvas.
        occlusion: How hidden points are found.

    Raises:
        CanvasError: The depth and the path have different canvases.
        ValueError: The path has no frames.
    """

    depth: DepthMap
    path: CameraPath
    occlusion: Occlusion = DEFAULT_OCCLUSION

    def __post_init__(self) -> None:
        if self.depth.size != self.path.size:
            raise CanvasError(
                f"the depth is {self.depth.size} but the camera path is for {self.path.size}; "
                "resize the depth to the canvas first (resize_depth)."
            )
        if self.path.num_frames == 0:
            raise ValueError("the camera path has no frames; make it with at least one.")

    def with_cell_px(self, cell_px: int) -> CameraScene:
        """The same scene with another side of the z-buffer's cells; the rest is shared."""
        if cell_px == self.occlusion.cell_px:
            return self
        scene = CameraScene(self.depth, self.path, replace(self.occlusion, cell_px=cell_px))
        shared = {name: getattr(self, name) for name in ("near", "projections", "is_source_view")}
        scene.__dict__.update(shared)
        return scene

    @property
    def num_frames(self) -> int:
        """T, the number of frames."""
        return self.path.num_frames

    @cached_property
    def near(self) -> float:
        """Depth at or below which a point counts as behind the camera."""
        return NEAR_SHARE * float(self.depth.z[self.depth.valid].amin())

    @cached_property
    def projections(self) -> Tensor:
        """(T, 3, 4) float32: world point to pixel times its depth."""
        path = self.path
        matrices = [path.K[i] @ path.T_cam_world[i, :3] for i in range(self.num_frames)]
        return torch.stack([matrix.to(self.depth.z) for matrix in matrices])

    @cached_property
    def is_source_view(self) -> tuple[bool, ...]:
        """For each frame whether it is the picture's own view, in which nothing is hidden."""
        lens = self.depth.K.to(self.path.K)
        source = torch.cat([lens, torch.zeros_like(lens[:, :1])], dim=1)
        return tuple(
            torch.allclose((K @ pose[:3]).to(lens), source, rtol=1e-9, atol=1e-9)
            for K, pose in zip(self.path.K, self.path.T_cam_world, strict=True)
        )

    @cached_property
    def points(self) -> PointCloud:
        """All pixels of the picture, (3, H * W) in raster order."""
        return self._every_pixel(1)

    @cached_property
    def surface(self) -> PointCloud:
        """The pixels that hide others: one per z-buffer cell."""
        step = self.occlusion.cell_px
        return self.points if step == 1 else self._every_pixel(step)

    @cached_property
    def zbuffer(self) -> ZBuffer:
        """The z-buffer that every frame clears and uses again."""
        return ZBuffer(self.path.size, self.occlusion, self.depth.z.device)

    @cached_property
    def quads(self) -> Tensor:
        """(H - 1, W - 1) bool, see joined_quads."""
        return joined_quads(self.depth)

    def points_at(self, pixels: Tensor) -> PointCloud:
        """The scene points at pixels (N, 2) of the picture; depth is read as depth_at does.

        Raises:
            ShapeError: `pixels` is not (N, 2).
        """
        if pixels.ndim != 2 or pixels.shape[1] != 2:
            raise ShapeError(f"points must be (N, 2) pixels; got {tuple(pixels.shape)}.")
        pixels = pixels.to(self.depth.z)
        z, valid = depth_at(self.depth, pixels)
        return self.lift(pixels, z, valid)

    def lift(self, pixels: Tensor, z: Tensor, valid: Tensor) -> PointCloud:
        """Lift pixels of the picture to scene points.

        Args:
            pixels: (M, 2) pixels.
            z: (M,) depths.
            valid: (M,) bool, where `z` is known. Elsewhere the point lies on its ray at depth 1.
        """
        points = unproject(pixels, torch.where(valid, z, torch.ones_like(z)), self.depth.K)
        mask = None if bool(valid.all()) else valid
        return PointCloud(points.T.contiguous(), mask, self.depth.K, self.near)

    def views(self) -> Views:
        """All pixels and cameras as the kernels read them; cells are one pixel there."""
        return Views(
            points=self.points.points,
            valid=self.depth.valid.reshape(-1),
            intrinsics=self.depth.K,
            matrices=self.projections,
            own_view=torch.tensor(self.is_source_view),
            near=self.near,
            width=self.path.size.width,
            height=self.path.size.height,
            radius=self.occlusion.radius,
            threshold=self.occlusion.threshold_frac,
        )

    def _every_pixel(self, step: int) -> PointCloud:
        """Every step-th pixel in both directions."""
        kept = slice(step // 2, None, step)
        pixels = pixel_centres(self.depth.size, self.depth.z.device)[kept, kept].reshape(-1, 2)
        z, valid = (value[kept, kept].reshape(-1) for value in (self.depth.z, self.depth.valid))
        return self.lift(pixels, z, valid)
