"""The kernels on a GPU against copying as many bytes there, and against the torch path.

Says so in one row where there is no GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.reproject import reproject_pixels
from motion_core.depth.depth_map import DepthMap
from motion_core.kernels import loader
from motion_core.raster import IdEmbedding, sparse_id_volume

from .camera import scene_and_orbit
from .raster import DIM, FRAMES, GRID, POINTS, wandering
from .row import Row

COPIED_BYTES = 1 << 30
SHARE_OF_COPY, TIMES_TORCH = 0.6, 3.0


def measure() -> list[Row]:
    """Every figure of the kernels, or one row that says they did not run."""
    if not torch.cuda.is_available():
        return [Row("kernels: not run, there is no CUDA device", None, "", "copy bandwidth")]
    device = torch.device("cuda", torch.cuda.current_device())
    bandwidth = copy_bandwidth(device)
    return [
        Row("copy on the device", bandwidth / 1e9, "GB/s", "read and written"),
        *measure_volume(device, bandwidth),
        *measure_reprojection(device, bandwidth),
    ]


def measure_volume(device: torch.device, bandwidth: float) -> list[Row]:
    """The dense volume must be written once and its rows read; the gradient reads cells."""
    tracks = wandering(FRAMES, POINTS, GRID).to(device)
    rows = IdEmbedding(DIM).rows(POINTS, seed=0).to(device).requires_grad_()
    sparse = sparse_id_volume(tracks, GRID, rows)
    volume = sparse.to_dense()
    gradient = torch.randn_like(volume)
    entry_bytes = len(sparse.cells) * (DIM * 4 + 16)

    def backward() -> None:
        torch.autograd.grad(volume, rows, gradient, retain_graph=True)

    what = f"{POINTS} tracks x {FRAMES} frames x {GRID} x {DIM} float32"
    written = volume.numel() * 4 + entry_bytes
    return [
        *compared(f"kernel, id volume: {what}", sparse.to_dense, written, bandwidth),
        *compared(f"kernel, its gradient: {what}", backward, entry_bytes, bandwidth),
    ]


def measure_reprojection(device: torch.device, bandwidth: float) -> list[Row]:
    """Per frame: points read, pixels and visibility written, a z-buffer written and read."""
    depth, path = scene_and_orbit()
    there = DepthMap(depth.z.to(device), depth.valid.to(device), depth.K)
    bytes_each = 3 * 4 + 2 * 4 + 1 + 2 * 8
    moved = bytes_each * depth.z.numel() * path.num_frames
    name = f"kernel, reproject all points: {path.size} x {path.num_frames} poses"
    return compared(name, lambda: reproject_pixels(CameraScene(there, path)), moved, bandwidth)


def compared(
    name: str, work: Callable[[], object], moved_bytes: int, bandwidth: float
) -> list[Row]:
    """A row against the floor of copying, and one against the same work without kernels."""
    ours = seconds(work)
    with without_kernels():
        torchs = seconds(work)
    floor = moved_bytes / bandwidth
    copying, without = f"copying, {floor * 1e3:.2f} ms", f"torch, {torchs * 1e3:.2f} ms"
    return [
        Row(name, ours * 1e3, "ms", copying, ours / floor, 1 / SHARE_OF_COPY),
        Row(name, ours * 1e3, "ms", without, ours / torchs, 1 / TIMES_TORCH),
    ]


@contextmanager
def without_kernels() -> Iterator[None]:
    """The torch path, as on a device whose compiler is missing."""
    original, loader.launchers = loader.launchers, lambda *unused: None
    try:
        yield
    finally:
        loader.launchers = original


def copy_bandwidth(device: torch.device) -> float:
    """Bytes read and written per second by copying one tensor into another."""
    source = torch.empty(COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / seconds(lambda: target.copy_(source))


def seconds(work: Callable[[], object], repeats: int = 20) -> float:
    """The fastest of some runs, between two events on the device; what precedes is waited for."""
    best = float("inf")
    for _ in range(repeats + 3):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        best = min(best, begin.elapsed_time(end) / 1e3)
    return best
