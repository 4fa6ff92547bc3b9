"""The file that holds lite's weights: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...errors import FormatError
from ...weights_io import load_with_config

KIND = "motion-prompting lite 2"
# No part of a sane config is larger.
MOST_SIZE = 1024
SHIPPED = Path(__file__).parent / "weights" / "lite.safetensors"


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the config, of a file of lite weights.

    Raises FileNotFoundError, and FormatError for a file that is truncated, foreign or of another
    version; each says what to do.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no lite weights at {path}. The pack ships them as {SHIPPED.name} in "
            "motion_core/models/lite/weights; reinstall it, or train your own: python -m "
            "motion_core train --help."
        )
    tensors, config = load_with_config(path, KIND)
    return tensors, _config(path, config)


def _config(path: Path, text: str) -> dict[str, Any]:
    """The config as it was written. Sizes are bounded, for they decide how much memory is taken."""
    try:
        config = json.loads(text)
        parts = [config.get(part, {}) for part in ("encoder", "base")]
        sizes = [size for part in parts for size in part.values()]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise FormatError(f"{path} has a config that cannot be read: {error}.") from error
    flat = [one for size in sizes for one in (size if isinstance(size, list) else [size])]
    if not all(type(one) is int and 1 <= one <= MOST_SIZE for one in flat):
        raise FormatError(f"{path} has a config with sizes outside of 1..{MOST_SIZE}: {flat}.")
    return config


def fill_module(module: nn.Module, tensors: dict[str, Tensor], part: str) -> None:
    """Load the tensors called part.* into a module. Raises FormatError if they do not fit."""
    mine = {
        name.removeprefix(f"{part}."): value.float()
        for name, value in tensors.items()
        if name.startswith(f"{part}.")
    }
    try:
        module.load_state_dict(mine)
    except RuntimeError as error:
        raise FormatError(f"the weights do not fit lite's {part}: {error}") from error
