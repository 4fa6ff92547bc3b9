"""LoRA of one motion that are trained, and how far two of them overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ...errors import ShapeError
from ...models.lora import LoraWeights, add_low_rank

# SparseCtrl's noise input is zero, so that nothing passes through this weight.
UNUSED = "conv_in.weight"


class TrainedLora(nn.Module):
    """The low-rank update up @ down of each named weight, in float32. When new it is zero.

    Args:
        shapes: Name of the weight -> its shape, (out, in) or (out, in, k, k).
        rank: r, of all updates.
        seed: Of the down matrices. Two LoRA of one seed read the same directions.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], rank: int, seed: int = 0) -> None:
        super().__init__()
        self.names = tuple(shapes)
        downs, ups, generator = [], [], torch.Generator().manual_seed(seed)
        for out, *rest in shapes.values():
            down = torch.empty(rank, *rest)
            # That of nn.Linear and nn.Conv2d, as in LoRA (arXiv 2106.09685).
            nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=generator)
            downs.append(nn.Parameter(down))
            ups.append(nn.Parameter(torch.zeros(out, rank, *(1 for _ in rest[1:]))))
        self.down, self.up = nn.ParameterList(downs), nn.ParameterList(ups)

    def pairs(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Name of the weight -> (down, up), as LoraWeights takes them."""
        return dict(zip(self.names, zip(self.down, self.up, strict=True), strict=True))

    def added(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The named ones of these weights plus their updates, with gradients."""
        return {
            name: add_low_rank(weights[name], down, up, 1.0)
            for name, (down, up) in self.pairs().items()
        }

    def frozen(self) -> LoraWeights:
        """A copy for sampling."""
        copied = {
            name: (down.detach().clone(), up.detach().clone())
            for name, (down, up) in self.pairs().items()
        }
        return LoraWeights(copied)


def updatable(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of a flow network that a LoRA can update.

    They are those of all linear layers and convolutions.
    """
    return {
        f"{name}.weight": tuple(layer.weight.shape)
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and f"{name}.weight" != UNUSED
    }


def overlap(
    lora: Mapping[str, tuple[Tensor, Tensor]], other: Mapping[str, tuple[Tensor, Tensor]]
) -> Tensor:
    """How far two LoRA read the same directions of their inputs: 0 where these are orthogonal.

    The mean squared cosine between the rows of both down matrices, over the layers that both
    update. Cosines cannot be lowered by smaller weights. `other` gets no gradient.

    Args:
        lora, other: Name of the weight -> (down, up).

    Raises:
        ShapeError: No weight is updated by both, or one has another number of inputs.
    """
    shared = [name for name in lora if name in other]
    if not shared:
        raise ShapeError("the two LoRA update no weight in common, so they have no overlap.")
    cosines = []
    for name in shared:
        rows = [one[name][0].float().flatten(1) for one in (lora, other)]
        if rows[0].shape[1] != rows[1].shape[1]:
            raise ShapeError(
                f"the two LoRA of {name} read {rows[0].shape[1]} and {rows[1].shape[1]} inputs."
            )
        ours, theirs = (normalize(one, dim=1) for one in rows)
        cosines.append((ours @ theirs.detach().T).square().mean())
    return torch.stack(cosines).mean()


def printed_orthogonality(
    lora: Mapping[str, tuple[Tensor, Tensor]], other: Mapping[str, tuple[Tensor, Tensor]]
) -> Tensor:
    """Eq. 4 of Image Conductor as printed: the mean of |I - W_cam W_obj^T|^2 over linear layers.

    A LoRA's linear layers are the down and up matrices of the linear layers that it updates;
    convolutions are left out. The norm is Frobenius'. It is not least where the two LoRA are
    orthogonal (W_cam W_obj^T = 0), but where row i of one has product 1 with row i of the other and
    0 with all others: it pulls rows of the same number together, see `overlap` for what does not.
    `other` gets no gradient.

    Args:
        lora, other: Name of the weight -> (down, up).

    Raises:
        ShapeError: No linear layer is updated by both, or a matrix has another shape.
    """
    distances = []
    for name in lora:
        if name not in other or lora[name][0].ndim != 2:
            continue
        for ours, theirs in zip(lora[name], other[name], strict=True):
            if ours.shape != theirs.shape:
                raise ShapeError(
                    f"the two LoRA of {name} have matrices of {tuple(ours.shape)} and "
                    f"{tuple(theirs.shape)}; train both with one rank."
                )
            ours, theirs = ours.float(), theirs.detach().float()
            if ours.shape[0] > ours.shape[1]:
                # The product of up matrices would be as large as the layer itself.
                squares = ((ours.T @ ours) * (theirs.T @ theirs)).sum()
            else:
                squares = (theirs @ ours.T).square().sum()
            distances.append(len(ours) - 2 * (ours * theirs).sum() + squares)
    if not distances:
        raise ShapeError("the two LoRA update no linear layer in common.")
    return torch.stack(distances).mean()
