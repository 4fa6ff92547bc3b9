"""How much to work on at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..tracks.model import Tracks

# torch does work on fewer numbers than 32768 in the calling thread instead of sharing it out.
SINGLE_THREAD_NUMEL = 32767
# Where sharing out pays: pieces that still stay in cache.
CACHE_NUMEL = 524288


def is_single_threaded(device: torch.device) -> bool:
    """Whether work should be cut so small that torch does not share it out.

    Two threads gain little on short steps and lose much: on a machine with anything else to do
    they wait for each other at every one of them (3 to 10 times slower, measured on two cores).
    """
    return device.type == "cpu" and torch.get_num_threads() <= 2


def frame_chunks(tracks: Tracks) -> Iterator[slice]:
    """Runs of frames to work on at once, in order; at least one, even of no frames."""
    step = max(tracks.num_frames, 1)
    if is_single_threaded(tracks.device):
        step = max(SINGLE_THREAD_NUMEL // max(tracks.num_points, 1), 1)
    for first in range(0, max(tracks.num_frames, 1), step):
        yield slice(first, min(first + step, tracks.num_frames))


def rows_per_chunk(width: int, device: torch.device) -> int:
    """How many rows of `width` numbers to work on at once."""
    return max((SINGLE_THREAD_NUMEL if is_single_threaded(device) else CACHE_NUMEL) // width, 1)
