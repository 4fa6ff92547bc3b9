"""Drawing: the layers of a picture in motion, composited back to front in linear light.

Every pixel of a frame takes its colour from where its content came from (inverse warp). Nothing is
splatted forward: a mesh without folds leaves no cracks, whatever it does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..fields.fill import extend
from ..tracks.model import Tracks
from .deformation import Deformation
from .inverse_map import Window, inverse_map
from .layered_picture import Layer, LayeredPicture
from .linear_light import to_linear, to_srgb
from .mesh import doubled_areas
from .motion import LayersInMotion, mirrored, move_layers
from .sampling import Texture

# Opacities below half a step of 8 bits do not change a picture.
LEAST_SHOWN = 1 / 512
# Colours closer to the background than this, squared linear light, leave the opacity as it is.
ALIKE = 1e-3
# The background's motion is smooth: it is computed once for so many pixels along a side.
PLATE_STEP = 8


class LayersRenderer:
    """A layered picture in motion, ready to be drawn at any frame. Drawing changes nothing, so
    that frames can be drawn side by side.

    Args:
        picture: (H, W, 3) float32 0..1, what frame 0 shows.
        layered: the same picture, taken apart.
        tracks: those that its layers name.
        tick: called repeatedly during the preparation; may raise to stop the work.

    Attributes:
        motion: of the layers and the background.
    """

    def __init__(
        self,
        picture: FloatArray,
        layered: LayeredPicture,
        tracks: Tracks,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self.picture = picture
        self.motion = move_layers(layered, tracks, tick)
        self.rest = rest_textures(picture, layered)
        self.plate = _PlateDrawing(layered, self.motion)
        tick()
        pairs = zip(self.rest, self.motion.layers, self.motion.margins, strict=True)
        self.layers = [_LayerDrawing(*pair) for pair in pairs]

    def draw(self, frame: int) -> tuple[FloatArray, FloatArray]:
        """One frame.

        Args:
            frame: 0..T-1.

        Returns:
            (H, W, 3) float32 0..1, the colours, and (H, W) float32 0..1, how much of each pixel
            shows what the picture does not: the filled background. A frame at rest is the picture,
            bit for bit.
        """
        height, width = self.picture.shape[:2]
        uncovered = np.zeros((height, width), np.float32)
        moving = [layer for layer in self.layers if not layer.at_rest(frame)]
        plate_rests = self.plate.at_rest(frame)
        out = self.picture.copy()
        if plate_rests and not moving:
            return out, uncovered
        whole = Window(0, 0, width, height)
        window = whole if not plate_rests else _union([one.window(frame) for one in moving], whole)
        if not (window.width and window.height):
            return out, uncovered
        light, hole = self.plate.drawn(frame, window)
        changed = np.full(light.shape[:2], not plate_rests)
        for layer in self.layers:
            part = layer.drawn(frame, window)
            opacity = part[..., 3:]
            light = light * (1 - opacity) + part[..., :3]
            hole = hole * (1 - opacity[..., 0])
            if not layer.at_rest(frame):
                changed |= opacity[..., 0] > LEAST_SHOWN
                changed |= layer.support[window.slices()]
        target = out[window.slices()]
        target[:] = np.where(changed[..., None], to_srgb(light), target)
        uncovered[window.slices()] = np.where(changed, hole, 0)
        return out, uncovered


def rest_textures(picture: FloatArray, layered: LayeredPicture) -> list[FloatArray]:
    """(H, W, 4) for each layer: premultiplied linear light and opacity.

    Opacities of a cut-out are estimated on sRGB values. In linear light the same mixture needs
    another opacity: the one that, together with the layer's colours and what lies below it, gives
    the picture again; what is left over goes into the colours. Thus nothing changes at the moment
    at which a layer starts to move.
    """
    below_srgb, below = layered.plate, to_linear(layered.plate)
    textures = []
    for number, layer in enumerate(layered.layers):
        alpha = layer.alpha[..., None]
        goal_srgb = below_srgb + alpha * (layer.colour - below_srgb)
        is_last = number == len(layered.layers) - 1
        goal = to_linear(picture if is_last else goal_srgb)
        texture = _in_linear_light(layer, below, goal)
        textures.append(texture)
        below = below * (1 - texture[..., 3:]) + texture[..., :3]
        below_srgb = goal_srgb
    return textures


def _in_linear_light(layer: Layer, below: FloatArray, goal: FloatArray) -> FloatArray:
    """(H, W, 4) premultiplied colours and opacity of a layer that, over (H, W, 3) linear light,
    gives the goal."""
    alpha, colour = layer.alpha[..., None], to_linear(layer.colour)
    apart = colour - below
    product = ((goal - below) * apart).sum(-1, keepdims=True) + ALIKE * alpha
    opacity = np.clip(product / ((apart**2).sum(-1, keepdims=True) + ALIKE), 0, 1)
    soft = (alpha > 0) & (alpha < 1)
    opacity = np.where(soft, opacity, alpha)
    left_over = goal - below * (1 - opacity) - opacity * colour
    shown = opacity * colour + np.where(alpha > 0, left_over, 0)
    return np.concatenate([np.clip(shown, 0, opacity), opacity], axis=-1).astype(np.float32)


class _LayerDrawing:
    """One layer: its texture and its deformation."""

    def __init__(self, rest: FloatArray, deformation: Deformation, margin: int) -> None:
        self.rest, self.deformation = rest, deformation
        self.support: BoolArray = rest[..., 3] > 0
        self.bounds = _bounds(self.support)
        self.texture = Texture(mirrored(rest, margin), -margin, -margin)
        mesh = deformation.mesh
        self.rest_areas = doubled_areas(mesh.vertices, mesh.triangles)
        if len(mesh.triangles):
            areas = doubled_areas(deformation.positions, mesh.triangles)
            self.texture.prepare(float(np.sqrt((self.rest_areas / areas).max())))

    def at_rest(self, frame: int) -> bool:
        return self.deformation.at_rest(frame)

    def window(self, frame: int) -> Window:
        """The pixels that the layer covers at a frame or at rest."""
        height, width = self.support.shape
        positions = self.deformation.positions[frame]
        low = np.floor(positions.min(axis=0)).astype(np.int64)
        high = np.ceil(positions.max(axis=0)).astype(np.int64)
        low = np.clip(np.minimum(low, self.bounds[:2]), 0, [width, height])
        high = np.clip(np.maximum(high, self.bounds[2:]), 0, [width, height])
        return Window(*(int(side) for side in (*low, *(high - low))))

    def drawn(self, frame: int, window: Window) -> FloatArray:
        """(h, w, 4) premultiplied linear light and opacity."""
        import cv2

        if self.at_rest(frame):
            return self.rest[window.slices()]
        mesh, positions = self.deformation.mesh, self.deformation.positions[frame]
        source, triangle = inverse_map(positions, mesh.vertices, mesh.triangles, window)
        shrinking: FloatArray | float = 1.0
        if len(self.texture.levels) > 1:
            ratio = np.sqrt(self.rest_areas / doubled_areas(positions, mesh.triangles))
            shrinking = np.append(ratio, 1.0)[triangle]
        part = self.texture.sample(source, shrinking, cv2.BORDER_CONSTANT)
        opacity = np.clip(part[..., 3], 0, 1)
        part[..., 3] = np.where((triangle >= 0) & (opacity > LEAST_SHOWN), opacity, 0)
        np.clip(part[..., :3], 0, part[..., 3:], out=part[..., :3])
        return part


class _PlateDrawing:
    """The background: its plate, which parts of it are filled, and its deformation."""

    def __init__(self, layered: LayeredPicture, motion: LayersInMotion) -> None:
        self.deformation, margin = motion.plate, motion.plate_margin
        self.size = layered.size
        self.light = to_linear(layered.plate)
        self.filled = layered.filled.astype(np.float32)
        if self.deformation.moves:
            wide = to_linear(extend(layered.plate.astype(np.float32), margin))
            filled = np.pad(self.filled, margin, constant_values=1)
            self.texture = Texture(np.dstack([wide, filled]), -margin, -margin)
            turn = np.abs(self.deformation.common.turn)
            self.texture.prepare(float((1 / turn).max()))

    def at_rest(self, frame: int) -> bool:
        return self.deformation.at_rest(frame)

    def drawn(self, frame: int, window: Window) -> tuple[FloatArray, FloatArray]:
        """(h, w, 3) linear light and (h, w) 0..1, how far it is filled."""
        import cv2

        if self.at_rest(frame):
            return self.light[window.slices()], self.filled[window.slices()]
        source = self._smooth_map(frame)[window.slices()]
        shrinking = float(1 / np.abs(self.deformation.common.turn[frame]))
        part = self.texture.sample(source, shrinking, cv2.BORDER_REFLECT)
        outside = ((source < 0) | (source > np.array(self.size, np.float32))).any(axis=-1)
        return part[..., :3], np.where(outside, np.float32(1), np.clip(part[..., 3], 0, 1))

    def _smooth_map(self, frame: int) -> FloatArray:
        """(H, W, 2) float32 pixels: where the background of each pixel came from, computed on a
        coarse lattice. Past the mesh the common similarity continues it."""
        import cv2

        mesh, common = self.deformation.mesh, self.deformation.common
        columns, rows = (-(-side // PLATE_STEP) + 2 for side in self.size)
        scaled = self.deformation.positions[frame] / PLATE_STEP + 1
        source, triangle = inverse_map(
            scaled, mesh.vertices, mesh.triangles, Window(0, 0, columns, rows)
        )
        x, y = np.meshgrid(np.arange(columns) - 0.5, np.arange(rows) - 0.5)
        came = ((x + 1j * y) * PLATE_STEP - common.shift[frame]) / common.turn[frame]
        beyond = np.stack([came.real, came.imag], axis=-1).astype(np.float32)
        coarse = np.where(triangle[..., None] >= 0, source, beyond)
        full = (columns * PLATE_STEP, rows * PLATE_STEP)
        fine = cv2.resize(coarse, full, interpolation=cv2.INTER_LINEAR)
        width, height = self.size
        return fine[PLATE_STEP : PLATE_STEP + height, PLATE_STEP : PLATE_STEP + width]


def _bounds(mask: BoolArray) -> IndexArray:
    """(4,) first column and row of a mask and the ones after the last."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.array([mask.shape[1], mask.shape[0], 0, 0])
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def _union(windows: list[Window], whole: Window) -> Window:
    """The smallest window around several ones."""
    kept = [one for one in windows if one.width > 0 and one.height > 0]
    if not kept:
        return Window(0, 0, 0, 0)
    left, top = min(one.left for one in kept), min(one.top for one in kept)
    right = min(max(one.left + one.width for one in kept), whole.width)
    bottom = min(max(one.top + one.height for one in kept), whole.height)
    return Window(left, top, right - left, bottom - top)
