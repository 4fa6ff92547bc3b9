"""A scene with exactly known geometry: shapes, their poses and their motion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..camera.pose import inverse, make_pose, rotation_about
from ..errors import ShapeError
from .shapes import Box, Plane, Shape, Sphere
from .texture import Texture, make_texture

# Positions of floor and wall, in scene units, for a camera at the origin looking along +z.
FLOOR_Y = 1.3
WALL_Z = 11.0
MIDDLE = (0.0, 0.0, 6.0)


@dataclass(frozen=True, eq=False)
class Body:
    """A textured shape and its pose in every frame.

    Attributes:
        shape: The shape in its own frame.
        texture: Its colours.
        T_world_body: (T, 4, 4) float64, or (1, 4, 4) when it does not move.
    """

    shape: Shape
    texture: Texture
    T_world_body: Tensor

    def pose(self, frame: int) -> Tensor:
        """(4, 4) T_world_body at one frame."""
        return self.T_world_body[frame if self.T_world_body.shape[0] > 1 else 0]


@dataclass(frozen=True, eq=False)
class Scene:
    """Bodies in drawing order; a body's number is its index in `bodies`.

    Attributes:
        bodies: The bodies.
        middle: A point among the bodies that cameras orbit about.
    """

    bodies: tuple[Body, ...]
    middle: tuple[float, float, float] = MIDDLE

    def check_frames(self, frames: int) -> None:
        """Check that every moving body has a pose for each of `frames` frames.

        Raises:
            ShapeError: A body moves for another number of frames.
        """
        for number, body in enumerate(self.bodies):
            if body.T_world_body.shape[0] not in (1, frames):
                raise ShapeError(
                    f"body {number} moves for {body.T_world_body.shape[0]} frames but the camera "
                    f"has {frames}; make the scene with as many frames as the camera path."
                )


@dataclass(frozen=True, eq=False)
class Hits:
    """The nearest hit of each ray.

    Attributes:
        z: (M,) ray parameter, inf for no hit.
        body: (M,) int64 number of the body, -1 for no hit.
    """

    z: Tensor
    body: Tensor


def make_scene(seed: int, *, frames: int = 1, moving: bool = False) -> Scene:
    """A floor, a wall, two balls and two blocks, arranged and coloured at random.

    Args:
        seed: Seed of arrangement and colours.
        frames: Number of frames.
        moving: Whether the nearer ball travels across the picture.
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
    """Find the nearest body on each ray of one frame, in the dtype of `directions`.

    Args:
        scene: The scene.
        origin: (3,) world point that all rays start from.
        directions: (M, 3) world; a hit is at origin + z * direction.
        frame: The frame.
    """
    z = directions.new_full((directions.shape[0],), torch.inf)
    numbers = torch.full(z.shape, -1, dtype=torch.int64)
    for number, body in enumerate(scene.bodies):
        T_body_world = inverse(body.pose(frame)).to(directions)
        rays = directions @ T_body_world[:3, :3].T
        start = (T_body_world[:3, :3] @ origin.to(rays) + T_body_world[:3, 3]).expand_as(rays)
        hit = body.shape.hit(start, rays)
        closer = hit < z
        z = torch.where(closer, hit, z)
        numbers = torch.where(closer, torch.full_like(numbers, number), numbers)
    return Hits(z, numbers)


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
