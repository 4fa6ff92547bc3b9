"""Values of preprocessor_config.json: what a model's pictures are resized to and shifted by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import FormatError

Channels = tuple[float, float, float]
# Pixels of a side; the largest real one is 1,536.
MOST_SIDE = 8192


def channel_values(
    stored: Mapping[str, Any], name: str, fallback: Channels, path: Path, *, positive: bool = False
) -> Channels:
    """One number per color channel, such as image_mean.

    Args:
        stored: Content of the file.
        name: The key.
        fallback: The values where the key is absent or null.
        path: The file, for errors.
        positive: Whether the values divide, so that they must be above 0.

    Raises:
        FormatError: The key holds anything but three finite numbers.
    """
    value = stored.get(name)
    if value is None:
        return fallback
    is_list = isinstance(value, list) and len(value) == 3
    if not is_list or not all(_is_number(entry, positive=positive) for entry in value):
        kind = "positive numbers" if positive else "numbers"
        raise FormatError(f"{path} has {name} = {value!r:.60}; expected three {kind}.")
    return cast(Channels, tuple(map(float, value)))


def side_value(stored: Mapping[str, Any], name: str, fallback: int, path: Path) -> int:
    """A length in pixels, such as the width in "size"; `fallback` where it is absent or null.

    Raises FormatError for anything but a whole number of 1 to MOST_SIDE.
    """
    value = stored.get(name)
    if value is None:
        return fallback
    if type(value) is not int or not 1 <= value <= MOST_SIDE:
        raise FormatError(
            f"{path} has {name} = {value!r:.60}; expected a whole number of pixels, 1 to "
            f"{MOST_SIDE}."
        )
    return value


def _is_number(value: Any, *, positive: bool) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and (value > 0 or not positive)
