"""Depth from pictures and files, with the meaning of their numbers stated by the caller."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError, ShapeError
from ..geometry import Size
from .depth_map import DepthMap
from .exr import read_exr
from .lens import intrinsics_from_fov

# Horizontal degrees assumed when the lens is unknown.
ASSUMED_FOV_DEG = 60.0
# Channels of a depth picture may differ by this much (compression) before it counts as coloured.
GREY_TOLERANCE = 0.02


@dataclass(frozen=True)
class DepthReading:
    """What the numbers of a depth picture mean.

    meaning: "inverse", 0..1 linear in 1 / depth, near is 1 (what most depth nodes draw);
    "linear", 0..1 linear in depth, near is 0; "metric", depth itself, times `scale`.
    near, far: the depths that 0..1 runs between, in scene units. invert: near and far swapped.
    scale: for "metric", metres for each unit: 0.001 for millimetres.
    Raises ValueError unless 0 < near < far and scale > 0.
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
        """Depth of the same shape; NaN where a value is NaN.

        Raises ValueError for values outside 0..1 unless they are metric.
        """
        if self.meaning == "metric":
            return values * self.scale
        known = values[~torch.isnan(values)]
        if known.numel() and (float(known.amin()) < -1e-3 or float(known.amax()) > 1.0 + 1e-3):
            raise ValueError(
                f"a depth picture must have values 0..1; got {float(known.amin()):.3g} to "
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
    """A DepthMap from depths (H, W) of any float dtype.

    What is not finite or not above 0 is invalid, beside what `valid` (H, W) leaves out. K: (3, 3)
    intrinsics in pixels; None assumes a centred lens of `fov_deg` across the width.
    Raises ShapeError for other shapes, ValueError when nothing valid is left or the lens is bad.
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
    """Depth from a grey picture that a depth node made.

    image: IMAGE (B, H, W, 3), or (H, W, 3), or (H, W). index: which picture of the batch. mask:
    (H, W) bool, where depth counts. K, fov_deg: as in make_depth.
    Raises ShapeError for other shapes, ValueError for a coloured picture, values outside 0..1, or
    when nothing valid is left.
    """
    values = _picked(image, index)
    if values.ndim == 3:
        values = _grey(values)
    z = reading.depth(values.to(torch.float32))
    is_metric = reading.meaning == "metric"
    return make_depth(z, valid=mask, K=K, fov_deg=fov_deg, is_metric=is_metric)


def read_depth(
    path: str | os.PathLike[str],
    reading: DepthReading | None = None,
    *,
    K: Tensor | None = None,
    fov_deg: float = ASSUMED_FOV_DEG,
) -> DepthMap:
    """Depth from a .npy, .exr or .png file.

    reading: None takes .npy and .exr as metric depth and .png as inverse. A 16-bit .png runs 0..1
    over 0..65535; read as metric, its whole numbers count (scale 0.001 for millimetres).
    Raises FormatError naming the file, ValueError as from_depth_image does.
    """
    path = Path(path)
    readers = {".npy": _read_npy, ".exr": read_exr, ".png": _read_png}
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise FormatError(f"{path.name}: depth is read from .npy, .exr or .png files.")
    if reading is None:
        reading = INVERSE if suffix == ".png" else METRIC
    values = torch.from_numpy(np.ascontiguousarray(readers[suffix](path), dtype=np.float32))
    if suffix == ".png" and reading.meaning != "metric":
        values = values / 65535.0
    return from_depth_image(values, reading, K=K, fov_deg=fov_deg)


def _picked(image: Tensor, index: int) -> Tensor:
    if not isinstance(image, Tensor) or image.ndim not in (2, 3, 4):
        shape = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ShapeError(f"a depth picture must be (B, H, W, 3), (H, W, 3) or (H, W); got {shape}.")
    if image.ndim != 4:
        return image
    if not 0 <= index < image.shape[0]:
        raise ShapeError(f"picture {index} was asked for of a batch of {image.shape[0]}.")
    return image[index]


def _grey(values: Tensor) -> Tensor:
    if values.shape[-1] not in (1, 3, 4):
        raise ShapeError(f"a depth picture has 1, 3 or 4 channels; got {values.shape[-1]}.")
    values = values[..., :3]
    spread = (values.amax(dim=-1) - values.amin(dim=-1)).nan_to_num(0.0)
    if float(spread.amax()) > GREY_TOLERANCE:
        raise ValueError(
            "the depth picture is coloured; depth cannot be read from colours. Switch the depth "
            "node to grey output."
        )
    return values.mean(dim=-1)


def _read_npy(path: Path) -> np.ndarray:
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FormatError(f"{path.name}: not a plain .npy array: {error}") from error
    while isinstance(values, np.ndarray) and values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        raise FormatError(f"{path.name}: expected one (H, W) array of depths.")
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise FormatError(f"{path.name}: expected numbers; got {values.dtype}.")
    return values


def _read_png(path: Path) -> np.ndarray:
    import cv2

    values = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise FormatError(f"{path.name}: not a PNG picture.")
    if values.dtype != np.uint16 or values.ndim != 2:
        raise FormatError(
            f"{path.name}: depth needs a 16-bit grey PNG; this one has {values.dtype} and shape "
            f"{values.shape}. Load it as an image instead to read 8-bit depth."
        )
    return values
