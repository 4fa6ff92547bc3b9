"""Files of MotionCtrl, HY-WorldPlay and ReCamMaster against readers that follow those projects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.files import WRITERS, camera_from_text, read_camera, write_camera
from motion_core.camera.moves import CameraMove, make_path
from motion_core.camera.path_edit import relative_to_first
from motion_core.camera.setup import CameraSetup
from motion_core.errors import FormatError
from motion_core.geometry import Size

from .views import SIZE, lens

FRAMES = 81


def path_of(*moves: CameraMove, frames: int = FRAMES) -> CameraPath:
    setup = CameraSetup(SIZE, lens(), torch.tensor([0.0, 0.0, 4.0]).double(), frames, fps=16.0)
    return make_path(list(moves), setup)


@pytest.fixture(scope="module")
def path() -> CameraPath:
    return path_of(CameraMove("orbit_left", 30.0), CameraMove("pedestal_up", 0.4))


def camera_to_world(path: CameraPath) -> np.ndarray:
    """(T, 4, 4) relative to the first camera, by numpy alone."""
    world_to_camera = path.T_cam_world.numpy()
    return world_to_camera[0] @ np.linalg.inv(world_to_camera)


def test_motionctrl_rows_are_relative_as_its_loader_makes_them(path: CameraPath) -> None:
    rows = np.array(json.loads(WRITERS["motionctrl"].text(path))).reshape(-1, 3, 4)
    # MotionCtrl: R_rel = R R0^T and T_rel = T - R_rel T0, for world-to-camera R and T.
    R, T = path.T_cam_world[:, :3, :3].numpy(), path.T_cam_world[:, :3, 3].numpy()
    relative = R @ R[0].T
    np.testing.assert_allclose(rows[..., :3], relative, atol=1e-12)
    np.testing.assert_allclose(rows[..., 3], T - relative @ T[0], atol=1e-12)


def test_recammaster_reads_the_motion_that_was_written(path: CameraPath) -> None:
    """The steps of its reader: transpose, axes [1, 2, 0], y flipped, centimetres to metres."""
    data = json.loads(WRITERS["recammaster"].text(path))
    found = []
    for frame in range(0, FRAMES, 4):
        rows = data[f"frame{frame}"]["cam01"].strip().split("] [")
        matrix = np.array([[float(n) for n in row.strip("[] ").split()] for row in rows])
        c2w = matrix.T[:, [1, 2, 0, 3]]
        c2w[:3, 1] *= -1.0
        c2w[:3, 3] /= 100
        found.append(c2w)
    relative = np.linalg.inv(found[0]) @ np.array(found)
    np.testing.assert_allclose(relative, camera_to_world(path)[::4], atol=1e-9)


def test_unreal_rotations_are_rotations_and_the_camera_starts_upright(path: CameraPath) -> None:
    data = json.loads(WRITERS["recammaster"].text(path))
    first = np.array(data["frame0"]["cam01"].replace("[", "").replace("]", "").split(), float)
    np.testing.assert_allclose(first.reshape(4, 4), np.eye(4), atol=1e-12)
    last = data["frame80"]["cam01"].replace("[", "").replace("]", "").split()
    rotation = np.array(last, float).reshape(4, 4)[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_worldplay_reads_one_pose_per_latent_frame_and_the_field_of_view(path: CameraPath) -> None:
    data = json.loads(WRITERS["worldplay"].text(path))
    assert list(data) == [str(n) for n in range(21)]
    stored = np.array([entry["extrinsic"] for entry in data.values()])
    np.testing.assert_allclose(stored, camera_to_world(path)[::4], atol=1e-12)
    K = np.array(data["3"]["K"])
    # Its reader: focal lengths over the doubled principal point.
    relative = K[0, 0] / (2 * K[0, 2]), K[1, 1] / (2 * K[1, 2])
    wanted = path.K[12, 0, 0] / SIZE.width, path.K[12, 1, 1] / SIZE.height
    np.testing.assert_allclose(relative, wanted)


def test_a_camera_to_the_right_is_on_the_right_in_every_format() -> None:
    path = path_of(CameraMove("truck_right", 1.0, unit="scene"))
    entry = json.loads(WRITERS["worldplay"].text(path))["20"]["extrinsic"]
    np.testing.assert_allclose(np.array(entry)[:3, 3], [1, 0, 0], atol=1e-9)
    unreal = json.loads(WRITERS["recammaster"].text(path))["frame80"]["cam01"]
    place = [float(n) for n in unreal.strip().split("] [")[3].strip("[] ").split()]
    np.testing.assert_allclose(place, [0, 100, 0, 1], atol=1e-7)


@pytest.mark.parametrize(
    "name", ["json", "realestate10k", "motionctrl", "worldplay", "recammaster"]
)
def test_every_format_comes_back_from_its_file(path: CameraPath, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"camera{WRITERS[name].suffix}"
    write_camera(file, path, format=name)
    back = relative_to_first(read_camera(file, size=SIZE))
    step = 4 if name == "worldplay" else 1
    wanted = relative_to_first(path).T_cam_world[::step]
    torch.testing.assert_close(back.T_cam_world, wanted, atol=1e-8, rtol=0)
    if name in ("json", "realestate10k", "worldplay"):
        torch.testing.assert_close(back.K, path.K[::step], atol=1e-6, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("1"), "entry 1 .*HY-WorldPlay"),
        (lambda d: d["2"].update(K=[[1]]), "entry 2"),
        (lambda d: d["2"].update(extrinsic=[[2.0, 0, 0, 0]] * 4), "not a rotation"),
        (lambda d: d["0"]["K"][0].__setitem__(2, 0.0), "principal"),
    ],
)
def test_a_damaged_worldplay_file_is_refused(path: CameraPath, change, message: str) -> None:
    data = json.loads(WRITERS["worldplay"].text(path))
    change(data)
    with pytest.raises(FormatError, match=message):
        camera_from_text(json.dumps(data), SIZE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("frame1"), "frame1 .*has no cam01"),
        (lambda d: d["frame2"].update(cam01="[1 2] "), "frame2 .*16 finite"),
        (lambda d: d["frame2"].update(cam01="[one]"), "frame2"),
        (lambda d: d["frame2"].update(cam01="[2 0 0 0] [0 1 0 0] [0 0 1 0] [0 0 0 1]"), "rotation"),
        (lambda d: d["frame0"].clear(), "has no None|no cam"),
    ],
)
def test_a_damaged_recammaster_file_is_refused(path: CameraPath, change, message: str) -> None:
    data = json.loads(WRITERS["recammaster"].text(path))
    change(data)
    with pytest.raises(FormatError, match=message):
        camera_from_text(json.dumps(data), SIZE)


def test_paths_that_a_format_cannot_hold_say_which_it_can(tmp_path: Path) -> None:
    short = path_of(CameraMove("dolly_in", 0.2), frames=16)
    with pytest.raises(ValueError, match=r"4 n \+ 1 frames.*has 16.*to 17"):
        WRITERS["worldplay"].text(short)
    with pytest.raises(ValueError, match="reads 81 frames.*has 16"):
        WRITERS["recammaster"].text(short)
    with pytest.raises(ValueError, match="formats are json.*got 'colmap'"):
        write_camera(tmp_path / "a.json", short, format="colmap")
    with pytest.raises(ValueError, match="motionctrl is written as .json"):
        write_camera(tmp_path / "a.txt", short, format="motionctrl")
    with pytest.raises(ValueError, match="give the canvas size"):
        camera_from_text(WRITERS["motionctrl"].text(short))
    empty = CameraPath(torch.zeros(0, 4, 4).double(), torch.zeros(0, 3, 3).double(), Size(64, 64))
    for writer in WRITERS.values():
        with pytest.raises(FormatError, match="no frames"):
            writer.text(empty)
    assert not list(tmp_path.iterdir())


def test_booleans_are_no_numbers_of_a_pose_or_a_version(path: CameraPath) -> None:
    entries = json.loads(WRITERS["worldplay"].text(path))
    entries["0"]["extrinsic"] = [[row == column for column in range(4)] for row in range(4)]
    with pytest.raises(FormatError, match="booleans are no numbers"):
        camera_from_text(json.dumps(entries), path.size)
    own = json.loads(WRITERS["json"].text(path))
    for version in (True, 1.0, "1"):
        with pytest.raises(FormatError, match=f"camera path version {version!r}"):
            camera_from_text(json.dumps({**own, "version": version}))


@pytest.mark.parametrize("focal", [0.0, -50.0, 1e-300, 1e302])
def test_lenses_that_show_one_place_are_refused(focal: float) -> None:
    K = lens()[None].clone()
    K[0, 0, 0] = focal
    with pytest.raises(ValueError, match="positive focal lengths, 1e-06 to 1e\\+12 pixels"):
        CameraPath(torch.eye(4, dtype=torch.float64)[None], K, SIZE, 16.0)
