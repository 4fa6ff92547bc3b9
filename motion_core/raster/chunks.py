"""Sizes of the pieces in which the rasters are computed."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..tracks.model import Tracks

# torch splits work over threads from 32768 elements upwards.
SINGLE_THREAD_NUMEL = 32767
# The largest pieces that stay in cache, for devices where splitting over threads pays.
CACHE_NUMEL = 524288


def is_single_threaded(device: torch.device) -> bool:
    """Whether work is cut into pieces so small that torch computes each in the calling thread.

    Two threads gain little on short steps and can lose much: on a busy machine they wait for each
    other at every step (3 to 10 times slower, measured on two cores).
    """
    return device.type == "cpu" and torch.get_num_threads() <= 2


def frame_chunks(tracks: Tracks) -> Iterator[slice]:
    """Slices of consecutive frames that are processed together; one of them even for no frames."""
    step = max(tracks.num_frames, 1)
    if is_single_threaded(tracks.device):
        step = max(SINGLE_THREAD_NUMEL // max(tracks.num_points, 1), 1)
    for first in range(0, max(tracks.num_frames, 1), step):
        yield slice(first, min(first + step, tracks.num_frames))


def rows_per_chunk(width: int, device: torch.device) -> int:
    """The number of rows of `width` values that are processed together."""
    return max((SINGLE_THREAD_NUMEL if is_single_threaded(device) else CACHE_NUMEL) // width, 1)
