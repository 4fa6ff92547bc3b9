"""Depth from pictures and files; the caller states the meaning of their numbers."""

from __future__ import annotations

import logging
import math
import os
import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError, ShapeError, first_line
from ..geometry import Size
from ..npy_files import read_npy, read_npy_shape
from ..regular_files import check_readable, read_bytes
from .depth_map import DepthMap
from .exr import read_exr
from .lens import intrinsics_from_fov

logger = logging.getLogger(__name__)

# Horizontal degrees assumed when the lens is unknown.
ASSUMED_FOV_DEG = 60.0
# Channels of a depth picture may differ by this much (compression) before it counts as coloured.
GREY_TOLERANCE = 0.02

# What renderers and depth cameras write where there is no surface: the largest half, the largest
# number of 16 bits, or 1e10 (Blender) and more.
HALF_MAX, WORD_MAX, NO_DEPTH = 65504.0, 65535.0, 1e9
# One largest depth is suspected of meaning "no surface" from this share of the picture, and this
# many times beyond nearly all the rest.
FAR_PLANE_SHARE, FAR_PLANE_FACTOR = 0.02, 10.0
# Pixels of a depth file: 8192 x 8192.
MAX_PIXELS = 1 << 26
# The signature and the first chunk of a PNG file: width, height, bits and colour type.
PNG_HEAD = struct.Struct(">16sIIBB")
PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PNG_GREY = 0


@dataclass(frozen=True)
class DepthReading:
    """The meaning of the numbers of a depth picture.

    Attributes:
        meaning: "inverse", 0..1 linear in 1 / depth, near is 1 (what most depth nodes draw);
            "linear", 0..1 linear in depth, near is 0; "metric", depth itself, times `scale`.
        near: Depth of the near end of 0..1, in scene units.
        far: Depth of the far end of 0..1, in scene units.
        invert: Whether near and far are swapped.
        scale: For "metric", metres for each unit: 0.001 for millimetres.

    Raises:
        ValueError: Not 0 < near < far, or scale is not above 0.
    """

    meaning: Literal["inverse", "linear", "metric"] = "inverse"
    near: float = 1.0
    far: float = 10.0
    invert: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.meaning not in ("inverse", "linear", "metric"):
            raise ValueError(
                f"DepthReading.meaning must be inverse, linear or metric; got {self.meaning!r}."
            )
        if not (0.0 < self.near < self.far and math.isfinite(self.far)):
            raise ValueError(
                f"depth needs 0 < near < far; got near {self.near} and far {self.far}."
            )
        if not (math.isfinite(self.scale) and self.scale > 0.0):
            raise ValueError(f"DepthReading.scale must be above 0; got {self.scale}.")

    def depth(self, values: Tensor) -> Tensor:
        """Convert values to depth of the same shape; NaN where a value is NaN.

        Raises:
            ValueError: A value is outside 0..1 and the meaning is not "metric".
        """
        if self.meaning == "metric":
            is_unknown = (values == HALF_MAX) | (values == WORD_MAX) | (values >= NO_DEPTH)
            return values.masked_fill(is_unknown, torch.nan) * self.scale
        known = values[~torch.isnan(values)]
        if known.numel() and (float(known.amin()) < -1e-3 or float(known.amax()) > 1.0 + 1e-3):
            raise ValueError(
                f"a depth image must have values 0..1; got {float(known.amin()):.3g} to "
                f"{float(known.amax()):.3g}. Read true depths as metric."
            )
        share = values.clamp(0.0, 1.0)
        share = 1.0 - share if self.invert else share
        if self.meaning == "linear":
            return self.near + share * (self.far - self.near)
        return 1.0 / (1.0 / self.far + share * (1.0 / self.near - 1.0 / self.far))


INVERSE, METRIC = DepthReading(), DepthReading("metric")


def make_depth(
    z: Tensor,
    *,
    valid: Tensor | None = None,
    K: Tensor | None = None,
    fov_deg: float = ASSUMED_FOV_DEG,
    is_metric: bool = False,
) -> DepthMap:
    """Make a DepthMap from depths of any float dtype.

    Depths that are not finite or not above 0 are invalid.

    Args:
        z: (H, W) depths.
        valid: (H, W) bool; False marks further invalid pixels. None for none.
        K: (3, 3) intrinsics in pixels; None assumes a centred lens of `fov_deg`.
        fov_deg: Horizontal field of view in degrees, used without K.
        is_metric: Whether the depths are metres.

    Raises:
        ShapeError: A tensor has another shape.
        ValueError: No valid pixel is left, or the lens is invalid.
    """
    if z.ndim != 2:
        raise ShapeError(f"depth must be (H, W); got {tuple(z.shape)}.")
    z = z.to(torch.float32)
    good = torch.isfinite(z) & (z > 0)
    if valid is not None:
        if valid.shape != z.shape:
            raise ShapeError(
                f"the mask of valid depth must be {tuple(z.shape)}; got {tuple(valid.shape)}."
            )
        good = good & valid.to(device=z.device, dtype=torch.bool)
    lens = intrinsics_from_fov(Size(z.shape[1], z.shape[0]), fov_deg) if K is None else K
    return DepthMap(
        torch.where(good, z, torch.ones_like(z)),
        good,
        lens.to(device=z.device, dtype=torch.float64),
        "metric" if is_metric else "relative",
        is_K_known=K is not None,
    )


def from_depth_image(
    image: Tensor,
    reading: DepthReading = INVERSE,
    *,
    index: int = 0,
    mask: Tensor | None = None,
    K: Tensor | None = None,
    fov_deg: float = ASSUMED_FOV_DEG,
) -> DepthMap:
    """Read depth from a grey picture that a depth node made.

    Args:
        image: IMAGE (B, H, W, 3), or (H, W, 3), or (H, W).
        reading: The meaning of its numbers.
        index: Which picture of the batch.
        mask: (H, W) bool, where depth is valid; None for everywhere.
        K: As in make_depth.
        fov_deg: As in make_depth.

    Raises:
        ShapeError: A tensor has another shape, or the index is outside of the batch.
        ValueError: The picture is coloured, a value is outside 0..1, or no valid pixel is left.
    """
    values = _picked(image, index)
    if values.ndim == 3:
        values = _grey(values)
    z = reading.depth(values.to(torch.float32))
    is_metric = reading.meaning == "metric"
    if is_metric:
        _log_far_plane(z)
    return make_depth(z, valid=mask, K=K, fov_deg=fov_deg, is_metric=is_metric)


def read_depth(
    path: str | os.PathLike[str],
    reading: DepthReading | None = None,
    *,
    K: Tensor | None = None,
    fov_deg: float = ASSUMED_FOV_DEG,
) -> DepthMap:
    """Read depth from a .npy, .exr or .png file.

    Args:
        path: The file.
        reading: The meaning of its numbers; None takes .npy and .exr as metric depth and .png as
            inverse depth. A 16-bit .png maps 0..65535 to 0..1; read as metric, its whole numbers
            count (scale 0.001 for millimetres).
        K: As in make_depth.
        fov_deg: As in make_depth.

    Raises:
        FormatError: The file is damaged or of another kind; the message names it.
        ValueError: As in from_depth_image.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if reading is None:
        reading = INVERSE if suffix == ".png" else METRIC
    exr_reader = partial(read_exr, is_distance=reading.meaning == "metric")
    readers = {".npy": _read_npy, ".exr": exr_reader, ".png": _read_png}
    if suffix not in readers:
        raise FormatError(f"{path.name}: depth is read from .npy, .exr or .png files.")
    try:
        check_readable(path)
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(readers[suffix](path), dtype=np.float32)
    except FormatError as error:
        text = str(error).removeprefix(f"{path.name}: ")
        raise FormatError(f"{path.name[:80]}: {text}") from error
    values = torch.from_numpy(array)
    if suffix == ".png" and reading.meaning != "metric":
        values = values / 65535.0
    return from_depth_image(values, reading, K=K, fov_deg=fov_deg)


def _log_far_plane(z: Tensor) -> None:
    """Log one largest depth that covers much of the picture, far behind everything else."""
    known = z[torch.isfinite(z) & (z > 0)]
    if not known.numel():
        return
    largest = known.amax()
    rest = known[known < largest]
    covered = 1.0 - rest.numel() / known.numel()
    if not rest.numel() or covered < FAR_PLANE_SHARE:
        return
    sample = rest[:: 1 + rest.numel() // 1_000_000].sort().values
    usual = float(sample[int(0.98 * (len(sample) - 1))])
    if float(largest) > FAR_PLANE_FACTOR * usual:
        logger.warning(
            "%.0f%% of the pixels have the one depth %.6g, where others reach %.4g; it counts as "
            "a surface. If it stands for the sky, write infinity there.",
            100 * covered,
            float(largest),
            usual,
        )


def _picked(image: Tensor, index: int) -> Tensor:
    if not isinstance(image, Tensor) or image.ndim not in (2, 3, 4):
        shape = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ShapeError(f"a depth image must be (B, H, W, 3), (H, W, 3) or (H, W); got {shape}.")
    if image.ndim != 4:
        return image
    if not 0 <= index < image.shape[0]:
        raise ShapeError(f"image {index} was asked for of a batch of {image.shape[0]}.")
    return image[index]


def _grey(values: Tensor) -> Tensor:
    if values.shape[-1] not in (1, 3, 4):
        raise ShapeError(f"a depth image has 1, 3 or 4 channels; got {values.shape[-1]}.")
    values = values[..., :3]
    spread = (values.amax(dim=-1) - values.amin(dim=-1)).nan_to_num(0.0)
    if float(spread.amax()) > GREY_TOLERANCE:
        raise ValueError(
            "the depth image is coloured; depth cannot be read from colours. Switch the depth "
            "node to grey output."
        )
    return values.mean(dim=-1)


def _read_npy(path: Path) -> np.ndarray:
    shape = read_npy_shape(path)
    if math.prod(shape) > MAX_PIXELS:
        raise FormatError(f"expected one (H, W) array of at most {MAX_PIXELS:,}; got {shape}.")
    values = read_npy(path)
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2:
        raise FormatError(f"expected one (H, W) array of depths; got shape {values.shape}.")
    if not np.issubdtype(values.dtype, np.number):
        raise FormatError(f"expected numbers; got {values.dtype}.")
    return values


def _read_png(path: Path) -> np.ndarray:
    import cv2

    data = read_bytes(path)
    if len(data) < PNG_HEAD.size or PNG_HEAD.unpack_from(data)[0] != PNG_START:
        raise FormatError("not a PNG image.")
    _, width, height, bits, colour = PNG_HEAD.unpack_from(data)
    if not 0 < width * height <= MAX_PIXELS:
        raise FormatError(f"states {width}x{height} pixels; expected 1 to {MAX_PIXELS:,}.")
    if (bits, colour) != (16, PNG_GREY):
        raise FormatError(
            f"depth needs a 16-bit grey PNG; this one has {bits} bits and colour type {colour}. "
            "Load it as an image instead to read 8-bit depth."
        )
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise FormatError(f"not a PNG image that can be read ({first_line(error)}).") from error
    if values is None or values.dtype != np.uint16 or values.shape != (height, width):
        raise FormatError("not a PNG image, or damaged or cut short; copy it again.")
    return values
