"""The Track-ControlNet for a diffusion transformer: copied blocks that hear tracks.

Motion Prompting §4.2 carried over to Wan: a trainable copy of some of the base's blocks, a first
layer of its own for the id volume, zero-initialised outputs that are added behind the blocks they
were copied from (VACE's places).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...tracks.model import Tracks
from .embed import TrackEmbedding
from .family import WanCondition

# How many blocks are copied unless told otherwise, spread over all.
COPIES = 8


class WanControl(nn.Module):
    """Steers a frozen WanTransformer3DModel by tracks. When new it changes nothing, bit for bit."""

    def __init__(
        self,
        transformer: Any,
        layers: tuple[int, ...] | None = None,
        ids: IdEmbedding | None = None,
    ) -> None:
        """layers: which blocks of the base are copied, rising; None for eight or some more, evenly.

        ids: how tracks are told apart; None is the paper's. Raises ValueError for blocks that the
        base does not have, FormatError for a base that folds frames into tokens.
        """
        super().__init__()
        count = len(transformer.blocks)
        self.layers = tuple(range(0, count, max(count // COPIES, 1))) if layers is None else layers
        if not self.layers or list(self.layers) != sorted(set(self.layers) & set(range(count))):
            raise ValueError(
                f"layers must be different and rising, from 0..{count - 1}; got {self.layers}."
            )
        time, *sides = transformer.config.patch_size
        if time != 1 or len(set(sides)) != 1:
            raise FormatError(f"Wan's tokens are 1xPxP cells; this has {(time, *sides)}.")
        self.ids = ids or IdEmbedding()
        width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
        self.embed = TrackEmbedding(self.ids.dim, width, sides[0])
        self.blocks = nn.ModuleList(copy.deepcopy(transformer.blocks[one]) for one in self.layers)
        self.outs = nn.ModuleList(_zero_linear(width) for _ in self.layers)
        self.requires_grad_(True)
        # The copies keep their own: parts of a half-precision base are float32.
        self.embed.to(transformer.device, transformer.dtype)
        self.outs.to(transformer.device, transformer.dtype)

    def heard(self, tracks: Tracks, weights: Tensor, seed: int = 0) -> Tensor:
        """(S, width) what tracks say to every token: all that does not depend on the noise.

        weights: (N,) 0..1, how much each track counts. seed: of the random ids. Raises ValueError
        for more tracks than there are ids.
        """
        device = self.embed.weight.device
        codes = self.ids.rows(tracks.num_points, seed) * weights.float().cpu()[:, None]
        return self.embed(tracks.to(device), codes.to(device))

    def hints(self, heard: Tensor, hidden: Tensor, words: Tensor, *rest: Any) -> list[Tensor]:
        """(B, S, width) for each copied block. hidden: (B, S, width), what the base's first block
        is given. words, and time and places after them: as the base's blocks take them."""
        words = words.to(heard)
        state = hidden.to(heard) + heard
        hints = []
        for block, out in zip(self.blocks, self.outs, strict=True):
            state = block(state, words, *rest)
            hints.append(out(state).to(hidden))
        return hints

    @contextmanager
    def attached(self, transformer: Any, heard: Tensor, strength: float = 1.0) -> Iterator[None]:
        """The base under control while the context lasts; as before afterwards.

        heard: (S, width). The base's own first block brings all else that the copies need.
        """
        hints: list[Tensor] = []

        def begin(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            hints[:] = self.hints(heard, *given)

        def adding(place: int) -> Any:
            return lambda _, given, made: made + hints[place] * strength

        handles = [transformer.blocks[0].register_forward_pre_hook(begin)]
        for place, layer in enumerate(self.layers):
            handles.append(transformer.blocks[layer].register_forward_hook(adding(place)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            hints.clear()


@dataclass(frozen=True, eq=False)
class BlockHints:
    """WanResiduals: a control and what the tracks said to it."""

    control: WanControl
    heard: Tensor
    strength: float = 1.0

    def scaled(self, strength: float) -> BlockHints:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)

    def given(self, plain: Tensor) -> Tensor:
        """Mask and picture as they are."""
        return plain

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer with hooks on its blocks while the context lasts."""
        if self.strength == 0.0:
            return nullcontext()
        return self.control.attached(transformer, self.heard, self.strength)


@dataclass(frozen=True, eq=False)
class ControlTracks:
    """A TrackControl for WanFamily: the Track-ControlNet. seed: of the random ids."""

    control: WanControl
    seed: int = 0

    def prepare(self, tracks: Tracks, weights: Tensor, condition: WanCondition) -> BlockHints:
        """What the tracks say, once per run. Raises what WanControl.heard raises."""
        with torch.no_grad():
            return BlockHints(self.control, self.control.heard(tracks, weights, self.seed))

    def residuals(
        self, prepared: BlockHints, latents: Tensor, timestep: Tensor, condition: WanCondition
    ) -> BlockHints:
        """The copied blocks run inside the base's own pass, where words and time are known."""
        return prepared


def _zero_linear(width: int) -> nn.Linear:
    # Made on no device first: its usual first weights would draw from the global generator.
    linear = nn.Linear(width, width, device="meta").to_empty(device="cpu")
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
