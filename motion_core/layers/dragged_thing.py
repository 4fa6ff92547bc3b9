"""The thing that a drag moves, found in the picture before anything holds the rest of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock

import numpy as np
from torch import Tensor

from ..fields.arrays import BoolArray, FloatArray
from ..geometry import Size
from ..images import image_array
from .analysis import ANALYSIS_SIDE
from .cut import PictureCutter
from .prompts import ThingPrompt

# A thing is found in part of the picture: more than this fraction of it is background as well.
MOST_OF_PICTURE = 0.6
# An outline without a gain over a disc of this fraction of the long side is the cutter's own
# answer where it finds nothing.
NOTHING_FOUND = 0.08
# Outlines that are kept, of about 28,000 cells each.
KEPT = 32


class ThingFinder:
    """Finds what belongs to a dragged point in one picture.

    A drag is a handle: its brush marks a hand, and the arm goes along. Outlines are kept for the
    last KEPT questions, whatever picture they were about.
    """

    def __init__(self, image: Tensor, canvas: Size, tick: Callable[[], None]) -> None:
        """Prepares a picture.

        Args:
            image: (H, W, 3) float 0..1, of the canvas' size.
            canvas: the size that points are measured on.
            tick: called after each part of the work; it may raise to stop it.

        Raises:
            TypeError, ShapeError, CanvasError, ValueError: the image is not as above.
        """
        import cv2

        picture = image_array(image, canvas)
        size = canvas.scaled(min(1.0, ANALYSIS_SIDE / max(canvas)))
        if size != canvas:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        self._picture, self._canvas, self._tick = picture, canvas, tick
        self._cutter: PictureCutter | None = None

    def outline(self, inside: FloatArray, outside: FloatArray) -> BoolArray | None:
        """The thing around some points.

        Args:
            inside: (K, 2) px, certainly on the thing.
            outside: (M, 2) px, certainly not; may be empty.

        Returns:
            (h, w) bool, the cells of the picture that belong to the thing; None where no outline
            was found: the points are off the picture, or what they lie on has no end.
        """
        key = _content_key(self._picture, inside, outside)
        known = _OUTLINES.get(key)
        if known is None:
            known = (self._found(inside, outside),)
            _OUTLINES.put(key, known)
        return known[0]

    def _found(self, inside: FloatArray, outside: FloatArray) -> BoolArray | None:
        if self._cutter is None:
            self._cutter = PictureCutter(self._picture, self._canvas, self._tick)
        none = np.zeros((0, 2), np.float32)
        prompt = ThingPrompt(inside, outside, none, np.arange(len(inside)), 0.0)
        cells = self._cutter.cut(prompt)
        seeds, beyond = prompt.seeds(self._cutter.grid, self._canvas)
        if not seeds.any() or cells.mean() > MOST_OF_PICTURE:
            return None
        return None if _is_disc(cells, seeds, beyond) else cells


def _is_disc(cells: BoolArray, seeds: BoolArray, beyond: BoolArray) -> bool:
    """Whether cells are no more than all that is near the seeds."""
    import cv2

    away = cv2.distanceTransform(1 - seeds.astype(np.uint8), cv2.DIST_L2, 5)
    near = (away <= NOTHING_FOUND * max(cells.shape)) & ~beyond
    return float((cells & near).sum()) >= 0.98 * float((cells | near).sum())


class _Outlines:
    """The answers to the last questions, by content; each is an outline or None, in a tuple."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[BoolArray | None]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> tuple[BoolArray | None] | None:
        """The answer to a question; None if it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: bytes, value: tuple[BoolArray | None]) -> None:
        """Keep an answer, and forget the oldest beyond KEPT."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


_OUTLINES = _Outlines()


def _content_key(*arrays: FloatArray) -> bytes:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
