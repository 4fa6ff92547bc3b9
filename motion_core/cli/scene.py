"""scene: a rendered synthetic clip with exact ground truth."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .terminal import echo, meter

EXAMPLES = [
    "-o scene --size 416x240 --frames 25",
    '-o scene --seed 3 --move "orbit_left 45" --move "dolly_in 0.2"',
    "-o scene --moving --fps 16",
]
FOV_DEG = 60.0
SIDES = (416, 240)
FRAMES, FPS = 25, 16.0


def add_arguments(command: ArgumentParser) -> None:
    """Add the options of the command other than --size, --frames and --fps."""
    command.add_argument("--seed", type=int, default=0, metavar="N", help="which scene (default 0)")
    command.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="MOVE",
        help="what the camera does, such as 'orbit_left 30'; again for the next move",
    )
    command.add_argument("--moving", action="store_true", help="let one of the balls travel")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="new folder to write"
    )


def run(args: Namespace) -> None:
    """Render the scene into a new folder."""
    import torch

    from ..camera.moves import CameraMove, make_path
    from ..camera.script import moves_from_text
    from ..camera.setup import CameraSetup
    from ..depth.lens import intrinsics_from_fov
    from ..geometry import Size
    from ..scene.files import write_scene
    from ..scene.scene import MIDDLE, make_scene

    size = args.size or Size(*SIDES)
    middle = torch.tensor(MIDDLE, dtype=torch.float64)
    setup = CameraSetup(size, intrinsics_from_fov(size, FOV_DEG), middle, args.frames, args.fps)
    moves = [CameraMove("orbit_left", 30.0)]
    if args.move:
        moves = moves_from_text("\n".join(args.move))
    scene = make_scene(args.seed, frames=args.frames, moving=args.moving)
    meters = meter("rendering frame")
    render = write_scene(args.output, scene, make_path(moves, setup), progress=meters)
    count = int(render.tracks.num_points)
    echo(f"wrote {args.output}: {args.frames} frames, {size}, {args.fps:g} fps, {count} tracks")
