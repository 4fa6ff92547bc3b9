"""Rendering of a scene: frame 0 for training, every frame for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .scene import SIDE, Array, Layer, Lens, Scene, grid_points
from .textures import blend, shade


def random_lens(rng: np.random.Generator) -> Lens:
    """A lens with random blur, grain, contrast and compression; most are mild."""
    quality = int(rng.integers(35, 96)) if rng.random() < 0.3 else None
    blur = rng.uniform(0.4, 1.4) if rng.random() < 0.5 else 0.0
    return Lens(blur, rng.gamma(1.5, 0.009), rng.uniform(0.75, 1.2), quality)


def render_first_frame(layers: tuple[Layer, ...], lens: Lens, rng: np.random.Generator) -> Array:
    """(S, S, 3) uint8: the layers in frame 0, as a lens shows them."""
    drawn = [(_texture_of(layer), layer.alpha, layer.shadow) for layer in layers]
    return _apply_lens(_composite(drawn), lens, rng)


def render_frames(scene: Scene) -> Array:
    """(T, S, S, 3) uint8: the true video of a scene, whose frame 0 is `scene.image`.

    The other frames have the blur and contrast of its lens, but neither grain nor compression,
    which cannot be predicted. Textures are mirrored past their edges. Raises ValueError for a scene
    without textures.
    """
    rng = np.random.default_rng(scene.seed)
    lens = replace(scene.lens, grain=0.0, quality=None)
    warped = [_warped_layer(layer) for layer in scene.layers]
    frames = [
        _apply_lens(_composite(list(drawn)), lens, rng) for drawn in zip(*warped, strict=True)
    ]
    frames[0] = scene.image
    return np.stack(frames)


def _warped_layer(layer: Layer) -> Iterator[tuple[Array, Array | None, float]]:
    """Colours, coverage and shadow of a layer, frame by frame."""
    import cv2

    texture = _texture_of(layer)
    points = np.broadcast_to(grid_points(SIDE), (len(layer.pose), SIDE * SIDE, 2))
    maps = (layer.backward(points) - 0.5).astype(np.float32).reshape(-1, SIDE, SIDE, 2)
    mirror, nothing = cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT
    for across, along in maps.transpose(0, 3, 1, 2):
        across, along = np.ascontiguousarray(across), np.ascontiguousarray(along)
        colours = cv2.remap(texture, across, along, cv2.INTER_LINEAR, borderMode=mirror)
        if layer.alpha is None:
            yield colours, None, 0.0
            continue
        alpha = cv2.remap(layer.alpha, across, along, cv2.INTER_LINEAR, borderMode=nothing)
        yield colours, alpha, layer.shadow


def _texture_of(layer: Layer) -> Array:
    if layer.texture is None:
        raise ValueError("this scene holds no textures; make it with keep_textures=True.")
    return layer.texture


def _composite(drawn: list[tuple[Array, Array | None, float]]) -> Array:
    import cv2

    image = np.zeros((SIDE, SIDE, 3), np.float32)
    for texture, alpha, shadow in drawn:
        if alpha is None:
            image = texture
            continue
        if shadow:
            cast = cv2.GaussianBlur(alpha, (0, 0), 5.0)
            cast = cv2.warpAffine(cast, np.array([[1, 0, 3], [0, 1, 5]], np.float32), (SIDE, SIDE))
            image = shade(image, 1 - np.float32(shadow) * cast)
        image = blend(image, texture, alpha)
    return image


def _apply_lens(image: Array, lens: Lens, rng: np.random.Generator) -> Array:
    import cv2

    if lens.blur:
        image = cv2.GaussianBlur(image, (0, 0), lens.blur)
    image = (image - 0.5) * np.float32(lens.contrast) + 0.5
    if lens.grain:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(lens.grain)
    pixels = cv2.convertScaleAbs(np.maximum(image, 0), alpha=255)
    if lens.quality is None:
        return pixels
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, lens.quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
