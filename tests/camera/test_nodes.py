"""The nodes of depth and camera on values as they travel between nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motion_core.camera.formats.native_json import camera_from_json
from motion_core.camera.pinhole import project, to_camera
from tests.host.runner import StandInHost

W, H = 64, 48
IMAGE = torch.rand(1, H, W, 3, generator=torch.Generator().manual_seed(0))
MEDIAN = {"pivot": "median depth"}
MOVE = {"motion": "move", "preset": "truck_left", "amount": 0.25, "unit": "pivot"}
MOVE |= {"easing": "linear", "seed": 0}


@pytest.fixture
def host(tmp_path: Path) -> StandInHost:
    return StandInHost(tmp_path)


@pytest.fixture
def call(host: StandInHost) -> Any:
    """call("DepthMap", ...) runs a node's execute and gives its values."""

    def run(name: str, *args: Any, **settings: Any) -> tuple[Any, ...]:
        return host.nodes[f"MotionPrompting{name}"].execute(*args, **settings).args

    return run


@pytest.fixture
def wall(call: Any) -> Any:
    """A wall one unit away, 60 degrees wide."""
    return call("DepthMap", {"source": "plane"}, 0.0, True, image=IMAGE)[0]


def path_of(call: Any, depth: Any, frames: int = 5, **motion: Any) -> Any:
    return call("CameraPath", depth, motion or MOVE, MEDIAN, frames, 8.0, "after")[0]


@pytest.mark.parametrize(
    "source",
    [
        {"source": "ground and wall", "horizon": 0.3, "wall_foot": 0.7},
        {"source": "plane"},
        {"source": "sphere"},
    ],
)
def test_rooms_without_a_model_take_the_pictures_size(call: Any, source: dict) -> None:
    depth, drawn, valid = call("DepthMap", source, 0.0, True, image=IMAGE)
    assert depth.size == (W, H) and not depth.is_K_known
    assert drawn.shape == (1, H, W, 3) and float(valid.min()) == 1.0
    assert float(depth.K[0, 0]) == pytest.approx(W / 2 / np.tan(np.radians(30)))
    wide = call("DepthMap", source, 90.0, True, image=IMAGE)[0]
    assert float(wide.K[0, 0]) == pytest.approx(W / 2)
    with pytest.raises(ValueError, match="connect the image"):
        call("DepthMap", source, 0.0, True)


READING = {"meaning": "inverse", "near": 2.0, "far": 8.0, "invert": False, "scale": 1.0}


def test_a_depth_picture_is_read_and_brought_to_the_picture(call: Any) -> None:
    grey = torch.zeros(2, H // 2, W // 2, 3)
    grey[1] = 1.0
    source = {"source": "depth image", "depth_image": grey, "index": 0, **READING}
    depth, _, _ = call("DepthMap", source, 0.0, True, image=IMAGE)
    assert depth.size == (W, H)
    assert torch.allclose(depth.z, torch.tensor(8.0))
    near = call("DepthMap", {**source, "index": 1}, 0.0, True)[0]
    assert near.size == (W // 2, H // 2) and torch.allclose(near.z, torch.tensor(2.0))
    with pytest.raises(ValueError, match="other proportions"):
        call("DepthMap", source, 0.0, True, image=torch.zeros(1, 64, 64, 3))
    with pytest.raises(ValueError, match="image 2"):
        call("DepthMap", {**source, "index": 2}, 0.0, True)
    with pytest.raises(ValueError, match="near < far"):
        call("DepthMap", {**source, "near": 9.0}, 0.0, True)
    with pytest.raises(ValueError, match="no valid pixel"):
        nothing = torch.full_like(grey, torch.nan)
        call("DepthMap", {**source, "depth_image": nothing}, 0.0, True)
    zero = {**source, "meaning": "metric"}
    with pytest.raises(ValueError, match="no valid pixel"):
        call("DepthMap", zero, 0.0, True)


def test_the_hosts_geometry_is_depth(call: Any) -> None:
    z = torch.full((1, H, W), 3.0)
    z[0, :5] = torch.inf
    lens = torch.tensor([[[0.8, 0.0, 0.5], [0.0, 0.8 * W / H, 0.5], [0.0, 0.0, 1.0]]])
    moge = {"depth": z, "intrinsics": lens, "mask": torch.isfinite(z)}
    depth, _, valid = call(
        "DepthMap", {"source": "moge", "moge_geometry": moge, "index": 0}, 0, True
    )
    assert depth.is_K_known and float(depth.K[0, 0]) == pytest.approx(0.8 * W)
    assert float(valid[0, :5].max()) == 0.0 and float(valid[0, 5:].min()) == 1.0
    da3 = {"depth": torch.full((1, H, W), 3.0), "mode": "mono"}
    source = {"source": "da3", "da3_geometry": da3, "index": 0, "is_metric": True}
    depth = call("DepthMap", source, 0.0, True)[0]
    assert depth.kind == "metric" and float(depth.K[0, 0]) == pytest.approx(0.7 * W)


def test_depth_files_of_the_input_folder_are_offered_and_read(host: Any, call: Any) -> None:
    np.save(host.input_dir / "depth.npy", np.full((H, W), 2.5))
    (host.input_dir / "notes.md").write_text("no depth")
    info = host.object_info()["MotionPromptingDepthMap"]["input"]["required"]["source"][1]
    (option,) = (one for one in info["options"] if one["key"] == "file")
    assert option["inputs"]["required"]["file"][1]["options"] == ["depth.npy"]
    source = {"source": "file", "file": "depth.npy", **READING, "meaning": "auto"}
    depth = call("DepthMap", source, 0.0, True)[0]
    assert depth.kind == "metric" and torch.allclose(depth.z, torch.tensor(2.5))
    node = host.nodes["MotionPromptingDepthMap"]
    before = node.fingerprint_inputs(source)
    np.save(host.input_dir / "depth.npy", np.full((H, W), 2.5, np.float32))
    assert node.fingerprint_inputs(source) != before
    assert node.fingerprint_inputs({"source": "plane"}) == ""
    with pytest.raises(ValueError, match="inside ComfyUI's input folder"):
        call("DepthMap", {**source, "file": "../depth.npy"}, 0.0, True)


def test_a_move_shifts_the_wall_as_the_pinhole_says(call: Any, wall: Any) -> None:
    camera, drawn = call("CameraPath", wall, MOVE, MEDIAN, 5, 8.0, "after")
    assert (camera.num_frames, camera.fps) == (5, 8.0) and drawn.shape == (1, 480, 960, 3)
    tracks, render, holes, poses, *_ = call(
        "CameraTracks", IMAGE, wall, camera, {"points": "grid", "spacing": 8.0}, 1, 0.03, 1
    )
    shift = 0.25 * float(wall.K[0, 0])
    xy = tracks["track_path"]
    assert torch.allclose(
        xy[-1] - xy[0], torch.tensor([shift, 0.0]).expand(xy.shape[1], 2), atol=1e-3
    )
    assert torch.equal(tracks["track_visibility"][-1], xy[-1, :, 0] < W)
    assert torch.equal(render[0], IMAGE[0]) and render.shape == (5, H, W, 3)
    assert float(holes[-1].mean()) == pytest.approx(round(shift) / W, abs=1 / W)
    assert len(poses.splitlines()) == 6


def test_points_are_chosen_four_ways(call: Any, wall: Any) -> None:
    camera = path_of(call, wall)

    def starts(**points: Any) -> tuple[torch.Tensor, torch.Tensor]:
        value = call("CameraTracks", IMAGE, wall, camera, points, 1, 0.03, 2)[0]
        return value["track_path"][0], value["ids"]

    assert len(starts(points="grid", spacing=16.0)[0]) == 12
    one, other = (starts(points="random", count=7, seed=seed)[0] for seed in (1, 2))
    assert len(one) == 7 and not torch.equal(one, other)
    mask = torch.zeros(1, H, W)
    mask[:, :, :8] = 1.0
    assert float(starts(points="mask", mask=mask, spacing=4.0)[0][:, 0].max()) < 8.0
    path = torch.tensor([[[3.0, 4.0], [30.0, 20.0]]]).repeat(2, 1, 1)
    given = {"track_path": path, "track_visibility": torch.ones(2, 2, dtype=torch.bool)}
    given |= {"canvas": (W, H), "ids": torch.tensor([8, 5])}
    xy, ids = starts(points="tracks", tracks=given)
    assert torch.allclose(xy, path[0], atol=1e-4) and list(ids) == [8, 5]


def test_paths_are_made_in_every_way(host: Any, call: Any, wall: Any) -> None:
    chain = path_of(call, wall, motion="chain", moves="truck_left 0.2\ntruck_right 0.2")
    assert torch.allclose(chain.T_cam_world[-1], chain.T_cam_world[0], atol=1e-12)
    keys = '[{"t": 0}, {"t": 1, "position": [0.5, 0, 0]}]'
    keyed = path_of(call, wall, motion="keys", keys=keys, smooth=False)
    assert float(keyed.T_cam_world[-1, 0, 3]) == pytest.approx(-0.5)
    text, name, info = call("SaveCamera", keyed, "json", "cam/mine", 99, 2.0)
    assert torch.equal(camera_from_json(text).T_cam_world, keyed.T_cam_world)
    assert (host.output_dir / name).read_text(encoding="utf-8") == text
    assert info["position"]["x"] == pytest.approx(0.5) and info["target"]["z"] == -2.0
    written = path_of(call, wall, 9, motion="text", camera_text=text, travel_scale=2.0)
    assert written.num_frames == 9
    assert float(written.T_cam_world[-1, 0, 3]) == pytest.approx(-1.0)
    lines, name, start = call("SaveCamera", keyed, "realestate10k", "cam/mine", 0, 2.0)
    (host.input_dir / "cam.txt").write_text(lines, encoding="utf-8")
    read = path_of(call, wall, motion="file", file="cam.txt", travel_scale=1.0)
    assert torch.allclose(read.T_cam_world, keyed.T_cam_world, atol=1e-9)
    between = {"start_camera": start, "end_camera": info, "easing": "linear"}
    led = path_of(call, wall, motion="load3d", **between)
    assert float(led.T_cam_world[-1, 0, 3]) == pytest.approx(-0.5 / 2.0)  # its pivot is 2 away


def test_the_camera_follows_what_draw_motion_drew(call: Any, wall: Any) -> None:
    layer = {"id": "c", "type": "camera_grab", "points": [[0, 0.3, 0.4], [1, 0.6, 0.5]]}
    drawing = {"version": 1, "drawn_on": {"width": W, "height": H}, "layers": [layer]}
    tracks, passed, *_ = call("DrawMotion", W, H, 5, 8.0, json.dumps(drawing))
    assert tracks["track_path"].shape[1] == 0, "the camera's layer moves nothing by itself"
    point = torch.tensor([[0.3 * W, 0.4 * H]]).double()
    scene = (torch.linalg.inv(wall.K) @ torch.cat([point, torch.ones(1, 1)], 1).T.double()).T
    for within in ("plane", "sphere"):
        camera = path_of(call, wall, motion="follow", drawing=passed, within=within)
        projected, _ = project(to_camera(scene, camera.T_cam_world), camera.K)
        assert projected[-1, 0].tolist() == pytest.approx([0.6 * W, 0.5 * H], abs=0.1)


def test_two_paths_go_after_or_with_one_another(call: Any, wall: Any) -> None:
    first = path_of(call, wall)
    after = call("CameraPath", wall, MOVE, MEDIAN, 5, 8.0, "after", camera=first)[0]
    assert after.num_frames == 9
    together = call("CameraPath", wall, MOVE, MEDIAN, 5, 8.0, "together", camera=first)[0]
    for path in (after, together):
        assert float(path.T_cam_world[-1, 0, 3]) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="cannot be layered"):
        call("CameraPath", wall, MOVE, MEDIAN, 6, 8.0, "together", camera=first)


def test_the_pivot_may_be_picked(call: Any, wall: Any) -> None:
    orbit = {**MOVE, "preset": "orbit_left", "amount": 20.0}
    point = {"pivot": "point", "x": 50.0, "y": 10.0}
    camera = call("CameraPath", wall, orbit, point, 3, 8.0, "after")[0]
    scene = torch.linalg.inv(wall.K) @ torch.tensor([50.0, 10.0, 1.0]).double()
    projected, _ = project(to_camera(scene[None], camera.T_cam_world), camera.K)
    assert torch.allclose(
        projected, torch.tensor([50.0, 10.0]).double().expand_as(projected), atol=1e-6
    )
    with pytest.raises(ValueError, match="off the image"):
        call("CameraPath", wall, orbit, {**point, "x": 64.0}, 3, 8.0, "after")


def motion(*rows: tuple[float, float, float], frames: int = 5) -> dict[str, Any]:
    """TRACKS of points (x, y) that go `right` pixels."""
    u = torch.linspace(0, 1, frames)
    xy = [torch.stack([x + right * u, torch.full_like(u, y)], -1) for x, y, right in rows]
    path = torch.stack(xy, dim=1)
    projected = torch.ones(path.shape[:2], dtype=torch.bool)
    return {"track_path": path, "track_visibility": projected, "canvas": (W, H)}


def test_motions_are_composed_three_ways(call: Any, wall: Any) -> None:
    base, other = motion((10, 10, 4), (40, 30, 4)), motion((12, 10, 6))
    both = {"tracks_0": base, "tracks_1": other}
    value, *_ = call("ComposeMotion", both, {"mode": "concatenate"})
    assert value["track_path"].shape[1] == 3 and len(set(value["ids"].tolist())) == 3
    mask = torch.zeros(1, H, W)
    mask[:, :, :20] = 1.0
    value, *_ = call("ComposeMotion", both, {"mode": "add"}, masks={"mask_1": mask})
    assert value["track_path"][-1, :, 0].tolist() == pytest.approx([20.0, 44.0])
    space = {"mode": "3d", "depth": wall, "camera": path_of(call, wall), "spacing": 16.0}
    space |= {"depth_offset": "", "occlusion_radius": 1, "occlusion_threshold": 0.03}
    value, *_ = call("ComposeMotion", {"tracks_0": other}, space, masks={})
    shift = 0.25 * float(wall.K[0, 0])
    assert value["track_path"][-1, 0, 0].item() == pytest.approx(18 + shift, abs=1e-3)
    assert value["track_path"].shape[1] == 13
    away = {**space, "depth_offset": "0:0 1:1", "spacing": 0.0}
    value, *_ = call("ComposeMotion", {"tracks_0": other}, away)
    # Its point stays over the drawn pixel of a still camera; twice as far, the shift is half.
    assert value["track_path"][-1, 0].tolist() == pytest.approx([18 + shift / 2, 10.0], abs=1e-3)
    with pytest.raises(ValueError, match="2 lines for 1 sets"):
        call("ComposeMotion", {"tracks_0": other}, {**space, "depth_offset": "1\n2"})
    with pytest.raises(ValueError, match="mask_1 belongs to tracks_1"):
        call("ComposeMotion", {"tracks_0": other}, space, masks={"mask_1": mask})


def test_other_values_on_our_sockets_are_refused(call: Any, wall: Any) -> None:
    with pytest.raises(TypeError, match="expected a MOTION_DEPTH"):
        call("CameraPath", {"depth": 1}, MOVE, MEDIAN, 5, 8.0, "after")
    points = {"points": "grid", "spacing": 8.0}
    with pytest.raises(TypeError, match="expected a MOTION_CAMERA"):
        call("CameraTracks", IMAGE, wall, wall, points, 1, 0.03, 1)
    with pytest.raises(ValueError, match="32x24"):
        call("CameraTracks", IMAGE[:, ::2, ::2], wall, path_of(call, wall), points, 1, 0.03, 1)
    with pytest.raises(ValueError, match="line 1"):
        path_of(call, wall, motion="chain", moves="fly 3")
    with pytest.raises(ValueError, match="0 enabled camera layers"):
        empty = '{"version": 1, "drawn_on": {"width": 64, "height": 48}, "layers": []}'
        path_of(call, wall, motion="follow", drawing=empty, within="plane")


def test_save_camera_offers_every_format(host: StandInHost, call: Any, wall: Any) -> None:
    from motion_core.camera.files import WRITERS

    info = host.object_info()["MotionPromptingSaveCamera"]["input"]["required"]
    assert list(info["format"][1]["options"]) == list(WRITERS)
    camera = path_of(call, wall, 81, **MOVE)
    for name, writer in WRITERS.items():
        text, file, _ = call("SaveCamera", camera, name, f"cam/{name}", 0, 1.0)
        assert text == writer.text(camera) and file.endswith(writer.suffix)


def test_a_path_becomes_wans_embedding(call: Any, wall: Any) -> None:
    camera = path_of(call, wall, 9, **MOVE)
    embedding, width, height, length = call("CameraToWanEmbedding", camera, 1.0, {"lens": "path"})
    assert embedding.shape == (1, 24, 3, H, W) and (width, height, length) == (W, H, 9)
    further, *_ = call("CameraToWanEmbedding", camera, 3.0, {"lens": "path"})
    torch.testing.assert_close(further[:, :12], 3.0 * embedding[:, :12], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(further[:, 12:], embedding[:, 12:])
    lens = {"lens": "normalised", "fx": 0.5, "fy": 0.5, "cx": 0.5, "cy": 0.5}
    wide, *_ = call("CameraToWanEmbedding", camera, 1.0, lens)
    assert not torch.allclose(wide, embedding)
    with pytest.raises(TypeError, match="connect Camera Path"):
        call("CameraToWanEmbedding", "no path", 1.0, lens)
    with pytest.raises(ValueError, match="4 n"):
        call("CameraToWanEmbedding", path_of(call, wall, 8, **MOVE), 1.0, lens)


def test_holes_are_finished_as_asked(call: Any, wall: Any) -> None:
    camera, _ = call("CameraPath", wall, MOVE, MEDIAN, 5, 8.0, "after")
    plain = ("CameraTracks", IMAGE, wall, camera, {"points": "grid", "spacing": 8.0}, 1, 0.03, 1)
    _, render, holes, _, valid, depth = call(*plain)
    assert torch.equal(valid, 1.0 - holes) and valid.dtype == torch.float32
    assert depth.shape == render.shape and not depth[valid == 0].any()
    finish = {"hole_color": "custom", "custom_color": "#00ff00", "min_hole_area": 0}
    _, green, soft, _, grown, _ = call(*plain, **finish, grow_holes=2.0, feather_holes=3.0)
    assert (green[grown == 0] == torch.tensor([0.0, 1.0, 0.0])).all()
    assert torch.equal(green[grown == 1], render[grown == 1])
    assert float(grown.sum()) < float(valid.sum()) and ((soft > 0) & (soft < 1)).any()
    *_, closed, _ = call(*plain, min_hole_area=10_000)
    assert closed.all()
    with pytest.raises(ValueError, match="#rrggbb"):
        call(*plain, hole_color="custom", custom_color="purple")


def test_a_video_with_its_depth_is_warped_frame_by_frame(call: Any) -> None:
    grey = torch.linspace(0.2, 0.8, 3)[:, None, None, None].expand(3, H, W, 3)
    source = {"source": "depth image", "depth_image": grey, "meaning": "linear", "index": 0}
    source |= {"near": 1.0, "far": 11.0, "invert": False, "scale": 1.0}
    video = torch.rand(3, H, W, 3)
    depth, drawn, valid = call("DepthMap", source, 60.0, False, video, all_frames=True)
    assert [float(one.z[0, 0]) for one in depth.maps] == pytest.approx([3.0, 6.0, 9.0])
    assert drawn.shape == (3, H, W, 3) and valid.shape == (3, H, W)
    assert float(drawn[0].mean()) > float(drawn[1].mean()) > float(drawn[2].mean())
    camera, _ = call("CameraPath", depth, MOVE, MEDIAN, 3, 8.0, "after")
    plain = (camera, {"points": "grid", "spacing": 8.0}, 1, 0.03, 1)
    tracks, render, *_ = call("CameraTracks", video, depth, *plain)
    for frame, one in enumerate(depth.maps):
        _, alone, *_ = call("CameraTracks", video[frame : frame + 1], one, *plain)
        assert torch.equal(render[frame], alone[frame])
    still, *_ = call("CameraTracks", video, depth.first, *plain)
    assert torch.equal(tracks["track_path"], still["track_path"])
    longer, _ = call("CameraPath", depth, MOVE, MEDIAN, 5, 8.0, "after")
    with pytest.raises(ValueError, match="3 frames, 3 depth maps and 5 poses"):
        call("CameraTracks", video, depth, longer, *plain[1:])
    moge = {"depth": torch.full((3, H, W), 2.0), "intrinsics": torch.eye(3).repeat(3, 1, 1)}
    moge["intrinsics"][:, 0, 0] = torch.tensor([0.8, 0.9, 0.7])
    source = {"source": "moge", "moge_geometry": moge, "index": 0}
    depth, *_ = call("DepthMap", source, 0.0, False, video, all_frames=True)
    assert [float(one.K[0, 0]) for one in depth.maps] == pytest.approx([0.8 * W] * 3)
    with pytest.raises(ValueError, match="'plane' gives one"):
        call("DepthMap", {"source": "plane"}, 60.0, False, video, all_frames=True)


def test_a_motion_signal_is_written_into_the_output_folder(host: Any, call: Any) -> None:
    from motion_core.motion_signal import read_motion_signal

    video = torch.rand(3, H, W, 3).mean(dim=(1, 2), keepdim=True).expand(-1, H, W, -1)
    mask = torch.zeros(3, H, W)
    mask[:, 16:, 16:] = 1.0
    (name,) = call("SaveMotionSignal", video, mask, "a red ball", 12.0, "motion/ball")
    found = read_motion_signal(host.output_dir / name)
    assert (found.prompt, found.fps, tuple(found.video.shape)) == ("a red ball", 12.0, (3, H, W, 3))
    assert torch.equal(found.mask, mask > 0.5)
    (other,) = call("SaveMotionSignal", video, mask[:1], "", 12.0, "motion/ball", IMAGE)
    assert other != name
    start = read_motion_signal(host.output_dir / other).first_frame
    assert float((start - IMAGE[0]).abs().max()) <= 0.5 / 255 + 1e-6
    with pytest.raises(ValueError, match="2 images but the clip has 3 frames"):
        call("SaveMotionSignal", video, mask[:2], "", 12.0, "motion/ball")
    with pytest.raises(ValueError, match="first frame is"):
        call("SaveMotionSignal", video, mask, "", 12.0, "motion/ball", IMAGE[:, :8, :8])
