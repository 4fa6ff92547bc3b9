"""train image-conductor: the LoRA of one motion on Image Conductor's flow network."""

from __future__ import annotations

from argparse import Namespace

from .config_values import config_values
from .terminal import echo, meter
from .train_track_controlnet import loader_values

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
    from ..training.plot import CONTROL_PANEL, plot_log
    from ..training.run import LOG, is_first_process
    from ..training.track_controlnet.clips import open_clips
    from ..training.track_controlnet.task import export_track_controlnet

    if args.family is not None:
        raise ValueError(f"--family belongs to track-controlnet, not to {args.stage}.")
    for name in ("base", "data"):
        if getattr(args, name) is None:
            raise ValueError(f"{args.stage} needs --{name}.")
    config = read_config(config_values(args, MotionLoraConfig, read_config))
    clips = open_clips(args.data)
    held_out = None if args.held_out is None else open_clips(args.held_out)
    model = load_track_model(FAMILY, **loader_values(args, FAMILY), motion=None)
    base = trainable(model, config.motion, config.rank)
    checkpoint = train_motion_lora(
        config,
        base,
        clips,
        args.out,
        held_out=held_out,
        resume=args.resume,
        progress=meter("step"),
    )
    if not is_first_process():
        return
    plot_log(args.out / LOG, args.out / "curves.png", (CONTROL_PANEL,))
    echo(f"wrote {checkpoint}")
    if args.export is not None:
        export_track_controlnet(checkpoint, base, args.export, read_config)
        echo(f"wrote {args.export}")
