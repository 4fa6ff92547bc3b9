"""The render of objects that move under a moving camera, against exact geometry."""

from __future__ import annotations

import pytest
import torch

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.compose import ObjectMotion
from motion_core.camera.compose_render import render_composed
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.render import render_warped
from motion_core.depth.sources import make_depth
from motion_core.errors import CanvasError
from motion_core.geometry import Size
from motion_core.scene.render import bodies_at, depth_of, render_scene, track
from motion_core.scene.scene import make_scene
from motion_core.tracks import Tracks, make_tracks

from .views import lens, orbit, path_of, steps

SIZE, FRAMES, BALL = Size(160, 96), 5, 2
EYE = torch.eye(4, dtype=torch.float64)
STILL = path_of([EYE] * FRAMES, SIZE)


def block(z_block: float = 4.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth with a block before a wall, and the block's mask."""
    z = torch.full((96, 160), 8.0)
    mask = torch.zeros(96, 160, dtype=torch.bool)
    mask[30:60, 20:50] = True
    z[mask] = z_block
    return z, mask


def slide(right: float) -> Tracks:
    u = torch.linspace(0, 1, FRAMES)[:, None, None]
    starts = torch.tensor([[25.0, 35.0], [45.0, 55.0], [35.0, 45.0]])
    return make_tracks(starts + u * torch.tensor([right, 0.0]), SIZE)


def noise(seed: int = 0) -> torch.Tensor:
    return torch.rand(96, 160, 3, generator=torch.Generator().manual_seed(seed))


def test_a_block_slides_over_the_wall_pixel_by_pixel() -> None:
    (z, mask), image = block(), noise()
    scene = CameraScene(make_depth(z, K=lens(SIZE)), STILL)
    render = render_composed(image, [ObjectMotion(slide(40.0), mask)], scene)
    for frame in range(FRAMES):
        shift = 10 * frame
        wanted, known = image.clone(), torch.ones(96, 160, dtype=torch.bool)
        known[30:60, 20:50] = False
        wanted[30:60, 20 + shift : 50 + shift] = image[30:60, 20:50]
        known[30:60, 20 + shift : 50 + shift] = True
        assert torch.equal(~render.holes[frame], known), "what it uncovers is a hole"
        assert torch.allclose(render.video[frame][known], wanted[known], atol=1e-4)
        depth = render.depth[frame]
        assert torch.allclose(depth[30:60, 20 + shift : 50 + shift], torch.tensor(4.0))
    assert bool(render.holes[2, 40, 30]) and not bool(render.holes[2, 40, 60])


def test_a_block_pushed_back_is_smaller_and_behind_the_wall() -> None:
    (z, mask), image = block(), noise()
    scene = CameraScene(make_depth(z, K=lens(SIZE)), STILL)
    away = torch.linspace(0, 6, FRAMES)
    still = ObjectMotion(slide(0.0), mask, away)
    render = render_composed(image, [still], scene)
    # At 4 + 3 of 8 units it is before the wall; at 10 behind it, seen through its own hole.
    assert float(render.depth[2][40:50, 40:44].amin()) == pytest.approx(7.0)
    assert float(render.depth[4][~mask].amax()) == pytest.approx(8.0)
    assert not torch.equal(render.video[2], render.video[0])


def test_an_object_that_rests_is_the_plain_render_without_what_it_hid() -> None:
    (z, mask), image = block(), noise()
    path = path_of(steps(orbit, 12.0, FRAMES), SIZE)
    scene = CameraScene(make_depth(z, K=lens(SIZE)), path)
    render = render_composed(image, [ObjectMotion(slide(0.0), mask)], scene)
    plain = render_warped(image, scene, with_depth=True)
    both = ~render.holes & ~plain.holes
    assert float((both == ~plain.holes).float().mean()) > 0.99
    difference = (render.video - plain.video).abs().amax(-1)[both]
    assert float((difference < 0.02).float().mean()) > 0.97, "edges of the block aside"
    bare = render_composed(image, [ObjectMotion(slide(30.0))], scene)
    assert torch.equal(bare.video, plain.video), "an object without a mask moves tracks alone"


@pytest.mark.parametrize("angle", [-15.0, 15.0])
def test_a_moving_ball_under_an_orbit_looks_as_ray_cast(angle: float) -> None:
    scene = make_scene(1, frames=FRAMES, moving=True)
    path = path_of(steps(orbit, angle, FRAMES), SIZE)
    image = render_scene(scene, STILL).video[0]
    pixels = pixel_centres(SIZE).reshape(-1, 2)
    mask = (bodies_at(scene, STILL, pixels) == BALL).view(96, 160)
    drawn = track(scene, STILL, pixels.view(96, 160, 2)[mask][::5])
    truth = render_scene(scene, path)
    render = render_composed(
        image, [ObjectMotion(drawn, mask)], CameraScene(depth_of(scene, STILL), path)
    )
    for frame in range(1, FRAMES):
        ball = truth.masks(BALL)[frame]
        shown = ball & ~render.holes[frame]
        assert float(shown.sum()) > 0.75 * float(ball.sum()), "the far side was never seen"
        depth = (render.depth[frame] - truth.depth[frame]).abs()[shown]
        assert float(depth.median()) < 0.02
        color = (render.video[frame] - truth.video[frame]).abs().mean(-1)
        moved = float(color[shown].mean())  # texels of the ball are two pixels wide
        assert moved < 0.08
        unmoved = (render_warped(image, CameraScene(depth_of(scene, STILL), path)).video)[frame]
        rest = (unmoved - truth.video[frame]).abs().mean(-1)[shown]
        assert moved < 0.5 * float(rest.mean()), "without its motion the ball is elsewhere"


def test_what_does_not_fit_is_refused_and_the_work_can_be_stopped() -> None:
    (z, mask), image = block(), noise()
    scene = CameraScene(make_depth(z, K=lens(SIZE)), STILL)
    with pytest.raises(CanvasError, match="image is 80x96"):
        render_composed(image[:, :80], [ObjectMotion(slide(1.0), mask)], scene)
    with pytest.raises(ValueError, match="brings the object to the camera"):
        near = ObjectMotion(slide(1.0), mask, torch.full((FRAMES,), -5.0))
        render_composed(image, [near], scene)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_composed(image, [ObjectMotion(slide(1.0), mask)], scene, progress=stop)
    everything = torch.ones_like(mask)
    whole = render_composed(image, [ObjectMotion(slide(0.0), everything)], scene)
    assert torch.allclose(whole.video[0], image, atol=1e-4) and not whole.holes[0].any()
