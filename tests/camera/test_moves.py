"""Named moves: where each takes the camera, in words a film crew would use."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.camera.moves import PRESETS, CameraMove, make_path
from motion_core.camera.pinhole import project, to_camera
from motion_core.camera.pose import inverse
from motion_core.camera.setup import CameraSetup

from .views import SIZE, camera_centres, lens

PIVOT = torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64)
SETUP = CameraSetup(SIZE, lens(), PIVOT, 9, 16.0)


def end_of(name: str, amount: float | None = None) -> tuple[list[float], list[float], float]:
    """Where the camera ends up, which way it looks, and its focal length's ratio."""
    path = make_path([CameraMove(name, amount)], SETUP)
    back = inverse(path.T_cam_world[-1])
    return back[:3, 3].tolist(), back[:3, 2].tolist(), float(path.K[-1, 0, 0] / path.K[0, 0, 0])


@pytest.mark.parametrize("name", PRESETS)
def test_every_move_starts_at_the_picture_and_goes_smoothly(name: str) -> None:
    setup = CameraSetup(SIZE, lens(), PIVOT, 81, 16.0)
    path = make_path([CameraMove(name)], setup)
    assert path.num_frames == 81
    assert path.fps == 16.0
    assert torch.allclose(path.T_cam_world[0], torch.eye(4, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(path.K[0], lens())
    step = (path.T_cam_world[1:] - path.T_cam_world[:-1]).abs().amax(dim=(1, 2))
    assert float(step.max()) < 0.12
    assert not torch.allclose(path.T_cam_world[40], path.T_cam_world[0], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        ("orbit_left", 0, -1),
        ("orbit_right", 0, 1),
        ("orbit_up", 1, -1),
        ("orbit_down", 1, 1),
    ],
)
def test_orbits_keep_their_distance_and_look_at_the_pivot(name: str, axis: int, sign: int) -> None:
    eye, looking, _ = end_of(name, 30.0)
    wanted = [0.0, 0.0, 5.0 - 5.0 * math.cos(math.radians(30))]
    wanted[axis] = sign * 5.0 * math.sin(math.radians(30))
    assert eye == pytest.approx(wanted)
    toward = [(p - e) / 5.0 for p, e in zip(PIVOT.tolist(), eye, strict=True)]
    assert looking == pytest.approx(toward)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("dolly_in", (0, 0, 1)),
        ("dolly_out", (0, 0, -1)),
        ("truck_left", (-1, 0, 0)),
        ("truck_right", (1, 0, 0)),
        ("pedestal_up", (0, -1, 0)),
        ("pedestal_down", (0, 1, 0)),
    ],
)
def test_travels_do_not_turn_the_camera(name: str, direction: tuple[int, int, int]) -> None:
    eye, looking, _ = end_of(name, 0.4)
    assert eye == pytest.approx([0.4 * 5.0 * along for along in direction])
    assert looking == pytest.approx([0, 0, 1])


def test_a_distance_may_be_in_scene_units() -> None:
    path = make_path([CameraMove("dolly_in", 0.4, unit="scene")], SETUP)
    assert camera_centres(path.T_cam_world)[-1].tolist() == pytest.approx([0, 0, 0.4])


@pytest.mark.parametrize(
    ("name", "looking"),
    [
        ("pan_left", (-0.5, 0, math.sqrt(0.75))),
        ("pan_right", (0.5, 0, math.sqrt(0.75))),
        ("tilt_up", (0, -0.5, math.sqrt(0.75))),
        ("tilt_down", (0, 0.5, math.sqrt(0.75))),
    ],
)
def test_pans_and_tilts_turn_on_the_spot(name: str, looking: tuple[float, ...]) -> None:
    eye, axis, _ = end_of(name, 30.0)
    assert eye == pytest.approx([0, 0, 0], abs=1e-12)
    assert axis == pytest.approx(looking)


@pytest.mark.parametrize(("name", "side"), [("roll_left", -1), ("roll_right", 1)])
def test_rolling_the_camera_leans_its_top(name: str, side: int) -> None:
    path = make_path([CameraMove(name, 90.0)], SETUP)
    top = inverse(path.T_cam_world[-1])[:3, :3] @ torch.tensor([0, -1, 0], dtype=torch.float64)
    assert top.tolist() == pytest.approx([side, 0, 0], abs=1e-12)


@pytest.mark.parametrize(("name", "side"), [("arc_left", -1), ("arc_right", 1)])
def test_arcs_go_round_and_come_closer(name: str, side: int) -> None:
    eye, looking, _ = end_of(name)
    away = [p - e for p, e in zip(PIVOT.tolist(), eye, strict=True)]
    distance = math.hypot(*away)
    assert eye[0] * side > 0
    assert 3.0 < distance < 4.5
    assert looking == pytest.approx([a / distance for a in away])


@pytest.mark.parametrize(("name", "side"), [("crane_up", -1), ("crane_down", 1)])
def test_cranes_keep_the_pivot_in_the_middle(name: str, side: int) -> None:
    path = make_path([CameraMove(name)], SETUP)
    xy, z = project(to_camera(PIVOT[None], path.T_cam_world), path.K)
    middle = torch.tensor([SIZE.width / 2, SIZE.height / 2], dtype=torch.float64)
    assert torch.allclose(xy[:, 0], middle.expand(9, 2))
    centres = camera_centres(path.T_cam_world)
    assert float(centres[-1, 1]) * side > 0.5
    assert torch.allclose(centres[:, [0, 2]], torch.zeros(9, 2, dtype=torch.float64), atol=1e-12)


def test_a_spiral_circles_once_and_returns_looking_at_the_pivot() -> None:
    setup = CameraSetup(SIZE, lens(), torch.tensor([0.4, -0.3, 5.0], dtype=torch.float64), 41, None)
    path = make_path([CameraMove("spiral")], setup)
    assert torch.allclose(path.T_cam_world[-1], path.T_cam_world[0], atol=1e-9)
    xy, _ = project(to_camera(setup.pivot[None], path.T_cam_world), path.K)
    assert float((xy - xy[0]).abs().max()) < 0.5
    centres = camera_centres(path.T_cam_world)
    assert float(centres[:, 0].max()) > 0.3 and float(centres[:, 0].min()) < -0.3


@pytest.mark.parametrize("name", ["dolly_zoom_in", "dolly_zoom_out"])
def test_a_dolly_zoom_keeps_the_size_of_the_pivots_plane(name: str) -> None:
    path = make_path([CameraMove(name)], SETUP)
    ruler = PIVOT + torch.tensor([[-1.0, 0, 0], [1.0, 0, 0]], dtype=torch.float64)
    xy, _ = project(to_camera(ruler, path.T_cam_world), path.K)
    width = xy[:, 1, 0] - xy[:, 0, 0]
    assert torch.allclose(width, width[0].expand(9))
    assert float(path.K[-1, 0, 0] / path.K[0, 0, 0]) == pytest.approx(
        0.65 if name.endswith("in") else 1.6
    )


def test_a_dolly_zoom_cannot_reach_the_pivot() -> None:
    with pytest.raises(ValueError, match="passes the pivot"):
        make_path([CameraMove("dolly_zoom_in", 1.0)], SETUP)


def test_handheld_sways_by_its_seed_and_its_clips_rate() -> None:
    def sway(seed: int, fps: float | None = 16.0, frames: int = 49) -> torch.Tensor:
        setup = CameraSetup(SIZE, lens(), PIVOT, frames, fps)
        return make_path([CameraMove("handheld", seed=seed)], setup).T_cam_world

    assert torch.equal(sway(1), sway(1))
    assert not torch.allclose(sway(1), sway(2), atol=1e-4)
    turns = torch.arccos(((sway(1)[:, 0, 0] + sway(1)[:, 1, 1] + sway(1)[:, 2, 2]) - 1) / 2)
    assert 0.2 < math.degrees(float(turns.max())) < 5.0
    # Twice the clip at one rate sways the same in its first half.
    assert torch.allclose(sway(3, frames=97)[:48], sway(3)[:48], atol=1e-2)


def test_chained_moves_go_on_where_the_last_one_ended() -> None:
    setup = CameraSetup(SIZE, lens(), PIVOT, 21, None)
    path = make_path(
        [CameraMove("orbit_right", 40.0), CameraMove("dolly_in", 0.5, share=3.0)], setup
    )
    turned = make_path([CameraMove("orbit_right", 40.0)], setup).T_cam_world[-1]
    assert torch.allclose(path.T_cam_world[5], turned)
    pushed = (PIVOT @ turned[:3, :3].T + turned[:3, 3]) - torch.tensor([0, 0, 2.5]).double()
    assert torch.allclose(to_camera(PIVOT[None], path.T_cam_world[-1])[0], pushed)


def test_there_and_back_again_is_where_it_began() -> None:
    there = [CameraMove("orbit_left", 25.0), CameraMove("orbit_right", 25.0)]
    path = make_path(there, CameraSetup(SIZE, lens(), PIVOT, 11, None))
    assert torch.allclose(path.T_cam_world[-1], path.T_cam_world[0], atol=1e-12)


def test_easing_sets_the_pace() -> None:
    path = make_path([CameraMove("dolly_in", 1.0, easing="linear", unit="scene")], SETUP)
    assert camera_centres(path.T_cam_world)[:, 2].tolist() == pytest.approx(
        [i / 8 for i in range(9)]
    )
    eased = make_path([CameraMove("dolly_in", 1.0, unit="scene")], SETUP)
    assert float(camera_centres(eased.T_cam_world)[1, 2]) < 0.1


def test_no_moves_and_one_frame_stand_still() -> None:
    still = make_path([], SETUP)
    assert torch.equal(still.T_cam_world, torch.eye(4, dtype=torch.float64).expand(9, 4, 4))
    one = make_path([CameraMove("orbit_left")], CameraSetup(SIZE, lens(), PIVOT, 1, None))
    assert torch.allclose(one.T_cam_world[0], torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CameraMove("orbit"), "unknown camera move 'orbit'; there are orbit_left"),
        (lambda: CameraMove("dolly_in", math.nan), "amount must be finite"),
        (lambda: CameraMove("dolly_in", unit="metres"), "unit must be"),  # type: ignore[arg-type]
        (lambda: CameraMove("dolly_in", share=0.0), "share must be above 0"),
        (lambda: CameraSetup(SIZE, lens(), PIVOT, 0), "at least one frame"),
        (lambda: CameraSetup(SIZE, lens(), -PIVOT, 3), "in front of the camera"),
        (lambda: CameraSetup(SIZE, lens(), PIVOT[:2], 3), r"pivot \(3,\)"),
    ],
)
def test_bad_moves_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_frames_must_be_whole() -> None:
    with pytest.raises(TypeError, match="whole number"):
        CameraSetup(SIZE, lens(), PIVOT, 2.5)  # type: ignore[arg-type]
