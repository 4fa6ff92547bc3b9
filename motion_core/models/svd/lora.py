"""Low-rank updates of linear layers, merged without touching the weights they update."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...errors import ShapeError


class LoraWeights(nn.Module):
    """The update up @ down of each named linear layer.

    pairs: name of the layer's weight -> (down (r, in), up (out, r)). Scale 1, as MotionPro trains
    (rank 32). Raises ShapeError when a pair does not fit together.
    """

    def __init__(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.names = tuple(pairs)
        for name, (down, up) in pairs.items():
            if down.ndim != 2 or up.ndim != 2 or up.shape[1] != down.shape[0]:
                raise ShapeError(
                    f"the LoRA of {name} must be down (r, in) and up (out, r); got "
                    f"{tuple(down.shape)} and {tuple(up.shape)}."
                )
        self.down = nn.ParameterList(_weights(down) for down, _ in pairs.values())
        self.up = nn.ParameterList(_weights(up) for _, up in pairs.values())

    @torch.no_grad()
    def merged(self, network: nn.Module, strength: float) -> dict[str, Tensor]:
        """Weights of the named layers with the update, for functional_call; the network keeps its.

        The sum is taken in float32 or wider. Raises ShapeError when a layer is missing or of
        another shape.
        """
        known = dict(network.named_parameters())
        found = {}
        for name, down, up in zip(self.names, self.down, self.up, strict=True):
            weight = known.get(name)
            if weight is None or weight.shape != (up.shape[0], down.shape[1]):
                raise ShapeError(
                    f"the LoRA updates {name} of shape {(up.shape[0], down.shape[1])}; the model "
                    f"has {'no such layer' if weight is None else tuple(weight.shape)}."
                )
            wide = torch.promote_types(weight.dtype, torch.float32)
            update = up.to(wide) @ down.to(wide)
            found[name] = (weight.to(wide) + strength * update).to(weight.dtype)
        return found


class MergedOnce:
    """The merged weights of a run, which asks for the same strength step after step."""

    def __init__(self, lora: LoraWeights, network: nn.Module) -> None:
        self._lora, self._network = lora, network
        self._strength: float | None = None
        self._weights: dict[str, Tensor] = {}

    def at(self, strength: float) -> dict[str, Tensor]:
        """As LoraWeights.merged."""
        if strength != self._strength:
            self._weights = {}
            self._weights = self._lora.merged(self._network, strength)
            self._strength = strength
        return self._weights


def _weights(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
