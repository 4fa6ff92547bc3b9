"""A toy that MotionPro's control must learn: where a blob goes from where the picture shows it.

The base learns what a blob is and sees it in the first frame, but cannot know where it goes; then
the adapter and the LoRA learn, alone, to tell it. The whole run takes a few minutes of a core:
python -m tests.models.svd.toy
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from motion_core.geometry import Size
from motion_core.models.lora import LoraWeights
from motion_core.models.svd.adapter import MotionAdapter
from motion_core.models.svd.condition import region_condition
from motion_core.models.svd.schedule import edm_scheduler

from ..blobs import HELD_OUT, PX, Blobs, Kind, blobs, error_px, report_and_train, schedule

KIND = Kind(frames=3, points=4, reach_px=28.0)
BATCH = 8
WORDS = 8
RANK = 4
WIDTHS = (32, 32)
# Of the noise levels that training draws from (MotionPro's are 0.7 and 1.6): blobs are brighter
# than latents of pictures.
MEAN, SPREAD = 1.0, 1.6


def base(seed: int = 0) -> Any:
    """A random U-Net of Stable Video Diffusion for 8x8 cells."""
    from diffusers.models.unets.unet_spatio_temporal_condition import (
        UNetSpatioTemporalConditionModel,
    )

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return UNetSpatioTemporalConditionModel(
            block_out_channels=WIDTHS,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
            layers_per_block=1,
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=24,
            cross_attention_dim=WORDS,
            num_attention_heads=4,
        )


class Control(nn.Module):
    """What MotionPro trains: the adapter, and a LoRA of every linear layer, whose ups are zero."""

    def __init__(self, unet: Any, seed: int = 0) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        pairs = {
            name: (
                torch.randn(RANK, weight.shape[1], generator=draw) / weight.shape[1] ** 0.5,
                torch.zeros(weight.shape[0], RANK),
            )
            for name, weight in unet.named_parameters()
            if name.endswith(".weight") and weight.ndim == 2
        }
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.adapter = MotionAdapter(WIDTHS)
        self.lora = LoraWeights(pairs).requires_grad_(True)

    def laid(self, unet: Any) -> dict[str, Tensor]:
        """The U-Net's weights with the LoRA, differentiable."""
        known = dict(unet.named_parameters())
        halves: Iterable[tuple[str, Tensor, Tensor]] = zip(
            self.lora.names, self.lora.down, self.lora.up, strict=True
        )
        return {name: known[name] + up @ down for name, down, up in halves}


def conditions(batch: Blobs) -> list[Tensor]:
    """(T, 3, 64, 64) of every clip, as MotionPro draws it."""
    size = Size(PX, PX)
    return [region_condition(one, size, frames=KIND.frames) for one in batch.tracks]


def velocities(
    unet: Any,
    control: Control | None,
    given: tuple[Tensor, Tensor],
    conditioning: tuple[Tensor, list[Tensor]],
) -> Tensor:
    """v-predictions (B, T, 4, 8, 8). given: what the network reads of noisy clips, and the times.
    conditioning: first frames (B, 4, 8, 8) and conditions."""
    (noisy, times), (pictures, drawn) = given, conditioning
    images = pictures[:, None].expand(-1, noisy.shape[1], -1, -1, -1)
    whole = torch.cat([noisy, images], 2)
    embeds, ids = torch.zeros(len(noisy), 1, WORDS), torch.zeros(len(noisy), 3)
    if control is None:
        return unet(whole, times, embeds, ids).sample
    modulations = [control.adapter.modulations(one) for one in drawn]
    joined = [
        tuple(map(torch.cat, zip(*one, strict=True))) for one in zip(*modulations, strict=True)
    ]
    # All clips' frames in a row: the adapter takes them for one long clip.
    with control.adapter.attached(unet, joined, 1.0):  # type: ignore[arg-type]
        asked = (whole, times, embeds, ids)
        return torch.func.functional_call(unet, control.laid(unet), asked).sample


def loss_of(unet: Any, control: Control | None, batch: Blobs, generator: torch.Generator) -> Tensor:
    """Mean squared error of v at random noise levels, as EDM trains."""
    sigma = (MEAN + SPREAD * torch.randn(len(batch.clean), generator=generator)).exp()
    sigma = sigma.view(-1, 1, 1, 1, 1)
    far = (sigma**2 + 1).sqrt()
    noisy = batch.clean + sigma * torch.randn(batch.clean.shape, generator=generator)
    wanted = (noisy / far**2 - batch.clean) * far / sigma
    drawn = [] if control is None else conditions(batch)
    conditioning = (batch.clean[:, 0], drawn)
    found = velocities(unet, control, (noisy / far, sigma.flatten().log() / 4), conditioning)
    return (found - wanted).square().mean()


def fit(unet: Any, control: Control | None, steps: int, rate: float) -> float:
    """Trains the control alone, or the base where there is none; the loss of the last tenth."""
    unet.requires_grad_(control is None)
    optimizer = torch.optim.Adam((unet if control is None else control).parameters(), rate)
    generator, losses = torch.Generator().manual_seed(1), []
    for step in range(steps):
        schedule(optimizer, rate, step, steps)
        loss = loss_of(unet, control, blobs(step, BATCH, KIND), generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


@torch.no_grad()
def epe(unet: Any, control: Control, steps: int = 8) -> float:
    """Mean pixels, on 64 held-out clips, from where the tracks go to where blobs went; frame 0,
    which the picture shows, is left out."""
    batch = blobs(HELD_OUT, 64, KIND)
    scheduler = edm_scheduler()
    scheduler.set_timesteps(steps)
    noise = torch.randn(batch.clean.shape, generator=torch.Generator().manual_seed(9))
    latents, conditioning = (
        noise * scheduler.init_noise_sigma,
        (batch.clean[:, 0], conditions(batch)),
    )
    for timestep in scheduler.timesteps:
        given = (scheduler.scale_model_input(latents, timestep), timestep.expand(len(latents)))
        found = velocities(unet, control, given, conditioning)
        latents = scheduler.step(found, timestep, latents, return_dict=False)[0]
    return error_px(latents, batch, first=1)


def main(base_steps: int = 150, control_steps: int = 300, rate: float = 4e-3) -> None:
    """Trains both and tells the held-out errors; fails unless the control's is below half."""
    torch.set_num_threads(1)
    unet = base()
    fit(unet, None, base_steps, rate)
    control = Control(unet.eval())

    def train() -> float:
        fit(unet, control, control_steps, rate)
        return epe(unet, control)

    report_and_train(epe(unet, control), train)


if __name__ == "__main__":
    main()
