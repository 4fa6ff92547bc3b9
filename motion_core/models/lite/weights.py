"""The file that holds lite's weights: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...errors import FormatError

KIND = "motion-prompting lite 1"
SHIPPED = Path(__file__).parent / "weights" / "lite.safetensors"


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the config, of a file of lite weights.

    Raises FileNotFoundError, and FormatError for a file that is truncated, foreign or of another
    version; each says what to do.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(
            f"there are no lite weights at {path}. The pack ships them as {SHIPPED.name} in "
            "motion_core/models/lite/weights; reinstall it, or train your own: python -m "
            "motion_core train --help."
        )
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise FormatError(
            f"{path} is broken or no safetensors file ({error}); copy or download it again."
        ) from error
    if told.get("kind") != KIND:
        raise FormatError(
            f"{path} holds weights of something else ({told.get('kind', 'unnamed')!r}, wanted "
            f"{KIND!r}); choose a file written by python -m motion_core train."
        )
    return tensors, json.loads(told["config"])


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
