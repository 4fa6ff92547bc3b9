"""train image-conductor: the LoRA of one motion on Image Conductor's flow network."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .train_track_controlnet import check_given, loader_values, train_on_clips

FAMILY = "image_conductor"
EXAMPLES = [
    "--base ImageConductor --load base=stable-diffusion-v1-5 --data data/camera --out out/camera "
    "--set motion=camera --export out/flow_controlnet.safetensors",
    "--base WithCameraLora --load base=stable-diffusion-v1-5 --data data/clips --out out/object "
    "--set motion=object orthogonal=0.1 --export out/flow_controlnet.safetensors",
]


def run(args: Namespace) -> None:
    """Train, plot the curves, and export the flow network with its LoRA if --export is given."""
    from ..models.registry import load_track_model
    from ..training.image_conductor.base import trainable
    from ..training.image_conductor.task import MotionLoraConfig, read_config, train_motion_lora

    if args.family is not None:
        raise ValueError(f"--family belongs to track-controlnet, not to {args.stage}.")
    check_given(args, ("base", "data"))

    def base_of(config: MotionLoraConfig) -> Any:
        model = load_track_model(FAMILY, **loader_values(args, FAMILY), motion=None)
        return trainable(model, config.motion, config.rank)

    train_on_clips(args, MotionLoraConfig, read_config, base_of, train_motion_lora)
