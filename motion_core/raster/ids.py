"""Identity codes: each track gets the sinusoidal code of an integer that is drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..tracks.arguments import whole_number

MAX_POOL = 1 << 24
MAX_SEED = (1 << 64) - 1


@dataclass(frozen=True)
class IdEmbedding:
    """The code that identifies a track (Motion Prompting §4.2): D numbers per track.

    Attributes:
        dim: D, even. 64 in the paper.
        pool: the number of integers to draw from, 0..pool-1. 16384 in the paper.

    Raises:
        TypeError, ValueError: dim is not even and positive, or pool lies outside 1..16777216.
    """

    dim: int = 64
    pool: int = 16384

    def __post_init__(self) -> None:
        whole_number("IdEmbedding.pool", self.pool, least=1, most=MAX_POOL)
        if whole_number("IdEmbedding.dim", self.dim, least=2) % 2:
            raise ValueError(
                f"IdEmbedding.dim must be even, half sines and half cosines; got {self.dim}. "
                f"Use {self.dim + 1}."
            )

    def draw(self, count: int, seed: int) -> Tensor:
        """`count` different integers of 0..pool-1 in random order.

        The same count and seed always give the same integers, and a larger count continues the
        same list.

        Args:
            count: how many integers are drawn.
            seed: 0..2^64-1.

        Returns:
            (count,) int64.

        Raises:
            ValueError: the pool holds fewer than `count` integers, or the seed is out of range.
        """
        if whole_number("count", count) > self.pool:
            raise ValueError(
                f"{count} tracks need {count} different integers but the pool holds {self.pool}. "
                f"Keep fewer tracks (select_random), or use IdEmbedding(pool={count}) if the model "
                "was trained with it."
            )
        generator = torch.Generator().manual_seed(whole_number("seed", seed, most=MAX_SEED))
        return torch.randperm(self.pool, generator=generator)[:count]

    def encode(self, integers: Tensor) -> Tensor:
        """The code of each integer: (N,) to (N, D) float32.

        With angle_i = n / 10000^(2i/D) for i = 0..D/2-1, a row is the D/2 sines followed by the
        D/2 cosines. Angles are taken in float64, so large integers lose nothing.
        Raises TypeError for tensors that are not integers, ShapeError unless (N,).
        """
        if integers.is_floating_point() or integers.is_complex() or integers.dtype == torch.bool:
            raise TypeError(f"encode() takes integers; got {integers.dtype}.")
        if integers.ndim != 1:
            raise ShapeError(f"encode() takes integers (N,); got {tuple(integers.shape)}.")
        steps = torch.arange(self.dim // 2, dtype=torch.float64, device=integers.device)
        angles = integers.double()[:, None] / 10000.0 ** (2.0 * steps / self.dim)
        return torch.cat([angles.sin(), angles.cos()], dim=1).float()

    def rows(self, count: int, seed: int) -> Tensor:
        """Codes of `count` freshly drawn integers: (count, D) float32. Raises what draw raises."""
        return self.encode(self.draw(count, seed))
