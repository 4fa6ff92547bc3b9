"""Reading and writing of images as torch tensors (H, W, 3) RGB, with Pillow.

Files are written under a temporary name beside the target and renamed when complete, so no reader
ever finds a partial file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .atomic_write import atomic_write
from .errors import FormatError, ShapeError
from .images import check_video
from .masks import THRESHOLD

logger = logging.getLogger(__name__)

IMAGE_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "BMP", "TIFF", "GIF", "PPM")
PICTURE_WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
}
# Of a side, in pixels; the libraries' own messages depend on their version.
LONGEST_SIDES = {"JPEG": 65500, "WEBP": 16383}
# Of one image, 1.5 GiB as float32; twice what Pillow itself warns at.
MAX_PIXELS = 1 << 27
# Larger images than this (8K) have a byte for so many pixels; PNG's best is 8,256.
PLAIN_PIXELS, PIXELS_PER_BYTE = 1 << 25, 10_000


def read_image(path: str | Path) -> Tensor:
    """A picture file as (H, W, 3) float32 RGB in 0..1, turned upright as its EXIF says.

    Grey becomes RGB; 16-bit grey keeps its precision; transparency is laid over white; of an
    animation the first picture is taken.
    Raises FormatError when the file is missing, is not a picture, is cut short, or is so large
    that it must be a trap.
    """
    with _opened_image(path) as image:
        return torch.from_numpy(_rgb(image, Path(path)))


def read_mask(path: str | Path) -> Tensor:
    """A mask file as (H, W) float32 in 0..1, turned upright as its EXIF says.

    Where any pixel is more transparent than opaque, the opacity is the mask: what is transparent
    lies outside, and what is painted lies inside, whatever its colour. Otherwise, also in a picture
    that is slightly transparent all over, the mask is the brightness, the mean of red, green and
    blue. A mask that is not black but selects nothing, such as one of labels 0 and 1, is logged.
    Raises FormatError as read_image does.
    """
    with _opened_image(path) as image:
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA"), dtype=np.float32)[..., 3] / 255
            if alpha.min() < 0.5:
                return torch.from_numpy(alpha)
        mask = torch.from_numpy(_rgb(image, Path(path))).mean(dim=-1)
    brightest = float(mask.amax())
    if 0.0 < brightest <= THRESHOLD:
        logger.warning(
            "%s: the brightest place of this mask is %.3g of white, so it selects nothing; masks "
            "are white where they select.",
            Path(path).name,
            brightest,
        )
    return mask


@contextmanager
def _opened_image(path: str | Path) -> Iterator[Any]:
    """A Pillow image, upright. Raises FormatError, also for what Pillow raises while it is used."""
    from PIL import Image, ImageOps

    file = existing_file(path)
    Image.init()
    formats = [name for name in IMAGE_FORMATS if name in Image.OPEN]
    try:
        with Image.open(file, formats=formats) as image:
            _check_pixels(image.size, file)
            image.load()
            yield ImageOps.exif_transpose(image)
    except (FormatError, MemoryError):
        raise
    except Exception as error:
        # Pillow's readers raise a dozen kinds of error on damaged files.
        raise FormatError(f"{file} is not an image that can be read: {str(error)[:200]}") from error


def _check_pixels(size: tuple[int, int], file: Path) -> None:
    """Checks the size that a file states, before memory is taken for it."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise FormatError(
            f"{file} is not an image that can be read: it states {width}x{height} pixels, and at "
            f"most {MAX_PIXELS:,} are read; shrink it first."
        )
    stored = file.stat().st_size
    if width * height > max(PLAIN_PIXELS, stored * PIXELS_PER_BYTE):
        raise FormatError(
            f"{file} is not an image that can be read: {stored:,} bytes are too few for the "
            f"{width}x{height} pixels that it states. Save it again, as PNG."
        )


def write_image(path: str | Path, image: Tensor) -> None:
    """Writes a picture. If writing fails, no file is left behind.

    Args:
        path: ends in .png (lossless, 8 bit), .jpg, .jpeg or .webp.
        image: (H, W, 3), uint8 or floating point 0..1 (clipped).

    Raises:
        ShapeError, TypeError, ValueError: image or suffix are invalid.
        OSError: the file cannot be written, or the image has longer sides than its format.
    """
    from PIL import Image

    target = Path(path)
    name, options = by_suffix(target, PICTURE_WRITERS, "image")
    if image.ndim != 3:
        raise ShapeError(f"image must be (H, W, 3); got {tuple(image.shape)}.")
    check_video(image[None], "image")
    longest = LONGEST_SIDES.get(name)
    if longest is not None and max(image.shape[:2]) > longest:
        raise OSError(
            f"{target} could not be written: {name} has sides of at most {longest} pixels; got "
            f"{image.shape[1]}x{image.shape[0]}. Write a .png."
        )
    picture = Image.fromarray(as_bytes(image, "image"))
    try:
        with atomic_write(target) as temporary:
            picture.save(temporary, format=name, **options)
    except (ValueError, KeyError) as error:
        raise OSError(f"{target} could not be written: {error}") from error


def existing_file(path: str | Path) -> Path:
    """The full path of a file. Raises FormatError for a missing one, a folder and a bad name."""
    file = Path(path)
    try:
        if file.is_dir():
            raise FormatError(f"{file} is a folder; expected a file.")
        if not file.is_file():
            raise FormatError(f"there is no file {str(file)[:200]}.")
        return file.resolve()
    except (OSError, RuntimeError) as error:
        # A name too long for the system, or a loop of links.
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"cannot open {str(file)[:200]} ({reason}); check its path.") from error


def by_suffix(target: Path, known: dict[str, Any], kind: str) -> Any:
    """The entry for a file's ending. Raises ValueError for an ending that is not known."""
    settings = known.get(target.suffix.lower())
    if settings is None:
        raise ValueError(f"a {kind} is written as {', '.join(known)}; got {target.name!r}.")
    return settings


def as_bytes(picture: Tensor, name: str) -> np.ndarray:
    """uint8 values of an image, uint8 or floating 0..1 (clipped).

    Raises ValueError, which calls it `name`, for NaN and infinities.
    """
    if picture.dtype != torch.uint8:
        if not bool(torch.isfinite(picture).all()):
            raise ValueError(f"{name} holds NaN or infinite values; expected 0..1.")
        picture = (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(picture.cpu().numpy())


def _rgb(image: Any, file: Path) -> np.ndarray:
    """(H, W, 3) float32 0..1 of a Pillow image of any mode."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return np.repeat(_deep_grey(image, file)[..., None], 3, axis=-1)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def _deep_grey(image: Any, file: Path) -> np.ndarray:
    """(H, W) float32 0..1 of more than 8 bits: whole numbers to 65535, or floats to 1."""
    top = 1.0 if image.mode == "F" else 65535.0
    grey = np.asarray(image).astype(np.float32) / top
    if not (np.isfinite(grey).all() and grey.min() >= 0 and grey.max() <= 1):
        raise FormatError(f"{file} holds grey values outside 0..{top:g}; save it as 8 or 16 bit.")
    return grey
