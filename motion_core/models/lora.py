"""Low-rank updates of linear layers and convolutions, merged without touching what they update."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import ShapeError


class LoraWeights(nn.Module):
    """The low-rank update up @ down of each named weight, with scale 1.

    Args:
        pairs: Name of the weight -> (down, up). For a linear layer (r, in) and (out, r); for a
            convolution (r, in, k, k) and (out, r, 1, 1).

    Raises:
        ShapeError: When a pair does not fit together.
    """

    def __init__(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.names = tuple(pairs)
        for name, (down, up) in pairs.items():
            _check_pair(name, down, up)
        self.down = nn.ParameterList(_frozen(down) for down, _ in pairs.values())
        self.up = nn.ParameterList(_frozen(up) for _, up in pairs.values())

    @torch.no_grad()
    def merged(self, network: nn.Module, strength: float = 1.0) -> dict[str, Tensor]:
        """The named weights of a network plus strength times their update.

        The result is for torch.func.functional_call; the network keeps its own weights.

        Raises:
            ShapeError: When a weight is missing or of another shape.
        """
        known = dict(network.named_parameters())
        found = {}
        for name, down, up in zip(self.names, self.down, self.up, strict=True):
            weight, wanted = known.get(name), (len(up), *down.shape[1:])
            if weight is None or weight.shape != wanted:
                raise ShapeError(
                    f"the LoRA updates {name} of shape {wanted}; the model has "
                    f"{'no such layer' if weight is None else tuple(weight.shape)}."
                )
            found[name] = add_low_rank(weight, down, up, strength)
        return found


class MergedOnce:
    """Merged weights of one run, which asks for the same strength step after step."""

    def __init__(self, lora: LoraWeights, network: nn.Module) -> None:
        self._lora, self._network = lora, network
        self._strength: float | None = None
        self._weights: dict[str, Tensor] = {}

    def at(self, strength: float) -> dict[str, Tensor]:
        """The same as LoraWeights.merged, computed again only when the strength changes."""
        if strength != self._strength:
            self._weights = {}
            self._weights = self._lora.merged(self._network, strength)
            self._strength = strength
        return self._weights


def add_low_rank(weight: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    """A weight plus a low-rank update: weight + scale * up @ down.

    Args:
        weight: (out, in) or (out, in, k, k).
        down: (r, in) or (r, in, k, k).
        up: (out, r) or (out, r, 1, 1).
        scale: Factor on the update.

    Returns:
        The sum, computed in float32 or wider, in the weight's dtype and shape.
    """
    wide = torch.promote_types(weight.dtype, torch.float32)
    update = up.to(wide).flatten(1) @ down.to(wide).flatten(1)
    return (weight.to(wide) + scale * update.view(weight.shape)).to(weight.dtype)


def _check_pair(name: str, down: Tensor, up: Tensor) -> None:
    is_flat = up.ndim == 2 or up.shape[2:] == (1, 1)
    if down.ndim != up.ndim or up.ndim not in (2, 4) or not is_flat or up.shape[1] != down.shape[0]:
        raise ShapeError(
            f"the LoRA of {name} must be down (r, in) and up (out, r), or down (r, in, k, k) and "
            f"up (out, r, 1, 1); got {tuple(down.shape)} and {tuple(up.shape)}."
        )


def _frozen(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
