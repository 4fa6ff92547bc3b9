"""A scene of our own whose geometry is known exactly: shapes, where they are, how they move."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..camera.pose import inverse, make_pose, rotation_about
from ..errors import ShapeError
from .shapes import Box, Plane, Shape, Sphere
from .texture import Texture, make_texture

# Where the furniture stands, in scene units, for a camera at the origin looking along +z.
FLOOR_Y = 1.3
WALL_Z = 11.0
MIDDLE = (0.0, 0.0, 6.0)


@dataclass(frozen=True, eq=False)
class Body:
    """One thing in the scene.

    T_world_body: (T, 4, 4) float64, or (1, 4, 4) when it stands still.
    """

    shape: Shape
    texture: Texture
    T_world_body: Tensor

    def pose(self, frame: int) -> Tensor:
        """(4, 4) T_world_body at one frame."""
        return self.T_world_body[frame if self.T_world_body.shape[0] > 1 else 0]


@dataclass(frozen=True, eq=False)
class Scene:
    """Bodies in drawing order; a body's number is its place in `bodies`.

    middle: a point among the bodies, for cameras to turn about.
    """

    bodies: tuple[Body, ...]
    middle: tuple[float, float, float] = MIDDLE

    def check_frames(self, frames: int) -> None:
        """Raises ShapeError unless every moving body moves for exactly `frames` frames."""
        for number, body in enumerate(self.bodies):
            if body.T_world_body.shape[0] not in (1, frames):
                raise ShapeError(
                    f"body {number} moves for {body.T_world_body.shape[0]} frames but the camera "
                    f"has {frames}; make the scene with as many frames as the camera path."
                )


@dataclass(frozen=True, eq=False)
class Hits:
    """What rays met. z: (M,) ray parameter, inf for nothing. body: (M,) int64, or -1."""

    z: Tensor
    body: Tensor


def make_scene(seed: int, *, frames: int = 1, moving: bool = False) -> Scene:
    """A floor, a wall, two balls and two blocks, arranged and coloured by `seed`.

    With `moving`, the nearer ball travels across the picture through `frames` frames.
    """
    generator = torch.Generator().manual_seed(seed)

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    wall = make_pose(
        rotation_about((0, 1, 0), between(-8, 8)) @ rotation_about((1, 0, 0), 90), (0, 0, WALL_Z)
    )
    floor = make_pose(rotation_about((0, 1, 0), between(0, 90)), (0, FLOOR_Y, 0))
    balls = [between(0.55, 0.75), between(0.8, 1.2)]
    blocks = [Box((between(0.5, 0.9), between(0.5, 0.9), between(0.5, 0.9))) for _ in range(2)]
    start = (between(-1.2, -0.8), FLOOR_Y - balls[0] - 0.1, between(4.0, 4.4))
    poses = [
        floor,
        wall,
        make_pose(None, start),
        make_pose(None, (between(1.9, 2.5), FLOOR_Y - balls[1], between(7.4, 8.2))),
        _standing(blocks[0], between(0.4, 0.8), between(6.0, 6.4), between(0, 90)),
        _standing(blocks[1], between(-3.2, -2.6), between(7.2, 8.0), between(0, 90)),
    ]
    shapes: list[Shape] = [Plane(), Plane(), Sphere(balls[0]), Sphere(balls[1]), *blocks]
    coarse = [0.35, 0.25, 0.8, 0.7, 0.7, 0.6]
    textures = [make_texture(generator, cycles_per_unit=cycles) for cycles in coarse]
    motions = [pose[None] for pose in poses]
    if moving:
        motions[2] = _travelling(poses[2], frames)
    bodies = [Body(*parts) for parts in zip(shapes, textures, motions, strict=True)]
    return Scene(tuple(bodies))


def cast(scene: Scene, origin: Tensor, directions: Tensor, frame: int) -> Hits:
    """The nearest body on each ray of one frame.

    origin: (3,) world. directions: (M, 3) world; the hit is at origin + z * direction. Computed
    in the dtype of `directions`.
    """
    z = directions.new_full((directions.shape[0],), torch.inf)
    body = torch.full(z.shape, -1, dtype=torch.int64)
    for number, thing in enumerate(scene.bodies):
        own = inverse(thing.pose(frame)).to(directions)
        rays = directions @ own[:3, :3].T
        start = (own[:3, :3] @ origin.to(rays) + own[:3, 3]).expand_as(rays)
        found = thing.shape.hit(start, rays)
        closer = found < z
        z = torch.where(closer, found, z)
        body = torch.where(closer, torch.full_like(body, number), body)
    return Hits(z, body)


def _standing(block: Box, x: float, z: float, turn_deg: float) -> Tensor:
    """The pose of a block that stands on the floor, turned about the vertical."""
    return make_pose(rotation_about((0, 1, 0), turn_deg), (x, FLOOR_Y - block.half[1], z))


def _travelling(start: Tensor, frames: int) -> Tensor:
    """(T, 4, 4): across the picture and a little up, keeping its distance from the wall."""
    u = torch.linspace(0.0, 1.0, frames, dtype=torch.float64)
    poses = start.expand(frames, 4, 4).clone()
    poses[:, 0, 3] += 1.8 * u
    poses[:, 1, 3] -= 0.6 * torch.sin(math.pi * u)
    return poses
