"""The parser of the command line. It imports none of the work, so --help is instant."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from ..fields.registry import DENSIFIERS, DRAFT_METHODS
from . import curate, evaluate, sample, scene, train, train_demo
from .arguments import (
    add_format,
    add_fps,
    add_max_side,
    add_output,
    add_tracks,
    count_argument,
    number_argument,
    point_argument,
    rate_argument,
    size_argument,
)
from .terminal import PROGRAM


class OneLineParser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are one line, as all errors here are."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2 and one line on stderr."""
        self.exit(2, f"error: {' '.join(message.split())} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; `command` holds the one chosen."""
    parser = OneLineParser(
        prog=PROGRAM,
        description="Motion prompts outside ComfyUI: drawn motion to tracks, tracks to images.",
        epilog=f"`{PROGRAM} COMMAND --help` shows examples of each command.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_expand(commands)
    _add_convert(commands)
    _add_overlay(commands)
    _add_draft(commands)
    _add_track(commands)
    _add_transfer(commands)
    _add_magnify(commands)
    _add_info(commands)
    _add_scene(commands)
    about = "turn videos into clips with dense tracks, for training"
    curate.add_arguments(_add_command(commands, "curate", about, curate.EXAMPLES))
    about = "train the model lite, or a Track-ControlNet for another model"
    train.add_arguments(_add_command(commands, "train", about, train.EXAMPLES))
    about = "train a tiny video model and its Track-ControlNet, to see the whole way in minutes"
    train_demo.add_arguments(_add_command(commands, "train-demo", about, train_demo.EXAMPLES))
    about = "sample the videos of a model for a folder of motion prompts"
    sample.add_arguments(_add_command(commands, "sample", about, sample.EXAMPLES))
    about = "measure a model against interpolation and the truth"
    evaluate.add_arguments(_add_command(commands, "evaluate", about, evaluate.EXAMPLES))
    return parser


def _add_command(
    commands: argparse._SubParsersAction, name: str, about: str, examples: list[str]
) -> argparse.ArgumentParser:
    shown = "\n".join(f"  {PROGRAM} {name} {example}" for example in examples)
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"examples:\n{shown}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_expand(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "expand",
        "turn a drawn motion into tracks",
        [
            "drawing.json --image photo.jpg --frames 49 -o tracks.npz",
            "drawing.json --size 832x480 --frames 81 --fps 16 -o tracks.json",
        ],
    )
    command.add_argument("document", type=Path, metavar="DOC", help="a MOTION document (JSON)")
    canvas = command.add_mutually_exclusive_group()
    canvas.add_argument(
        "--size", type=size_argument, metavar="WxH", help="canvas in pixels; default: as drawn on"
    )
    canvas.add_argument(
        "--image",
        type=Path,
        metavar="PIC",
        help="image that sets the canvas, and shows the rest what moves",
    )
    command.add_argument("--frames", type=count_argument, required=True, metavar="N")
    command.add_argument(
        "--mask", type=Path, metavar="PIC", help="white, or opaque, where mask layers act"
    )
    add_fps(command, "frames per second to note in the tracks")
    add_output(command, "track file to write; its suffix chooses the format")
    add_format(command)


def _add_convert(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "convert",
        "rewrite tracks in another format",
        [
            "giraffe.pth tracks.npz",
            "tracks.npz tracks.json --format ati_coordinates",
            "points.json tracks.npz --size 832x480 --fps 16",
            "tracks.npz smaller.npz --fit 416x240",
        ],
    )
    add_tracks(command, "input", "IN")
    command.add_argument("output", type=Path, metavar="OUT", help="its suffix chooses the format")
    add_fps(command, "frames per second, where IN does not store it")
    command.add_argument(
        "--fit", type=size_argument, metavar="WxH", help="stretch the tracks to another canvas"
    )
    add_format(command)


def _add_overlay(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "overlay",
        "draw tracks over an image, a video or nothing",
        [
            "tracks.npz --image photo.jpg -o overlay.mp4",
            "tracks.npz --video clip.mp4 -o overlay.png",
        ],
    )
    add_tracks(command, "tracks", "TRACKS")
    ground = command.add_mutually_exclusive_group()
    ground.add_argument("--image", type=Path, metavar="PIC", help="image to draw over")
    ground.add_argument("--video", type=Path, metavar="VID", help="video to draw over")
    add_fps(command, "frames per second of the result")
    add_max_side(command)
    add_output(command, "a video (.mp4, .mov, .mkv), or an image (.png, .jpg) of 8 frames")


def _add_draft(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "draft",
        "move an image along tracks, without a video model",
        [
            "photo.jpg tracks.npz -o draft.mp4",
            "photo.jpg tracks.npz -o draft.mp4 --fps 24 --max-side 720",
            "photo.jpg tracks.npz -o draft.mp4 --method moving_least_squares",
        ],
    )
    command.add_argument("image", type=Path, metavar="PIC", help="the image to move")
    add_tracks(command, "tracks", "TRACKS")
    add_fps(command, "frames per second of the result")
    add_max_side(command)
    command.add_argument(
        "--method",
        choices=DRAFT_METHODS,
        default=DRAFT_METHODS[0],
        help="how motion spreads from the tracks over the image. "
        + "; ".join(f"{name}: {DENSIFIERS[name].summary}" for name in DRAFT_METHODS)
        + f" (default {DRAFT_METHODS[0]})",
    )
    add_output(command, "video to write (.mp4, .mov, .mkv)")


def _add_track(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "track",
        "follow points through a video",
        [
            "clip.mp4 -o tracks.npz --overlay overlay.mp4",
            "clip.mp4 -o tracks.npz --random 1024 --frame 20",
            "clip.mp4 -o tracks.npz --tracker tapir --models models/point_tracking",
        ],
    )
    command.add_argument("video", type=Path, metavar="VIDEO", help="the video to look at")
    command.add_argument(
        "--tracker", default="lucas_kanade", metavar="NAME", help="default lucas_kanade"
    )
    command.add_argument("--models", type=Path, metavar="DIR", help="folder with weights")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--random", type=count_argument, metavar="N", help="N random points")
    which.add_argument(
        "--mask",
        type=Path,
        metavar="PIC",
        help="points where it is white; opaque, where the image has transparency",
    )
    which.add_argument(
        "--points", type=point_argument, nargs="+", metavar="X,Y", help="these points, in pixels"
    )
    command.add_argument(
        "--spacing", type=rate_argument, default=24.0, metavar="PX", help="of the grid (default 24)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="S", help="of --random")
    command.add_argument(
        "--frame", type=int, default=0, metavar="T", help="where points are chosen (default 0)"
    )
    command.add_argument(
        "--threshold", type=number_argument, metavar="X", help="0..1, when a point is visible"
    )
    command.add_argument("--max-frames", type=count_argument, metavar="N", help="stop after N")
    command.add_argument("--overlay", type=Path, metavar="VID", help="also draw them, as a video")
    add_output(command, "track file to write; its suffix chooses the format")
    add_format(command)


def _add_transfer(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "transfer",
        "lay the motion of tracks over another image",
        [
            "dog.npz --image face.jpg -o face.npz",
            "dog.npz --image face.jpg --source-mask dog.png --target-mask face.png -o face.npz",
            "dog.npz --image face.jpg --align points --source-points a.json --target-points b.json"
            " -o face.npz",
        ],
    )
    add_tracks(command, "tracks", "TRACKS")
    command.add_argument("--image", type=Path, metavar="PIC", help="the image to move")
    command.add_argument(
        "--align",
        choices=("fit", "shapes", "points", "none"),
        default="fit",
        help="fit: box over box (default); shapes: masks' size and direction; points: pairs",
    )
    for name, of in (("source", "TRACKS' video"), ("target", "PIC")):
        about = f"white where the thing is in {of}"
        command.add_argument(f"--{name}-mask", type=Path, metavar="PIC", help=about)
        about = f"coordinate JSON of points in {of}, in pixels"
        command.add_argument(f"--{name}-points", type=Path, metavar="JSON", help=about)
    command.add_argument("--stretch", action="store_true", help="fit: each axis on its own")
    command.add_argument(
        "--kind",
        choices=("similarity", "affine", "thin_plate"),
        default="similarity",
        help="what shapes or points may do (default: similarity)",
    )
    command.add_argument(
        "--scale", type=number_argument, default=1.0, metavar="X", help="times as far (default 1)"
    )
    command.add_argument(
        "--count",
        type=count_argument,
        metavar="N",
        help="at most so many tracks (default: all; the paper: 1024, or 1500 out of domain)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="which of them")
    command.add_argument(
        "--anchor-frame", type=int, default=0, metavar="N", help="source frame that lies over PIC"
    )
    command.add_argument(
        "--leaving",
        choices=("hide", "drop", "keep"),
        default="hide",
        help="points that leave the image (default: hide)",
    )
    add_output(command, "track file to write; its suffix chooses the format")
    add_format(command)


def _add_magnify(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "magnify",
        "make small motion large",
        [
            "bridge.npz --factor 16 -o larger.npz",
            "bridge.npz --factor 16 --low-hz 1 --high-hz 3 --fps 30 -o larger.npz",
            "bridge.npz --video bridge.mp4 --slice slice.png -o larger.npz",
        ],
    )
    add_tracks(command, "tracks", "TRACKS")
    numbers = (
        ("factor", 16.0, "times as far"),
        ("space-sigma", 24.0, "pixels over which neighbours are averaged"),
        ("time-sigma", 1.0, "frames over which tracks are smoothed"),
    )
    for name, default, about in numbers:
        command.add_argument(
            f"--{name}",
            type=number_argument,
            default=default,
            metavar="X",
            help=f"{about} (default {default:g})",
        )
    command.add_argument("--low-hz", type=rate_argument, metavar="HZ", help="leave slower motion")
    command.add_argument("--high-hz", type=rate_argument, metavar="HZ", help="leave faster motion")
    add_fps(command, "frames per second, where TRACKS does not store it")
    command.add_argument(
        "--camera", choices=("homography", "similarity"), help="hold the camera still first"
    )
    command.add_argument("--slice", type=Path, metavar="PIC", help="space-time slice to write")
    command.add_argument("--video", type=Path, metavar="VID", help="the video, for the slice")
    add_output(command, "track file to write; its suffix chooses the format")
    add_format(command)


def _add_info(commands: argparse._SubParsersAction) -> None:
    command = _add_command(
        commands,
        "info",
        "describe a track file and what looks wrong in it",
        ["tracks.npz", "points.json --size 832x480 --json"],
    )
    add_tracks(command, "tracks", "TRACKS")
    command.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_scene(commands: argparse._SubParsersAction) -> None:
    about = "render a scene with exact depth, masks, camera poses and tracks"
    command = _add_command(commands, "scene", about, scene.EXAMPLES)
    command.add_argument("--size", type=size_argument, metavar="WxH", help="default 416x240")
    command.add_argument(
        "--frames", type=count_argument, default=scene.FRAMES, metavar="N", help="default 25"
    )
    command.add_argument(
        "--fps", type=rate_argument, default=scene.FPS, metavar="F", help="default 16"
    )
    scene.add_arguments(command)
