"""Weights from safetensors files, and what to say when they do not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import FormatError

# Enough to see what is going on.
LISTED = 10
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name and the header's words of a safetensors file.

    Raises FileNotFoundError, or FormatError for a pickle (never opened: it could run anything)
    and for a file that is truncated or no safetensors.
    """
    from safetensors import SafetensorError, safe_open

    if path.suffix.lower() in PICKLES:
        raise FormatError(
            f"{path} is a pickle, which could run anything when opened; take the .safetensors of "
            "the same release."
        )
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check the path, or download it again.")
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, told  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FormatError(
            f"{path} is truncated or no safetensors file ({error}); copy or download it again."
        ) from error


def fill(module: nn.Module, tensors: dict[str, Tensor], what: str, *, assign: bool = False) -> None:
    """Load every tensor of a module, no more and no less.

    assign: the module takes the tensors themselves, as a module on the meta device must.
    Raises FormatError that lists missing, extra and misshapen names, the first ten of each.
    """
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in tensors.items()}
    misshapen = [
        f"{name} {given[name]} instead of {wanted[name]}"
        for name in sorted(wanted.keys() & given.keys())
        if given[name] != wanted[name]
    ]
    wrong = {
        "missing": sorted(wanted.keys() - given.keys()),
        "not known": sorted(given.keys() - wanted.keys()),
        "of another shape": misshapen,
    }
    if any(wrong.values()):
        told = "; ".join(f"{len(names)} {how}: {_some(names)}" for how, names in wrong.items())
        raise FormatError(f"the weights do not fit {what}. Tensors {told}.")
    module.load_state_dict(tensors, assign=assign)


def check_sizes(config: dict[str, Any], names: Iterable[str], path: Path, most: int) -> None:
    """Sizes decide how much memory is taken. Raises FormatError for one outside of 1..most."""
    for name in names:
        size = config.get(name)
        if type(size) is not int or not 1 <= size <= most:
            raise FormatError(f"{path} has {name} = {size!r} in its config, not 1..{most}.")


def to_floating(
    tensors: dict[str, Tensor], dtype: torch.dtype, precise: Collection[str] = ()
) -> dict[str, Tensor]:
    """The same with floating tensors in one dtype, but float32 inside of what is called precise."""
    return {
        name: value.to(torch.float32 if set(name.split(".")) & set(precise) else dtype)
        if value.is_floating_point()
        else value
        for name, value in tensors.items()
    }


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
