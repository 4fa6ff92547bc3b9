"""Track files of every format, track texts, the host's dict, and what the writers write."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from motion_core.errors import FormatError
from motion_core.formats import (
    FORMATS,
    parse_coordinates,
    parse_pairs,
    read_tracks,
    write_tracks,
)
from motion_core.formats.host import from_host
from motion_core.formats.openpose import read_poses
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, make_tracks

from .arrays import npy_files, npz_files
from .judge import Finding
from .mutations import as_bytes, changed_values, damaged, json_text, repacked, table_text
from .target import AS_JSON, OWN_ERRORS, Target, file_target, text_target

SIZE = Size(64, 48)
# Beyond it nothing is a place near a canvas; float32 keeps 64 pixels there.
FARTHEST = 1e9
RATES = (1e-3, 1e5)


def small_tracks(frames: int = 4, points: int = 3) -> Tracks:
    """A few tracks, one point of them invisible."""
    xy = torch.arange(frames * points * 2, dtype=torch.float32).reshape(frames, points, 2)
    visible = torch.ones(frames, points, dtype=torch.bool)
    visible[0, 0] = False
    return make_tracks(xy, SIZE, visible=visible, fps=16)


def check_tracks(tracks: Tracks) -> None:
    """No values that only a damaged file holds."""
    shown = tracks.xy[tracks.visible]
    assert bool((shown.abs() <= FARTHEST).all()), f"positions up to {float(shown.abs().max())}"
    raw = tracks.visible.view(torch.uint8)
    assert bool((raw <= 1).all()), "booleans of other bytes than 0 and 1"
    if tracks.fps is not None:
        assert type(tracks.fps) in (int, float), f"fps {tracks.fps!r}"
        assert RATES[0] <= tracks.fps <= RATES[1], f"fps {tracks.fps!r}"


def contents(name: str) -> bytes:
    """A valid file of a format."""
    entry = next(entry for entry in FORMATS if entry.name == name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{entry.suffixes[0]}"
        entry.write(path, small_tracks())
        return path.read_bytes()


def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(contents(name))) as held:
        return dict(held)


def _file(name: str, inputs: SearchStrategy[bytes], suffix: str, **options: Any) -> Target:
    def read(path: Path) -> Tracks:
        return read_tracks(path, size=SIZE)

    return file_target(f"tracks_{name}", inputs, f"a{suffix}", read, check=check_tracks, **options)


POINTS = [{"x": 1, "y": 2.5}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]
COORDINATES: list[Any] = [POINTS, [POINTS, POINTS], ['[{"x": 1, "y": 2}]', '[{"x": 1, "y": 2}]']]
PAIRS: list[Any] = [[[1, 2.5], [3, 4]], [[[1, 2], [3, 4]], [[5, 6]]]]
BODY = [float(number % 40) + 1 for number in range(54)]
PERSON = {"pose_keypoints_2d": BODY, "hand_left_keypoints_2d": [10.0, 9.0, 1.0] * 21}
POSES: list[Any] = [
    {"people": [PERSON], "canvas_width": 64, "canvas_height": 48},
    [{"people": [PERSON, PERSON]}, {"people": []}, {"people": [PERSON]}],
]


def _check_poses(poses: Any) -> None:
    assert bool(torch.isfinite(poses.xy).all())
    assert bool((poses.xy.abs() <= FARTHEST).all())


HOST_VALUES = {
    "track_path": [None, 1, "a", [1.0], "nan", "huge", "half", "whole", "complex", "flat", "none"],
    "track_visibility": [None, 1, "bytes", "float", "short", "one"],
    "canvas": [None, (0, 0), (64,), (64.5, 48), (True, 48), (1 << 40, 2), "64x48", [64, 48]],
    "fps": [None, 0, -1.0, float("nan"), float("inf"), 1e308, True, "16", 24],
    "ids": [None, "float", "twice", "short", [1, 2, 3]],
}


def _host_value(choices: dict[str, Any]) -> dict[str, Any]:
    xy = small_tracks().xy
    tensors: dict[tuple[str, Any], Any] = {
        ("track_path", "nan"): xy.where(xy != 3, torch.nan),
        ("track_path", "huge"): xy.where(xy != 3, 3e38),
        ("track_path", "half"): xy.half(),
        ("track_path", "whole"): xy.long(),
        ("track_path", "complex"): xy.cfloat(),
        ("track_path", "flat"): xy.flatten(),
        ("track_path", "none"): xy[:0],
        ("track_visibility", "bytes"): torch.full((4, 3), 2, dtype=torch.uint8),
        ("track_visibility", "float"): torch.full((4, 3), 0.5),
        ("track_visibility", "short"): torch.ones(3, 3, dtype=torch.bool),
        ("track_visibility", "one"): torch.ones(4, 1, dtype=torch.bool),
        ("ids", "float"): torch.zeros(3),
        ("ids", "twice"): torch.zeros(3, dtype=torch.int64),
        ("ids", "short"): torch.arange(2),
    }
    value: dict[str, Any] = {"track_path": xy, "canvas": (64, 48), "fps": 16.0}
    for key, choice in choices.items():
        hashable = choice if isinstance(choice, str) else None
        value[key] = tensors.get((key, hashable), choice)
    return value


def _read_host(value: dict[str, Any], folder: Path) -> Tracks:
    return from_host(_host_value(value), size=SIZE)


def tracks_of(frames: int, points: int, odd: Sequence[float], fps: float | None) -> Tracks:
    """Tracks of any shape with odd positions, some invisible; raises what Tracks raises."""
    xy = torch.zeros(frames, points, 2)
    flat = xy.view(-1)
    for index, number in enumerate(odd[: len(flat)]):
        flat[index] = number
    visible = (torch.arange(frames * points) % 3 > 0).view(frames, points)
    return make_tracks(xy, SIZE, visible=visible, fps=fps)


def _write_and_read(value: tuple[Any, ...], folder: Path) -> Tracks:
    name, *arguments = value
    tracks = tracks_of(*arguments)
    entry = next(entry for entry in FORMATS if entry.name == name)
    path = folder / f"a{entry.suffixes[0]}"
    write_tracks(path, tracks, format=name)
    try:
        got = read_tracks(path, size=SIZE)
    except FormatError as error:
        raise Finding("refused what was written", name, str(error)) from error
    _check_same(name, got, tracks)
    return got


def _check_same(name: str, got: Tracks, tracks: Tracks) -> None:
    """Formats with a row per frame give visible points back."""
    is_kept = name in ("motion_npz", "wan_move", "csv", "cotracker", "tapvid")
    if not is_kept or not tracks.num_points or not tracks.num_frames:
        return
    shown = tracks.visible
    if not torch.equal(got.visible, shown):
        raise Finding("visibility changed", name, f"{got.visible} of {shown}")
    if not torch.allclose(got.xy[shown], tracks.xy[shown], rtol=1e-5, atol=0.5):
        raise Finding("positions changed", name, f"{got.xy[shown]} of {tracks.xy[shown]}")


_ODD = st.sampled_from((0.0, -1.5, 1e-30, 1e9, -3e9, 1e20, 3e38, 16777217.0))
WRITTEN = st.tuples(
    st.sampled_from([entry.name for entry in FORMATS]),
    st.integers(0, 4),
    st.integers(0, 3),
    st.lists(_ODD, max_size=24),
    st.sampled_from((None, 16, 23.976, 1e-9, 1e308, True)),
)
TABLE = contents("csv").decode()

TARGETS = [
    _file("motion_npz", npz_files([_arrays("motion_npz")]), ".npz"),
    _file("motion_npz_zip", repacked([contents("motion_npz")]), ".npz"),
    _file("coordinates", as_bytes(json_text(COORDINATES)), ".json"),
    _file("pairs", as_bytes(json_text(PAIRS)), ".json"),
    _file("wan_move", npy_files([small_tracks().xy[None].numpy()]), ".npy"),
    _file("ati", repacked([contents("ati")]), ".pth"),
    _file("tapvid", npz_files([_arrays("tapvid")]), ".npz"),
    _file("cotracker", npz_files([_arrays("cotracker")]), ".npz"),
    _file("csv", as_bytes(table_text([TABLE])), ".csv"),
    _file("any_bytes", damaged([contents(entry.name) for entry in FORMATS]), ".dat"),
    text_target(
        "text_coordinates",
        json_text(COORDINATES),
        lambda text: parse_coordinates(text, SIZE),
        check=check_tracks,
    ),
    text_target(
        "text_pairs", json_text(PAIRS), lambda text: parse_pairs(text, SIZE), check=check_tracks
    ),
    text_target(
        "text_poses", json_text(POSES), lambda text: read_poses(text, SIZE), check=_check_poses
    ),
    Target(
        "host_tracks",
        st.fixed_dictionaries(
            {}, optional={key: st.sampled_from(v) for key, v in HOST_VALUES.items()}
        ),
        _read_host,
        check=check_tracks,
        **AS_JSON,
    ),
    Target(
        "poses_value",
        changed_values(POSES),
        lambda value, folder: read_poses(value, SIZE),
        check=_check_poses,
        **AS_JSON,
    ),
    Target(
        "written_tracks",
        WRITTEN,
        _write_and_read,
        refusals=(*OWN_ERRORS, ValueError, TypeError),
        check=check_tracks,
        **AS_JSON,
    ),
]
