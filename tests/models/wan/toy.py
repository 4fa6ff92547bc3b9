"""A toy that the Track-ControlNet must learn: a blob that goes where only the tracks know.

Clips are latents drawn directly, so that no autoencoder has to be trained. The base learns what a
blob is and cannot know where it goes; then the control learns to tell it. The whole run takes about
two minutes of a core: python -m tests.models.wan.toy
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.models.wan.control import WanControl
from motion_core.models.wan.fit import flow_loss
from motion_core.raster.ids import IdEmbedding
from motion_core.tracks import Tracks, make_tracks

CELLS, FRAMES = 8, 9
LATENT_FRAMES = 3
PX = CELLS * 8
COLOUR = torch.tensor([2.0, -2.0, 2.0, -2.0])
POINTS = 4
BATCH = 16


@dataclass(frozen=True, eq=False)
class Toys:
    """B clips. clean: (B, 4, 3, 8, 8). path: (B, 9, 2) pixels, the middle of each blob."""

    clean: Tensor
    path: Tensor
    tracks: list[Tracks]

    @property
    def given(self) -> Tensor:
        """Mask and first frame, as Wan is told of a picture."""
        told = torch.zeros(len(self.clean), 8, *self.clean.shape[2:])
        told[:, :4, 0] = 1
        told[:, 4:, 0] = self.clean[:, :, 0]
        return told


def toys(seed: int, count: int = BATCH) -> Toys:
    """Clips of a seed; blobs go straight from one random place to another."""
    draw = np.random.default_rng(seed)
    ends = torch.tensor(draw.uniform(8, PX - 8, (count, 2, 2)), dtype=torch.float32)
    share = torch.linspace(0, 1, FRAMES)[:, None]
    path = ends[:, :1] * (1 - share) + ends[:, 1:] * share
    at = (torch.arange(CELLS) + 0.5) * 8
    rows, columns = torch.meshgrid(at, at, indexing="ij")
    where = path[:, ::4, :, None, None]
    far = (where[:, :, 0] - columns) ** 2 + (where[:, :, 1] - rows) ** 2
    clean = COLOUR.view(1, 4, 1, 1, 1) * torch.exp(-far / (2 * 7.0**2))[:, None]
    spread = torch.tensor(draw.normal(0, 3, (count, 1, POINTS, 2)), dtype=torch.float32)
    tracks = [make_tracks(one, Size(PX, PX)) for one in path[:, :, None] + spread]
    return Toys(clean, path, tracks)


def base(seed: int = 0, width: int = 4) -> Any:
    """A Wan of 8x8 cells, random."""
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return WanTransformer3DModel(
            num_attention_heads=width,
            attention_head_dim=12,
            in_channels=12,
            out_channels=4,
            text_dim=4,
            freq_dim=32,
            ffn_dim=96,
            num_layers=2,
            rope_max_seq_len=32,
        )


def fit_base(transformer: Any, steps: int, rate: float = 3e-3) -> float:
    """Trains the base without any tracks; the loss of the last step."""
    optimizer = torch.optim.Adam(transformer.parameters(), rate)
    return _fit(transformer, None, optimizer, steps, rate)


def fit_control(transformer: Any, control: WanControl, steps: int, rate: float = 3e-3) -> float:
    """Trains the control alone; the loss of the last step."""
    transformer.requires_grad_(False)
    optimizer = torch.optim.Adam(control.parameters(), rate)
    return _fit(transformer, control, optimizer, steps, rate)


def control_of(transformer: Any) -> WanControl:
    return WanControl(transformer, ids=IdEmbedding(dim=16))


def heard(control: WanControl, batch: Toys, seed: int) -> Tensor:
    weights = torch.ones(POINTS)
    said = [control.heard(one, weights, seed + n) for n, one in enumerate(batch.tracks)]
    return torch.stack(said)


@torch.no_grad()
def epe(transformer: Any, control: WanControl | None, steps: int = 6) -> float:
    """Mean distance in pixels, on held-out clips, from where the tracks go to where blobs went."""
    batch = toys(10**6, 64)
    noise = torch.randn(batch.clean.shape, generator=torch.Generator().manual_seed(9))
    if control is None:
        made = _generate(transformer, noise, batch.given, steps)
    else:
        with control.attached(transformer, heard(control, batch, 0)):
            made = _generate(transformer, noise, batch.given, steps)
    brightness = torch.einsum("bcthw,c->bthw", made, COLOUR / 16).clamp(min=0.15) - 0.15
    at = (torch.arange(CELLS) + 0.5) * 8
    total = brightness.sum((2, 3)).clamp(min=1e-6)
    x = torch.einsum("bthw,w->bt", brightness, at) / total
    y = torch.einsum("bthw,h->bt", brightness, at) / total
    went = torch.stack([x, y], -1)
    return float((went - batch.path[:, ::4])[:, 1:].norm(dim=-1).mean())


def _fit(
    transformer: Any,
    control: WanControl | None,
    optimizer: torch.optim.Optimizer,
    steps: int,
    rate: float,
) -> float:
    generator = torch.Generator().manual_seed(1)
    loss = torch.zeros(())
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 20) * min(1.0, 2 * (1 - step / steps))
        batch = toys(step)
        loss = loss_of(transformer, control, batch, step, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def loss_of(
    transformer: Any,
    control: WanControl | None,
    batch: Toys,
    step: int,
    generator: torch.Generator,
) -> Tensor:
    words = torch.zeros(len(batch.clean), 1, 4)
    if control is None:
        return flow_loss(transformer, batch.clean, batch.given, words, generator)
    with control.attached(transformer, heard(control, batch, step * BATCH)):
        return flow_loss(transformer, batch.clean, batch.given, words, generator)


def _generate(transformer: Any, latents: Tensor, given: Tensor, steps: int) -> Tensor:
    even = torch.linspace(1, 0, steps + 1)
    sigmas = (3 * even / (1 + 2 * even)).tolist()
    words = torch.zeros(len(latents), 1, 4)
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        told = torch.cat([latents, given], 1)
        time = torch.full((len(latents),), now * 1000)
        velocity = transformer(told, time, words, return_dict=False)[0]
        latents = latents + (then - now) * velocity
    return latents


def main(base_steps: int = 200, control_steps: int = 300) -> None:
    """Trains both and tells the held-out errors; fails unless the control's is below half."""
    torch.set_num_threads(1)
    transformer = base()
    fit_base(transformer, base_steps)
    control = control_of(transformer.eval())
    untrained = epe(transformer, control)
    sys.stdout.write(f"untrained control: {untrained:.2f} px of {PX}\n")
    fit_control(transformer, control, control_steps)
    trained = epe(transformer, control)
    sys.stdout.write(f"trained control: {trained:.2f} px, {trained / untrained:.2f} of it\n")
    sys.exit(trained >= untrained / 2)


if __name__ == "__main__":
    main()
