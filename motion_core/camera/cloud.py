"""Point clouds in the frame of the picture's camera, projected in chunks.

The world is the camera frame of the picture: a path whose pose is the identity shows the picture
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .pinhole import project
from .zbuffer import ZBuffer

# Points per chunk on the CPU. Smaller chunks need less memory, larger ones make fewer calls. At
# 832x480 this value gives three chunks and stays below four frames of memory.
CHUNK_POINTS = 134_000
# Pixel coordinate of points that are not in front of the camera; it is off any canvas.
OFF_CANVAS = -1e9


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points of the picture in its own camera's frame.

    Attributes:
        points: (3, M) float32; points without depth lie on their ray at depth 1.
        valid: (M,) bool, or None when all have depth.
        K: (3, 3) float64 intrinsics of the picture, to find the pixels again.
        near: Depth at or below which a point counts as behind the camera.
    """

    points: Tensor
    valid: Tensor | None
    K: Tensor
    near: float

    @property
    def count(self) -> int:
        """M, the number of points."""
        return self.points.shape[1]

    @cached_property
    def chunks(self) -> tuple[PointChunk, ...]:
        """The points in runs small enough for the cache; one run on other devices than the CPU.

        The chunks own the buffers that projecting fills, so they serve one frame at a time.
        """
        device = self.points.device
        length = min(CHUNK_POINTS, self.count) if device.type == "cpu" else self.count
        z = torch.empty(self.count, device=device)
        scaled = torch.empty(3, length, device=device)
        missing = None if self.valid is None else ~self.valid
        chunks = []
        for start in range(0, self.count, max(length, 1)):
            where = slice(start, min(start + length, self.count))
            room = slice(0, where.stop - start)
            chunks.append(
                PointChunk(
                    where,
                    self.points[:, where],
                    None if missing is None else missing[where],
                    self.near,
                    z[where],
                    scaled[:, room],
                    scaled[:2, room],
                )
            )
        return tuple(chunks)

    def pixels(self, where: slice) -> Tensor:
        """(k, 2) pixels of a run of points in the picture itself."""
        return project(self.points[:, where].T, self.K)[0]

    def splat(self, zbuffer: ZBuffer, matrix: Tensor) -> None:
        """Write all points into the z-buffer under one (3, 4) projection."""
        for chunk in self.chunks:
            chunk.project(matrix)
            zbuffer.splat(zbuffer.cells(chunk.pixels), chunk.z)


@dataclass(frozen=True, eq=False)
class PointChunk:
    """A run of a cloud's points with buffers for their projection, reused in every frame.

    Attributes:
        where: Position of the run in the cloud.
        points: (3, k).
        missing: (k,) bool, points without depth, or None.
        near: As in PointCloud.
        z: (k,) camera depth, filled by project.
        scaled: (3, k) scratch, shared by all chunks of a cloud.
        pixels: (2, k) pixels, filled by project; a view of `scaled`.
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

        Returns:
            None when every point is ahead of the camera and has depth, else (k,) bool. Pixels of
            the other points are far off canvas and their depth has no meaning.
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
        self.pixels.masked_fill_(~ahead, OFF_CANVAS)
        return ahead

    def store(self, xy: Tensor, frame: int, ahead: Tensor | None, cloud: PointCloud) -> None:
        """Write the pixels into xy (T, N, 2); points not ahead keep their last position."""
        if ahead is None:
            out = torch.view_as_complex(xy[frame, self.where])
            torch.complex(self.pixels[0], self.pixels[1], out=out)
            return
        last = xy[frame - 1, self.where] if frame else cloud.pixels(self.where)
        xy[frame, self.where] = torch.where(ahead[:, None], self.pixels.T, last)
