"""Tracks to write and read, and the real files other systems wrote."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from motion_core.formats import read_tracks, write_tracks
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, make_tracks

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real files: {DATA} is absent")


@st.composite
def any_tracks(
    draw: st.DrawFn, *, least_frames: int = 0, least_points: int = 0, all_visible: bool = False
) -> Tracks:
    """Tracks of a few frames and points, anywhere within ten thousand pixels."""
    frames = draw(st.integers(least_frames, 6))
    points = draw(st.integers(least_points, 5))
    positions = st.floats(-1e4, 1e4, width=32, allow_nan=False)
    xy = draw(numpy_st.arrays(np.float32, (frames, points, 2), elements=positions))
    visible = draw(numpy_st.arrays(np.bool_, (frames, points)))
    ids = draw(
        st.lists(st.integers(-(2**50), 2**50), min_size=points, max_size=points, unique=True)
    )
    sides = st.integers(1, 4096)
    return make_tracks(
        torch.from_numpy(xy),
        Size(draw(sides), draw(sides)),
        visible=None if all_visible else torch.from_numpy(visible),
        ids=torch.tensor(ids, dtype=torch.int64),
        fps=draw(st.none() | st.sampled_from([8.0, 16.0, 23.976, 24.0])),
    )


def there_and_back(
    tracks: Tracks, format: str, suffix: str, *, size_argument: bool = True
) -> Tracks:
    """What another reader would get from a file we wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"some_tracks{suffix}"
        write_tracks(path, tracks, format=format)
        return read_tracks(path, size=tracks.size if size_argument else None)


def walk(frames: int = 5, points: int = 3) -> Tracks:
    """A few tracks that move, one of them lost for a while, with ids that are not 0..N-1."""
    generator = torch.Generator().manual_seed(4)
    xy = torch.rand(frames, points, 2, generator=generator) * torch.tensor([64.0, 48.0])
    visible = torch.ones(frames, points, dtype=torch.bool)
    visible[1:3, 1] = False
    ids = torch.arange(points) * 3 + 5
    return make_tracks(xy, Size(64, 48), visible=visible, ids=ids, fps=16.0)
