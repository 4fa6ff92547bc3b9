"""What each node does to the values on its wires, held to arithmetic done by hand here."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from tests.host.prompt import WorkflowError
from tests.host.runner import StandInHost

WIDTH, HEIGHT, FRAMES = 96, 64, 5


def wire(canvas: tuple[int, int] | None = (WIDTH, HEIGHT), **changes: Any) -> dict[str, Any]:
    """TRACKS of three points: one crosses, one rests, one starts outside and comes in."""
    along = torch.linspace(10, 50, FRAMES)
    crossing = torch.stack([along, torch.full_like(along, 20.0)], -1)
    resting = torch.tensor([80.0, 50.0]).expand(FRAMES, 2)
    coming = torch.stack([along - 20, torch.full_like(along, 40.0)], -1)
    value: dict[str, Any] = {
        "track_path": torch.stack([crossing, resting, coming], dim=1),
        "track_visibility": torch.ones(FRAMES, 3, dtype=torch.bool),
    }
    if canvas is not None:
        value["canvas"] = canvas
    return value | changes


@pytest.fixture
def call(host: StandInHost) -> Any:
    """call("FilterTracks", tracks, ...) runs a node's execute and gives its values."""

    def run(name: str, *args: Any, **settings: Any) -> tuple[Any, ...]:
        return host.nodes[f"MotionPrompting{name}"].execute(*args, **settings).args

    return run


def path(value: dict[str, Any]) -> torch.Tensor:
    """(T, N, 2) of a TRACKS value."""
    return value["track_path"]


DRAWING = json.dumps(
    {
        "version": 1,
        "drawn_on": {"width": 200, "height": 100},
        "layers": [
            {
                "id": "a",
                "type": "drag",
                "points": [[0, 0.25, 0.5], [1, 0.75, 0.5]],
                "brush": {"radius": 0},
            }
        ],
    }
)


def test_expand_takes_the_canvas_from_image_numbers_or_drawing(call: Any) -> None:
    picture = torch.zeros(1, HEIGHT, WIDTH, 3)
    for settings, size in (
        ({"image": picture}, (WIDTH, HEIGHT)),
        ({"width": 640, "height": 480}, (640, 480)),
        ({}, (200, 100)),
    ):
        (value,) = call("ExpandMotion", DRAWING, 3, 12.0, **settings)
        assert (value["canvas"], value["fps"]) == (size, 12.0)
        expected = torch.tensor([0.25, 0.5, 0.75]) * size[0]
        torch.testing.assert_close(path(value)[:, 0, 0], expected)
        torch.testing.assert_close(path(value)[:, 0, 1], torch.full((3,), size[1] / 2))


def test_expand_with_fps_zero_knows_no_rate(call: Any) -> None:
    assert call("ExpandMotion", DRAWING, 3, 0.0)[0]["fps"] is None


def test_expand_pins_the_mask(call: Any) -> None:
    drawing = json.loads(DRAWING)
    drawing["layers"] = [{"id": "p", "type": "pin", "area": "mask", "spacing": 0.1}]
    mask = torch.zeros(1, 100, 200)
    mask[:, :, 150:] = 1
    (value,) = call("ExpandMotion", json.dumps(drawing), 2, 16.0, mask=mask)
    assert path(value).shape[1] > 10
    assert path(value)[..., 0].min() >= 150


def test_transform_actions(call: Any) -> None:
    start = path(wire())

    def after(**action: Any) -> tuple[torch.Tensor, tuple[int, int]]:
        (value,) = call("TransformTracks", wire(), action)
        return path(value), value["canvas"]

    xy, canvas = after(action="fit", mode="stretch", width=192, height=64)
    assert canvas == (192, 64)
    torch.testing.assert_close(xy, start * torch.tensor([2.0, 1.0]))
    wide = torch.zeros(2, 32, 48, 3)
    xy, canvas = after(action="fit", mode="cover", width=0, height=0, image=wide)
    assert canvas == (48, 32)
    torch.testing.assert_close(xy, start / 2)
    xy, canvas = after(action="move", dx=3.0, dy=-2.0, rotate_deg=90.0, scale=1.0)
    centre = torch.tensor([WIDTH / 2, HEIGHT / 2])
    x, y = (start - centre).unbind(-1)
    torch.testing.assert_close(xy, torch.stack([-y + 3, x - 2], -1) + centre)
    xy, _ = after(action="flip", direction="vertical")
    torch.testing.assert_close(xy[..., 1], HEIGHT - start[..., 1])
    xy, canvas = after(action="crop", left=6, top=4, width=0, height=20)
    assert canvas == (WIDTH - 6, 20)
    torch.testing.assert_close(xy, start - torch.tensor([6.0, 4.0]))
    xy, canvas = after(action="pad", left=1, top=2, right=3, bottom=4)
    assert canvas == (WIDTH + 4, HEIGHT + 6)
    torch.testing.assert_close(xy, start + torch.tensor([1.0, 2.0]))


def test_retime_actions(call: Any) -> None:
    start = path(wire())

    def after(**action: Any) -> torch.Tensor:
        return path(call("RetimeTracks", wire(), action)[0])

    torch.testing.assert_close(after(action="resample", frames=9)[::2], start)
    torch.testing.assert_close(after(action="cut", start=1, stop=3), start[1:3])
    torch.testing.assert_close(after(action="cut", start=2, stop=0), start[2:])
    held = after(action="hold", before=1, after=2)
    torch.testing.assert_close(held, start[[0, 0, 1, 2, 3, 4, 4, 4]])
    torch.testing.assert_close(after(action="shift", frames=2, outside="hold")[2:], start[:-2])
    looped = after(action="loop", count=2, ping_pong=True)
    torch.testing.assert_close(looped, start[[0, 1, 2, 3, 4, 3, 2, 1, 0]])
    torch.testing.assert_close(after(action="reverse"), start.flip(0))
    eased = after(action="ease", easing="ease_in")
    torch.testing.assert_close(eased[[0, -1]], start[[0, -1]])
    assert eased[1, 0, 0] < start[1, 0, 0], "starts slowly"
    torch.testing.assert_close(after(action="smooth", sigma=0.0), start)


def test_filter_choices(call: Any) -> None:
    start = path(wire())

    def after(**keep: Any) -> dict[str, Any]:
        return call("FilterTracks", wire(), keep)[0]

    assert path(after(keep="random", count=2, seed=1)).shape == (FRAMES, 2, 2)
    assert path(after(keep="farthest", count=2, seed=1)).shape == (FRAMES, 2, 2)
    torch.testing.assert_close(path(after(keep="visible at start")), start[:, :2])
    torch.testing.assert_close(path(after(keep="always inside")), start[:, :2])
    hidden = after(keep="hide outside")
    torch.testing.assert_close(path(hidden), start)
    assert hidden["track_visibility"][:, 2].tolist() == [False, True, True, True, True]
    mask = torch.zeros(1, HEIGHT // 2, WIDTH // 2)
    mask[:, :, WIDTH // 4 :] = 1
    inside = after(keep="inside mask", mask=mask)
    torch.testing.assert_close(path(inside), start[:, 1:2])
    assert inside["ids"].tolist() == [1], "a point keeps its identity"


def test_a_mask_of_other_proportions_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="the mask is 64x64 but the canvas is 96x64"):
        call("FilterTracks", wire(), {"keep": "inside mask", "mask": torch.zeros(1, 64, 64)})


def test_combine_keeps_order_and_wants_one_canvas(call: Any) -> None:
    (value,) = call("CombineTracks", {"tracks_0": wire(), "tracks_1": None, "tracks_2": wire()})
    assert path(value).shape == (FRAMES, 6, 2)
    assert value["ids"].unique().numel() == 6
    with pytest.raises(ValueError, match="Transform Tracks"):
        call("CombineTracks", {"tracks_0": wire(), "tracks_1": wire(canvas=(10, 10))})


def test_coordinates_go_out_and_come_back(call: Any) -> None:
    (text,) = call("TracksToCoordinates", wire(), "frames")
    assert json.loads(text)[0][1] == {"x": 20.0, "y": 20.0}
    (value,) = call("TracksFromCoordinates", text, width=WIDTH, height=HEIGHT)
    torch.testing.assert_close(path(value), path(wire()))
    (text,) = call("TracksToCoordinates", wire(), "ati")
    assert [len(track) for track in json.loads(text)] == [121] * 3
    with pytest.raises(ValueError, match="connect an image"):
        call("TracksFromCoordinates", text)


def test_control_videos_show_the_points(call: Any) -> None:
    (video,) = call("TracksToControlVideo", wire(), {"style": "discs", "radius_frac": 0.05})
    assert video.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert video[0, 20, 10].tolist() == [1, 1, 1]
    assert video[0, 20, 30].tolist() == [0, 0, 0]
    large = wire(canvas=(WIDTH * 10, HEIGHT * 10), track_path=path(wire()) * 10)
    (trails,) = call("TracksToControlVideo", large, {"style": "ltx_trails"})
    assert trails[-1, 200, 500].max() > 0.5, "the newest point"
    assert trails[-1, 200, 100].max() > 0.2, "its tail"
    assert trails[-1, 50, 50].max() == 0


def test_preview_draws_on_black_and_on_pictures(host: StandInHost) -> None:
    node = host.nodes["MotionPromptingPreviewTracks"]
    output = node.execute(wire())
    (video,) = output.args
    assert video.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert video[0, 50, 80].max() > 0.3
    assert video[0, 2, 2].max() == 0
    (shown,) = output.ui["images"]
    assert (host.output_dir.parent / "temp" / shown["filename"]).exists()
    half_and_transparent = torch.full((1, HEIGHT, WIDTH, 4), 0.5).half()
    (over,) = node.execute(wire(), half_and_transparent).args
    torch.testing.assert_close(over[0, 2, 2], torch.full((3,), 0.5))


def test_draft_moves_the_picture_and_leaves_its_inputs_alone(call: Any) -> None:
    picture = torch.rand(1, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(0))
    tracks, before = wire(), picture.clone()
    video, _ = call("DraftMotion", picture, tracks)
    assert video.shape == (FRAMES, HEIGHT, WIDTH, 3)
    torch.testing.assert_close(video[0], picture[0], atol=1e-3, rtol=0)
    assert (video[-1] - picture[0]).abs().max() > 0.1
    torch.testing.assert_close(picture, before)
    torch.testing.assert_close(tracks["track_path"], path(wire()))


def test_draft_offers_methods_and_refuses_other_names(call: Any) -> None:
    picture = torch.rand(1, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(0))
    default, _ = call("DraftMotion", picture, wire())
    layers, _ = call("DraftMotion", picture, wire(), method="layers")
    plate, _ = call("DraftMotion", picture, wire(), method="thin_plate")
    assert torch.equal(default, layers)
    assert plate.shape == default.shape and not torch.equal(plate, default)
    with pytest.raises(ValueError, match="method must be one of: layers"):
        call("DraftMotion", picture, wire(), method="magic")


def test_info_names_everything_that_does_not_fit(call: Any) -> None:
    picture = torch.zeros(1, 10, 10, 3)
    late = torch.ones(FRAMES, 3, dtype=torch.bool)
    late[0, 1] = False
    (report,) = call("TracksInfo", wire(track_visibility=late), image=picture, frames=81)
    for words in (
        f"3 tracks, {FRAMES} frames, canvas {WIDTH}x{HEIGHT}, fps unknown",
        "tracks are on 96x64 but the image is 10x10. Connect Transform Tracks",
        f"tracks have {FRAMES} frames but the video 81. Connect Retime Tracks",
        "appearing only after the first frame",
        "outside the canvas",
    ):
        assert words in report


def test_info_reports_visibility_made_from_a_mask(call: Any) -> None:
    mask_made = wire(None, track_visibility=torch.ones(FRAMES, 1, dtype=torch.bool))
    (report,) = call("TracksInfo", mask_made, image=torch.zeros(1, HEIGHT, WIDTH, 3))
    assert "visibility was made for 1 track but there are 3" in report
    assert "came without a canvas" in report


def test_fitting_tracks_give_no_warning(call: Any) -> None:
    shown = wire()["track_visibility"][:, 1:]
    inside = wire(track_path=path(wire())[:, :2], track_visibility=shown)
    picture = torch.zeros(1, HEIGHT, WIDTH, 3)
    (report,) = call("TracksInfo", inside, image=picture, frames=FRAMES)
    assert "warning" not in report


def test_save_and_load(host: StandInHost, call: Any) -> None:
    for name in ("motion_npz", "wan_move", "csv", "ati", "coordinates", "tapvid"):
        tracks, place = call("SaveTracks", wire(), f"sub/{name}", name)
        torch.testing.assert_close(path(tracks), path(wire()))
        saved = host.output_dir / place
        assert saved.exists(), f"{name} was written where the node says"
        for file in saved.parent.glob(f"{name}_00001*"):
            (host.input_dir / file.name).write_bytes(file.read_bytes())
        (value,) = call("LoadTracks", saved.name, width=WIDTH, height=HEIGHT)
        if name != "ati":
            torch.testing.assert_close(path(value), path(wire()), atol=1e-3, rtol=0)


def test_load_sees_that_a_file_changed(host: StandInHost) -> None:
    node = host.nodes["MotionPromptingLoadTracks"]
    before = node.fingerprint_inputs("motion_prompting_tracks.npz", image=None)
    file = host.input_dir / "motion_prompting_tracks.npz"
    file.write_bytes(file.read_bytes() + b"\0")
    assert node.fingerprint_inputs("motion_prompting_tracks.npz", image=None) != before


@pytest.mark.parametrize("name", ["../motion_prompting_tracks.npz", "/etc/passwd", "nothing.npz"])
def test_load_says_what_is_wrong_before_anything_runs(host: StandInHost, name: str) -> None:
    prompt = {
        "1": {
            "class_type": "MotionPromptingLoadTracks",
            "inputs": {"file": name, "width": 0, "height": 0, "fps": 0.0},
        },
        "2": {"class_type": "MotionPromptingTracksInfo", "inputs": {"tracks": ["1", 0]}},
    }
    with pytest.raises(WorkflowError, match="ComfyUI's input folder"):
        host.run(prompt)


def test_foreign_tracks_need_a_picture_of_their_canvas(call: Any) -> None:
    with pytest.raises(ValueError, match="connect an image"):
        call("FilterTracks", wire(None), {"keep": "visible at start"})
    picture = torch.zeros(1, HEIGHT, WIDTH, 3)
    (value,) = call("FilterTracks", wire(None), {"keep": "visible at start"}, picture)
    assert value["canvas"] == (WIDTH, HEIGHT)


def test_another_canvas_than_the_picture_is_refused(call: Any) -> None:
    with pytest.raises(ValueError, match="Transform Tracks"):
        call("DraftMotion", torch.zeros(1, 10, 10, 3), wire())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 10}, "width and height belong together"),
        ({"image": torch.zeros(1, 8, 8, 3), "width": 9, "height": 8}, "the image is 8x8"),
    ],
)
def test_sizes_that_disagree_are_refused(call: Any, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call("ExpandMotion", DRAWING, 3, 16.0, **settings)


def hostile_values() -> dict[str, Any]:
    """TRACKS that no node should swallow."""
    bad = path(wire()).clone()
    bad[1, 0, 0] = float("nan")
    return {
        "nothing": None,
        "a string": "[]",
        "an empty dict": {},
        "a list": [path(wire())],
        "three coordinates": wire(track_path=torch.zeros(FRAMES, 3, 3)),
        "not a number": wire(track_path=bad),
        "infinite": wire(track_path=bad.nan_to_num() / 0),
        "visibility of other frames": wire(track_visibility=torch.ones(2, 3, dtype=torch.bool)),
        "visibility of other tracks": wire(
            track_visibility=torch.ones(FRAMES, 2, dtype=torch.bool)
        ),
        "canvas of words": wire(canvas=("wide", "high")),
        "negative canvas": wire(canvas=(-1, 5)),
        "a batch of two": wire(track_path=torch.zeros(2, FRAMES, 3, 2)),
    }


@pytest.mark.parametrize("case", sorted(hostile_values()))
@pytest.mark.parametrize("name", ["TracksInfo", "PreviewTracks", "FilterTracks", "SaveTracks"])
def test_hostile_tracks_get_one_clear_sentence(call: Any, name: str, case: str) -> None:
    more: dict[str, tuple[Any, ...]] = {
        "FilterTracks": ({"keep": "hide outside"},),
        "SaveTracks": ("bad", "motion_npz"),
    }
    with pytest.raises(ValueError) as caught:
        call(name, hostile_values()[case], *more.get(name, ()))
    assert 20 < len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "points"), [(0, 0), (1, 0), (5, 0), (1, 1), (1, 3)], ids=lambda n: str(n)
)
def test_the_smallest_tracks_pass_every_node(call: Any, frames: int, points: int) -> None:
    value = {
        "track_path": torch.zeros(frames, points, 2),
        "track_visibility": torch.ones(frames, points, dtype=torch.bool),
        "canvas": (WIDTH, HEIGHT),
    }
    assert "track" in call("TracksInfo", value)[0]
    for keep in ("visible at start", "always inside", "hide outside"):
        call("FilterTracks", value, {"keep": keep})
    call("FilterTracks", value, {"keep": "inside mask", "mask": torch.ones(1, HEIGHT, WIDTH)})
    call("SaveTracks", value, "small", "motion_npz")
    assert call("TracksToCoordinates", value, "frames")[0].startswith("[")
    styles = ({"style": "discs", "radius_frac": 0.02}, {"style": "ltx_trails"})
    videos = [("TracksToControlVideo", value, style) for style in styles]
    for video in [("PreviewTracks", value), *videos]:
        if frames:
            assert call(*video)[0].shape[0] == frames
        else:
            with pytest.raises(ValueError, match="0 frames; at least 1 are needed"):
                call(*video)
    if frames:
        picture = torch.rand(1, HEIGHT, WIDTH, 3)
        video, _ = call("DraftMotion", picture, value)
        torch.testing.assert_close(video[0], picture[0], atol=1e-3, rtol=0)


def test_a_batch_of_masks_gives_the_mask_of_the_chosen_frame(call: Any) -> None:
    video = torch.rand(4, 64, 96, 3, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(4, 64, 96)
    for frame in range(4):
        masks[frame, 16:48, 20 * frame : 20 * frame + 20] = 1
    for batch in (masks, masks[2:3]):
        points = {"points": "mask", "spacing": 4.0, "mask": batch}
        tracks = call("TrackVideo", video, "lucas_kanade", points, 2, 0.0, 24.0)[0]
        x = tracks["track_path"][2, :, 0]
        assert float(x.min()) >= 40 and float(x.max()) <= 60
    points = {"points": "mask", "spacing": 4.0, "mask": masks[:3]}
    with pytest.raises(ValueError, match="has 3 images but the clip has 4 frames"):
        call("TrackVideo", video, "lucas_kanade", points, 2, 0.0, 24.0)
