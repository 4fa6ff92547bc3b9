"""train track-controlnet: a Track-ControlNet on a frozen video model and clips."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .config_values import config_values
from .terminal import echo, meter

EXAMPLES = [
    "--family wan --base Wan2.1-I2V-14B-480P-Diffusers --data data/shards --out out/wan "
    "--export wan-tracks.safetensors",
    "--family animatediff --base sd15 --load motion=v3_sd15_mm.ckpt --data data/shards "
    "--held-out data/held-out --out out/animatediff --set regime=dense+sparse",
]
# The setting of a family's loader that --base gives.
BASE_SETTING = {
    "animatediff": "base",
    "motionpro": "checkpoint",
    "wan": "folder",
    "image_conductor": "folder",
}
FAMILIES = ("animatediff", "motionpro", "wan")
# Values of a loader that differ from those for sampling.
LOADED = {"wan": {"follow": "nothing"}}
OPTIONS = ("family", "base", "load", "data", "held_out")


def add_arguments(group: Any) -> None:
    """Declare the arguments that the stages of lite do not have."""
    group.add_argument("--family", choices=FAMILIES, help="of the base")
    group.add_argument("--base", type=Path, metavar="PATH", help="folder or file of the base")
    group.add_argument(
        "--load",
        nargs="+",
        action="extend",
        metavar="NAME=VALUE",
        help="other settings of the family's loader, as in Load Track Model",
    )
    group.add_argument(
        "--data", type=Path, nargs="+", metavar="DIR", help="folders of clips with dense tracks"
    )
    group.add_argument(
        "--held-out", type=Path, nargs="+", metavar="DIR", help="folders of clips for probes"
    )


def check_unused(args: Namespace) -> None:
    """Raises ValueError where a stage of lite was given an option of track-controlnet."""
    given = [name for name in OPTIONS if getattr(args, name) is not None]
    if given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(
            f"{named} belong to track-controlnet and image-conductor, not to {args.stage}."
        )


def run(args: Namespace) -> None:
    """Train, plot the curves, and export the weights if --export is given."""
    from ..models.registry import load_track_model
    from ..training.track_controlnet.bases import trainable_base
    from ..training.track_controlnet.config import TrackControlNetConfig
    from ..training.track_controlnet.task import read_config, train_track_controlnet

    check_given(args, ("family", "base", "data"))

    def base_of(config: Any) -> Any:
        return trainable_base(load_track_model(args.family, **loader_values(args, args.family)))

    train_on_clips(args, TrackControlNetConfig, read_config, base_of, train_track_controlnet)


def check_given(args: Namespace, names: Sequence[str]) -> None:
    """Raises ValueError for an option that the stage needs and that is not given."""
    for name in names:
        if getattr(args, name) is None:
            raise ValueError(f"{args.stage} needs --{name}.")


def train_on_clips(
    args: Namespace,
    kind: type,
    read_config: Callable[..., Any],
    base_of: Callable[[Any], Any],
    train: Callable[..., Path],
) -> None:
    """Train what a base and clips need, plot the curves, and export the weights if asked for.

    Args:
        args: Of the command.
        kind: The class of the config.
        read_config: Makes one from values.
        base_of: Loads the base for a config. It is called last: faults of the config and of the
            clips are found before the base is read.
        train: Runs the task, as `train_track_controlnet` does.
    """
    from ..training.plot import CONTROL_PANEL, plot_log
    from ..training.run import LOG, is_first_process
    from ..training.track_controlnet.clips import open_clips
    from ..training.track_controlnet.task import export_track_controlnet

    config = read_config(config_values(args, kind, read_config))
    clips = open_clips(args.data)
    held_out = None if args.held_out is None else open_clips(args.held_out)
    base = base_of(config)
    options = {"held_out": held_out, "resume": args.resume, "progress": meter("step")}
    checkpoint = train(config, base, clips, args.out, **options)
    if not is_first_process():
        return
    plot_log(args.out / LOG, args.out / "curves.png", (CONTROL_PANEL,))
    echo(f"wrote {checkpoint}")
    if args.export is not None:
        if config.shard != "none":
            # This process holds a part of it only.
            base = base_of(config)
        export_track_controlnet(checkpoint, base, args.export, read_config)
        echo(f"wrote {args.export}")


def loader_values(args: Namespace, family: str) -> dict[str, Any]:
    """The settings of a family's loader. Raises ValueError for one that it does not have."""
    from ..models.registry import families

    settings = {one.name: one for one in families()[family].settings}
    values: dict[str, Any] = {BASE_SETTING[family]: args.base, **LOADED.get(family, {})}
    for pair in args.load or ():
        name, _, text = pair.partition("=")
        if name not in settings:
            raise ValueError(f"--load takes {', '.join(settings)}; got {pair!r}.")
        values[name] = _value(settings[name].kind, name, text)
    return values


def _value(kind: str, name: str, text: str) -> Any:
    """The text of a setting as its loader takes it."""
    if kind == "path":
        return Path(text)
    if kind == "switch":
        if text not in ("true", "false"):
            raise ValueError(f"--load {name} is true or false; got {text!r}.")
        return text == "true"
    if kind in ("number", "count"):
        try:
            return float(text) if kind == "number" else int(text)
        except ValueError as error:
            raise ValueError(f"--load {name} takes a number; got {text!r}.") from error
    return text
