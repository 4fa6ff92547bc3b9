"""Depth passes of OpenEXR files, read with the OpenEXR library.

The channel is chosen by name and the data window is placed in the display window.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, MissingExtraError
from ..regular_files import check_readable

logger = logging.getLogger(__name__)

# Values that all channels of a file may decode to, 1 GiB as float32, and pixels of a window.
MAX_VALUES = 1 << 28
MAX_PIXELS = 1 << 26
# No compression of the format packs depth this tightly; beyond it the header is wrong.
MAX_COMPRESSION_RATIO = 4096
# Names of a depth pass or channel, and the channels that may hold it, best first.
DEPTH_NAMES = ("depth", "z")
DEPTH_COMPONENTS = ("z", "depth", "v", "y")
# Words in names of passes whose numbers are no distances.
OTHER_PASSES = frozenset(
    ["mist", "disparity", "disp", "inverse", "inversedepth", "alpha", "ao", "matte", "mask", "id"]
    + ["index", "indexob", "indexma", "uv", "shadow"]
)
VECTORS = ({"x", "y", "z"}, {"u", "v"}, {"x", "y"})
COLOURS = ("r", "g", "b")
ALPHA = "a"
LIBRARY_ERRORS = (OSError, RuntimeError, ValueError, LookupError, MemoryError)


@dataclass(frozen=True)
class _Window:
    """A rectangle of pixels; right and bottom are included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top + 1, self.right - self.left + 1


@dataclass(frozen=True)
class _Header:
    """What is checked before pixels are decoded. channels: names and their subsampling."""

    channels: Mapping[str, tuple[int, int]]
    data: _Window
    display: _Window
    compression: str


def read_exr(path: Path, *, is_distance: bool = False) -> np.ndarray:
    """The depth channel of an EXR file on its display window.

    Args:
        path: A flat file of one part, in scan lines or tiles, in any compression of the library.
        is_distance: Whether the numbers will be taken for distances. A pass whose name says
            otherwise (mist, disparity, alpha) is then refused, and a channel of an unknown name
            is logged.

    Returns:
        (H, W) float32; NaN outside the data window.

    Raises:
        FormatError: The file is damaged, deep or multi-part, too large, or has no single channel
            that can be depth. The message lists the channels.
        MissingExtraError: The OpenEXR library is not installed.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise MissingExtraError("Reading EXR needs OpenEXR: pip install OpenEXR.") from error
    try:
        stored_bytes = check_readable(path)
        header = _read_header(OpenEXR, path)
        _check_size(header, stored_bytes)
        names = choose_depth_channel(list(header.channels))
        if is_distance:
            _check_distance(names[0], path)
        values = _read_channels(OpenEXR, path, header, names)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from error
    except LIBRARY_ERRORS as error:
        message = f"{path.name}: not an OpenEXR file, or damaged or cut short."
        raise FormatError(message) from error
    return _on_display_window(values, header.data, header.display)


def _read_header(library: Any, path: Path) -> _Header:
    # The older InputFile of the library is not used: damaged headers make it crash the process.
    with library.File(str(path), header_only=True) as file:
        if len(file.parts) != 1 or "deep" in str(file.header()["type"]).lower():
            raise FormatError("deep and multi-part EXR is not read; save one flat image per file.")
        header = file.header()
        channels = {c.name: (int(c.xSampling), int(c.ySampling)) for c in header["channels"]}
        data, display = (_window(header[name]) for name in ("dataWindow", "displayWindow"))
        compression = str(header["compression"]).split(".")[-1].removesuffix("_COMPRESSION")
    return _Header(channels, data, display, compression)


def _window(corners: Any) -> _Window:
    """The box of two corners ((left, top), (right, bottom)), both inside it."""
    (left, top), (right, bottom) = corners
    return _Window(int(left), int(top), int(right), int(bottom))


def _check_size(header: _Header, stored_bytes: int) -> None:
    for name, window in (("data", header.data), ("display", header.display)):
        height, width = window.shape
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            raise FormatError(
                f"the EXR {name} window is {width}x{height}; expected 1 to {MAX_PIXELS:,} pixels."
            )
    height, width = header.data.shape
    count = height * width * len(header.channels)
    if count > MAX_VALUES:
        raise FormatError(
            f"{len(header.channels)} EXR channels of {width}x{height} pixels are more than "
            f"{MAX_VALUES:,} values; save the depth pass on its own."
        )
    if count > stored_bytes * MAX_COMPRESSION_RATIO:
        raise FormatError(
            f"the EXR file is damaged or cut short: {stored_bytes} bytes cannot hold {count:,} "
            "values."
        )


def _read_channels(library: Any, path: Path, header: _Header, names: list[str]) -> np.ndarray:
    """(h, w) float32 of the first channel; the others must be equal to it."""
    for name in names:
        if header.channels[name] != (1, 1):
            raise FormatError(f"EXR channel {name} is subsampled; save it at full resolution.")
    try:
        with library.File(str(path), separate_channels=True) as file:
            found = file.parts[0].channels if file.parts else {}
            values = [np.asarray(found[n].pixels, np.float32) for n in names if n in found]
    except LIBRARY_ERRORS:
        # Some versions of the library raise where others return fewer channels.
        values = []
    if len(values) != len(names) or any(v.shape != header.data.shape for v in values):
        raise FormatError(
            f"the EXR pixels ({header.compression} compression) are damaged or cut short; save the "
            "file again with ZIP or no compression."
        )
    if not all(np.array_equal(values[0], other, equal_nan=True) for other in values[1:]):
        raise FormatError(f"{', '.join(names)} hold a colour, not depth; save the depth pass.")
    return values[0]


def _on_display_window(values: np.ndarray, data: _Window, display: _Window) -> np.ndarray:
    """The values (h, w) of the data window cut and padded with NaN to the display window."""
    result = np.full(display.shape, np.nan, np.float32)
    top, bottom = max(data.top, display.top), min(data.bottom, display.bottom) + 1
    left, right = max(data.left, display.left), min(data.right, display.right) + 1
    if top < bottom and left < right:
        kept = values[top - data.top : bottom - data.top, left - data.left : right - data.left]
        y, x = top - display.top, left - display.left
        result[y : y + kept.shape[0], x : x + kept.shape[1]] = kept
    return result


def choose_depth_channel(names: list[str]) -> list[str]:
    """The channel that holds depth.

    A pass named depth or Z wins, then a channel of that name in another layer, then the only
    channel that belongs to no vector (X/Y/Z, U/V), colour or alpha. Colours count in two cases:
    as the three equal channels of a pass named depth, and where the file has nothing else.

    Args:
        names: Channels of the file, such as "ViewLayer.Depth.V".

    Returns:
        The channel, followed by the colour channels that must be equal to it.

    Raises:
        FormatError: None or several channels qualify; the message lists all channels.
    """
    layers: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, component = name.rpartition(".")
        layers.setdefault(layer, {})[component.lower()] = name
    ranked: list[list[list[str]]] = [[], [], []]
    for layer, components in layers.items():
        scalars = _scalars(components)
        rgb = [components[c] for c in COLOURS] if components.keys() >= set(COLOURS) else []
        if layer.rsplit(".", 1)[-1].lower() in DEPTH_NAMES and (rgb or scalars):
            best = next((c for c in DEPTH_COMPONENTS if c in scalars), None)
            ranked[0].append([components[best or scalars[0]]] if scalars else rgb)
            continue
        for component in scalars:
            is_named = component in DEPTH_NAMES
            ranked[int(bool(layer)) if is_named else 2].append([components[component]])
        if rgb and len(layers) == 1 and not scalars:
            ranked[2].append(rgb)
    found = next((candidates for candidates in ranked if candidates), [[]])
    if len(names) == 1:
        found = [names]
    if len(found) != 1 or not found[0]:
        raise FormatError(
            f"expected one depth channel, such as Z or Depth.V; the EXR file has "
            f"{', '.join(names)}. Save the depth pass on its own, or name it Z."
        )
    return found[0]


def _check_distance(name: str, path: Path) -> None:
    # The pass and its component; what stands before them names a view layer or a camera.
    parts = name.lower().split(".")[-2:]
    words = set(re.split(r"[^a-z]+", " ".join(parts)))
    if words & OTHER_PASSES or parts[-1] == ALPHA:
        raise FormatError(
            f"channel {name} is no pass of distances; save the depth pass (Z), or state what its "
            "numbers are: inverse for disparity of 0..1, linear for mist."
        )
    if not words & {*DEPTH_NAMES, "distance"}:
        logger.warning("%s: channel %s is taken for distances.", path.name, name)


def _scalars(components: Mapping[str, str]) -> list[str]:
    """The components of a layer that belong to no vector, no colour and no alpha."""
    vector = next((v for v in VECTORS if components.keys() >= v), set())
    return [c for c in components if c not in {*vector, *COLOURS, ALPHA}]
