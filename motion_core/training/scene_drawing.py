"""Drawing a scene: frame 0 for training, every frame for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .scene_model import SIDE, Array, Layer, Lens, Scene, grid_points
from .scene_textures import mixed, shaded


def make_lens(rng: np.random.Generator) -> Lens:
    """A lens by chance; most are mild."""
    quality = int(rng.integers(35, 96)) if rng.random() < 0.3 else None
    blur = rng.uniform(0.4, 1.4) if rng.random() < 0.5 else 0.0
    return Lens(blur, rng.gamma(1.5, 0.009), rng.uniform(0.75, 1.2), quality)


def first_frame(layers: tuple[Layer, ...], lens: Lens, rng: np.random.Generator) -> Array:
    """(S, S, 3) uint8: layers where they are painted, seen through a lens."""
    paints = [(_painted(layer), layer.alpha, layer.shadow) for layer in layers]
    return _exposed(_stacked(paints), lens, rng)


def draw_frames(scene: Scene) -> Array:
    """(T, S, S, 3) uint8: the scene's true video, whose frame 0 is its picture.

    The other frames have the blur and contrast of its lens, but no grain and no compression, which
    nobody can foretell. Surfaces are mirrored past their edges. Raises ValueError for a scene
    without paint.
    """
    rng = np.random.default_rng(scene.seed)
    lens = replace(scene.lens, grain=0.0, quality=None)
    moved = [_moved(layer) for layer in scene.layers]
    frames = [_exposed(_stacked(list(paints)), lens, rng) for paints in zip(*moved, strict=True)]
    frames[0] = scene.image
    return np.stack(frames)


def _moved(layer: Layer) -> Iterator[tuple[Array, Array | None, float]]:
    """Frame after frame: colours, coverage and shadow."""
    import cv2

    paint = _painted(layer)
    points = np.broadcast_to(grid_points(SIDE), (len(layer.pose), SIDE * SIDE, 2))
    maps = (layer.backward(points) - 0.5).astype(np.float32).reshape(-1, SIDE, SIDE, 2)
    mirror, nothing = cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT
    for across, along in maps.transpose(0, 3, 1, 2):
        across, along = np.ascontiguousarray(across), np.ascontiguousarray(along)
        colours = cv2.remap(paint, across, along, cv2.INTER_LINEAR, borderMode=mirror)
        if layer.alpha is None:
            yield colours, None, 0.0
            continue
        alpha = cv2.remap(layer.alpha, across, along, cv2.INTER_LINEAR, borderMode=nothing)
        yield colours, alpha, layer.shadow


def _painted(layer: Layer) -> Array:
    if layer.paint is None:
        raise ValueError("this scene was made without paint; make it with keep_paint=True.")
    return layer.paint


def _stacked(paints: list[tuple[Array, Array | None, float]]) -> Array:
    import cv2

    picture = np.zeros((SIDE, SIDE, 3), np.float32)
    for paint, alpha, shadow in paints:
        if alpha is None:
            picture = paint
            continue
        if shadow:
            cast = cv2.GaussianBlur(alpha, (0, 0), 5.0)
            cast = cv2.warpAffine(cast, np.array([[1, 0, 3], [0, 1, 5]], np.float32), (SIDE, SIDE))
            picture = shaded(picture, 1 - np.float32(shadow) * cast)
        picture = mixed(picture, paint, alpha)
    return picture


def _exposed(picture: Array, lens: Lens, rng: np.random.Generator) -> Array:
    import cv2

    if lens.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), lens.blur)
    picture = (picture - 0.5) * np.float32(lens.contrast) + 0.5
    if lens.grain:
        picture = picture + rng.standard_normal(picture.shape, np.float32) * np.float32(lens.grain)
    shown = cv2.convertScaleAbs(np.maximum(picture, 0), alpha=255)
    if lens.quality is None:
        return shown
    _, packed = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, lens.quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
