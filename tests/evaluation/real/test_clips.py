"""Clips from a folder: small synthetic ones whose motion is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.real.clip_study import FIGURES, clip_figures
from motion_core.evaluation.real.clip_tracks import (
    LEAST_HELD_OUT,
    TrackedClip,
    given_tracks,
    held_out_tracks,
    tracked_clip,
)
from motion_core.evaluation.real.clips import FRAMES, clip_names, read_real_clip, scene_of
from motion_core.evaluation.real.methods import Method
from motion_core.evaluation.real.report import as_markdown, as_values
from motion_core.evaluation.real.run import CLIPS, RealSettings, evaluate_real
from motion_core.fields.arrays import FloatArray
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.trackers import LucasKanade
from motion_core.tracks.model import make_tracks

HEIGHT, WIDTH, STEP = 96, 160, 1.0


def textured(height: int, width: int, seed: int) -> FloatArray:
    """Smooth noise in colour."""
    import cv2

    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return (0.5 + 4 * (smooth - smooth.mean())).clip(0, 1)


def square(frame: int) -> tuple[slice, slice]:
    """Where the thing lies: it moves down by STEP a frame, over a background at rest."""
    top = 24 + round(frame * STEP)
    return slice(top, top + 40), slice(60, 110)


def write_clip(folder: Path, name: str, *, mask: bool = False, frames: int = FRAMES) -> Path:
    """A square with a texture of its own moves over a textured background."""
    place = folder / name
    place.mkdir(parents=True)
    ground, thing = textured(HEIGHT, WIDTH, 0), textured(40, 50, 1)
    for frame in range(frames):
        picture = ground.copy()
        picture[square(frame)] = thing
        write_image(place / f"{frame:05}.jpg", torch.from_numpy(picture))
    (place / "meta.json").write_text(json.dumps({"name": name}))
    if mask:
        (place / "masks").mkdir()
        outline = torch.zeros(HEIGHT, WIDTH, 3)
        outline[square(0)] = 1
        write_image(place / "masks" / "00000.png", outline)
    return place


def on_thing(clip: TrackedClip, x: torch.Tensor) -> torch.Tensor:
    rows, columns = square(0)
    inside = (x[:, 0] > columns.start) & (x[:, 0] < columns.stop)
    return inside & (x[:, 1] > rows.start) & (x[:, 1] < rows.stop)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("real")
    write_clip(place, "intel/falls-a", mask=True)
    write_clip(place, "intel/falls-b")
    write_clip(place, "sa-v/short", frames=FRAMES - 1)
    return place


@pytest.fixture(scope="module")
def clip(folder: Path) -> TrackedClip:
    # On smooth noise Lucas-Kanade is exact to a fraction of a pixel.
    return tracked_clip(read_real_clip(folder, "intel/falls-a"), LucasKanade())


def test_clips_of_one_scene_share_it(folder: Path) -> None:
    assert clip_names(folder) == ["intel/falls-a", "intel/falls-b"], "the short clip is left out"
    assert {scene_of(name) for name in clip_names(folder)} == {"intel/falls"}
    assert scene_of("intel/sign-eat") == scene_of("intel/sign-walk") == "intel/sign"
    assert scene_of("intel/head-man") != scene_of("intel/head-woman")
    assert scene_of("sa-v/dog-a") != scene_of("mit/dog-a")


def test_tracks_follow_the_clip_and_tell_the_thing_apart(clip: TrackedClip) -> None:
    pool = clip.pool
    assert pool.num_points > 1000 and bool(pool.visible[0].all())
    moved = pool.xy[-1] - pool.xy[0]
    start = pool.xy[0]
    deep = (start[:, 0] - 85).abs() < 18, (start[:, 1] - 44).abs() < 13
    inside = deep[0] & deep[1]
    expected = torch.tensor([0.0, STEP * (FRAMES - 1)])
    assert float((moved[inside] - expected).norm(dim=-1).median()) < 0.3
    far = (start[:, 0] < 50) | (start[:, 0] > 120)
    assert float(moved[far].norm(dim=-1).quantile(0.95)) < 0.3
    assert float(clip.apart[inside].float().mean()) > 0.95
    assert float(clip.apart[far].float().mean()) < 0.02


def test_given_and_held_out_tracks_are_apart(clip: TrackedClip) -> None:
    given = given_tracks(clip, "16", 3)
    assert given is not None and given.num_points == 16
    held_out, contrary = held_out_tracks(clip, given)
    assert not set(given.ids.tolist()) & set(held_out.ids.tolist())
    assert set(contrary.ids.tolist()) <= set(clip.pool.ids[clip.apart].tolist())
    again = given_tracks(clip, "16", 3)
    assert again is not None and torch.equal(again.xy, given.xy)


def test_a_clip_with_few_tracks_is_left_out(clip: TrackedClip) -> None:
    few = clip.pool.xy[:, : LEAST_HELD_OUT + 15]
    pool = make_tracks(few, clip.pool.size)
    small = TrackedClip(clip.clip, clip.video, pool, clip.apart[: LEAST_HELD_OUT + 15])
    assert given_tracks(small, "16", 0) is None
    assert given_tracks(small, "4", 0) is not None


def test_the_drag_holds_the_thing_and_pins_the_background(clip: TrackedClip) -> None:
    given = given_tracks(clip, "drag", 0)
    assert given is not None
    holds = on_thing(clip, given.xy[0])
    assert 5 <= int(holds.sum()) <= 9 and int((~holds).sum()) == 9
    moved = (given.xy[-1] - given.xy[0]).norm(dim=-1)
    assert float(moved[holds].min()) > 12 and float(moved[~holds].median()) < 0.5


def test_no_drag_without_an_outline(folder: Path) -> None:
    assert given_tracks(tracked_clip(read_real_clip(folder, "intel/falls-b")), "drag", 0) is None


def test_figures_of_rest_are_the_motion_itself(clip: TrackedClip) -> None:
    given = given_tracks(clip, "16", 0)
    assert given is not None
    figures = clip_figures(Method("rest"), clip, given, None)
    assert tuple(sorted(figures)) == tuple(sorted(FIGURES))
    held_out, contrary = held_out_tracks(clip, given)
    for name, tracks in (("unseen", held_out), ("apart", contrary), ("given", given)):
        far = (tracks.xy - tracks.xy[0]).norm(dim=-1)[1:][tracks.visible[1:]]
        assert figures[name] == pytest.approx(float(far.mean()), rel=1e-3)
    assert np.isnan(figures["marked"]) and np.isnan(figures["lpips"])


def test_more_tracks_give_smaller_errors(clip: TrackedClip) -> None:
    few, many = (given_tracks(clip, count, 0) for count in ("4", "512"))
    assert few is not None and many is not None
    nearest = Method("nearest")
    first, second = (clip_figures(nearest, clip, given, None) for given in (few, many))
    assert second["unseen"] < 0.5 * first["unseen"] and second["apart"] < 0.5 * first["apart"]
    assert second["psnr"] > first["psnr"] and second["ssim"] > first["ssim"]
    assert second["given"] < 0.1


def test_marked_points_are_read_from_their_first_frame(tmp_path: Path) -> None:
    place = write_clip(tmp_path, "davis-train/marked", frames=FRAMES + 2)
    marks = {
        "frames": [2, 7, 17],
        "xy": [[[0.5, 0.5], None], [[0.5, 0.55], [0.1, 0.1]], [None, None]],
    }
    (place / "tracks_badja.json").write_text(json.dumps(marks))
    clip = read_real_clip(tmp_path, "davis-train/marked")
    assert len(clip.video) == FRAMES and clip.thing is None
    assert clip.marks is not None and clip.marks.num_points == 1
    assert clip.marks.size == Size(WIDTH, HEIGHT)
    assert clip.marks.visible[:, 0].nonzero().flatten().tolist() == [0, 5]
    assert clip.marks.xy[5, 0].tolist() == pytest.approx([80.0, 52.8])


@pytest.mark.parametrize(
    "content", ["{", '{"frames": [1, 0], "xy": [[], []]}', '{"frames": [0], "xy": []}', "[]"]
)
def test_broken_marks_are_named(tmp_path: Path, content: str) -> None:
    place = write_clip(tmp_path, "davis-train/marked")
    (place / "tracks_badja.json").write_text(content)
    with pytest.raises(FormatError, match=r"tracks_badja\.json"):
        read_real_clip(tmp_path, "davis-train/marked")


def test_masks_of_another_size_are_refused(tmp_path: Path) -> None:
    place = write_clip(tmp_path, "mit/x", mask=True)
    write_image(place / "masks" / "00000.png", torch.ones(5, 5, 3))
    with pytest.raises(FormatError, match="size of the frames"):
        read_real_clip(tmp_path, "mit/x")


def test_clips_of_one_scene_count_as_one(folder: Path) -> None:
    settings = RealSettings(folder, ("rest", "nearest"), parts=(CLIPS,), counts=("4", "drag"))
    assert RealSettings(folder, parts=(CLIPS,), per_scene=1).clips() == ["intel/falls-a"]
    found = evaluate_real(settings)
    assert set(found.clips["4"]["rest"]) == {"intel/falls-a", "intel/falls-b"}
    assert set(found.clips["drag"]["rest"]) == {"intel/falls-a"}
    values = json.loads(json.dumps(as_values(found), allow_nan=False))
    mean = values["clips"]["4"]["means"]["nearest"]["unseen"]
    each = [row["unseen"] for row in values["clips"]["4"]["figures"]["nearest"].values()]
    assert mean["clips"] == 1 and mean["mean"] == pytest.approx(sum(each) / 2)
    text = as_markdown(found)
    assert text.startswith("# 2 real clips") and "## N = 4 (2 clips)" in text
    assert "## the drag of the outlined thing (1 clips)" in text and "marked |" not in text
