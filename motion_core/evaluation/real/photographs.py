"""Photographs whose things people have outlined, read from a local folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...errors import FormatError
from ...fields.arrays import BoolArray
from ...geometry import Size
from ...image_files import read_image, read_mask
from ...images import image_size, resize_images
from ...regular_files import decode_text

# Pictures are reduced to this long side.
LONG_SIDE = 512
SETS = "photos"
PICTURE, MASK, META = "00000.jpg", "mask.png", "meta.json"
# The dragged thing is the largest that covers this fraction of the picture or less.
MOST_AREA = 0.5
MOST_META = 1 << 20


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture and the outline of one thing in it.

    Attributes:
        name: SET/NAME.
        image: (H, W, 3) float32 0..1, at most LONG_SIDE a side.
        thing: (H, W) bool, the pixels of the thing.
        others: (H, W) bool, the pixels of other outlined things: they may rest on the thing, and
            count neither as part of it nor as background.
        label: what the thing is.
    """

    name: str
    image: Tensor
    thing: BoolArray
    others: BoolArray
    label: str


def photograph_names(folder: Path) -> list[str]:
    """SET/NAME of every photograph of a folder that has a mask, in order.

    Raises:
        FormatError: the folder has none.
    """
    masks = sorted((folder / SETS).glob(f"*/*/{MASK}"))
    names = [f"{mask.parent.parent.name}/{mask.parent.name}" for mask in masks]
    if not names:
        raise FormatError(
            f"{folder} holds no photographs: expected {SETS}/SET/NAME/{PICTURE} with {MASK} (8-bit "
            f"ids of things, 0 for the background) and {META}."
        )
    return names


def read_photograph(folder: Path, name: str, long_side: int = LONG_SIDE) -> Photograph:
    """A photograph with the outline of one of its things.

    Args:
        folder: that photograph_names was given.
        name: of those that it gave.
        long_side: of the result, pixels; smaller pictures keep their size.

    Raises:
        FormatError: a file of the photograph is missing, broken or does not fit to the others.
    """
    place = folder / SETS / name
    image = read_image(place / PICTURE)
    ids = (read_mask(place / MASK) * 255).round()
    if ids.shape != image.shape[:2]:
        raise FormatError(
            f"{place / MASK} must be {tuple(image.shape[:2])} as {PICTURE} is; got "
            f"{tuple(ids.shape)}."
        )
    size = reduced(image_size(image), long_side)
    number, label = chosen_thing(read_meta(place / META))
    small = _nearest(ids.numpy(), size)
    thing = small == number
    if not thing.any():
        raise FormatError(f"{place / MASK} holds no pixel of thing {number} of {META}.")
    picture = resize_images(image, size).clamp(0, 1)
    return Photograph(name, picture, thing, (small > 0) & ~thing, label)


def reduced(size: Size, long_side: int) -> Size:
    """A size reduced to a long side, in the same proportions."""
    factor = min(1.0, long_side / max(size))
    return Size(*(max(1, round(side * factor)) for side in size))


def read_meta(path: Path) -> dict[str, Any]:
    """The description of an item of the data. Raises FormatError if it is none."""
    if not path.is_file() or path.stat().st_size > MOST_META:
        raise FormatError(f"{path} is missing or larger than {MOST_META} bytes.")
    try:
        meta = json.loads(decode_text(path.read_bytes(), "replace"))
    except ValueError as error:
        raise FormatError(f"{path} is not JSON: {error}") from error
    if not isinstance(meta, dict):
        raise FormatError(f"{path} must hold an object; got {type(meta).__name__}.")
    return meta


def chosen_thing(meta: Mapping[str, Any]) -> tuple[int, str]:
    """Id and label of the thing to drag: the largest of MOST_AREA of the picture or less.

    Where all are larger it is the smallest.

    Raises:
        FormatError: no thing is described.
    """
    try:
        things = [
            (float(thing["area"]), int(thing["id"]), str(thing["label"]))
            for thing in meta["things"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"things must be a list with id, label and area; got {error}.") from error
    if not things:
        raise FormatError("the picture has no outlined thing.")
    fitting = [thing for thing in things if thing[0] <= MOST_AREA]
    _, number, label = max(fitting) if fitting else min(things)
    return number, label


def _nearest(ids: np.ndarray, size: Size) -> np.ndarray:
    """Whole numbers (H, W) on another canvas; none is mixed with another."""
    rows = ((np.arange(size.height) + 0.5) * ids.shape[0] / size.height).astype(np.int64)
    columns = ((np.arange(size.width) + 0.5) * ids.shape[1] / size.width).astype(np.int64)
    return ids[rows[:, None], columns]
