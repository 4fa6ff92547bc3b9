from __future__ import annotations

from pathlib import Path

import numpy as np

from motion_core.camera.files import read_camera
from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.video import read_video

from .conftest import Command

SMALL = ("--size", "48x32", "--frames", 3)


def test_the_folder_holds_picture_depth_bodies_and_poses(
    folder: Path, motion_core: Command
) -> None:
    result = motion_core("scene", "-o", "scene", *SMALL, "--move", "truck_right 0.2", "--fps", 8)
    assert result.code == 0 and result.err.startswith("wrote scene: 3 frames, 48x32, 8 fps")
    video, fps = read_video("scene/video.mp4")
    assert video.shape == (3, 32, 48, 3) and fps == 8
    depth, bodies = (np.load(f"scene/{name}.npy") for name in ("depth", "bodies"))
    assert depth.shape == bodies.shape == (3, 32, 48)
    path, tracks = read_camera("scene/camera.json"), read_tracks("scene/tracks.npz")
    assert path.num_frames == tracks.num_frames == 3 and tracks.size == Size(48, 32)
    # A truck to the right of 0.2 pivot distances takes every point to the left by f * 1.2 / z.
    shift = tracks.xy[-1, :, 0] - tracks.xy[0, :, 0]
    column, row = tracks.xy[0].floor().long().unbind(dim=1)
    wanted = -float(path.K[0, 0, 0]) * 1.2 / depth[0, row, column]
    assert abs(np.median(shift.numpy() - wanted)) < 0.05


def test_one_ball_travels_where_asked(folder: Path, motion_core: Command) -> None:
    for name, words in (("still", ()), ("moving", ("--moving",))):
        still = ("--move", "truck_right 0")
        assert motion_core("scene", "-o", name, *SMALL, *still, *words).code == 0
    still, moving = (np.load(f"{name}/bodies.npy") for name in ("still", "moving"))
    assert np.array_equal(still[0], still[-1]) and np.array_equal(still[0], moving[0])
    assert not np.array_equal(moving[0], moving[-1])


def test_mistakes_are_one_line_and_leave_nothing(folder: Path, motion_core: Command) -> None:
    (folder / "taken").mkdir()
    result = motion_core("scene", "-o", "taken", *SMALL)
    assert result.code == 2 and "exists" in result.err and len(result.err.splitlines()) == 1
    result = motion_core("scene", "-o", "new", *SMALL, "--move", "fly_away 3")
    assert result.code == 2 and "fly_away" in result.err and len(result.err.splitlines()) == 1
    assert not (folder / "new").exists()
