"""train: the stages of lite, on procedural scenes."""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from .terminal import echo, meter

EXAMPLES = [
    "encoder --out out/train/encoder --steps 5000",
    "encoder --out out/train/encoder --steps 5000 --resume",
    "base --out out/train/base --steps 20000 --set lr=1e-3",
    "control --out out/train/control --set lr=2e-3 --export lite.safetensors",
]


def add_arguments(command: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument("stage", choices=("encoder", "base", "control"))
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
        help="other values of the config, see docs/training.md",
    )
    command.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="weights file that receives the averaged weights",
    )


def run(args: Namespace) -> None:
    """Train, plot the curves, and export the weights if --export is given."""
    from ..training.checkpoint import load_checkpoint
    from ..training.config import config_from
    from ..training.lite.export import export_weights
    from ..training.lite.train import train
    from ..training.plot import plot_log
    from ..training.run import CHECKPOINT, LOG, is_first_process

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    values = _settings(args.set)
    if args.resume:
        _, saved, _ = load_checkpoint(args.out / CHECKPOINT)
        values = asdict(saved) | values
    values["stage"] = args.stage
    if args.steps is not None:
        values["steps"] = args.steps
    config = config_from(values)
    checkpoint = train(config, args.out, resume=args.resume, progress=meter("step"))
    if not is_first_process():
        return
    plot_log(args.out / LOG, args.out / "curves.png")
    echo(f"wrote {checkpoint}")
    if args.export is not None:
        export_weights(checkpoint, args.export)
        echo(f"wrote {args.export}")


def _settings(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs as values of the types of a TrainConfig's fields."""
    from ..training.config import TrainConfig

    kinds = {field.name: type(field.default) for field in fields(TrainConfig)}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in kinds:
            raise ValueError(f"--set knows {', '.join(kinds)}; got {pair!r}.")
        try:
            values[name] = kinds[name](text)
        except ValueError as error:
            kind = kinds[name].__name__
            raise ValueError(f"--set {name} takes {kind} values; got {text!r}.") from error
    return values
