"""Reprojection against the loop that everyone writes first, and the two ways to compose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.compose import ObjectMotion, compose_3d, compose_by_adding
from motion_core.camera.moves import CameraMove, make_path
from motion_core.camera.pinhole import pixel_centres, unproject
from motion_core.camera.reproject import reproject_pixels, reproject_points
from motion_core.camera.setup import CameraSetup
from motion_core.camera.zbuffer import Occlusion
from motion_core.depth.depth_map import DepthMap
from motion_core.depth.lens import intrinsics_from_fov
from motion_core.geometry import Size
from motion_core.scene.render import bodies_at, depth_of, track
from motion_core.scene.scene import MIDDLE, make_scene

from .row import Row, best_seconds

SIZE, POSES, POINTS = Size(832, 480), 81, 1024
ORBITS_DEG = (5.0, 15.0, 30.0, 45.0)
MOVING_BODY = 2


def measure() -> list[Row]:
    """Every figure of the camera."""
    return [*measure_speed(), measure_memory(), *measure_composition()]


def measure_speed() -> list[Row]:
    """All points and chosen points against the loop, with the same depth and poses."""
    depth, path = scene_and_orbit()
    points = torch.rand(POINTS, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(SIZE)
    coarse = Occlusion(cell_px=2)
    works = {
        "loop": lambda: loop_over_frames(depth, path),
        "all": lambda: reproject_pixels(CameraScene(depth, path)),
        "chosen": lambda: reproject_points(CameraScene(depth, path, coarse), points),
    }
    check_loop(depth, path)
    with one_thread():
        best = best_seconds(works, repeats=4)
    fine = reproject_points(CameraScene(depth, path), points).visible
    changed = float((fine != works["chosen"]().visible).float().mean())
    says = f"a loop of matmul, project, scatter_reduce, compare, {best['loop']:.2f} s"
    what = f"{SIZE} x {POSES} poses"
    return [
        Row(
            f"reproject all points: {what}", best["all"], "s", says, best["all"] / best["loop"], 0.4
        ),
        Row(
            f"reproject {POINTS} points, z-buffer at half size: {what}",
            best["chosen"],
            "s",
            says,
            best["chosen"] / best["loop"],
            0.125,
        ),
        Row(
            f"visibility changed by the z-buffer at half size: {POINTS} points, {what}",
            changed,
            "of points",
            "z-buffer at full size",
            changed,
            0.005,
        ),
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Both sides on one thread: their work is compared, not how well a busy machine shares it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def scene_and_orbit() -> tuple[DepthMap, CameraPath]:
    """The exact depth of a rendered scene, and an orbit of 30 degrees about its middle."""
    lens = intrinsics_from_fov(SIZE, 60.0)
    setup = CameraSetup(SIZE, lens, torch.tensor(MIDDLE, dtype=torch.float64), POSES)
    path = make_path([CameraMove("orbit_left", 30.0)], setup)
    return depth_of(make_scene(0), path), path


def loop_over_frames(depth: DepthMap, path: CameraPath) -> tuple[Tensor, Tensor]:
    """Pixels (T, N, 2) and visibility (T, N), frame by frame and without a neighbourhood."""
    width, height = path.size
    points = unproject(pixel_centres(path.size).reshape(-1, 2), depth.z.flatten(), depth.K)
    world = torch.cat([points, torch.ones_like(points[:, :1])], dim=1)
    pixels, visible = [], []
    for pose, K in zip(path.T_cam_world.float(), path.K.float(), strict=True):
        camera = (world @ pose.T)[:, :3]
        scaled = camera @ K.T
        z = scaled[:, 2]
        xy = scaled[:, :2] / z[:, None]
        cell = xy.floor().long()
        inside = (z > 0) & (cell >= 0).all(dim=1)
        inside &= (cell[:, 0] < width) & (cell[:, 1] < height)
        index = torch.where(inside, cell[:, 1] * width + cell[:, 0], width * height)
        nearest = torch.full((width * height + 1,), torch.inf)
        nearest = nearest.scatter_reduce(0, index, z, "amin")
        pixels.append(xy)
        visible.append(inside & (z <= nearest[index] * 1.03))
    return torch.stack(pixels), torch.stack(visible)


def check_loop(depth: DepthMap, path: CameraPath) -> None:
    """Both sides must answer the same question; the picture's own view, frame 0, is left out."""
    few = CameraPath(path.T_cam_world[::20], path.K[::20], path.size)
    ours = reproject_pixels(CameraScene(depth, few, Occlusion(radius=0)))
    xy, visible = loop_over_frames(depth, few)
    differing = float((ours.visible != visible)[1:].float().mean())
    if float((ours.xy - xy).abs().max()) > 2e-3 or differing > 1e-4:
        raise RuntimeError("the loop and the fast path disagree: this compares unlike things")


def measure_memory() -> Row:
    """The most that all points take at once beyond what is returned.

    torch tells of all it allocates; the pixels alone lie in numpy's memory, and are a result.
    """
    depth, path = scene_and_orbit()
    with torch.profiler.profile(profile_memory=True, record_shapes=False) as profile:
        tracks = reproject_pixels(CameraScene(depth, path))
    held = most = 0
    for event in profile.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    pixels, *others = (
        v.numel() * v.element_size() for v in (tracks.xy, tracks.visible, tracks.ids)
    )
    if not sum(others) <= most < pixels:
        raise RuntimeError(f"the profiler saw {most} bytes, not all of torch's or numpy's too")
    frame = (pixels + others[0]) // POSES
    extra = most - sum(others)
    return Row(
        f"reproject all points: peak memory beyond the result, {SIZE}",
        extra / 2**20,
        "MiB",
        f"a frame of the result, {frame / 2**20:.1f} MiB",
        extra / frame,
        4.0,
    )


def measure_composition() -> list[Row]:
    """A ball that travels under an orbiting camera: how far its points end up from the truth."""
    rows = []
    for degrees in ORBITS_DEG:
        added, lifted = composition_errors(degrees)
        name = f"object under an orbit of {degrees:g} degrees, last frame"
        rows.append(Row(f"{name}: displacements added", added, "px", "exact geometry"))
        rows.append(
            Row(
                f"{name}: lifted to its depth", lifted, "px", f"added, {added:.3g} px", lifted, 1e-3
            )
        )
    return rows


def composition_errors(degrees: float, frames: int = 13, seeds: int = 3) -> tuple[float, float]:
    """Mean error in pixels of the last frame's visible points, added and lifted."""
    size = Size(416, 240)
    lens = intrinsics_from_fov(size, 60.0)
    setup = CameraSetup(size, lens, torch.tensor(MIDDLE, dtype=torch.float64), frames)
    still, orbit = (
        make_path(moves, setup)
        for moves in ([], [CameraMove("orbit_left", degrees, easing="linear")])
    )
    errors: list[tuple[float, float]] = []
    grid = pixel_centres(size)[::4, ::4].reshape(-1, 2)
    for seed in range(seeds):
        scene = make_scene(seed, frames=frames, moving=True)
        depth = depth_of(scene, still)
        mine = grid[bodies_at(scene, still, grid) == MOVING_BODY]
        drawn, truth = track(scene, still, mine), track(scene, orbit, mine)
        visible = truth.visible[-1]
        both = (
            compose_by_adding(drawn, CameraScene(depth, orbit)),
            compose_3d([ObjectMotion(drawn)], torch.zeros(0, 2), CameraScene(depth, orbit)),
        )
        off = [(tracks.xy[-1] - truth.xy[-1])[visible].norm(dim=1).mean() for tracks in both]
        errors.append((float(off[0]), float(off[1])))
    added, lifted = (sum(column) / seeds for column in zip(*errors, strict=True))
    return added, lifted
