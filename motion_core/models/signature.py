"""How a family says which files of weights are its own: by names and shapes, never by file name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

# Shapes by name of all weights of a file; None where only the name is known.
Shapes = Mapping[str, tuple[int, ...] | None]
# DeepSpeed puts the first before every name, PEFT the second into names of layers with LoRA.
_WRAPPER, _BASE = "module.", ".base_layer."


@dataclass(frozen=True)
class Signature:
    """A kind of file.

    Attributes:
        kind: Its name in error messages, different from all others.
        matches: Whether weights, as shapes_of gives them, are of this kind.
    """

    kind: str
    matches: Callable[[Shapes], bool]


def shapes_of(weights: Iterable[str]) -> dict[str, tuple[int, ...] | None]:
    """Names without the additions of DeepSpeed and PEFT, and shapes.

    weights: a mapping from names to tensors, or names alone, whose shapes are None.
    """
    tensors: Mapping[str, Tensor] = weights if isinstance(weights, Mapping) else {}
    return {
        bare_name(name): tuple(tensors[name].shape) if name in tensors else None for name in weights
    }


def bare_name(name: str) -> str:
    """A weight's name without the additions of DeepSpeed and PEFT."""
    return name.removeprefix(_WRAPPER).replace(_BASE, ".")
