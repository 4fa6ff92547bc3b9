"""Object motion under a moving camera, against exact geometry."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.compose import (
    ObjectMotion,
    add_displacements,
    add_nearest,
    compose_3d,
    compose_by_adding,
)
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.reproject import reproject_points
from motion_core.depth.sources import make_depth
from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.scene.render import bodies_at, depth_of, track
from motion_core.scene.scene import make_scene
from motion_core.tracks import Tracks, make_tracks

from .views import lens, moved, orbit, path_of, steps

SIZE, FRAMES, BALL = Size(320, 184), 7, 2
EYE = torch.eye(4, dtype=torch.float64)
GRID = pixel_centres(SIZE)[::4, ::4].reshape(-1, 2)
STILL = path_of([EYE] * FRAMES, SIZE)


def f1(got: torch.Tensor, truth: torch.Tensor) -> float:
    both = float((got & truth).sum())
    return 2 * both / (2 * both + float((got ^ truth).sum()))


@pytest.mark.parametrize("angle", [-30.0, 30.0, 45.0])
def test_a_moving_ball_under_an_orbit_is_exact_where_adding_fails(angle: float) -> None:
    scene = make_scene(1, frames=FRAMES, moving=True)
    path = path_of(steps(orbit, angle, FRAMES), SIZE)
    depth = depth_of(scene, STILL)
    mask = (bodies_at(scene, STILL, pixel_centres(SIZE).reshape(-1, 2)) == BALL).view(184, 320)
    on_ball = bodies_at(scene, STILL, GRID) == BALL
    ball, rest = GRID[on_ball], GRID[~on_ball]
    drawn = track(scene, STILL, ball)
    truth, truth_rest = track(scene, path, ball), track(scene, path, rest)

    got = compose_3d([ObjectMotion(drawn, mask)], GRID, CameraScene(depth, path))
    count = len(ball)
    assert got.num_points == len(GRID)  # points of the background on the ball were left out
    visible = truth.visible
    assert (got.xy[:, :count] - truth.xy)[visible].abs().max() < 1e-2
    assert (got.xy[:, count:] - truth_rest.xy)[truth_rest.visible].abs().max() < 1e-2
    assert f1(got.visible[1:, :count], visible[1:]) > 0.96
    assert f1(got.visible[1:, count:], truth_rest.visible[1:]) > 0.96

    added = compose_by_adding(drawn, CameraScene(depth, path))
    off = (added.xy - truth.xy).norm(dim=-1)[-1]
    assert float(off[visible[-1]].mean()) > 20.0


def test_a_still_object_composes_to_the_camera_alone_both_ways() -> None:
    scene, path = make_scene(0), path_of(steps(orbit, 20.0, FRAMES), SIZE)
    depth = depth_of(scene, STILL)
    points = GRID[::7]
    still = make_tracks(points.expand(FRAMES, -1, 2), SIZE)
    wanted = reproject_points(CameraScene(depth, path), points)
    lifted = compose_3d([ObjectMotion(still)], torch.zeros(0, 2), CameraScene(depth, path))
    added = compose_by_adding(still, CameraScene(depth, path))
    for got in (lifted, added):
        assert torch.allclose(got.xy, wanted.xy, atol=1e-3)
        assert torch.equal(got.visible, wanted.visible)


def test_a_still_camera_gives_the_object_as_drawn() -> None:
    depth = make_depth(torch.full((184, 320), 5.0), K=lens(SIZE))
    drawn = slide([[100.0, 90.0], [120.0, 60.0]], 60.0)
    got = compose_3d([ObjectMotion(drawn)], torch.zeros(0, 2), CameraScene(depth, STILL))
    assert torch.allclose(got.xy, drawn.xy, atol=1e-3)
    assert got.visible.all()


def slide(starts: list[list[float]], right: float, ids: list[int] | None = None) -> Tracks:
    u = torch.linspace(0, 1, FRAMES)[:, None, None]
    xy = torch.tensor(starts) + u * torch.tensor([right, 0.0])
    return make_tracks(xy, SIZE, ids=None if ids is None else torch.tensor(ids))


def test_a_masked_object_hides_what_it_passes_and_uncovers_where_it_was() -> None:
    z = torch.full((184, 320), 8.0)
    mask = torch.zeros(184, 320, dtype=torch.bool)
    mask[60:120, 40:100] = True
    z[mask] = 4.0
    depth = make_depth(z, K=lens(SIZE))
    drawn = slide([[70.0, 90.0]], 120.0)
    background = torch.tensor([[190.0, 90.0], [190.0, 20.0], [70.0, 90.0]])
    got = compose_3d([ObjectMotion(drawn, mask)], background, CameraScene(depth, STILL))
    assert got.num_points == 3  # the third background point lies on the object
    assert got.visible[:, 0].all()
    # The block's edges are 30 pixels from its middle: it covers x = 190 from shift 90 of 120 on.
    assert got.visible[:, 1].tolist() == [True] * 5 + [False] * 2
    assert got.visible[:, 2].all()
    bare = compose_3d([ObjectMotion(drawn)], background, CameraScene(depth, STILL))
    assert bare.visible[:, 1].all()


def test_a_depth_offset_moves_the_object_away_and_can_put_it_behind() -> None:
    z = torch.full((184, 320), 6.0)
    mask = torch.zeros(184, 320, dtype=torch.bool)
    mask[60:120, 40:100] = True
    z[mask] = 4.0
    depth = make_depth(z, K=lens(SIZE))
    drawn = slide([[70.0, 90.0]], 100.0)
    away = torch.linspace(0, 3, FRAMES)
    got = compose_3d(
        [ObjectMotion(drawn, mask, away)], torch.zeros(0, 2), CameraScene(depth, STILL)
    )
    assert torch.allclose(got.xy, drawn.xy, atol=1e-3)  # seen from the picture, as drawn
    # Behind the wall (6) from offset 2 on, except where its own removal left no wall.
    assert got.visible[:, 0].tolist() == [True] * 5 + [False] * 2
    side = path_of([moved(0.5, 0, 0)] * FRAMES, SIZE)
    from_side = compose_3d(
        [ObjectMotion(drawn, None, away)], torch.zeros(0, 2), CameraScene(depth, side)
    )
    shift = drawn.xy[:, 0, 0] - from_side.xy[:, 0, 0]
    assert torch.allclose(shift, 0.5 * float(lens(SIZE)[0, 0]) / (4.0 + away), rtol=1e-4)


def test_objects_keep_their_ids_and_their_own_visibility() -> None:
    depth = make_depth(torch.full((184, 320), 5.0), K=lens(SIZE))
    first, second = slide([[50.0, 50.0]], 10.0, [7]), slide([[90.0, 90.0]], 10.0, [7])
    hidden = Tracks(second.xy, torch.tensor([[False]] * 3 + [[True]] * 4), second.ids, second.size)
    got = compose_3d(
        [ObjectMotion(first), ObjectMotion(hidden)],
        torch.tensor([[10.0, 10.0]]),
        CameraScene(depth, STILL),
    )
    assert got.ids[0] == 7
    assert len(got.ids.unique()) == 3
    assert got.visible[:, 1].tolist() == [False] * 3 + [True] * 4
    # Its depth is read where it is first visible.
    stepped = depth.z.clone()
    stepped[:, :92] = 2.0
    side = path_of([moved(0.2, 0, 0)] * FRAMES, SIZE)
    moved_aside = compose_3d(
        [ObjectMotion(hidden)],
        torch.zeros(0, 2),
        CameraScene(make_depth(stepped, K=lens(SIZE)), side),
    )
    shift = float(hidden.xy[-1, 0, 0] - moved_aside.xy[-1, 0, 0])
    assert shift == pytest.approx(0.2 * float(lens(SIZE)[0, 0]) / 5.0, rel=1e-3)


def test_added_displacements_are_sums() -> None:
    first, second = slide([[50.0, 50.0]], 12.0, [3]), slide([[9.0, 9.0]], -30.0, [8])
    both = add_displacements(first, second)
    assert both.xy[:, 0, 0].tolist() == pytest.approx([50 - 18 * i / 6 for i in range(7)])
    assert both.ids.tolist() == [3]


def test_what_does_not_belong_together_is_refused() -> None:
    depth = make_depth(torch.full((184, 320), 5.0), K=lens(SIZE))
    drawn = slide([[50.0, 50.0]], 10.0)
    none = torch.zeros(0, 2)
    other = make_tracks(torch.zeros(FRAMES, 1, 2), Size(64, 64))
    with pytest.raises(CanvasError, match="64x64"):
        compose_3d([ObjectMotion(other)], none, CameraScene(depth, STILL))
    with pytest.raises(CanvasError, match="64x64"):
        add_displacements(drawn, other)
    with pytest.raises(ShapeError, match="as many frames and tracks"):
        add_displacements(drawn, slide([[1.0, 1.0], [2.0, 2.0]], 1.0))
    with pytest.raises(ShapeError, match="moves for 7 frames but the camera for 2"):
        compose_3d([ObjectMotion(drawn)], none, CameraScene(depth, path_of([EYE] * 2, SIZE)))
    with pytest.raises(ShapeError, match="mask must be bool"):
        compose_3d([ObjectMotion(drawn, torch.ones(184, 320))], none, CameraScene(depth, STILL))
    with pytest.raises(ShapeError, match="7 finite numbers"):
        compose_3d([ObjectMotion(drawn, None, torch.zeros(3))], none, CameraScene(depth, STILL))
    with pytest.raises(ShapeError, match="7 finite numbers"):
        compose_3d(
            [ObjectMotion(drawn, None, torch.full((7,), math.nan))], none, CameraScene(depth, STILL)
        )
    with pytest.raises(ValueError, match="brings the object to the camera"):
        compose_3d(
            [ObjectMotion(drawn, None, torch.full((7,), -5.0))], none, CameraScene(depth, STILL)
        )
    with pytest.raises(ShapeError, match=r"background must be \(N, 2\)"):
        compose_3d([], torch.zeros(3), CameraScene(depth, STILL))


def test_nothing_composes_to_nothing() -> None:
    depth = make_depth(torch.full((184, 320), 5.0), K=lens(SIZE))
    assert compose_3d([], torch.zeros(0, 2), CameraScene(depth, STILL)).num_points == 0


def test_the_nearest_displacement_is_added_inside_the_mask() -> None:
    still = slide([[20.0, 20.0], [100.0, 20.0], [200.0, 100.0]], 0.0)
    moving = slide([[190.0, 100.0], [22.0, 25.0]], 12.0)
    everywhere = add_nearest(still, moving)
    moved_by = (everywhere.xy - still.xy)[-1]
    assert moved_by.tolist() == (moving.xy[-1] - moving.xy[0])[[1, 1, 0]].tolist()
    mask = torch.zeros(184, 320, dtype=torch.bool)
    mask[:, :150] = True
    part = add_nearest(still, moving, mask)
    assert torch.equal(part.xy[:, :2], everywhere.xy[:, :2])
    assert torch.equal(part.xy[:, 2], still.xy[:, 2])
    assert torch.equal(part.ids, still.ids)
    hidden = make_tracks(moving.xy, SIZE, visible=torch.zeros(FRAMES, 2, dtype=torch.bool))
    unmoved = add_nearest(still, hidden, mask)
    assert torch.equal(unmoved.xy, still.xy) and torch.equal(unmoved.visible, still.visible)
    nobody = make_tracks(torch.zeros(FRAMES, 0, 2), SIZE)
    assert torch.equal(add_nearest(still, nobody).xy, still.xy)
    assert add_nearest(nobody, moving).num_points == 0


def test_placeholders_of_invisible_points_are_not_read() -> None:
    still = slide([[20.0, 20.0]], 0.0)
    moving = slide([[20.0, 20.0], [150.0, 90.0]], 12.0)
    xy, visible = moving.xy.clone(), torch.ones(FRAMES, 2, dtype=torch.bool)
    # The nearest track is never visible; the other appears in frame 2.
    visible[:, 0] = False
    visible[:2, 1] = False
    xy[~visible] = 0.0
    moved = add_nearest(still, make_tracks(xy, SIZE, visible=visible))
    wanted = still.xy[2:, 0] + moving.xy[2:, 1] - moving.xy[2, 1]
    torch.testing.assert_close(moved.xy[2:, 0], wanted)
    assert moved.visible[:, 0].tolist() == visible[:, 1].tolist()


def test_displacements_of_another_clip_are_refused() -> None:
    still = slide([[20.0, 20.0]], 0.0)
    with pytest.raises(CanvasError, match="64x64"):
        add_nearest(still, make_tracks(torch.zeros(FRAMES, 1, 2), Size(64, 64)))
    with pytest.raises(ShapeError, match="as many frames"):
        add_nearest(still, make_tracks(torch.zeros(2, 1, 2), SIZE))
    with pytest.raises(ShapeError, match="mask must be bool"):
        add_nearest(still, still, torch.ones(3, 3, dtype=torch.bool))


@pytest.mark.parametrize(
    ("track_fps", "camera_fps", "wanted", "is_logged"),
    [
        (24.0, None, 24.0, False),
        (None, 24.0, 24.0, False),
        (23.976, 24000 / 1001, 24000 / 1001, False),
        (60000 / 1001, 59.94, 60000 / 1001, False),
        (24.0, 24000 / 1001, 24000 / 1001, True),
        (30.0, 16.0, 16.0, True),
    ],
)
def test_a_composed_clip_has_the_rate_of_both_or_a_log_line(
    caplog: pytest.LogCaptureFixture,
    track_fps: float | None,
    camera_fps: float | None,
    wanted: float,
    is_logged: bool,
) -> None:
    motion = ObjectMotion(replace(slide([[50.0, 40.0]], 1.0), fps=track_fps))
    scene = CameraScene(make_depth(torch.full((184, 320), 4.0)), replace(STILL, fps=camera_fps))
    assert compose_3d([motion], GRID[:5], scene).fps == wanted
    assert ("at another rate" in caplog.text) is is_logged
