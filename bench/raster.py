"""The rasteriser against its floors."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.raster import (
    IdEmbedding,
    gaussian_flow,
    id_volume,
    latent_cells,
    region_flow,
    sparse_id_volume,
)
from motion_core.tracks import Tracks, make_tracks

from .row import Row, best_seconds

FRAMES, POINTS, GRID, DIM = 80, 2048, Size(128, 128), 64
LATENT_FRAMES, LATENT_POINTS, LATENT_CANVAS = 81, 16384, Size(832, 480)
LOOP_POINTS = 512


def measure() -> list[Row]:
    """Every figure of the rasteriser."""
    return [*measure_id_volume(), measure_memory(), *measure_latent_cells(), *measure_flows()]


def wandering(frames: int, points: int, size: Size) -> Tracks:
    """Random points that all stay inside the canvas, so that every one is drawn in every frame."""
    generator = torch.Generator().manual_seed(0)
    canvas = torch.tensor(size, dtype=torch.float32)
    start = torch.rand(1, points, 2, generator=generator) * canvas
    steps = torch.randn(frames, points, 2, generator=generator)
    xy = torch.minimum((start + steps.cumsum(0)).clamp(min=0), canvas - 0.01)
    return make_tracks(xy, size)


def measure_id_volume() -> list[Row]:
    """Dense against its floor, sparse against dense.

    The floor zeroes the same volume and writes as many ready-made rows to as many different
    cells. Both sides allocate their volume anew in every run, as a caller would.
    """
    tracks = wandering(FRAMES, POINTS, Size(512, 512))
    rows = IdEmbedding(DIM).rows(POINTS, seed=0)
    cells = different_cells()
    ready = rows.repeat(FRAMES, 1)

    def floor() -> Tensor:
        volume = torch.zeros(FRAMES * GRID.height * GRID.width, DIM)
        return volume.index_copy_(0, cells, ready)

    works = {
        "floor": floor,
        "dense": lambda: id_volume(tracks, GRID, rows=rows),
        "sparse": lambda: sparse_id_volume(tracks, GRID, rows),
    }
    best = best_seconds(works, repeats=12)
    what = f"{POINTS} tracks x {FRAMES} frames x {GRID} x {DIM} float32"
    floor_says = f"zeroing it and writing as many rows, {best['floor'] * 1e3:.0f} ms"
    dense_says = f"dense, {best['dense'] * 1e3:.0f} ms"
    return [
        timed(f"id volume, dense: {what}", best["dense"], floor_says, best["floor"], 1.5),
        timed(f"id volume, sparse: {what}", best["sparse"], dense_says, best["dense"], 1 / 20),
    ]


def different_cells() -> Tensor:
    """POINTS different random cells in each frame, flat."""
    generator = torch.Generator().manual_seed(1)
    area = GRID.width * GRID.height
    frames = range(FRAMES)
    drawn = [torch.randperm(area, generator=generator)[:POINTS] + area * t for t in frames]
    return torch.cat(drawn)


def measure_memory() -> Row:
    """Peak memory of the dense volume beyond the volume itself, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.raster"],
        cwd=Path(__file__).resolve().parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    extra, output = map(int, done.stdout.split())
    return Row(
        "id volume, dense: peak memory beyond the output",
        extra / 2**20,
        "MiB",
        f"the output, {output / 2**20:.0f} MiB",
        extra / output,
        0.15,
    )


def peak_extra_bytes() -> tuple[int, int]:
    """Resident memory at its peak while a dense volume is made, less what was there and its size.

    Linux forgets the peak so far when told to; elsewhere the peak since the start counts, which
    can only be too low by what importing took and gave back.
    """
    tracks = wandering(FRAMES, POINTS, Size(512, 512))
    rows = IdEmbedding(DIM).rows(POINTS, seed=0)
    id_volume(tracks, Size(4, 4), rows=rows[:, :2])
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")
    before = peak_bytes()
    volume = id_volume(tracks, GRID, rows=rows)
    output = volume.numel() * volume.element_size()
    return peak_bytes() - before - output, output


def peak_bytes() -> int:
    """The most memory this process has had resident."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure_latent_cells() -> list[Row]:
    """Latent cells against a loop over points that reads the tensors item by item."""
    tracks = wandering(LATENT_FRAMES, LATENT_POINTS, LATENT_CANVAS)
    grid = Size(LATENT_CANVAS.width // 8, LATENT_CANVAS.height // 8)
    ours = best_seconds({"ours": lambda: latent_cells(tracks, grid)}, repeats=15)["ours"]
    few = make_tracks(tracks.xy[:, :LOOP_POINTS], tracks.size)
    begin = time.perf_counter()
    looped = point_loop(few)
    loop = (time.perf_counter() - begin) * LATENT_POINTS / LOOP_POINTS
    if not torch.equal(looped, latent_cells(few, grid).transpose(0, 1).flip(-1)):
        raise RuntimeError("the loop and the fast path disagree: this compares unlike things")
    says = f"a loop over points, {loop:.1f} s (timed on {LOOP_POINTS} of them)"
    name = f"latent cells: {LATENT_POINTS} tracks x {LATENT_FRAMES} frames"
    return [timed(name, ours, says, loop, 1 / 1000)]


def point_loop(tracks: Tracks) -> Tensor:
    """(N, T', 2) cells (y, x), the way a host quantises: point by point out of the tensors."""
    places = -torch.ones(tracks.num_points, (tracks.num_frames - 1) // 4 + 1, 2, dtype=torch.long)
    for frame in range(0, tracks.num_frames, 4):
        points, visible = tracks.xy[frame], tracks.visible[frame]
        for track in range(tracks.num_points):
            point = points[track]
            if not visible[track] or point[0] < 0 or point[1] < 0:
                continue
            if point[0] >= tracks.size.width or point[1] >= tracks.size.height:
                continue
            x, y = point
            places[track, frame // 4, 0] = int(y // 8)
            places[track, frame // 4, 1] = int(x // 8)
    return places


def measure_flows() -> list[Row]:
    """The two flow encoders on Image Conductor's canvas, against OpenCV's filter and zeroing."""
    import cv2

    tracks = wandering(16, 64, Size(384, 256))
    axis = cv2.getGaussianKernel(99, 10, cv2.CV_32F)
    painted = torch.zeros(16, 256, 384, 2).numpy()

    def filtered() -> list:
        return [cv2.filter2D(frame, -1, axis @ axis.T) for frame in painted]

    works = {
        "gaussian": lambda: gaussian_flow(tracks, tracks.size),
        "opencv": filtered,
        "region": lambda: region_flow(tracks, tracks.size),
        "zeros": lambda: torch.zeros(16, 256, 384, 3),
    }
    best = best_seconds(works, repeats=5)
    says = {name: f"{best[name] * 1e3:.1f} ms" for name in ("opencv", "zeros")}
    what = "64 tracks x 16 frames x 384x256"
    opencv, zeros = f"cv2.filter2D alone, {says['opencv']}", f"zeroing it, {says['zeros']}"
    return [
        timed(f"gaussian flow: {what}", best["gaussian"], opencv, best["opencv"]),
        timed(f"region flow: {what}", best["region"], zeros, best["zeros"]),
    ]


def timed(name: str, ours: float, says: str, theirs: float, budget: float | None = None) -> Row:
    """A row of milliseconds."""
    return Row(name, ours * 1e3, "ms", says, ours / theirs, budget)


if __name__ == "__main__":
    sys.stdout.write("{} {}\n".format(*peak_extra_bytes()))
