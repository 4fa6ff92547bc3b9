"""Materials of real pictures for composed scenes: crops as textures, cut-outs as objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from ...evaluation.real.clips import scene_of
from ...layered_scenes.scene import SIDE, Array
from ...layered_scenes.textures import make_texture
from ...layers.saliency import Box, saliency
from .real_clips import clip_frames, training_clip_names

# Pictures are taken from these frames of a clip.
PICTURE_FRAMES = (0, 12, 23)
# A texture is a crop of this fraction of the short side; of so many crops the least salient is
# taken, because a thing in a texture would not move as a thing.
CROP_RANGE, TRIES = (0.3, 0.9), 6
# Of textures and objects, the rest is procedural.
REAL_TEXTURE, REAL_OBJECT = 0.8, 0.65
# Bounds of a cut-out: part of the picture, and mean opacity within its outline.
AREA_RANGE, LEAST_SURE = (0.01, 0.5), 0.85
# A cut-out begins at this saliency and is opaque RAMP further up, so that no rim of the old
# background is taken along.
RIM, RAMP = 0.55, 0.35

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame of a clip.

    Attributes:
        colours: (H, W, 3) float32 0..1.
        salience: (H, W) float32 0..1.
    """

    colours: Array
    salience: Array


@dataclass(frozen=True, eq=False)
class Cutout:
    """A thing of a picture, cropped.

    Attributes:
        colours: (h, w, 3) float32 0..1.
        alpha: (h, w) float32 0..1.
        radius: Of the disc of its area, pixels.
        centre: (2,) pixels of the crop, the mean of its area.
    """

    colours: Array
    alpha: Array
    radius: float
    centre: Array


class RealMaterials:
    """Materials of the training clips of a folder; every scene is as likely as another.

    Pictures are read and cut at the first use.

    Args:
        folder: Of the clips.

    Raises:
        FormatError: See `training_clip_names`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, training_clip_names(folder)

    @cached_property
    def pictures(self) -> list[list[Picture]]:
        """The pictures by scene."""
        scenes: dict[str, list[Picture]] = {}
        for name in self.names:
            frames = clip_frames(self.folder, name)
            for index in PICTURE_FRAMES:
                picture = _picture(frames[min(index, len(frames) - 1)])
                scenes.setdefault(scene_of(name), []).append(picture)
        return list(scenes.values())

    @cached_property
    def cutouts(self) -> list[list[Cutout]]:
        """The cut-outs by scene, without scenes that have none."""
        found = [[one for each in scene for one in cut_out(each)] for scene in self.pictures]
        return [scene for scene in found if scene]

    def texture(self, rng: np.random.Generator) -> Array:
        """See Materials: a crop of a picture, turned and with other light, or a procedural one."""
        import cv2

        if rng.random() >= REAL_TEXTURE:
            return make_texture(rng)
        picture = _any(rng, self.pictures)
        tries = [_random_crop(rng, picture) for _ in range(TRIES)]
        place = min(tries, key=lambda one: float(picture.salience[one].mean()))
        crop = cv2.resize(picture.colours[place], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        if rng.random() < 0.3:
            crop = np.ascontiguousarray(np.rot90(crop, int(rng.integers(1, 4))))
        return _relit(rng, crop)

    def cutout(
        self, rng: np.random.Generator, centre: Array, radius: float
    ) -> tuple[Array, Array] | None:
        """See Materials: a thing of a picture at another place, size and angle."""
        import cv2

        if rng.random() >= REAL_OBJECT or not self.cutouts:
            return None
        thing = _any(rng, self.cutouts)
        thing = _at_most(thing, radius)
        scale, angle = radius / thing.radius, rng.normal(0, 0.25)
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        matrix = np.array([[cos, -sin], [sin, cos]])
        if rng.random() < 0.5:
            matrix[:, 0] *= -1
        # OpenCV counts pixels from their centres.
        shift = centre - 0.5 - matrix @ (thing.centre - 0.5)
        warp, size = np.concatenate([matrix, shift[:, None]], axis=1), (SIDE, SIDE)
        colours = cv2.warpAffine(thing.colours, warp, size, borderMode=cv2.BORDER_REFLECT)
        return _relit(rng, colours), cv2.warpAffine(thing.alpha, warp, size)


def cut_out(picture: Picture) -> list[Cutout]:
    """The connected salient things of a picture."""
    import cv2

    inside = (picture.salience > 0.5).astype(np.uint8)
    count, labels, figures, middles = cv2.connectedComponentsWithStats(inside)
    alpha = np.clip((picture.salience - RIM) / RAMP, 0, 1).astype(np.float32)
    found = []
    for label in range(1, count):
        left, top, width, height, area = figures[label].tolist()
        place = slice(top, top + height), slice(left, left + width)
        own = labels[place] == label
        if not AREA_RANGE[0] <= area / inside.size <= AREA_RANGE[1]:
            continue
        if picture.salience[place][own].mean() < LEAST_SURE:
            continue
        # A margin, so that the warped outline ends in the crop.
        cover = cv2.copyMakeBorder(alpha[place] * own, 2, 2, 2, 2, cv2.BORDER_CONSTANT)
        colours = cv2.copyMakeBorder(picture.colours[place], 2, 2, 2, 2, cv2.BORDER_REPLICATE)
        centre = middles[label] - [left - 2.5, top - 2.5]
        found.append(Cutout(colours, cover, math.sqrt(area / math.pi), centre))
    return found


def _at_most(thing: Cutout, radius: float) -> Cutout:
    """A cut-out shrunk by area to a radius if it is larger; warping it down would alias."""
    import cv2

    scale = radius / thing.radius
    if scale >= 1:
        return thing
    height, width = thing.alpha.shape
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    colours, alpha = (
        cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        for part in (thing.colours, thing.alpha)
    )
    stretch = np.array([size[0] / width, size[1] / height])
    shrunk = thing.radius * math.sqrt(float(stretch.prod()))
    return Cutout(colours, alpha, shrunk, thing.centre * stretch)


def _picture(frame: Array) -> Picture:
    colours = frame.astype(np.float32) / 255
    height, width = frame.shape[:2]
    odds = saliency(colours, Box(0, 0, width, height))
    return Picture(colours, (1 / (1 + np.exp(-np.clip(odds, -30, 30)))).astype(np.float32))


def _any(rng: np.random.Generator, scenes: list[list[Item]]) -> Item:
    """An item of a random scene, every scene as likely as another."""
    scene = scenes[int(rng.integers(len(scenes)))]
    return scene[int(rng.integers(len(scene)))]


def _random_crop(rng: np.random.Generator, picture: Picture) -> tuple[slice, slice]:
    height, width = picture.salience.shape
    side = max(8, int(rng.uniform(*CROP_RANGE) * min(height, width)))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    return slice(top, top + side), slice(left, left + side)


def _relit(rng: np.random.Generator, colours: Array) -> Array:
    """Colours with another exposure, contrast and white balance, 0..1."""
    gain = math.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.05, 3))
    lit = np.clip(colours, 1e-4, 1) ** math.exp(rng.normal(0, 0.15)) * gain
    return np.clip(lit, 0, 1).astype(np.float32)
