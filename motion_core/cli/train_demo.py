"""train-demo: a tiny video model and its Track-ControlNet, from videos to a table of errors."""

from __future__ import annotations

import importlib
import shlex
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..atomic_write import write_text
from .arguments import count_argument, seed_argument
from .terminal import PROGRAM, echo, meter

EXAMPLES = [
    "--out out/train-demo",
    "--out out/train-demo --scale 0.1",
    "--out out/train-demo --set regime=dense",
    "--out out/train-demo --videos my-clips/",
]
SIDE, FRAMES, FPS = 64, 8, 8
TRACKERS_SPACING = 4


@dataclass(frozen=True)
class DemoSize:
    """How much is done.

    Attributes:
        scenes, held_out: Procedural videos to train on, and others to measure on.
        autoencoder, base, control: Steps of the three trainings.
        prompts: Held-out clips that videos are sampled for.
        sampler: Steps of the sampler.
    """

    scenes: int = 450
    held_out: int = 48
    autoencoder: int = 500
    base: int = 900
    control: int = 900
    prompts: int = 24
    sampler: int = 10

    def scaled(self, factor: float) -> DemoSize:
        """The same with `factor` times as many steps, scenes and prompts, at least a few."""
        names = ("scenes", "held_out", "autoencoder", "base", "control", "prompts")
        shrunk = {name: max(4, round(getattr(self, name) * factor)) for name in names}
        return replace(self, **shrunk, sampler=self.sampler if factor >= 0.5 else 4)


def add_arguments(command: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of all")
    command.add_argument(
        "--videos",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="also train on these, as curate takes them; measured on procedural scenes alone",
    )
    command.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="times the scenes and steps of the full demo (default 1)",
    )
    command.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="values of the training of the Track-ControlNet, beside those of the demo",
    )
    command.add_argument(
        "--tracks", type=count_argument, default=16, metavar="N", help="of a prompt (default 16)"
    )
    command.add_argument(
        "--seed", type=seed_argument, default=0, metavar="S", help="of prompts and noise"
    )


def run(args: Namespace) -> None:
    """Curate, train, sample and evaluate; the same command goes on after an interruption."""
    if not 0 < args.scale <= 100:
        raise ValueError(f"--scale must be above 0, up to 100; got {args.scale:g}.")
    size, out = DemoSize().scaled(args.scale), args.out
    _curate(args, size)
    _train_base(size, out)
    _train_control(args, size)
    _measure(args, size)


def _command(*words: Any) -> None:
    """Run another command of this program, and show it. Raises ValueError where it fails."""
    arguments = [str(word) for word in words]
    echo(f"$ {PROGRAM} {shlex.join(arguments)}")
    # By name: this module is imported by the parser, which that function uses.
    main = importlib.import_module(__package__ or "motion_core.cli").main
    code = main(arguments)
    if code:
        raise ValueError(f"{arguments[0]} ended with code {code}; see above.")


def _curate(args: Namespace, size: DemoSize) -> None:
    from ..layered_scenes.scenes import Split
    from ..training.proof.scenes import write_scenes

    sets = (
        ("train", Split.TRAIN, size.scenes, args.videos),
        ("held-out", Split.VALIDATION, size.held_out, []),
    )
    for name, split, count, more in sets:
        target = args.out / f"clips-{name}"
        if (target / "manifest.json").is_file():
            continue
        folder = args.out / f"videos-{name}"
        write_scenes(folder, count, split, FRAMES, progress=meter("scene"))
        clips = ("--size", f"{SIDE}x{SIDE}", "--frames", FRAMES, "--fps", FPS, "--cuts", "none")
        work = ("--spacing", TRACKERS_SPACING, "--licence", "procedural")
        _command("curate", folder, *more, "--out", target, *clips, *work)


def _train_base(size: DemoSize, out: Path) -> None:
    """Train the autoencoder and the base, whose files Load Track Model reads."""
    from ..training.proof.autoencoder import AutoencoderConfig
    from ..training.proof.base import BaseConfig, latents_of
    from ..training.proof.networks import save_base
    from ..training.proof.train import train_autoencoder, train_base
    from ..training.track_controlnet.clips import open_clips

    if (out / "model" / "sd15" / "scheduler").is_dir():
        return
    clips, held_out = (open_clips([out / f"clips-{name}"]) for name in ("train", "held-out"))
    echo("training the autoencoder")
    config = AutoencoderConfig(steps=size.autoencoder)
    autoencoder = train_autoencoder(config, clips, out / "autoencoder", meter("step"))
    latents = latents_of(autoencoder, clips, FRAMES, progress=meter("clip"))
    few = min(24, sum(held_out.counts))
    probed = latents_of(autoencoder, held_out, FRAMES, few)
    echo("training the base")
    base = train_base(BaseConfig(steps=size.base), latents, probed, out / "base", meter("step"))
    save_base(base, autoencoder, out / "model")


def model_arguments(model: Path) -> list[Any]:
    """How commands load the demo's base."""
    from ..training.proof.networks import IMAGE_FILE, MOTION_FILE

    files = [f"motion={model / MOTION_FILE}", f"image={model / IMAGE_FILE}"]
    return ["--family", "animatediff", "--base", model / "sd15", "--load", *files]


def _train_control(args: Namespace, size: DemoSize) -> None:
    out, run_folder = args.out, args.out / "control"
    target = out / "track-controlnet.safetensors"
    if target.is_file():
        return
    values = ["regime=sparse", "optimizer=adamw", "lr=2e-3", "warmup=20", "cooldown=0.5"]
    values += ["batch=8", "ema=0.99", "no_text=0", "workers=0", "save_seconds=60"]
    values += [f"probe_steps={max(1, size.control // 12)}", *args.set]
    more = ["--resume"] if (run_folder / "checkpoint.safetensors").is_file() else []
    _command(
        *("train", "track-controlnet", *model_arguments(out / "model")),
        *("--data", out / "clips-train", "--held-out", out / "clips-held-out"),
        *("--out", run_folder, "--steps", size.control, "--export", target, *more),
        *("--set", *values),
    )


def _measure(args: Namespace, size: DemoSize) -> None:
    from ..image_files import write_image
    from ..training.proof.prompts import PromptDraw, write_prompts
    from ..training.proof.report import as_table, proof_sheet
    from ..training.track_controlnet.clips import open_clips

    out = args.out
    draw = PromptDraw(args.tracks, min(4, args.tracks), args.seed)
    held_out = open_clips([out / "clips-held-out"])
    prompts = write_prompts(held_out, out / "prompts", size.prompts, draw)
    sampler = ("--steps", size.sampler, "--seed", args.seed)
    control = ("--control", out / "track-controlnet.safetensors")
    videos = {"no control": out / "videos-none", "Track-ControlNet": out / "videos-control"}
    for (_, folder), more in zip(videos.items(), ((), control), strict=True):
        _command(
            "sample", prompts, *model_arguments(out / "model"), *more, *sampler, "--out", folder
        )
    pairs = [f"{name}={folder}" for name, folder in videos.items()]
    report = out / "report.json"
    _command(
        *("evaluate", "--suite", "prompts", "--data", prompts, "--videos", *pairs),
        *("--json", report, "--markdown", out / "report.md"),
    )
    write_image(out / "sheet.png", proof_sheet(prompts, videos).float() / 255)
    table = as_table(report, "no control")
    write_text(out / "table.md", table)
    echo(f"wrote {out / 'table.md'}, {out / 'sheet.png'} and {out / 'control' / 'curves.png'}")
    echo(table)
