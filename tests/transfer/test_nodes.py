"""Transfer, Magnify and Separate Motion on values as they travel between nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from motion_core.camera.compose import add_displacements
from motion_core.formats.host import from_host, to_host
from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from tests.host.runner import StandInHost
from tests.transfer.test_magnify import amplitude_of, vibrating
from tests.transfer.test_separate import camera_matrices, scene

SIZE = Size(100, 80)


@pytest.fixture
def call(tmp_path: Path) -> Any:
    """call("TransferMotion", ...) runs a node's execute and gives its values."""
    host = StandInHost(tmp_path)

    def run(name: str, *args: Any, **settings: Any) -> tuple[Any, ...]:
        return host.nodes[f"MotionPrompting{name}"].execute(*args, **settings).args

    return run


def source() -> dict[str, Any]:
    """TRACKS of two points that go right by 10 pixels."""
    start = torch.tensor([[20.0, 20.0], [60.0, 40.0]])
    shift = torch.linspace(0, 10, 5)[:, None] * torch.tensor([1.0, 0.0])
    return to_host(make_tracks(start + shift[:, None], SIZE, fps=8.0))


def transfer(call: Any, alignment: dict[str, Any], **settings: Any) -> dict[str, Any]:
    (value,) = call("TransferMotion", source(), alignment, 1.0, 0, 0, 0, "keep", **settings)
    return value


def test_fit_takes_the_canvas_from_the_picture_and_boxes_from_masks(call: Any) -> None:
    picture = torch.zeros(1, 160, 200, 3)
    whole = transfer(call, {"alignment": "fit", "keep_aspect": True}, image=picture)
    assert whole["canvas"] == (200, 160)
    torch.testing.assert_close(whole["track_path"], source()["track_path"] * 2)
    here, there = torch.zeros(1, 80, 100), torch.zeros(1, 80, 100)
    here[:, 20:40, 20:60] = 1
    there[:, 30:70, 10:90] = 1
    masks = {"source_mask": here, "target_mask": there, "keep_aspect": False}
    value = transfer(call, {"alignment": "fit", **masks}, image=picture)
    start = value["track_path"][0]
    assert start.tolist() == [[20, 60], [180, 140]], "the target mask is fitted to its picture"


def test_shapes_points_and_none(call: Any) -> None:
    mask = torch.zeros(1, 80, 100)
    mask[:, 20:40, 20:60] = 1
    shapes = {"source_mask": mask, "target_mask": mask.roll(10, dims=2), "kind": "similarity"}
    moved = transfer(call, {"alignment": "shapes", **shapes})["track_path"]
    torch.testing.assert_close(moved, source()["track_path"] + torch.tensor([10.0, 0.0]))
    corners = [(0, 0), (50, 0), (0, 50)]
    texts = [json.dumps([{"x": x + shift, "y": y} for x, y in corners]) for shift in (0, 30)]
    points = {"source_points": texts[0], "target_points": texts[1]}
    for kind in ("similarity", "affine", "thin_plate"):
        moved = transfer(call, {"alignment": "points", **points, "kind": kind})["track_path"]
        wanted = source()["track_path"] + torch.tensor([30.0, 0.0])
        torch.testing.assert_close(moved, wanted, atol=1e-3, rtol=0)
    same = transfer(call, {"alignment": "none"})
    torch.testing.assert_close(same["track_path"], source()["track_path"])


def test_alignments_that_cannot_be_are_refused(call: Any) -> None:
    square = torch.ones(1, 64, 64)
    with pytest.raises(ValueError, match="mask is 64x64 but the canvas is 100x80"):
        transfer(call, {"alignment": "fit", "source_mask": square, "keep_aspect": True})
    one = {"source_points": '[{"x": 1, "y": 1}]', "target_points": '[{"x": 1, "y": 1}]'}
    with pytest.raises(ValueError, match="at least 3 pairs of points; got 1"):
        transfer(call, {"alignment": "points", **one, "kind": "thin_plate"})
    empty = {"source_points": "[]", "target_points": "[]"}
    with pytest.raises(ValueError, match="at least 2 pairs of points; got 0"):
        transfer(call, {"alignment": "points", **empty, "kind": "similarity"})
    with pytest.raises(ValueError, match='"fit"'):
        transfer(call, {"alignment": "none"}, image=torch.zeros(1, 8, 8, 3))
    bare = {key: source()[key] for key in ("track_path", "track_visibility")}
    with pytest.raises(ValueError, match="canvas"):
        call("TransferMotion", bare, {"alignment": "none"}, 1.0, 0, 0, 0, "keep")


def magnify(call: Any, value: Any, low: float = 0.0, fps: float = 0.0, **more: Any) -> Any:
    slice_line = more.pop("slice", {"slice": "busiest"})
    settings = (16.0, 0.0, 0.0, low, 0.0, fps, "as it is", slice_line)
    return call("MagnifyMotion", value, *settings, **more)


def test_magnify_gives_tracks_and_a_slice(call: Any) -> None:
    larger, picture = magnify(call, to_host(vibrating()))
    assert amplitude_of(from_host(larger), 1.0) == pytest.approx(3.2, rel=1e-3)
    assert picture.shape[0] == 1
    assert picture.shape[-1] == 3
    video = torch.rand(61, 120, 160, 3, generator=torch.Generator().manual_seed(0))
    for line, length in (
        ({"slice": "row", "at_frac": 0.5}, 160),
        ({"slice": "column", "at_frac": 1.0}, 120),
    ):
        _, shown = magnify(call, to_host(vibrating()), images=video, slice=line)
        assert shown.shape[1] == length
    with pytest.raises(ValueError, match="96x64"):
        magnify(call, to_host(vibrating()), images=torch.zeros(1, 64, 96, 3))


def test_a_band_takes_its_rate_from_the_node_or_the_tracks(call: Any) -> None:
    no_rate = to_host(make_tracks(vibrating().xy, vibrating().size))
    with pytest.raises(ValueError, match="needs the frame rate"):
        magnify(call, no_rate, low=0.3)
    with_rate, _ = magnify(call, no_rate, low=0.3, fps=20.0)
    known, _ = magnify(call, to_host(vibrating()), low=0.3)
    torch.testing.assert_close(with_rate["track_path"], known["track_path"])


def test_separate_gives_parts_that_add_up(call: Any) -> None:
    tracks, _, _ = scene(camera_matrices())
    camera, objects, stabilised, black = call("SeparateMotion", to_host(tracks), "homography", 2.0)
    again = add_displacements(from_host(camera), from_host(objects))
    torch.testing.assert_close(again.xy, tracks.xy, atol=1e-2, rtol=0)
    assert stabilised["canvas"] == tuple(tracks.size)
    assert black.shape == (1, 150, 200, 3)
    video = torch.rand(12, 150, 200, 3, generator=torch.Generator().manual_seed(0))
    *_, steady = call("SeparateMotion", to_host(tracks), "homography", 2.0, images=video)
    assert steady.shape == video.shape
    torch.testing.assert_close(steady[0], video[0], atol=1e-3, rtol=0)
    with pytest.raises(ValueError, match="expected 12 frames"):
        call("SeparateMotion", to_host(tracks), "homography", 2.0, images=video[:3])


@pytest.mark.parametrize(("frames", "points"), [(0, 0), (1, 0), (4, 0), (1, 3)])
def test_the_smallest_tracks_pass(call: Any, frames: int, points: int) -> None:
    value = to_host(make_tracks(torch.zeros(frames, points, 2), SIZE))
    (moved,) = call("TransferMotion", value, {"alignment": "none"}, 1.0, 5, 0, 0, "drop")
    assert moved["track_path"].shape == (frames, points, 2)
    assert len(call("SeparateMotion", value, "homography", 2.0)) == 4
    if frames:
        assert magnify(call, value)[0]["track_path"].shape == (frames, points, 2)
    else:
        with pytest.raises(ValueError, match="no frames"):
            magnify(call, value)


@pytest.mark.parametrize("name", ["TransferMotion", "MagnifyMotion", "SeparateMotion"])
def test_values_that_are_no_tracks_are_refused(call: Any, name: str) -> None:
    settings = {
        "TransferMotion": ({"alignment": "none"}, 1.0, 0, 0, 0, "keep"),
        "MagnifyMotion": (16.0, 0.0, 0.0, 0.0, 0.0, 0.0, "as it is", {"slice": "busiest"}),
        "SeparateMotion": ("homography", 2.0),
    }[name]
    wild = source()
    wild["track_path"] = wild["track_path"] * torch.nan
    for value in (wild, {}, 3, None):
        with pytest.raises((ValueError, TypeError)):
            call(name, value, *settings)


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_with_alpha_and_grey_ones_serve(call: Any, channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    tracks, _, _ = scene(camera_matrices())
    video = torch.rand(12, 150, 200, channels, generator=generator)
    plain = video[..., :3] if channels == 4 else video.expand(-1, -1, -1, 3)
    value = to_host(tracks)
    *_, steady = call("SeparateMotion", value, "homography", 2.0, images=video)
    *_, wanted = call("SeparateMotion", value, "homography", 2.0, images=plain)
    assert torch.equal(steady, wanted)
    for images in (video, video[:1]):
        _, shown = magnify(call, value, images=images)
        _, wanted = magnify(call, value, images=plain[: len(images)])
        assert torch.equal(shown, wanted)
    with pytest.raises(ValueError, match="at least one image"):
        magnify(call, value, images=video[:0])
    moved = transfer(call, {"alignment": "fit", "keep_aspect": True}, image=video[:1])
    assert moved["canvas"] == (200, 150)


def test_a_mask_that_says_nothing_is_refused(call: Any) -> None:
    for mask in (torch.zeros(1, 80, 100), torch.full((1, 80, 100), torch.nan)):
        with pytest.raises(ValueError, match="mask is empty|mask holds NaN"):
            transfer(call, {"alignment": "fit", "source_mask": mask, "keep_aspect": True})
        one = {"source_mask": torch.ones(1, 80, 100), "target_mask": mask, "kind": "affine"}
        with pytest.raises(ValueError, match="mask is empty|mask holds NaN"):
            transfer(call, {"alignment": "shapes", **one})
