"""Steps of noise from a motion field, which knows where everything in frame 0 goes.

Between two frames the content of a cell moves by the difference of its two positions, so no error
adds up over the clip. What frame 0 does not show moves like its slow surroundings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...fields.arrays import BoolArray, FloatArray, IndexArray
from ...fields.motion_field import MotionField
from ...fields.pull_push import spread_sums
from ...fields.upsample import Upsampler
from ...geometry import Size
from ...images import image_array
from ...progress import Progress, silent
from .step_flow import StepFlow

# Motion that differs by more between neighbouring cells tears the picture; less stretches it.
TEAR_CELLS = 2.5
# Content of a place is the same in two frames if it lay within so many cells in frame 0.
SAME_CELLS = 6.0
# Motion slower than this against the median of the frame is background, in cells.
BACKGROUND_CELLS, FOREGROUND_WEIGHT = 1.5, 1e-6


class _View(NamedTuple):
    """One frame of a field on the grid of the noise.

    Attributes:
        position: (S, 2) cells, where each sample of frame 0 is.
        visible: (S,) bool.
        origin: (R * C,) the sample that each cell shows, or -1 for what frame 0 does not show.
    """

    position: FloatArray
    visible: BoolArray
    origin: IndexArray


def flows_of_field(
    field: MotionField,
    frames: Sequence[int],
    grid: Size,
    image: Tensor | None = None,
    progress: Progress = silent,
) -> Iterator[StepFlow]:
    """The steps between chosen frames of a field.

    Args:
        field: Dense motion from frame 0.
        frames: Ascending indices of frames; the first need not be 0.
        grid: Columns and rows of the noise.
        image: (H, W, 3) float 0..1, frame 0, along whose edges a coarse field is refined; None
            interpolates.
        progress: Called with 0 done while the steps are prepared.

    Yields:
        One StepFlow for each pair of successive frames.

    Raises:
        ValueError: An index is no frame of the field.
    """
    if not frames or min(frames) < 0 or max(frames) >= field.frames:
        raise ValueError(f"frames must lie in 0..{field.frames - 1}; got {list(frames)}.")
    samples = _Samples(field, frames, grid, image, progress)
    earlier = samples.view(0)
    for number in range(1, len(frames)):
        later = samples.view(number)
        yield _step(earlier, later, samples)
        earlier = later


class _Samples:
    """Points of frame 0, at least one per cell, so dense that no stretched surface has gaps."""

    def __init__(
        self,
        field: MotionField,
        frames: Sequence[int],
        grid: Size,
        image: Tensor | None,
        progress: Progress,
    ) -> None:
        self.grid = grid
        shift = _on_grid(_full_resolution(field, frames, image, progress), grid)
        scale = np.array([grid.width / field.size.width, grid.height / field.size.height])
        shift = (shift * scale).astype(np.float32)
        visible = _on_grid(field.visible[list(frames), :, :, None].cpu().numpy(), grid)[..., 0]
        torn, most = _tears(shift)
        self.per_cell = max(1, math.ceil(most + 1 - 1e-3))
        # Between the two sides of a tear lies nothing, so no sample may be interpolated there.
        whole = ~torn if self.per_cell > 1 else True
        # A cell whose centre is off the canvas may reach into it; each sample is checked later.
        place = _centres(grid, 1).reshape(grid.height, grid.width, 2) + shift
        outside = ((place < -0.5) | (place >= np.array(grid) - 0.5)).any(-1)
        self.shift, self.visible = shift, ((visible > 0.5) | outside) & whole
        side = Size(grid.width * self.per_cell, grid.height * self.per_cell)
        self.start = _centres(side, self.per_cell)

    def view(self, number: int) -> _View:
        """A frame: positions of the samples, and which of them each cell shows."""
        fine = Size(self.grid.width * self.per_cell, self.grid.height * self.per_cell)
        shift = _on_grid(self.shift[number : number + 1], fine)[0].reshape(-1, 2)
        visible = self.visible[number].repeat(self.per_cell, 0).repeat(self.per_cell, 1).ravel()
        position = self.start + shift
        cell = np.floor(position + 0.5).astype(np.int64)
        inside = ((cell >= 0) & (cell < np.array(self.grid))).all(1) & visible
        speed = np.linalg.norm(shift - np.median(shift, axis=0), axis=1)
        origin = np.full(self.grid.width * self.grid.height, -1, np.int64)
        chosen = np.flatnonzero(inside)
        # Later assignments win: what moves fastest against the rest is in front.
        chosen = chosen[np.argsort(speed[chosen], kind="stable")]
        origin[cell[chosen, 1] * self.grid.width + cell[chosen, 0]] = chosen
        return _View(position, visible, origin)


def _tears(shift: FloatArray) -> tuple[BoolArray, float]:
    """(T, R, C) bool: cells beside a tear, and the largest step between other neighbours."""
    torn, most = np.zeros(shift.shape[:3], bool), 0.0
    for axis in (1, 2):
        steps = np.abs(np.diff(shift, axis=axis)).max(-1)
        tear = steps > TEAR_CELLS
        most = max(most, float(steps[~tear].max(initial=0.0)))
        none = np.zeros_like(tear.take([0], axis=axis))
        torn |= np.concatenate([tear, none], axis) | np.concatenate([none, tear], axis)
    return torn, most


def _step(earlier: _View, later: _View, samples: _Samples) -> StepFlow:
    grid = samples.grid
    moved = later.position - earlier.position
    forward, shown = _moves(earlier, moved, later.visible, grid)
    backward, known = _moves(later, -moved, earlier.visible, grid)
    shown &= _same(earlier.origin, later.origin, forward, samples)
    known &= _same(later.origin, earlier.origin, backward, samples)
    shape = (grid.height, grid.width)
    return StepFlow(
        torch.from_numpy(forward.reshape(*shape, 2)),
        torch.from_numpy(shown.reshape(shape)),
        torch.from_numpy(backward.reshape(*shape, 2)),
        torch.from_numpy(known.reshape(shape)),
    )


def _moves(
    view: _View, moved: FloatArray, visible: BoolArray, grid: Size
) -> tuple[FloatArray, BoolArray]:
    """(R * C, 2) displacement of what each cell shows, and whether it is visible there."""
    shows = view.origin >= 0
    flow = np.zeros((len(shows), 2), np.float32)
    flow[shows] = moved[view.origin[shows]]
    counted = np.ones(len(shows), bool)
    counted[shows] = visible[view.origin[shows]]
    if not shows.all() and shows.any():
        speed = np.linalg.norm(flow - np.median(flow[shows], axis=0), axis=1)
        weight = np.where(speed <= BACKGROUND_CELLS, 1.0, FOREGROUND_WEIGHT) * shows
        sums = np.concatenate([flow * weight[:, None], weight[:, None]], 1).astype(np.float32)
        spread = spread_sums(sums.reshape(grid.height, grid.width, 3)).reshape(-1, 2)
        flow[~shows] = spread[~shows]
    return flow, counted


def _same(origin: IndexArray, other: IndexArray, flow: FloatArray, samples: _Samples) -> BoolArray:
    """(R * C,) bool: the place that a cell's content moves to shows the same content."""
    grid = samples.grid
    row, column = np.divmod(np.arange(len(origin)), grid.width)
    place = np.floor(np.stack([column, row], 1) + flow + 0.5).astype(np.int64)
    inside = ((place >= 0) & (place < np.array(grid))).all(1)
    place = np.clip(place, 0, np.array(grid) - 1)
    there = other[place[:, 1] * grid.width + place[:, 0]]
    gap = np.abs(samples.start[origin] - samples.start[there]).max(1)
    near = (origin >= 0) & (there >= 0) & (gap <= SAME_CELLS)
    return inside & (near | ((origin < 0) & (there < 0)))


def _full_resolution(
    field: MotionField, frames: Sequence[int], image: Tensor | None, progress: Progress
) -> FloatArray:
    """(T, rows, columns, 2) pixels of the canvas."""
    shift = field.displacement[list(frames)].detach().cpu().float().numpy()
    if image is None or field.grid == field.size:
        return shift
    upsampler = Upsampler(image_array(image, field.size), shift, progress)
    whole = np.zeros((len(shift), field.size.height, field.size.width, 2), np.float32)
    for number, one in enumerate(shift):
        progress(0, len(shift))
        if one.any():
            whole[number] = upsampler(one)
    return whole


def _on_grid(values: FloatArray, grid: Size) -> FloatArray:
    """(T, rows, columns, D) interpolated at the centres of another grid of cells."""
    if values.shape[1:3] == (grid.height, grid.width):
        return values
    planes = torch.from_numpy(np.ascontiguousarray(values)).permute(0, 3, 1, 2).float()
    sized = functional.interpolate(planes, (grid.height, grid.width), mode="bilinear")
    return sized.permute(0, 2, 3, 1).contiguous().numpy()


def _centres(fine: Size, per_cell: int) -> FloatArray:
    """(S, 2) float32: positions of the samples in cells, cell centres on whole numbers."""
    x = (np.arange(fine.width, dtype=np.float32) + 0.5) / per_cell - 0.5
    y = (np.arange(fine.height, dtype=np.float32) + 0.5) / per_cell - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
