"""The Track-ControlNet for a diffusion transformer: copied blocks that read encoded tracks.

Motion Prompting §4.2 adapted to Wan: a trainable copy of some of the base's blocks, a first layer
of its own for the id volume, and zero-initialised outputs that are added after the blocks they were
copied from, as in VACE.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...tracks.model import Tracks
from .track_embedding import TrackEmbedding

# How many blocks are copied by default, spread over all.
COPIES = 8


class WanTrackControlNet(nn.Module):
    """Controls a frozen WanTransformer3DModel by tracks. When new it changes nothing, bit for bit.

    Args:
        transformer: The base.
        layers: Which blocks of the base are copied, ascending; None for about eight, evenly spread.
        ids: Embedding that tells tracks apart; None is the paper's.

    Raises:
        ValueError: For blocks that the base does not have.
        FormatError: For a base whose tokens cover several latent frames.
    """

    def __init__(
        self,
        transformer: Any,
        layers: tuple[int, ...] | None = None,
        ids: IdEmbedding | None = None,
    ) -> None:
        super().__init__()
        count = len(transformer.blocks)
        self.layers = tuple(range(0, count, max(count // COPIES, 1))) if layers is None else layers
        if not self.layers or list(self.layers) != sorted(set(self.layers) & set(range(count))):
            raise ValueError(
                f"layers must be different and ascending, from 0..{count - 1}; got {self.layers}."
            )
        time, *sides = transformer.config.patch_size
        if time != 1 or len(set(sides)) != 1:
            raise FormatError(f"Wan's tokens are 1xPxP cells; this has {(time, *sides)}.")
        self.ids = ids or IdEmbedding()
        width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
        self.embed = TrackEmbedding(self.ids.dim, width, sides[0])
        self.blocks = nn.ModuleList(
            copy.deepcopy(transformer.blocks[layer]) for layer in self.layers
        )
        self.outs = nn.ModuleList(_zero_linear(width) for _ in self.layers)
        self.requires_grad_(True)
        # The copied blocks keep their dtypes: parts of a half-precision base are float32.
        self.embed.to(transformer.device, transformer.dtype)
        self.outs.to(transformer.device, transformer.dtype)

    def encode_tracks(self, tracks: Tracks, weights: Tensor, seed: int = 0) -> Tensor:
        """control_hidden_states (S, D): what does not depend on the noise.

        Args:
            tracks: 4k+1 frames on the image's canvas.
            weights: (N,) 0..1, how much each track counts.
            seed: Of the random ids.

        Raises:
            ValueError: For more tracks than there are ids.
        """
        device = self.embed.weight.device
        codes = self.ids.rows(tracks.num_points, seed) * weights.float().cpu()[:, None]
        return self.embed(tracks.to(device), codes.to(device))

    def block_residuals(
        self,
        control_hidden_states: Tensor,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        *rest: Any,
    ) -> list[Tensor]:
        """(B, S, D) for each copied block.

        Args:
            control_hidden_states: (S, D), from encode_tracks.
            hidden_states: (B, S, D), input of the base's first block.
            encoder_hidden_states: (B, L, D), as the base's blocks take it.
            rest: Time and position embeddings, as the base's blocks take them.
        """
        context = encoder_hidden_states.to(control_hidden_states)
        state = hidden_states.to(control_hidden_states) + control_hidden_states
        residuals = []
        for block, out in zip(self.blocks, self.outs, strict=True):
            state = block(state, context, *rest)
            residuals.append(out(state).to(hidden_states))
        return residuals

    @contextmanager
    def attached(
        self, transformer: Any, control_hidden_states: Tensor, strength: float = 1.0
    ) -> Iterator[None]:
        """The base under control while the context is open; unchanged afterwards.

        A hook on the base's first block passes its inputs to the copied blocks.

        Args:
            transformer: The base.
            control_hidden_states: (S, D).
            strength: Factor on the residuals.
        """
        residuals: list[Tensor] = []

        def begin(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            residuals[:] = self.block_residuals(control_hidden_states, *inputs)

        def adding(place: int) -> Any:
            return lambda _, inputs, output: output + residuals[place] * strength

        handles = [transformer.blocks[0].register_forward_pre_hook(begin)]
        for place, layer in enumerate(self.layers):
            handles.append(transformer.blocks[layer].register_forward_hook(adding(place)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            residuals.clear()


def _zero_linear(width: int) -> nn.Linear:
    # Made on the meta device first: the usual initialisation would use the global generator.
    linear = nn.Linear(width, width, device="meta").to_empty(device="cpu")
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
