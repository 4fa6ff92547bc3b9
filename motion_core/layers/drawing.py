"""Drawing: the layers of a picture in motion, composited back to front in linear light.

Every pixel of a frame takes its colour from where its content came from (inverse warp). Nothing is
splatted forward: a mesh without folds leaves no cracks, whatever it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from ..fields.fill import extend
from ..fields.motion_field import MotionField
from ..tracks.model import Tracks
from .deformation import Deformation
from .inverse_map import inverse_map
from .layered_picture import Layer, LayeredPicture
from .linear_light import to_linear, to_srgb
from .mesh import doubled_areas
from .motion import LayersInMotion, move_layers
from .sampling import Texture
from .specks import without_specks
from .window import NO_PIXELS, Window, bounds, intersection, union, window_of

# Opacities below half a step of 8 bits do not change a picture.
LEAST_SHOWN = 1 / 512
# Colours closer to the background than this, squared linear light, leave the opacity as it is.
ALIKE = 1e-3
# Within this distance of a layer the filled plate replaces traces of it, pixels of a 512-pixel
# picture; they fade while it moves by the second.
RIM_PX, FADE_PX = 6.0, 3.0
# Mirrored colours continue what the frame cuts off of a layer; they are fully blurred at this
# fraction of the short side. Sooner, and textures end in fog.
SOFT_WITHIN = 0.5
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
        dense: motion that decides what the tracks leave open, or None; see `move_layers`.

    Attributes:
        motion: of the layers and the background.
    """

    def __init__(
        self,
        picture: FloatArray,
        layered: LayeredPicture,
        tracks: Tracks,
        tick: Callable[[], None] = lambda: None,
        dense: MotionField | None = None,
    ) -> None:
        self.picture = picture
        self.motion = move_layers(layered, tracks, tick, dense)
        self.rest = rest_textures(picture, layered, tick)
        self.plate = _PlateDrawing(layered, self.motion)
        tick()
        self.layers = []
        for number, deformation in enumerate(self.motion.layers):
            tick()
            colour, margin = layered.layers[number].colour, self.motion.margins[number]
            wide = _continued(self.rest[number], colour, margin)
            texture = Texture(wide, -margin, -margin)
            self.layers.append(
                _LayerDrawing(self.rest[number], texture, deformation, layered.filled)
            )

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
        if not self.plate.at_rest(frame):
            light, hole = self.plate.drawn(frame)
            self._composite(frame, light, hole, Window(0, 0, width, height))
            return to_srgb(light), hole
        out = self.picture.copy()
        window = union([one for layer in moving for one in (layer.window(frame), layer.bounds)])
        if not window.width:
            return out, uncovered
        place = window.slices()
        light, hole = self.plate.light[place].copy(), self.plate.filled[place].copy()
        changed = self._composite(frame, light, hole, window)
        out[place] += changed[..., None] * (to_srgb(light) - out[place])
        uncovered[place] = changed * hole
        return out, uncovered

    def _composite(
        self, frame: int, light: FloatArray, hole: FloatArray, window: Window
    ) -> FloatArray:
        """Draws the layers over what fills a window.

        Args:
            frame: 0..T-1.
            light: (h, w, 3) linear light, changed in place.
            hole: (h, w) 0..1, how far it is filled, changed in place.
            window: of the frame.

        Returns:
            (h, w) float32 0..1, how far the result replaces the picture: wholly where a layer that
            moves is or was, not at all where everything rests.
        """
        changed = np.zeros(hole.shape, np.float32)
        for layer in self.layers:
            rests = layer.at_rest(frame)
            place = layer.bounds if rests else layer.window(frame)
            place = intersection(place, window)
            if not rests:
                np.maximum(changed, layer.left_behind(frame)[window.slices()], out=changed)
            if not place.width:
                continue
            part = layer.drawn(frame, place)
            inner = place.moved(-window.left, -window.top).slices()
            clear = 1 - part[..., 3:]
            light[inner] *= clear
            light[inner] += part[..., :3]
            hole[inner] *= clear[..., 0]
            if not rests:
                changed[inner][part[..., 3] > 0] = 1
        return changed


def rest_textures(
    picture: FloatArray, layered: LayeredPicture, tick: Callable[[], None] = lambda: None
) -> list[FloatArray]:
    """(H, W, 4) for each layer: premultiplied linear light and opacity.

    Opacities of a cut-out are estimated on sRGB values. In linear light the same mixture needs
    another opacity: the one that, together with the layer's colours and what lies below it, gives
    the picture again; what is left over goes into the colours. Thus nothing changes at the moment
    at which a layer starts to move.
    """
    below_srgb, below = layered.plate, to_linear(layered.plate)
    textures = []
    for number, layer in enumerate(layered.layers):
        tick()
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


def _continued(rest: FloatArray, colour: FloatArray, margin: int) -> FloatArray:
    """A texture (H, W, 4) continued by `margin` pixels past every edge of the picture.

    What the frame cuts off goes straight on. Its colours (H, W, 3), sRGB, are mirrored and blur, so
    that no second face appears, and small lights do not occur twice.
    """
    if not margin:
        return rest
    sides = ((margin, margin), (margin, margin), (0, 0))
    opacity = np.pad(rest[..., 3:], sides, mode="edge")
    beyond = np.ones(opacity.shape[:2], bool)
    inside = slice(margin, -margin)
    beyond[inside, inside] = False
    light = to_linear(without_specks(extend(colour, margin, SOFT_WITHIN), beyond))
    wide = np.concatenate([light * opacity, opacity], axis=-1)
    wide[inside, inside] = rest
    return wide


class _LayerDrawing:
    """One layer: its texture and its deformation."""

    def __init__(
        self, rest: FloatArray, texture: Texture, deformation: Deformation, filled: BoolArray
    ) -> None:
        import cv2

        self.rest, self.deformation = rest, deformation
        self.support: BoolArray = rest[..., 3] > 0
        scale = max(filled.shape) / 512
        reach = 2 * math.ceil(RIM_PX * scale) + 1
        near = cv2.dilate(self.support.astype(np.uint8), np.ones((reach, reach), np.uint8))
        # The traces of a thing that are too faint for its opacity.
        self.rim: BoolArray = (near > 0) & filled & ~self.support
        self.bounds = bounds(self.support | self.rim)
        self.fade_px = FADE_PX * scale
        self.texture = texture
        mesh = deformation.mesh
        self.rest_areas = doubled_areas(mesh.vertices, mesh.triangles)
        if len(mesh.triangles):
            areas = doubled_areas(deformation.positions, mesh.triangles)
            self.texture.prepare(float(np.sqrt((self.rest_areas / areas).max())))

    def at_rest(self, frame: int) -> bool:
        return self.deformation.at_rest(frame)

    def left_behind(self, frame: int) -> FloatArray:
        """(H, W) float32 0..1: where the layer was. Its rim fades as the layer leaves, so that
        nothing changes at once when it starts to move."""
        mesh = self.deformation.mesh
        gone = np.abs(self.deformation.positions[frame] - mesh.vertices).max()
        fade = np.float32(min(gone / self.fade_px, 1))
        return np.where(self.support, np.float32(1), fade * self.rim)

    def window(self, frame: int) -> Window:
        """The pixels that the mesh covers at a frame."""
        height, width = self.support.shape
        positions = self.deformation.positions[frame]
        if not len(positions):
            return NO_PIXELS
        low = np.clip(np.floor(positions.min(axis=0)), 0, [width, height]).astype(np.int64)
        high = np.clip(np.ceil(positions.max(axis=0)), 0, [width, height]).astype(np.int64)
        return window_of(*low.tolist(), *high.tolist())

    def drawn(self, frame: int, window: Window) -> FloatArray:
        """(h, w, 4) premultiplied linear light and opacity in a window."""
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
            self.texture = Texture(wide, -margin, -margin)
            self.known = Texture(1 - self.filled[..., None], sharp=False)
            shrinking = float((1 / np.abs(self.deformation.common.turn)).max())
            for texture in (self.texture, self.known):
                texture.prepare(shrinking)

    def at_rest(self, frame: int) -> bool:
        return self.deformation.at_rest(frame)

    def drawn(self, frame: int) -> tuple[FloatArray, FloatArray]:
        """(H, W, 3) linear light and (H, W) 0..1, how far it is filled, in a frame in which it
        moves."""
        import cv2

        source = self._smooth_map(frame)
        shrinking = float(1 / np.abs(self.deformation.common.turn[frame]))
        light = self.texture.sample(source, shrinking, cv2.BORDER_REFLECT)
        known = self.known.sample(source, shrinking, cv2.BORDER_CONSTANT)
        return light, 1 - known[..., 0]

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
