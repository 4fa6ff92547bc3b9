"""Rendering: the first frame carried along a field at full resolution.

What moves against its surroundings lies over them; where it uncovers something, a plate made from
the surroundings shows; the two are mixed by coverage, so that edges stay soft.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..images import image_array
from ..progress import Progress, silent
from .arrays import BoolArray, FloatArray
from .fill import extend, fill_behind
from .motion_field import MotionField
from .similarity import fit_common
from .splat import splat, spreading
from .upsample import Upsampler

# Displacements below the first stay with the surroundings, above the second move alone; pixels of
# a 512-pixel picture.
SAME_PX, OTHER_PX = 0.7, 2.5
# How much faster things, and those more likely seen, lie over slower ones: exponents.
DEPTH_OF_SPEED, DEPTH_OF_SIGHT = 4.0, 6.0
MOST_SPREAD = 3.0
# How far the colours of a thing reach into the pixels beside it.
RIM_PX = 2
# What moves has cracks of up to this width where it stretches, pixels of a 512-pixel picture.
CRACK_PX = 8
# A pixel is a hole when less than this is covered; a smaller gap is a thing that stretches.
HOLE_FROM, HOLE_TO = 0.45, 0.85
# The motion of the surroundings is fitted to this many rows and columns of cells at the picture's
# rim, of a grid of up to RIM_OF cells a side, and with a small weight to the others.
RIM_CELLS, RIM_OF, INNER_WEIGHT = 3, 64, 0.03
# The plate is continued past the picture by at most this fraction of its long side.
MOST_MARGIN = 0.25


def render_field(
    image: Tensor, field: MotionField, progress: Progress = silent
) -> tuple[Tensor, Tensor]:
    """The video of a picture that moves along a field.

    image: (H, W, 3) float 0..1, of the field's size. progress is called per frame.
    Returns frames (T, H, W, 3) and holes (T, H, W) float32 0..1 on the image's device: where the
    picture shows what frame 0 does not. A field at rest gives the picture, bit for bit.
    Raises what draft() raises for the picture, and whatever progress raises.
    """
    stage = FieldRenderer(image, field)
    frames = torch.empty(field.frames, *stage.picture.shape)
    holes = torch.zeros(field.frames, *stage.picture.shape[:2])
    for frame in range(field.frames):
        colours, hole = stage.draw(frame)
        frames[frame] = torch.from_numpy(colours)
        holes[frame] = torch.from_numpy(hole)
        progress(frame + 1, field.frames)
    return frames.to(image.device), holes.to(image.device)


class FieldRenderer:
    """A picture and its field, ready to be drawn at any frame.

    movable: (H, W) bool, the pixels that may move, or None for all; the others stay where they
    are, and what moves may pass over them.
    """

    def __init__(self, image: Tensor, field: MotionField, movable: Tensor | None = None) -> None:
        self.picture = image_array(image, field.size)
        self.shift = field.displacement.detach().cpu().numpy()
        self.visible = field.visible.detach().cpu().numpy()
        self.scale = max(self.picture.shape[:2]) / 512
        self.held = None if movable is None else ~movable.cpu().numpy()
        self.is_still = not self.shift.any()
        if self.is_still:
            return
        self.ground = _ground(field)
        self.planes = np.ascontiguousarray(self.picture.reshape(-1, 3).T)
        self.raise_cells = Upsampler(self.picture, self.shift)
        apart = np.linalg.norm(self.shift - self.ground, axis=-1)
        self.fastest = max(float(apart.max()), 1e-6)
        moving = self._over(apart.max(axis=0)).max() > 0
        taken = self._taken(apart.max(axis=0)) if moving else None
        behind = self.picture if taken is None else fill_behind(self.picture, taken)
        most = MOST_MARGIN * max(self.picture.shape[:2])
        self.margin = int(min(np.abs(self.ground).max() + 2, most))
        self.plate = extend(behind, self.margin)

    def carried(self, frame: int) -> FloatArray:
        """(H, W, 2) float32: how far every pixel of the picture has gone, pixels."""
        if self.is_still or not self.shift[frame].any():
            return np.zeros((*self.picture.shape[:2], 2), np.float32)
        shift = self.raise_cells(self.shift[frame])
        if self.held is not None:
            shift[self.held] = 0
        return shift

    def draw(self, frame: int, shift: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """One frame (H, W, 3) and its holes (H, W). shift: what carried(frame) gave, if at hand."""
        shape = self.picture.shape[:2]
        shift = self.carried(frame) if shift is None else shift
        if not shift.any():
            return self.picture, np.zeros(shape, np.float32)
        ground = self._raised(self.ground[frame])
        speed = np.linalg.norm(shift - ground, axis=-1)
        over = self._over(speed)
        area = spreading(shift, MOST_SPREAD)
        seen = self._raised(self.visible[frame][..., None])
        back, under = self._thrown(shift, self._behind(over) * area, np.ones(shape, np.float32))
        sight = np.clip((seen - 0.2) / 0.3, 0, 1)
        front = np.exp(DEPTH_OF_SPEED * speed / self.fastest + DEPTH_OF_SIGHT * seen)
        fore, cover = self._mended(*self._thrown(shift, over * area * sight, front))
        under = np.minimum(under[..., None], 1 - cover)
        gap = 1 - cover - under
        hole = np.clip((gap - HOLE_FROM) / (HOLE_TO - HOLE_FROM), 0, 1)
        known = (cover * fore + under * back) / np.maximum(cover + under, 1e-6)
        colours = known + hole * (self._plate_at(ground) - known)
        return colours.astype(np.float32), hole[..., 0].astype(np.float32)

    def _mended(self, colours: FloatArray, cover: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Colours (H, W, 3) and coverage (H, W, 1) of what moves, without the cracks that open in
        it where it stretches: gaps too thin for something else to be seen through."""
        import cv2

        cover = np.minimum(cover, 1)
        reach = 2 * max(1, round(CRACK_PX / 2 * self.scale)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        whole = np.maximum(cv2.morphologyEx(cover, cv2.MORPH_CLOSE, disc), cover)[..., None]
        known, cover = colours * cover[..., None], cover[..., None]
        sigma = max(reach / 5, 0.8)
        mass = cv2.GaussianBlur(cover, (0, 0), sigma)[..., None]
        around = cv2.GaussianBlur(known, (0, 0), sigma) / np.maximum(mass, 1e-6)
        mended = (known + (whole - cover) * around) / np.maximum(whole, 1e-6)
        return mended.astype(np.float32), whole

    def _thrown(
        self, shift: FloatArray, cover: FloatArray, front: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Colours and coverage of the pixels that cover anything."""
        height, width = self.picture.shape[:2]
        index = np.flatnonzero(cover > 1e-3)
        row, column = np.divmod(index, width)
        share = cover.ravel()[index]
        weight = np.stack([share * front.ravel()[index], share])
        at = np.stack([column, row]).astype(np.float32) + np.float32(0.5)
        at += shift.reshape(-1, 2)[index].T
        return splat(self.planes[:, index], at, weight, (height, width))

    def _plate_at(self, ground: FloatArray) -> FloatArray:
        import cv2

        height, width = self.picture.shape[:2]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x += np.float32(self.margin) - ground[..., 0]
        y += np.float32(self.margin) - ground[..., 1]
        return cv2.remap(self.plate, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def _over(self, speed: FloatArray) -> FloatArray:
        """0..1 whether a pixel of this speed against its surroundings moves alone."""
        share = (speed / self.scale - SAME_PX) / (OTHER_PX - SAME_PX)
        return np.clip(share, 0, 1)

    def _behind(self, over: FloatArray) -> FloatArray:
        """(H, W) 0..1 what stays with the surroundings, without the outline of what leaves: its
        pixels are a mixture of both, and would stay behind as a ghost."""
        import cv2

        reach = 2 * max(RIM_PX, round(RIM_PX * self.scale)) + 1
        return (1 - cv2.dilate(over, np.ones((reach, reach), np.uint8))).astype(np.float32)

    def _taken(self, apart: FloatArray) -> BoolArray:
        """(H, W) bool: what moves away, with a rim."""
        import cv2

        over = self._raised(self._over(apart)[..., None].astype(np.float32))
        rim = 2 * round(5 * self.scale) + 1
        return cv2.dilate((over > 0.2).astype(np.uint8), np.ones((rim, rim), np.uint8)) > 0

    def _raised(self, cells: FloatArray) -> FloatArray:
        """Smoothly from cells to pixels."""
        import cv2

        size = (self.picture.shape[1], self.picture.shape[0])
        return cv2.resize(np.ascontiguousarray(cells), size, interpolation=cv2.INTER_LINEAR)


def _ground(field: MotionField) -> FloatArray:
    """(T, rows, columns, 2) motion of the surroundings: the similarity of most of the rim."""
    (columns, rows), frames = field.grid, field.frames
    points = field.centres().reshape(-1, 2).cpu().numpy()
    moved = field.displacement.detach().reshape(frames, -1, 2).cpu().numpy()
    weight = np.full((rows, columns), 1.0, np.float32)
    down, right = (max(RIM_CELLS, side * RIM_CELLS // RIM_OF) for side in (rows, columns))
    weight[down:-down, right:-right] = INNER_WEIGHT
    visible = np.ones(moved.shape[:2], bool)
    common = fit_common(points, moved, visible, weight.reshape(-1))
    return common.reshape(frames, rows, columns, 2)
