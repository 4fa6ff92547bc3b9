"""sample: videos of a loaded model for a folder of motion prompts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import count_argument, number_argument, seed_argument
from .terminal import echo, meter
from .train_track_controlnet import BASE_SETTING, loader_values

if TYPE_CHECKING:
    from ..models.track_model import TrackModel

EXAMPLES = [
    "prompts/ --family wan --base Wan2.1-I2V-14B-480P-Diffusers --control wan-tracks.safetensors "
    "--out out/videos",
    "prompts/ --family animatediff --base sd15 --load motion=v3_sd15_mm.ckpt --out out/no-control",
    "prompts/ --family image_conductor --base ImageConductor --motion camera --out out/camera",
]
MOTIONS = ("camera", "object", "none")


def add_arguments(command: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument(
        "prompts",
        type=Path,
        metavar="PROMPTS",
        help="folder of NAME.npz (or .json, .csv, .npy) with the picture NAME.png and, for models "
        "that read text, NAME.txt",
    )
    command.add_argument(
        "--family", choices=sorted(BASE_SETTING), required=True, help="of the model"
    )
    command.add_argument(
        "--base", type=Path, required=True, metavar="PATH", help="folder or file of the model"
    )
    command.add_argument(
        "--load",
        nargs="+",
        action="extend",
        metavar="NAME=VALUE",
        help="other settings of the family's loader, as in Load Track Model",
    )
    command.add_argument(
        "--control", type=Path, metavar="FILE", help="a Track-ControlNet for the model"
    )
    command.add_argument(
        "--motion", choices=MOTIONS, help="the LoRA of a model that has one for each motion"
    )
    command.add_argument("--steps", type=count_argument, metavar="N", help="default: the model's")
    command.add_argument("--scale", type=number_argument, metavar="X", help="of text guidance")
    command.add_argument(
        "--seed", type=seed_argument, default=0, metavar="S", help="of the noise (default 0)"
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="receives NAME/00000.png ..."
    )


def run(args: Namespace) -> None:
    """Sample a video for every prompt that has none yet.

    Every prompt's noise comes from the same seed, so that two models, or one with control and
    without, are compared on equal noise. The folder is what `evaluate --suite --videos` reads.
    """
    from ..evaluation.suites.methods import write_frames
    from ..evaluation.suites.readers import read_prompts
    from ..evaluation.suites.sampled import sampled_case

    cases = [case for case in read_prompts(args.prompts, meter("prompt")) if case.image is not None]
    if not cases:
        raise ValueError(f"{args.prompts} holds no tracks with a picture of the same name.")
    model = _model(args)
    for done, case in enumerate(cases, start=1):
        target = args.out / case.name
        if not target.is_dir():
            frames = sampled_case(model, case, args.steps, args.seed, args.scale)
            write_frames(target, frames)
        meter("video")(done, len(cases))
    echo(f"wrote {args.out}: {len(cases)} videos")


def _model(args: Namespace) -> TrackModel:
    """The model with the control or under the LoRA that is asked for."""
    from ..models.controls import with_motion
    from ..models.registry import families, load_track_model

    model = load_track_model(args.family, **loader_values(args, args.family))
    if args.motion is not None:
        model = with_motion(model, None if args.motion == "none" else args.motion)
    if args.control is None:
        return model
    attach = families()[args.family].with_tracks
    if attach is None:
        raise ValueError(f"{args.family} takes no Track-ControlNet; leave out --control.")
    return attach(model, args.control)
