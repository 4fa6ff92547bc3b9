"""A toy that the Track-ControlNet must learn: a blob that goes where only the tracks know.

Clips are latents drawn directly, so that no autoencoder has to be trained. The base learns what a
blob is and cannot know where it goes; then the control learns to tell it. The whole run takes about
two minutes of a core: python -m tests.models.wan.toy
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from motion_core.models.wan.track_controlnet import WanTrackControlNet
from motion_core.raster.ids import IdEmbedding
from motion_core.training.wan.loss import flow_matching_loss

from ..blobs import HELD_OUT, Blobs, Kind, blobs, error_px, report_and_train, schedule

FRAMES = 9
# Every fourth frame is one of latents.
STRIDE = 4
BATCH = 16


class Toys(Blobs):
    """B clips, of which Wan makes every fourth frame. clean: (B, 3, 4, 8, 8). path: (B, 3, 2)."""

    @property
    def latents(self) -> Tensor:
        """(B, 4, 3, 8, 8)."""
        return self.clean.transpose(1, 2)

    @property
    def condition_latents(self) -> Tensor:
        """Mask and first frame, the condition latents of Wan."""
        latents = self.latents
        condition = torch.zeros(len(latents), 8, *latents.shape[2:])
        condition[:, :4, 0] = 1
        condition[:, 4:, 0] = latents[:, :, 0]
        return condition


def toys(seed: int, count: int = BATCH) -> Toys:
    """Clips of a seed; blobs go straight from one random place to another."""
    drawn = blobs(seed, count, Kind(frames=FRAMES))
    return Toys(drawn.clean[:, ::STRIDE], drawn.path[:, ::STRIDE], drawn.tracks)


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


def fit_control(
    transformer: Any, control: WanTrackControlNet, steps: int, rate: float = 3e-3
) -> float:
    """Trains the control alone; the loss of the last step."""
    transformer.requires_grad_(False)
    optimizer = torch.optim.Adam(control.parameters(), rate)
    return _fit(transformer, control, optimizer, steps, rate)


def control_of(transformer: Any) -> WanTrackControlNet:
    return WanTrackControlNet(transformer, ids=IdEmbedding(dim=16))


def encoded(control: WanTrackControlNet, batch: Toys, seed: int) -> Tensor:
    weights = torch.ones(batch.tracks[0].num_points)
    states = [control.encode_tracks(one, weights, seed + n) for n, one in enumerate(batch.tracks)]
    return torch.stack(states)


@torch.no_grad()
def epe(transformer: Any, control: WanTrackControlNet | None, steps: int = 6) -> float:
    """Mean distance in pixels, on held-out clips, from where the tracks go to where blobs went."""
    batch = toys(HELD_OUT, 64)
    noise = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(9))
    if control is None:
        made = _generate(transformer, noise, batch.condition_latents, steps)
    else:
        with control.attached(transformer, encoded(control, batch, 0)):
            made = _generate(transformer, noise, batch.condition_latents, steps)
    return error_px(made.transpose(1, 2), batch, first=1)


def _fit(
    transformer: Any,
    control: WanTrackControlNet | None,
    optimizer: torch.optim.Optimizer,
    steps: int,
    rate: float,
) -> float:
    generator = torch.Generator().manual_seed(1)
    loss = torch.zeros(())
    for step in range(steps):
        schedule(optimizer, rate, step, steps)
        batch = toys(step)
        loss = loss_of(transformer, control, batch, step, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def loss_of(
    transformer: Any,
    control: WanTrackControlNet | None,
    batch: Toys,
    step: int,
    generator: torch.Generator,
) -> Tensor:
    prompt_embeds = torch.zeros(len(batch.clean), 1, 4)
    if control is None:
        return flow_matching_loss(
            transformer, batch.latents, batch.condition_latents, prompt_embeds, generator
        )
    with control.attached(transformer, encoded(control, batch, step * BATCH)):
        return flow_matching_loss(
            transformer, batch.latents, batch.condition_latents, prompt_embeds, generator
        )


def _generate(transformer: Any, latents: Tensor, given: Tensor, steps: int) -> Tensor:
    even = torch.linspace(1, 0, steps + 1)
    sigmas = (3 * even / (1 + 2 * even)).tolist()
    prompt_embeds = torch.zeros(len(latents), 1, 4)
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        channels = torch.cat([latents, given], 1)
        time = torch.full((len(latents),), now * 1000)
        velocity = transformer(channels, time, prompt_embeds, return_dict=False)[0]
        latents = latents + (then - now) * velocity
    return latents


def main(base_steps: int = 200, control_steps: int = 300) -> None:
    """Trains both and tells the held-out errors; fails unless the control's is below half."""
    torch.set_num_threads(1)
    transformer = base()
    fit_base(transformer, base_steps)
    control = control_of(transformer.eval())

    def train() -> float:
        fit_control(transformer, control, control_steps)
        return epe(transformer, control)

    report_and_train(epe(transformer, control), train)


if __name__ == "__main__":
    main()
