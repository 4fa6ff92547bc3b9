"""Camera files in and out, and the host's own camera read the way the host reads it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.files import camera_from_text, read_camera, write_camera
from motion_core.camera.formats.native_json import camera_from_json, camera_to_json
from motion_core.camera.formats.realestate import camera_from_realestate, camera_to_realestate
from motion_core.camera.host_camera import (
    camera_from_host,
    camera_to_host,
    path_between_host_cameras,
)
from motion_core.camera.pinhole import project, to_camera
from motion_core.camera.setup import CameraSetup
from motion_core.errors import FormatError
from motion_core.geometry import Size

from .views import SIZE, camera_centres, lens, moved, orbit, path_of

PATH = path_of([orbit(0), orbit(13), moved(0.25, -1, 2)], fps=24.0)


def test_json_gives_the_same_path_back_bit_for_bit() -> None:
    back = camera_from_json(camera_to_json(PATH))
    assert torch.equal(back.T_cam_world, PATH.T_cam_world)
    assert torch.equal(back.K, PATH.K)
    assert (back.size, back.fps) == (SIZE, 24.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(kind="mesh"), "camera_path"),
        (lambda d: d.update(version=2), "version 2"),
        (lambda d: d.update(fps=-1), "fps must be"),
        (lambda d: d.pop("width"), "damaged.*width"),
        (lambda d: d["frames"][0].pop("K"), "damaged.*K"),
        (lambda d: d["frames"][1].update(T_cam_world=[[2, 0, 0, 0]] * 4), "not a rotation"),
        (lambda d: d["frames"][1].update(T_cam_world=[[1]]), "damaged"),
    ],
)
def test_damaged_json_is_refused(change, message: str) -> None:
    data = json.loads(camera_to_json(PATH))
    change(data)
    with pytest.raises(FormatError, match=message):
        camera_from_json(json.dumps(data))
    with pytest.raises(FormatError, match="not JSON"):
        camera_from_json("{")


def test_realestate_text_follows_the_published_columns() -> None:
    lines = camera_to_realestate(PATH, source="https://example.org/v").splitlines()
    assert lines[0] == "https://example.org/v"
    fields = lines[2].split()
    assert len(fields) == 19
    assert int(fields[0]) == round(1e6 / 24)
    assert [float(f) for f in fields[1:7]] == pytest.approx(
        [float(lens()[0, 0]) / 208, float(lens()[1, 1]) / 120, 0.5, 0.5, 0, 0]
    )
    assert [float(f) for f in fields[7:]] == pytest.approx(orbit(13)[:3].flatten().tolist())


def test_realestate_text_comes_back() -> None:
    back = camera_from_realestate(camera_to_realestate(PATH), SIZE)
    assert torch.allclose(back.T_cam_world, PATH.T_cam_world, atol=1e-9)
    assert torch.allclose(back.K, PATH.K, rtol=1e-9)
    assert back.fps == pytest.approx(24.0, rel=1e-4)


def test_a_real_dataset_line_is_read() -> None:
    text = (
        "https://www.youtube.com/watch?v=x\n"
        "49949900 0.4912 0.8733 0.5 0.5 0 0 0.99997 0.0071 0.0031 -0.1 "
        "-0.0071 0.99997 -0.0012 0.02 -0.0031 0.0012 0.99999 0.4\n"
    )
    path = camera_from_realestate(text, Size(1280, 720))
    assert path.K[0, 0, 0] == path.K[0, 1, 1] == pytest.approx(0.8733 * 720, rel=1e-3)
    assert path.T_cam_world[0, :3, 3].tolist() == pytest.approx([-0.1, 0.02, 0.4])
    assert path.fps is None
    stretched = camera_from_realestate(text, Size(100, 100), square=False)
    assert float(stretched.K[0, 0, 0]) == pytest.approx(49.12)
    assert float(stretched.K[0, 1, 1]) == pytest.approx(87.33)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("url only\n", "no camera lines"),
        ("url\n1 2 3\n", "line 2: expected 19"),
        ("url\n" + " ".join(["x"] * 19), "line 2"),
        ("url\n0 .5 .5 .5 .5 0 0 " + "0 " * 12, "not a rotation"),
        ("url\n0 .5 .5 .5 .5 0 0 " + "nan " * 12, "finite"),
        ("url\n0 0 0 .5 .5 0 0 1 0 0 0 0 1 0 0 0 0 1 0", "positive focal"),
    ],
)
def test_damaged_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        camera_from_realestate(text, SIZE)


ROWS = [[1, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 1, 0.25 * frame] for frame in range(4)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("to_text", [camera_to_json, camera_to_realestate])
def test_every_encoding_with_a_mark_is_read(tmp_path: Path, encoding: str, to_text) -> None:
    # No title, so that the mark stands before a number.
    text = "\r\n".join(line for line in to_text(PATH).splitlines() if not line.startswith("motion"))
    (tmp_path / "camera.any").write_bytes(text.encode(encoding))
    back = read_camera(tmp_path / "camera.any", default_size=SIZE)
    assert torch.allclose(back.T_cam_world, PATH.T_cam_world, atol=1e-9)
    pasted = camera_from_text("\ufeff" + text, SIZE)
    assert torch.equal(pasted.T_cam_world, back.T_cam_world)


def test_motionctrl_rows_are_world_to_camera() -> None:
    path = camera_from_text(json.dumps(ROWS), SIZE)
    assert path.T_cam_world[:, :3, 3].tolist() == [[0.5, 0, 0.25 * frame] for frame in range(4)]
    assert (path.size, path.fps) == (SIZE, None)
    assert float(path.K[0, 0, 0]) == pytest.approx(SIZE.width / 2 / math.tan(math.radians(30)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no frames.*MotionCtrl"),
        (json.dumps([[0.0] * 12]), "not a rotation"),
        (json.dumps([ROWS[0], ROWS[1][:11]]), "frame 1.*12 numbers"),
        (json.dumps([[True] * 12]), "frame 0.*12 numbers"),
        (json.dumps({"frames": [], "camera_angle_x": 1}), "'camera_angle_x'.*RealEstate10K"),
        (" \n", "no text.*RealEstate10K"),
        ("[" * 500 + "]" * 500, "nested deeper"),
        ("[[1" + "0" * 5000 + "]]", "5,001 digits"),
        ("[[1e400]]", "finite"),
    ],
)
def test_what_is_no_camera_says_what_is_read(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        camera_from_text(text, SIZE)


def test_a_first_line_of_numbers_is_no_title() -> None:
    lines = camera_to_realestate(PATH).splitlines()[1:]
    assert camera_from_realestate("\n".join(lines), SIZE).num_frames == PATH.num_frames
    lines[0] = lines[0].rsplit(" ", 1)[0]
    with pytest.raises(FormatError, match="line 1: expected 19 numbers; got 18"):
        camera_from_realestate("\n".join(lines), SIZE)
    titled = "\n".join(["my 2 clips", *lines[1:]])
    assert camera_from_realestate(titled, SIZE).num_frames == PATH.num_frames - 1


@pytest.mark.parametrize("name", ["camera.json", "camera.txt"])
def test_files_are_written_whole_and_read_back(tmp_path: Path, name: str) -> None:
    write_camera(tmp_path / name, PATH)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    back = read_camera(tmp_path / name, size=SIZE)
    assert torch.allclose(back.T_cam_world, PATH.T_cam_world, atol=1e-9)


def test_files_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.json or \.txt"):
        write_camera(tmp_path / "camera.yaml", PATH)
    (tmp_path / "a.txt").write_text("url\n1 2 3\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"a\.txt: line 2"):
        read_camera(tmp_path / "a.txt", size=SIZE)
    with pytest.raises(ValueError, match="give the canvas size"):
        read_camera(tmp_path / "a.txt")
    write_camera(tmp_path / "b.json", PATH)
    with pytest.raises(FormatError, match=r"b\.json: the camera path is for 208x120, not 64x64"):
        read_camera(tmp_path / "b.json", size=Size(64, 64))


def _three_js(camera: dict, point: list[float], size: Size) -> tuple[float, float]:
    """Where three.js draws a point: world to view by the quaternion, then a vertical fov."""
    q = camera["quaternion"]
    turn = Rotation.from_quat([q["x"], q["y"], q["z"], q["w"]])
    eye = [camera["position"][k] for k in "xyz"]
    x, y, z = turn.inv().apply([p - e for p, e in zip(point, eye, strict=True)])
    scale = camera["zoom"] / math.tan(math.radians(camera["fov"]) / 2)
    aspect = size.width / size.height
    return (
        (x / -z * scale / aspect + 1) / 2 * size.width,
        (1 - y / -z * scale) / 2 * size.height,
    )


@given(
    st.tuples(*[st.floats(-1.2, 1.2)] * 3),
    st.tuples(*[st.floats(-2, 2)] * 3),
    st.floats(10, 120),
    st.floats(0.5, 3),
)
def test_the_hosts_camera_sees_what_three_js_draws(turn, eye, fov, zoom) -> None:
    q = Rotation.from_rotvec(turn).as_quat()
    camera = {
        "position": dict(zip("xyz", eye, strict=True)),
        "target": {"x": 0, "y": 0, "z": 0},
        "quaternion": dict(zip("xyzw", q.tolist(), strict=True)),
        "fov": fov,
        "zoom": zoom,
        "cameraType": "perspective",
    }
    ahead = Rotation.from_quat(q).apply([0.3, -0.2, -4.0]) + eye
    path = camera_from_host(camera, SIZE)
    ours = torch.tensor(ahead * [1, -1, -1])[None]
    xy, _ = project(to_camera(ours, path.T_cam_world[0]), path.K[0])
    assert xy[0].tolist() == pytest.approx(_three_js(camera, ahead.tolist(), SIZE), abs=1e-6)


def test_the_hosts_camera_comes_back() -> None:
    for frame in range(3):
        camera = camera_to_host(PATH, frame, distance=2.0)
        back = camera_from_host(camera, SIZE)
        assert torch.allclose(back.T_cam_world[0], PATH.T_cam_world[frame], atol=1e-9)
        assert torch.allclose(back.K[0], lens(), atol=1e-6)
        camera.pop("quaternion")
        assert torch.allclose(
            camera_from_host(camera, SIZE).T_cam_world[0], PATH.T_cam_world[frame], atol=1e-6
        )


def test_half_turns_keep_their_quaternion() -> None:
    turned = path_of([orbit(180.0)])
    back = camera_from_host(camera_to_host(turned), SIZE)
    assert torch.allclose(back.T_cam_world, turned.T_cam_world, atol=1e-9)


def test_the_host_may_leave_the_lens_out_and_look_straight_down() -> None:
    camera = {"position": {"x": 0, "y": 4, "z": 0}, "target": {"x": 0, "y": 0, "z": 0}}
    path = camera_from_host(camera, SIZE)
    in_camera = to_camera(torch.zeros(1, 3).double(), path.T_cam_world[0])[0]
    assert in_camera.tolist() == pytest.approx([0, 0, 4])
    assert float(path.K[0, 1, 1]) == pytest.approx(60 / math.tan(math.radians(17.5)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cameraType": "orthographic"}, "perspective"),
        ({"position": None}, "no position"),
        ({"position": {"x": 1, "y": 2}}, "position needs numbers"),
        ({"target": {"x": 0, "y": 0, "z": 3}}, "coincide"),
        ({"fov": 180}, "field of view"),
        ({"zoom": -1}, "focal"),
    ],
)
def test_an_unusable_host_camera_is_refused(change: dict, message: str) -> None:
    camera = {"position": {"x": 0, "y": 0, "z": 3}, "target": {"x": 0, "y": 0, "z": 0}, **change}
    with pytest.raises(FormatError, match=message):
        camera_from_host(camera, SIZE)


def test_an_empty_path_is_neither_written_nor_read() -> None:
    empty = CameraPath(torch.zeros(0, 4, 4).double(), torch.zeros(0, 3, 3).double(), SIZE)
    for write in (camera_to_json, camera_to_realestate):
        with pytest.raises(FormatError, match="has no frames.*1 frame or more"):
            write(empty)
    text = json.dumps({**json.loads(camera_to_json(PATH)), "frames": []})
    with pytest.raises(FormatError, match="has no frames"):
        camera_from_json(text)


def test_between_two_cameras_of_the_host_the_target_is_the_pivot() -> None:
    """The host's camera goes a quarter round its target; ours goes a quarter round the pivot."""
    target = {"x": 1.0, "y": 2.0, "z": 0.0}
    start = {"position": {"x": 1.0, "y": 2.0, "z": 4.0}, "target": target, "fov": 40.0}
    end = {"position": {"x": 5.0, "y": 2.0, "z": 0.0}, "target": target, "fov": 40.0}
    setup = CameraSetup(SIZE, lens(), torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64), 5)
    path = path_between_host_cameras(start, end, setup, easing="linear")
    assert torch.allclose(path.T_cam_world[0], torch.eye(4, dtype=torch.float64), atol=1e-9)
    in_camera = to_camera(torch.tensor([[0.0, 0.0, 6.0]]).double(), path.T_cam_world)
    assert torch.allclose(
        in_camera, torch.tensor([0.0, 0.0, 6.0]).double().expand_as(in_camera), atol=1e-9
    )
    assert camera_centres(path.T_cam_world[-1]).tolist() == pytest.approx([6.0, 0.0, 6.0])
    assert torch.allclose(path.K, setup.K.expand_as(path.K))
    with pytest.raises(FormatError, match="no position"):
        path_between_host_cameras(start, {"target": target}, setup)
    with pytest.raises(FormatError, match="stands at its own target|coincide"):
        path_between_host_cameras({**start, "position": target}, end, setup)
