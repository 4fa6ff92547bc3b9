"""A picture taken apart: what moves by the tracks is cut out, and the background filled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from ..images import image_array
from ..masks import check_proportions, mask_size
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .background import segments_over_background
from .cells import outer_outline, smooth_outline
from .cut import PictureCutter, separated
from .layered_picture import Layer, LayeredPicture
from .matting import soft_alpha, thing_colours
from .parts import joined_prompts
from .plate import background_plate, covered_pixels
from .prompts import ThingPrompt, thing_prompts
from .track_motion import Motion, motion_of

# Cuts are found in the picture at no more than this long side.
ANALYSIS_SIDE = 640
# A resting point holds a thing if it lies deeper inside than this fraction of the short side.
PIN_DEPTH = 0.03
# Steps of progress that a picture of one or two things takes.
STEPS = 14
# The most pictures whose layers are kept, and the largest of them.
CACHED, MOST_CACHED_PIXELS = 4, 1 << 22


def take_apart(
    image: Tensor, tracks: Tracks, *, masks: Tensor | None = None, progress: Progress = silent
) -> LayeredPicture:
    """Cuts out the things that tracks move, and fills the background behind them.

    Tracks that move alike against the background mark a thing, all others mark what it is not
    (`segment_motion`). Groups of tracks on one thing share its layer, unless they part. Motion of
    the whole picture alone gives no layer. Results are kept for the last CACHED questions.

    Args:
        image: (H, W, 3) float 0..1, on the canvas of the tracks.
        tracks: the motion; places at the first visible frame are places in the picture.
        masks: (K, H, W) of things, bool or 0..1, in the picture's proportions. A mask with moving
            tracks inside is that thing's outline, and fractions are its opacity; others are
            ignored. None: outlines are found in the picture.
        progress: called after each part of the work; it may raise to stop it.

    Returns:
        Layers back to front, the fastest in front, over the plate.

    Raises:
        TypeError, ShapeError, CanvasError, ValueError: the image or masks are not as above, or
            the masks leave out points that move.
    """
    picture = image_array(image, tracks.size)
    outlines = None if masks is None else _outlines(masks, tracks.size)
    key = _content_key(picture, tracks, outlines)
    known = _CACHE.get(key)
    if known is None:
        known = _take_apart(picture, tracks, outlines, progress)
        _CACHE.put(key, known)
    else:
        progress(1, 1)
    return known


class _Thing(NamedTuple):
    """Alpha (H, W) of a thing, and the points (K,) of the motion that move it."""

    alpha: FloatArray
    members: IndexArray


def _take_apart(
    picture: FloatArray, tracks: Tracks, outlines: FloatArray | None, progress: Progress
) -> LayeredPicture:
    motion = motion_of(tracks)
    steps = _Steps(progress, STEPS)
    cutter = _cutter(picture, motion, steps.tick)
    stands_out = cutter.stands_out if outlines is None else _always
    segments, pinned = segments_over_background(motion, stands_out)
    prompts = thing_prompts(motion, segments)
    measured = outlines is None and len(segments.background) > 0 and not pinned
    looks = cutter.looks() if measured else None
    if measured:
        things = _tracked_things(picture, motion, prompts, cutter)
    elif outlines is None:
        things = _found_things(picture, motion, prompts, segments.background, cutter)
    else:
        things = _outlined_things(
            picture, motion, prompts, segments.background, outlines, steps.tick
        )
    background = motion.track[segments.background]
    if not things:
        steps.finish()
        filled = np.zeros(picture.shape[:2], bool)
        return LayeredPicture((), picture, filled, background, looks)
    filled = covered_pixels([thing.alpha for thing in things])
    below = plate = background_plate(picture, filled)
    steps.tick()
    layers = []
    for thing in things:
        layers.append(
            Layer(
                thing.alpha,
                thing_colours(picture, thing.alpha, below),
                motion.track[thing.members],
            )
        )
        if thing is not things[-1]:
            below = below + thing.alpha[..., None] * (layers[-1].colour - below)
        steps.tick()
    steps.finish()
    owned = np.concatenate([layer.tracks for layer in layers])
    background = np.setdiff1d(background, owned)
    return LayeredPicture(tuple(layers), plate, filled, background, looks)


def _found_things(
    picture: FloatArray,
    motion: Motion,
    prompts: list[ThingPrompt],
    resting: IndexArray,
    cutter: PictureCutter,
) -> list[_Thing]:
    """Things whose outlines are found in the picture; groups of points on one thing are joined."""
    if not prompts:
        return []
    prompts = joined_prompts(motion, prompts, cutter)
    cuts = separated([cutter.cut(prompt) for prompt in prompts], prompts, motion.canvas)
    things = []
    for prompt, cut in zip(prompts, cuts, strict=True):
        if cut.any():
            alpha = soft_alpha(picture, outer_outline(cut))
            # A thing covers the points that move it, also at its rim.
            alpha = np.maximum(alpha, _fitted(cutter.held(prompt.inside), motion.canvas))
            things.append(_Thing(alpha, _with_pins(prompt.members, resting, alpha, motion)))
        cutter.tick()
    return things


def _always(points: FloatArray) -> bool:
    """Points in a given outline are on a thing."""
    return True


def _cutter(picture: FloatArray, motion: Motion, tick: Callable[[], None]) -> PictureCutter:
    import cv2

    canvas = motion.canvas
    size = canvas.scaled(min(1.0, ANALYSIS_SIDE / max(canvas)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if size != canvas else picture
    return PictureCutter(small, canvas, tick)


def _tracked_things(
    picture: FloatArray,
    motion: Motion,
    prompts: list[ThingPrompt],
    cutter: PictureCutter,
) -> list[_Thing]:
    """Things between tracks that lie on the background as well: the tracks outline them."""
    if not prompts:
        return []
    labels = np.zeros(len(motion.source), np.int64)
    for number, prompt in enumerate(prompts):
        labels[prompt.members] = number + 1
    label = cutter.labelled(motion.source, labels)
    things = []
    for number, prompt in enumerate(prompts):
        outline = smooth_outline(label == number + 1)
        alpha = soft_alpha(picture, outline)
        alpha = np.maximum(alpha, _fitted(cutter.held(prompt.inside), motion.canvas))
        things.append(_Thing(alpha, prompt.members))
        cutter.tick()
    return things


def _outlined_things(
    picture: FloatArray,
    motion: Motion,
    prompts: list[ThingPrompt],
    resting: IndexArray,
    outlines: FloatArray,
    tick: Callable[[], None],
) -> list[_Thing]:
    """Things with given outlines (K, H, W)."""
    covers = np.stack([_values_at(outline, motion) > 0.5 for outline in outlines])
    groups: dict[int, list[IndexArray]] = {}
    for prompt in prompts:
        owner = _owner(prompt, covers[:, prompt.members], motion)
        groups.setdefault(owner, []).append(prompt.members)
    things = []
    for owner, members in groups.items():
        outline = outlines[owner]
        is_hard = bool(((outline == 0) | (outline == 1)).all())
        alpha = soft_alpha(picture, outline) if is_hard else outline
        things.append(_Thing(alpha, _with_pins(np.concatenate(members), resting, outline, motion)))
        tick()
    return things


def _with_pins(
    members: IndexArray, resting: IndexArray, alpha: FloatArray, motion: Motion
) -> IndexArray:
    """Points of a thing, and those of the background that lie well inside of it and hold it."""
    import cv2

    inside = np.pad((alpha > 0.5).astype(np.uint8), 1, mode="edge")
    depth = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5))[1:-1, 1:-1]
    least = PIN_DEPTH * motion.canvas.short_side
    return np.concatenate([members, resting[_values_at(depth, motion)[resting] > least]])


def _values_at(plane: FloatArray, motion: Motion) -> FloatArray:
    """(N,) values of a map (H, W) at the points of a motion."""
    cells = np.floor(motion.source).astype(np.int64)
    column, row = np.clip(cells, 0, np.array(motion.canvas) - 1).T
    return plane[row, column]


def _owner(prompt: ThingPrompt, covers: BoolArray, motion: Motion) -> int:
    """The outline that contains most points of a prompt; covers: (K, L) bool."""
    inside = covers.sum(axis=1)
    best = int(inside.argmax())
    if 2 * inside[best] < len(prompt.members):
        missed = prompt.members[~covers[best]][0]
        x, y = motion.source[missed]
        raise ValueError(
            f"masks: the moving track {motion.track[missed]} at ({x:.0f}, {y:.0f}) lies in none of"
            f" the {len(covers)} masks, with most tracks that move alike. Draw a mask that"
            " contains the dragged points, or leave the masks out."
        )
    return best


def _outlines(masks: Tensor, canvas: Size) -> FloatArray:
    """(K, H, W) float32 0..1 of masks in the proportions of the canvas."""

    value = torch.as_tensor(masks).detach().to("cpu")
    if value.ndim != 3 or 0 in value.shape:
        raise ShapeError(
            f"masks must be (K, H, W), one per thing; got {tuple(value.shape)}. Pass masks[None]"
            " for a single one."
        )
    check_proportions(mask_size(value), canvas, "masks")
    planes = value.float().numpy()
    if not np.isfinite(planes).all() or planes.min() < 0 or planes.max() > 1:
        raise ValueError("masks must be bool, or finite numbers from 0 to 1.")
    return np.stack([_fitted(plane, canvas) for plane in planes])


def _fitted(plane: FloatArray, canvas: Size) -> FloatArray:
    import cv2

    if plane.shape[::-1] == canvas:
        return plane
    shrinks = plane.shape[1] > canvas.width
    return cv2.resize(plane, canvas, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


class _Steps:
    """Counts finished steps towards a total that is an estimate, and never exceeds it."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def tick(self) -> None:
        self._done = min(self._done + 1, self._total - 1)
        self._progress(self._done, self._total)

    def finish(self) -> None:
        self._progress(self._total, self._total)


class _Cache:
    """The layers of the last pictures, by content; large pictures are not kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, LayeredPicture] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> LayeredPicture | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: bytes, value: LayeredPicture) -> None:
        if value.size.width * value.size.height > MOST_CACHED_PIXELS:
            return
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > CACHED:
                self._kept.popitem(last=False)


_CACHE = _Cache()


def _content_key(picture: FloatArray, tracks: Tracks, outlines: FloatArray | None) -> bytes:
    digest = blake2b(digest_size=16)
    arrays = [picture, tracks.xy.cpu().numpy(), tracks.visible.cpu().numpy()]
    for array in [*arrays, *([] if outlines is None else [outlines])]:
        digest.update(repr((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
