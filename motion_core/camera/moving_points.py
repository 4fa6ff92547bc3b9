"""Points of a picture lifted to their depth, and how they move there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..depth.sample import depth_at
from ..fields.moving_least_squares import moving_least_squares
from ..fields.scattered import Handles
from ..geometry import Size
from ..tracks.model import Tracks
from ..tracks.start import thin_evenly, track_starts
from .camera_scene import CameraScene
from .cloud import PointCloud
from .pinhole import pixel_centres

# Points matched at once with the nearest of others.
MATCHED_AT_ONCE = 4096
# The exponent of the weights of points by distance: near ones decide, and the field stays smooth.
FALLOFF = 2.0
# Columns and rows of the field between points, and how many points spread it.
GRID = Size(32, 32)
MOST_HANDLES = 256


@dataclass(frozen=True, eq=False)
class MovingPoints:
    """Points of the picture lifted to their depth, and how they move.

    Attributes:
        pixels: (N, 2) where they start.
        z: (N,) depth where known (N,).
        shift: (T, N, 2) displacement in the picture.
        offset: (T,) displacement in depth.
    """

    pixels: Tensor
    z: Tensor
    known: Tensor
    shift: Tensor
    offset: Tensor
    scene: CameraScene

    @staticmethod
    def of(tracks: Tracks, depth_offset: Tensor | None, scene: CameraScene) -> MovingPoints:
        """The points where tracks are first visible; depth_offset (T,) or None for none.

        Raises ValueError where an offset brings them to the camera.
        """
        start = track_starts(tracks).xy.to(scene.depth.z)
        z, known = depth_at(scene.depth, start)
        offset = torch.zeros(tracks.num_frames) if depth_offset is None else depth_offset
        shift = tracks.xy.to(z) - start
        return MovingPoints(start, z, known, shift, offset.to(z), scene)._checked()

    def at(self, frame: int) -> PointCloud:
        """Where the points are in one frame."""
        z = torch.where(self.known, self.z + self.offset[frame], torch.ones_like(self.z))
        return self.scene.lift(self.pixels + self.shift[frame], z, self.known)

    def has_moved(self, frame: int) -> bool:
        """Whether any of them is elsewhere than it started."""
        return bool((self.shift[frame] != 0).any()) or float(self.offset[frame]) != 0.0

    def spread_over(self, mask: Tensor) -> MovingPoints:
        """The pixels of a mask (H, W), each moving as the nearest of these points."""
        depth = self.scene.depth
        pixels = pixel_centres(depth.size, mask.device)[mask]
        shift = self.shift[:, nearest_points(pixels, self.pixels)]
        points = replace(self, pixels=pixels, z=depth.z[mask], known=depth.valid[mask], shift=shift)
        return points._checked()

    def smooth_over(self, mask: Tensor) -> MovingPoints:
        """The pixels of a mask (H, W), moving as rigidly as these points allow."""
        depth = self.scene.depth
        pixels = pixel_centres(depth.size, mask.device)[mask]
        shift = self._dense(self.pixels, self.shift)
        points = replace(
            self,
            pixels=pixels,
            z=depth.z[mask],
            known=depth.valid[mask],
            shift=_sampled(shift, pixels, depth.size),
        )
        return points._checked()

    def origins(self, pixels: Tensor, frame: int) -> Tensor:
        """(M, 2) where in the picture the content of pixels (M, 2) of a frame started."""
        now, back = self.pixels + self.shift[frame], -self.shift[frame, None]
        return pixels + _sampled(self._dense(now, back), pixels, self.scene.depth.size)[0]

    def _dense(self, points: Tensor, shift: Tensor) -> Tensor:
        """(T, 2, rows, columns), the displacements (T, N, 2) of points (N, 2) spread over the
        canvas by moving least squares."""
        frames, size = len(shift), self.scene.depth.size
        some = thin_evenly(self.pixels, max(size), MOST_HANDLES)
        points, shift = points[some], shift[:, some]
        flat = shift.transpose(0, 1).reshape(len(points), -1).double().cpu().numpy()
        handles = Handles(points.double().cpu().numpy(), flat, size)
        columns = min(GRID.width, size.width)
        rows = min(GRID.height, size.height)
        x = (np.arange(columns) + 0.5) * size.width / columns
        y = (np.arange(rows) + 0.5) * size.height / rows
        places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        spread = moving_least_squares(handles, places, FALLOFF)
        field = torch.from_numpy(spread.reshape(rows, columns, frames, 2)).to(shift)
        return field.permute(2, 3, 0, 1)

    def _checked(self) -> MovingPoints:
        nearest = float(self.z[self.known].amin()) if bool(self.known.any()) else torch.inf
        if nearest + float(self.offset.amin()) <= 0.0:
            raise ValueError(
                f"a depth offset of {float(self.offset.amin()):.3g} brings the object to the "
                f"camera: its nearest point is {nearest:.3g} away. Use a smaller offset."
            )
        return self


def nearest_points(points: Tensor, others: Tensor) -> Tensor:
    """(N,) int64, which of `others` (M, 2) lies nearest to each of points (N, 2)."""
    if not len(points):
        return torch.zeros(0, dtype=torch.int64, device=points.device)
    parts = [torch.cdist(part, others).argmin(dim=1) for part in points.split(MATCHED_AT_ONCE)]
    return torch.cat(parts)


def _sampled(field: Tensor, pixels: Tensor, size: Size) -> Tensor:
    """(T, M, 2) of a field (T, 2, rows, columns) at pixels (M, 2), bilinear."""
    grid = pixels / pixels.new_tensor(size) * 2.0 - 1.0
    found = torch.nn.functional.grid_sample(
        field,
        grid[None, None].expand(len(field), -1, -1, -1),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return found[:, :, 0].transpose(1, 2)
