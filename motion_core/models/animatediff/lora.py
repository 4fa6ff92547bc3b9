"""Low-rank updates of linear layers and convolutions, merged without touching what they update."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...errors import ShapeError


class LayerLora(nn.Module):
    """The update of each named weight.

    pairs: name of the weight -> (down, up): (r, in) and (out, r) for a linear layer, (r, in, k, k)
    and (out, r, 1, 1) for a convolution. Scale 1, as Image Conductor trains (rank 64, alpha 64).
    Raises ShapeError when a pair does not fit together.
    """

    def __init__(self, pairs: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.names = tuple(pairs)
        for name, (down, up) in pairs.items():
            flat = up.ndim == 2 or up.shape[2:] == (1, 1)
            if (
                down.ndim != up.ndim
                or up.ndim not in (2, 4)
                or not flat
                or up.shape[1] != len(down)
            ):
                raise ShapeError(
                    f"the LoRA of {name} must be (r, in) and (out, r), or (r, in, k, k) and "
                    f"(out, r, 1, 1); got {tuple(down.shape)} and {tuple(up.shape)}."
                )
        self.down = nn.ParameterList(_fixed(down) for down, _ in pairs.values())
        self.up = nn.ParameterList(_fixed(up) for _, up in pairs.values())

    @torch.no_grad()
    def merged(self, network: nn.Module, strength: float = 1.0) -> dict[str, Tensor]:
        """Weights of the named layers with the update, for functional_call; the network keeps its.

        strength: factor on the update. The sum is taken in float32 or wider. Raises ShapeError
        when a layer is missing or of another shape.
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
            wide = torch.promote_types(weight.dtype, torch.float32)
            update = up.to(wide).flatten(1) @ down.to(wide).flatten(1)
            found[name] = (weight.to(wide) + strength * update.view(wanted)).to(weight.dtype)
        return found


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
