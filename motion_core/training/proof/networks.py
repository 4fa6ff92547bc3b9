"""A tiny AnimateDiff of diffusers' own classes, with random weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...models.animatediff.branch import SparseBranch
from ...models.animatediff.settings import ddim_scheduler
from ...models.animatediff.signatures import IMAGE_CHANNELS
from ...models.animatediff.unet import HEADS, normalise_per_frame
from ...models.sd15.folder import STEM
from ...weights_io import write_safetensors

LATENT_CHANNELS, CONTEXT_DIM = 4, 8
# Of the U-Net's levels, and of the autoencoder's; both as wide as 32 and 8 groups allow.
WIDTHS, VAE_WIDTHS, VAE_GROUPS = (32, 64), (16, 32, 32, 32), 8
MOST_FRAMES = 16
MOTION_FILE, IMAGE_FILE = "motion.safetensors", "image.safetensors"
CONDUCTOR = "image-conductor"


@dataclass(frozen=True, eq=False)
class TinyBase:
    """The networks of an AnimateDiff with a first frame.

    Attributes:
        unet: UNetMotionModel.
        image: SparseCtrl's network, for the first frame.
    """

    unet: Any
    image: SparseBranch


def new_autoencoder(seed: int = 0) -> Any:
    """A random AutoencoderKL of Stable Diffusion's proportions: 8x8 pixels to 4 channels."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    arguments: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * len(VAE_WIDTHS),
        "up_block_types": ("UpDecoderBlock2D",) * len(VAE_WIDTHS),
        "block_out_channels": VAE_WIDTHS,
        "layers_per_block": 1,
        "latent_channels": LATENT_CHANNELS,
        "norm_num_groups": VAE_GROUPS,
        "mid_block_add_attention": False,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return AutoencoderKL(**arguments)


def new_base(seed: int = 0) -> TinyBase:
    """A random U-Net with motion modules, and a random network for the first frame."""
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = UNetMotionModel(
            **_shared(),
            out_channels=LATENT_CHANNELS,
            up_block_types=("UpBlockMotion", "CrossAttnUpBlockMotion"),
            num_attention_heads=HEADS,
            use_motion_mid_block=False,
        )
    normalise_per_frame(unet)
    return TinyBase(unet, new_branch(IMAGE_CHANNELS, seed + 1))


def new_branch(channels: int, seed: int) -> SparseBranch:
    """A random SparseControlNetModel whose outputs are zero.

    Args:
        channels: That it reads.
        seed: Of its weights.
    """
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: Any = SparseControlNetModel(
            **_shared(),
            conditioning_channels=channels,
            attention_head_dim=HEADS,
            concat_conditioning_mask=False,
        )
        # Diffusers starts it at zero, as its outputs: then neither would ever get a gradient.
        nn.init.normal_(network.controlnet_cond_embedding.weight, std=0.1)
    normalise_per_frame(network)
    return SparseBranch(network)


def save_base(base: TinyBase, autoencoder: Any, folder: Path) -> None:
    """Write the files that `Load Track Model` reads as AnimateDiff.

    The U-Net without motion modules and the autoencoder lie in diffusers' layout in folder/sd15,
    motion modules and SparseCtrl beside it. The scheduler's config says that the U-Net predicts v.
    """
    sd15 = folder / "sd15"
    weights = {name: one.detach().cpu() for name, one in base.unet.state_dict().items()}
    motion = {name: one for name, one in weights.items() if ".motion_modules." in name}
    spatial = {name: one for name, one in weights.items() if name not in motion}
    (sd15 / "unet").mkdir(parents=True, exist_ok=True)
    write_safetensors(sd15 / "unet" / f"{STEM}.safetensors", spatial, {})
    config = {"_class_name": "UNet2DConditionModel"}
    (sd15 / "unet" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    autoencoder.save_pretrained(sd15 / "vae")
    ddim_scheduler("v_prediction").save_pretrained(sd15 / "scheduler")
    write_safetensors(folder / MOTION_FILE, motion, {})
    write_safetensors(folder / IMAGE_FILE, weights_of(base.image), {})


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """The weights of a network by name, on the CPU."""
    return {name: one.detach().cpu().contiguous() for name, one in network.state_dict().items()}


def _shared() -> dict[str, Any]:
    """Arguments that U-Net and SparseCtrl share."""
    return {
        "in_channels": LATENT_CHANNELS,
        "down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion"),
        "block_out_channels": WIDTHS,
        "layers_per_block": 1,
        "cross_attention_dim": CONTEXT_DIM,
        "motion_max_seq_length": MOST_FRAMES,
        "motion_num_attention_heads": HEADS,
    }
