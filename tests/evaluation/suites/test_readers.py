"""Readers of the benchmarks' folders, and videos found by the names of cases."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.suites.readers import (
    read_davis,
    read_drag_bench,
    read_mc_bench,
    read_move_bench,
    read_prompts,
    read_videos,
)
from motion_core.evaluation.suites.videos import find_videos
from motion_core.formats import write_tracks
from motion_core.image_files import write_image
from motion_core.video import write_video

from .folders import SIZE, mc_bench, move_bench, patch_video, straight, texture, write_frames


def test_mc_bench(tmp_path: Path) -> None:
    mc_bench(tmp_path, {"one": [[[32, 32], [48, 32]]], "two": [[[10, 10]], [[5, 6], [7, 8]]]})
    one, two = read_mc_bench(tmp_path)
    assert (one.name, two.name, one.size) == ("object/one", "object/two", SIZE)
    assert one.tracks is not None and two.tracks is not None
    assert one.tracks.xy.shape == (16, 1, 2)
    assert one.tracks.xy[[0, -1], 0].tolist() == [[32.5, 32.5], [48.5, 32.5]]
    assert two.tracks.num_points == 2
    place = tmp_path / "object" / "one"
    newer = json.dumps({"traj_key_points": [[[1, 1], [2, 2]]]})
    (place / "meta_data_new.json").write_text(newer, encoding="utf-8")
    changed = read_mc_bench(tmp_path)[0].tracks
    assert changed is not None and changed.xy[0, 0].tolist() == [1.5, 1.5]
    (place / "meta_data_new.json").write_text('{"traj_key_points": [[1, 2]]}', encoding="utf-8")
    with pytest.raises(FormatError, match="lists of points"):
        read_mc_bench(tmp_path)


def test_move_bench(tmp_path: Path) -> None:
    tracks = straight(6, (32.5, 32.5), (2, 0))
    (case,) = read_move_bench(move_bench(tmp_path, patch_video(6, (2, 0)), tracks))
    assert (case.name, case.caption) == ("a", "a patch, moving")
    assert case.tracks is not None and torch.equal(case.tracks.xy, tracks.xy)
    assert case.truth == tmp_path / "video" / "a"
    with pytest.raises(FormatError, match="holds no multi_track.txt"):
        read_move_bench(tmp_path, mode="multi")


def drag_bench(folder: Path, **files) -> Path:
    place = folder / "animals" / "cat"
    place.mkdir(parents=True)
    write_image(place / "original_image.png", texture(0))
    for name, data in files.items():
        (place / f"meta_data.{name}").write_bytes(data)
    return folder


def test_drag_bench(tmp_path: Path) -> None:
    meta = {"prompt": "a cat", "points": [[30, 20], [53, 44]], "mask": np.ones((64, 96), np.uint8)}
    for protocol in (2, 4, 5):
        folder = drag_bench(tmp_path / str(protocol), pkl=pickle.dumps(meta, protocol))
        (case,) = read_drag_bench(folder)
        assert (case.name, case.caption) == ("animals/cat", "a cat")
        assert case.tracks is not None
        assert case.tracks.xy[:, 0].tolist() == [[30.5, 20.5], [53.5, 44.5]]


class Evil:
    def __reduce__(self):
        # Not print itself: packages such as ray replace it.
        return (eval, ("print('run')",))


def test_a_pickle_that_names_code_is_refused(tmp_path: Path, capsys) -> None:
    folder = drag_bench(tmp_path, pkl=pickle.dumps({"points": Evil()}))
    with pytest.raises(FormatError, match=r"it names builtins\.eval"):
        read_drag_bench(folder)
    assert capsys.readouterr().out == ""


def test_odd_points_are_refused(tmp_path: Path) -> None:
    folder = drag_bench(tmp_path, json=b'{"points": [[1, 2]], "prompt": ""}')
    with pytest.raises(FormatError, match="pairs of handle and target"):
        read_drag_bench(folder)


def test_davis(tmp_path: Path) -> None:
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("bear\n", encoding="utf-8")
    place = tmp_path / "JPEGImages" / "480p" / "bear"
    place.mkdir(parents=True)
    for number, frame in enumerate(patch_video(4, (1, 0))):
        write_image(place / f"{number:05d}.jpg", frame)
    (case,) = read_davis(tmp_path, count=50)
    assert case.tracks is not None
    assert (case.tracks.num_points, case.tracks.num_frames) == (50, 4)
    assert tuple(case.size) == (256, 256)


def test_prompts(tmp_path: Path) -> None:
    (tmp_path / "camera").mkdir()
    write_tracks(tmp_path / "camera" / "pan.npz", straight(6, (9, 9), (1, 0)))
    write_image(tmp_path / "dog.png", texture(0))
    coordinates = json.dumps([[{"x": 5, "y": 6}, {"x": 9, "y": 6}]])
    (tmp_path / "dog.json").write_text(coordinates, encoding="utf-8")
    (tmp_path / "dog.txt").write_text("a dog\n", encoding="utf-8")
    write_frames(tmp_path / "dog_truth", patch_video(2, (1, 0)))
    pan, dog = read_prompts(tmp_path)
    assert (pan.name, pan.kind, pan.image, pan.truth) == ("camera/pan", "camera", None, None)
    assert (dog.name, dog.kind, dog.caption) == ("dog", "", "a dog")
    assert (dog.size, dog.truth) == (SIZE, tmp_path / "dog_truth")


@pytest.mark.parametrize(
    "read", [read_mc_bench, read_move_bench, read_drag_bench, read_davis, read_prompts, read_videos]
)
def test_other_folders_are_refused(tmp_path: Path, read) -> None:
    with pytest.raises(FormatError, match=r"holds no|not a DAVIS"):
        read(tmp_path)


def test_videos_are_found_by_the_names_of_cases(tmp_path: Path) -> None:
    cases = read_mc_bench(
        mc_bench(tmp_path / "bench", {name: [[[9, 9], [20, 9]]] for name in "abcde"})
    )
    made = tmp_path / "made"
    video = patch_video(2, (1, 0))
    for name in ("object/a.mp4", "b_00001_.mp4", "b_00002_.mp4", "object_c.mp4", "object/d/x.mp4"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(made / name, video, 8)
    entry = find_videos("ours", made, cases)
    assert {case: path.relative_to(made).as_posix() for case, path in entry.videos.items()} == {
        "object/a": "object/a.mp4",
        "object/b": "b_00002_.mp4",
        "object/c": "object_c.mp4",
        "object/d": "object/d/x.mp4",
    }
    assert entry.missing == ("object/e",)
    write_frames(made / "e", video)
    assert find_videos("ours", made, cases).videos["object/e"] == made / "e"


def test_folders_without_videos_are_refused(tmp_path: Path) -> None:
    cases = read_mc_bench(mc_bench(tmp_path / "bench", {"a": [[[9, 9], [20, 9]]]}))
    with pytest.raises(FormatError, match="there is no folder"):
        find_videos("ours", tmp_path / "none", cases)
    (tmp_path / "made").mkdir()
    write_video(tmp_path / "made" / "odd.mp4", patch_video(2, (1, 0)), 8)
    with pytest.raises(FormatError, match=r"expected names like object/a\.mp4.*'odd'"):
        find_videos("ours", tmp_path / "made", cases)
