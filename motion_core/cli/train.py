"""train: the stages of lite on procedural scenes; Track-ControlNets and motion LoRA on clips."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from pathlib import Path

from . import train_motion_lora, train_track_controlnet
from .config_values import config_values
from .terminal import echo, meter

CONTROL, MOTION_LORA = "track-controlnet", "image-conductor"
EXAMPLES = [
    "encoder --out out/train/encoder --steps 5000",
    "encoder --out out/train/encoder --steps 5000 --resume",
    "base --out out/train/base --steps 20000 --set lr=1e-3",
    "control --out out/train/control --set lr=2e-3 --export lite.safetensors",
    *(f"{CONTROL} {example}" for example in train_track_controlnet.EXAMPLES),
    *(f"{MOTION_LORA} {example}" for example in train_motion_lora.EXAMPLES),
]


def add_arguments(command: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument("stage", choices=("encoder", "base", "control", CONTROL, MOTION_LORA))
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    command.add_argument("--steps", type=int, metavar="N", help="length of the whole run, steps")
    command.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint in DIR"
    )
    command.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="other values of the config, see docs/training.md and "
        "docs/training-track-controlnet.md",
    )
    command.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="weights file that receives the averaged weights",
    )
    train_track_controlnet.add_arguments(
        command.add_argument_group(f"of {CONTROL} and {MOTION_LORA}")
    )


def run(args: Namespace) -> None:
    """Train, plot the curves, and export the weights if --export is given."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if args.stage == CONTROL:
        train_track_controlnet.run(args)
    elif args.stage == MOTION_LORA:
        train_motion_lora.run(args)
    else:
        train_track_controlnet.check_unused(args)
        _run_stage(args)
    _leave()


def _leave() -> None:
    from ..training.run import leave_together

    leave_together()


def _run_stage(args: Namespace) -> None:
    from ..training.config import TrainConfig, config_from
    from ..training.lite.export import export_weights
    from ..training.lite.train import train
    from ..training.plot import plot_log
    from ..training.run import LOG, is_first_process

    values = config_values(args, TrainConfig, config_from) | {"stage": args.stage}
    checkpoint = train(config_from(values), args.out, resume=args.resume, progress=meter("step"))
    if not is_first_process():
        return
    plot_log(args.out / LOG, args.out / "curves.png")
    echo(f"wrote {checkpoint}")
    if args.export is not None:
        export_weights(checkpoint, args.export)
        echo(f"wrote {args.export}")
