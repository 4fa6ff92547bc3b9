"""The renderer: the first frame moved along a field at full resolution.

Foreground, which moves against its surroundings, lies over the background. Where it uncovers
something, a plate that is filled from the surroundings shows. Coverage mixes them, so that edges
stay soft.
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

# Motion that differs from the background's by less than the first is background, by more than the
# second foreground; pixels of a 512-pixel picture.
SAME_PX, OTHER_PX = 0.7, 2.5
# Exponents by which faster and more visible pixels cover others.
SPEED_WEIGHT, VISIBILITY_WEIGHT = 4.0, 6.0
MOST_SPREAD = 3.0
# Width of the rim in which an object's colours mix with the pixels beside it.
RIM_PX = 2
# Stretched objects open cracks of up to this width; pixels of a 512-pixel picture.
CRACK_PX = 8
# A pixel is a hole when less than this is covered; a smaller gap is a stretched object.
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

    A field at rest gives the picture, bit for bit.

    Args:
        image: (H, W, 3) float 0..1, of the field's size.
        field: its motion.
        progress: called per frame.

    Returns:
        Frames (T, H, W, 3), and holes (T, H, W) float32 0..1, where a frame shows what frame 0
        does not, on the image's device.

    Raises:
        TypeError, ShapeError, ValueError: the image is no picture.
        CanvasError: it is not of the field's size.
    """
    renderer = FieldRenderer(image, field)
    frames = torch.empty(field.frames, *renderer.picture.shape)
    holes = torch.zeros(field.frames, *renderer.picture.shape[:2])
    for frame in range(field.frames):
        colours, hole = renderer.draw(frame)
        frames[frame] = torch.from_numpy(colours)
        holes[frame] = torch.from_numpy(hole)
        progress(frame + 1, field.frames)
    return frames.to(image.device), holes.to(image.device)


class FieldRenderer:
    """A picture and its field, ready to be drawn at any frame.

    Args:
        image: (H, W, 3) float 0..1, of the field's size.
        field: its motion.
        movable: (H, W) bool, the pixels that may move, or None for all; the others stay where
            they are, and what moves may pass over them.
    """

    def __init__(self, image: Tensor, field: MotionField, movable: Tensor | None = None) -> None:
        self.picture = image_array(image, field.size)
        self.shift = field.displacement.detach().cpu().numpy()
        self.visible = field.visible.detach().cpu().numpy()
        self.scale = max(self.picture.shape[:2]) / 512
        self.fixed = None if movable is None else ~movable.cpu().numpy()
        self.is_still = not self.shift.any()
        if self.is_still:
            return
        self.background = _background_motion(field)
        self.planes = np.ascontiguousarray(self.picture.reshape(-1, 3).T)
        self.upsample = Upsampler(self.picture, self.shift)
        apart = np.linalg.norm(self.shift - self.background, axis=-1)
        self.fastest = max(float(apart.max()), 1e-6)
        moving = self._foreground(apart.max(axis=0)).max() > 0
        removed = self._removed(apart.max(axis=0)) if moving else None
        behind = self.picture if removed is None else fill_behind(self.picture, removed)
        most = MOST_MARGIN * max(self.picture.shape[:2])
        self.margin = int(min(np.abs(self.background).max() + 2, most))
        self.plate = extend(behind, self.margin)

    def displacement_at(self, frame: int) -> FloatArray:
        """(H, W, 2) float32 pixels: the displacement of every pixel of the picture at a frame."""
        if self.is_still or not self.shift[frame].any():
            return np.zeros((*self.picture.shape[:2], 2), np.float32)
        shift = self.upsample(self.shift[frame])
        if self.fixed is not None:
            shift[self.fixed] = 0
        return shift

    def draw(self, frame: int, shift: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """One frame.

        Args:
            frame: 0..T-1.
            shift: what displacement_at(frame) gave, if it is known.

        Returns:
            (H, W, 3) float32 colours, and (H, W) float32 0..1 holes.
        """
        shape = self.picture.shape[:2]
        shift = self.displacement_at(frame) if shift is None else shift
        if not shift.any():
            return self.picture, np.zeros(shape, np.float32)
        background = self._resized(self.background[frame])
        speed = np.linalg.norm(shift - background, axis=-1)
        foreground = self._foreground(speed)
        area = spreading(shift, MOST_SPREAD)
        visible = self._resized(self.visible[frame][..., None])
        back, under = self._splatted(
            shift, self._background_weight(foreground) * area, np.ones(shape, np.float32)
        )
        opacity = np.clip((visible - 0.2) / 0.3, 0, 1)
        priority = np.exp(SPEED_WEIGHT * speed / self.fastest + VISIBILITY_WEIGHT * visible)
        front, cover = self._closed(*self._splatted(shift, foreground * area * opacity, priority))
        under = np.minimum(under[..., None], 1 - cover)
        gap = 1 - cover - under
        hole = np.clip((gap - HOLE_FROM) / (HOLE_TO - HOLE_FROM), 0, 1)
        known = (cover * front + under * back) / np.maximum(cover + under, 1e-6)
        colours = known + hole * (self._plate_at(background) - known)
        return colours.astype(np.float32), hole[..., 0].astype(np.float32)

    def _closed(self, colours: FloatArray, cover: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Colours (H, W, 3) and coverage (H, W, 1) of what moves, without the cracks that open in
        it where it stretches: gaps too thin for something else to show through."""
        import cv2

        cover = np.minimum(cover, 1)
        reach = 2 * max(1, round(CRACK_PX / 2 * self.scale)) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        whole = np.maximum(cv2.morphologyEx(cover, cv2.MORPH_CLOSE, disc), cover)[..., None]
        known, cover = colours * cover[..., None], cover[..., None]
        sigma = max(reach / 5, 0.8)
        mass = cv2.GaussianBlur(cover, (0, 0), sigma)[..., None]
        around = cv2.GaussianBlur(known, (0, 0), sigma) / np.maximum(mass, 1e-6)
        closed = (known + (whole - cover) * around) / np.maximum(whole, 1e-6)
        return closed.astype(np.float32), whole

    def _splatted(
        self, shift: FloatArray, cover: FloatArray, priority: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Colours and coverage of the pixels that cover anything."""
        height, width = self.picture.shape[:2]
        index = np.flatnonzero(cover > 1e-3)
        row, column = np.divmod(index, width)
        alpha = cover.ravel()[index]
        weight = np.stack([alpha * priority.ravel()[index], alpha])
        at = np.stack([column, row]).astype(np.float32) + np.float32(0.5)
        at += shift.reshape(-1, 2)[index].T
        return splat(self.planes[:, index], at, weight, (height, width))

    def _plate_at(self, background: FloatArray) -> FloatArray:
        import cv2

        height, width = self.picture.shape[:2]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x += np.float32(self.margin) - background[..., 0]
        y += np.float32(self.margin) - background[..., 1]
        return cv2.remap(self.plate, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def _foreground(self, speed: FloatArray) -> FloatArray:
        """0..1 membership in the foreground, from the speed relative to the background."""
        alpha = (speed / self.scale - SAME_PX) / (OTHER_PX - SAME_PX)
        return np.clip(alpha, 0, 1)

    def _background_weight(self, foreground: FloatArray) -> FloatArray:
        """(H, W) 0..1 weight of the background, without the outline of what leaves: its pixels are
        a mixture of both, and would stay behind as a ghost."""
        import cv2

        reach = 2 * max(RIM_PX, round(RIM_PX * self.scale)) + 1
        return (1 - cv2.dilate(foreground, np.ones((reach, reach), np.uint8))).astype(np.float32)

    def _removed(self, apart: FloatArray) -> BoolArray:
        """(H, W) bool: what moves away, with a rim."""
        import cv2

        foreground = self._resized(self._foreground(apart)[..., None].astype(np.float32))
        rim = 2 * round(5 * self.scale) + 1
        return cv2.dilate((foreground > 0.2).astype(np.uint8), np.ones((rim, rim), np.uint8)) > 0

    def _resized(self, cells: FloatArray) -> FloatArray:
        """Bilinear interpolation from cells to pixels."""
        import cv2

        size = (self.picture.shape[1], self.picture.shape[0])
        return cv2.resize(np.ascontiguousarray(cells), size, interpolation=cv2.INTER_LINEAR)


def _background_motion(field: MotionField) -> FloatArray:
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
