"""A toy that the controls of AnimateDiff must learn: where a blob is and goes.

The base learns what a blob is and that it moves; then a copy of its encoder learns, alone, to tell
it where: the Track-ControlNet from ids, or Image Conductor's flow network from steps. A run takes
two minutes of a core: python -m tests.models.animatediff.toy [flow]
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.models.animatediff.branch import SparseBranch
from motion_core.models.animatediff.settings import ddim_scheduler
from motion_core.models.animatediff.track_controlnet import (
    AnimateDiffTrackControlNet,
    copy_track_controlnet,
)
from motion_core.models.animatediff.unet import normalise_per_frame
from motion_core.models.image_conductor.condition import flow_condition
from motion_core.models.image_conductor.signatures import FLOW_CHANNELS
from motion_core.raster.ids import IdEmbedding

from ..blobs import CELLS, HELD_OUT, PX, Blobs, Kind, blobs, error_px, report_and_train, schedule

Control = AnimateDiffTrackControlNet | SparseBranch
KIND = Kind(frames=3)
BATCH = 8
WORDS = 8
CONFIG = {
    "block_out_channels": (32, 32),
    "down_block_types": ("DownBlockMotion", "DownBlockMotion"),
    "up_block_types": ("UpBlockMotion", "UpBlockMotion"),
    "layers_per_block": 1,
    "cross_attention_dim": WORDS,
    "num_attention_heads": 4,
    "motion_num_attention_heads": 4,
    "use_motion_mid_block": False,
}
SHARED = ("block_out_channels", "down_block_types", "layers_per_block", "cross_attention_dim")
SHARED += ("motion_num_attention_heads",)


def base(seed: int = 0) -> Any:
    """A random UNetMotionModel of 8x8 cells that normalises per frame."""
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNetMotionModel(**CONFIG)  # type: ignore[arg-type]
    normalise_per_frame(unet)
    return unet


def v_scheduler() -> Any:
    """AnimateDiff's noise, for a base that predicts v: noise itself, most of which only repeats
    what is given, takes a small network far longer to learn."""
    return type(ddim_scheduler()).from_config(
        ddim_scheduler().config, prediction_type="v_prediction"
    )


def control_of(unet: Any, seed: int = 0) -> AnimateDiffTrackControlNet:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return copy_track_controlnet(unet, IdEmbedding(16, 256))


def flow_control_of(unet: Any, seed: int = 0) -> SparseBranch:
    """Image Conductor's flow network, begun as a copy of the base's encoder."""
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel

    shared = {name: CONFIG[name] for name in CONFIG if name in SHARED}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SparseControlNetModel(
            conditioning_channels=FLOW_CHANNELS,
            concat_conditioning_mask=False,
            attention_head_dim=4,
            **shared,  # type: ignore[arg-type]
        )
    network.load_state_dict(unet.state_dict(), strict=False)
    # Its first layer begins at zero, and so do the last ones: nothing would ever be learned.
    torch.nn.init.normal_(network.controlnet_cond_embedding.weight, std=0.1)
    normalise_per_frame(network)
    return SparseBranch(network)


def features(control: Control, batch: Blobs, seed: int) -> Tensor:
    """(B, T, C, 8, 8), what each clip's tracks say."""
    if isinstance(control, SparseBranch):
        canvas = Size(PX, PX)
        return torch.stack([control.features(flow_condition(one, canvas)) for one in batch.tracks])
    cells = Size(CELLS, CELLS)
    volumes = [control.volume(one, cells, seed + n) for n, one in enumerate(batch.tracks)]
    return torch.stack([control.features(one) for one in volumes])


def predicted(
    unet: Any, noisy: Tensor, timestep: Tensor, encoded: Tensor | None, control: Any
) -> Any:
    """v of clips (B, T, 4, 8, 8)."""
    prompt_embeds = torch.zeros(len(noisy), 1, WORDS)
    more: dict[str, Any] = {}
    if encoded is not None:
        added = control(encoded, timestep, prompt_embeds)
        more["down_block_additional_residuals"] = added.down_block_residuals
        more["mid_block_additional_residual"] = added.mid_block_residual
    embeds = prompt_embeds.repeat_interleave(noisy.shape[1], 0)
    given = noisy.transpose(1, 2)
    return unet(given, timestep, encoder_hidden_states=embeds, **more).sample.transpose(1, 2)


def loss_of(
    unet: Any, control: Control | None, batch: Blobs, seed: int, generator: torch.Generator
) -> Tensor:
    """Mean squared error of v at random noise levels."""
    noise = torch.randn(batch.clean.shape, generator=generator)
    timestep = torch.randint(1000, (len(noise),), generator=generator)
    scheduler = v_scheduler()
    noisy = scheduler.add_noise(batch.clean, noise, timestep)
    wanted = scheduler.get_velocity(batch.clean, noise, timestep)
    encoded = None if control is None else features(control, batch, seed)
    return (predicted(unet, noisy, timestep, encoded, control) - wanted).square().mean()


def fit(unet: Any, control: Control | None, steps: int, rate: float) -> float:
    """Trains the control alone, or the base where there is none; the loss of the last tenth."""
    unet.requires_grad_(control is None)
    weights = (unet if control is None else control).parameters()
    optimizer = torch.optim.Adam(weights, rate)
    generator, losses = torch.Generator().manual_seed(1), []
    for step in range(steps):
        schedule(optimizer, rate, step, steps)
        batch = blobs(step, BATCH, KIND)
        loss = loss_of(unet, control, batch, step * BATCH, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


@torch.no_grad()
def epe(unet: Any, control: Control, steps: int = 8) -> float:
    """Mean pixels, on 64 held-out clips, from where the tracks go to where blobs went."""
    batch = blobs(HELD_OUT, 64, KIND)
    scheduler = v_scheduler()
    scheduler.set_timesteps(steps)
    latents = torch.randn(batch.clean.shape, generator=torch.Generator().manual_seed(9))
    encoded = features(control, batch, 0)
    for timestep in scheduler.timesteps:
        found = predicted(unet, latents, timestep, encoded, control)
        latents = scheduler.step(found, timestep, latents, return_dict=False)[0]
    return error_px(latents, batch)


def main(base_steps: int = 150, control_steps: int = 300, rate: float = 3e-3) -> None:
    """Trains both and tells the held-out errors; fails unless the control's is below half."""
    make = flow_control_of if sys.argv[1:] == ["flow"] else control_of
    torch.set_num_threads(1)
    unet = base()
    fit(unet, None, base_steps, rate)
    control = make(unet.eval())

    def train() -> float:
        fit(unet, control, control_steps, rate)
        return epe(unet, control)

    report_and_train(epe(unet, control), train)


if __name__ == "__main__":
    main()
