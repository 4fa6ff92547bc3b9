"""Small weights under the names that the workflows ask for, written into a host's models folder.

Real classes of diffusers and transformers and the released names, so that a workflow loads them
as it would load the authors' files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

# Enough channels for one attention head of the released size.
MOTIONPRO_WIDTHS = (64, 128, 64, 64)


def write_image_conductor(models: Path) -> None:
    """Its three files, and Stable Diffusion 1.5 beside them."""
    from tests.models.animatediff.originals import tiny, tiny_with_lora
    from tests.models.animatediff.parts import save_tokenizer, tiny_clip, tiny_vae

    base = models / "motion_prompting" / "stable-diffusion-v1-5"
    tiny_vae().save_pretrained(base / "vae")
    tiny_clip().save_pretrained(base / "text_encoder")
    save_tokenizer(base / "tokenizer")
    folder = models / "motion_prompting" / "ImageConductor"
    folder.mkdir(parents=True)
    torch.save({"state_dict": tiny("unet", torch.float32)}, folder / "unet.ckpt")
    torch.save({"state_dict": tiny("image", torch.float32)}, folder / "image_controlnet.ckpt")
    flow = {"state_dict": tiny_with_lora(torch.float32), "global_step": 3}
    torch.save(flow, folder / "flow_controlnet.ckpt")


def write_motionpro(models: Path) -> None:
    """Its checkpoint, and Stable Video Diffusion beside it."""
    from tests.models.svd.originals import tiny_checkpoint
    from tests.models.svd.parts import tiny_clip, tiny_vae

    base = models / "motion_prompting" / "stable-video-diffusion-img2vid"
    tiny_vae().save_pretrained(base / "vae")
    tiny_clip().save_pretrained(base / "image_encoder")
    folder = models / "motion_prompting" / "MotionPro"
    folder.mkdir(parents=True)
    weights = tiny_checkpoint(lora=True, dtype=torch.float32, widths=MOTIONPRO_WIDTHS, head=64)
    torch.save({"module": weights, "global_steps": 16000}, folder / "MotionPro-gs_16k.pt")


def write_wan(models: Path) -> None:
    """A release of Wan without words, and a Track-ControlNet that has learned something."""
    from motion_core.models.wan.family import released_scheduler
    from motion_core.models.wan.track_controlnet import WanTrackControlNet
    from motion_core.models.wan.weights import save_track_controlnet
    from motion_core.raster.ids import IdEmbedding
    from tests.models.wan import tiny

    folder = models / "diffusers" / "Wan2.1-I2V-14B-480P-Diffusers"
    base = tiny.transformer()
    base.save_pretrained(folder / "transformer")
    tiny.vae().save_pretrained(folder / "vae")
    released_scheduler().save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "WanImageToVideoPipeline"}))
    control = WanTrackControlNet(base, (0, 2), IdEmbedding(8, 512))
    for out in control.outs:
        torch.nn.init.constant_(out.weight, 0.05)  # type: ignore[arg-type]
    home = models / "motion_prompting"
    home.mkdir(parents=True, exist_ok=True)
    save_track_controlnet(control, home / "wan-track-controlnet.safetensors")


def write_animatediff(home: Path) -> None:
    """A base in one file, a motion module, and a Track-ControlNet that has learned something."""
    from safetensors.torch import save_file

    from motion_core.models.animatediff.track_controlnet import copy_track_controlnet
    from motion_core.models.animatediff.weights import save_track_controlnet
    from motion_core.raster.ids import IdEmbedding
    from tests.models.animatediff.parts import tiny_base, tiny_vae
    from tests.models.animatediff.stable import clip, motion, single_file, spatial

    whole = single_file(spatial(), tiny_vae().state_dict(), clip().state_dict())
    save_file({name: one.contiguous() for name, one in whole.items()}, home / "sd.safetensors")
    save_file(motion(), home / "motion.safetensors")
    net: Any = copy_track_controlnet(tiny_base().unet, IdEmbedding(8, 256))
    torch.nn.init.eye_(net.controlnet_mid_block.weight.data[:, :, 0, 0])
    save_track_controlnet(net, home / "tracks.safetensors")


# Workflows that sample with weights that we do not ship, and what writes small ones for them.
WRITERS: dict[str, Callable[[Path], None]] = {
    "image_conductor": write_image_conductor,
    "motionpro": write_motionpro,
    "wan_track_controlnet": write_wan,
}
WEIGHTED = tuple(WRITERS)
# (frames, width, height) that small weights make in a second.
SMALL: dict[str, tuple[int, int, int]] = {
    "image_conductor": (3, 72, 64),
    "motionpro": (16, 64, 64),
    "wan_track_controlnet": (5, 48, 32),
}


def small(prompt: dict[str, Any], name: str) -> dict[str, Any]:
    """The workflow's prompt with two steps of a small picture, and nothing else changed."""
    frames, width, height = SMALL[name]
    changes = {
        "ImageScale": {"width": width, "height": height},
        "MotionPromptingDrawMotion": {"frames": frames},
        "MotionPromptingTrackSampler": {"steps": 2},
    }
    return {
        key: {**node, "inputs": node["inputs"] | changes.get(node["class_type"], {})}
        for key, node in prompt.items()
    }
