"""Layered scenes: exact motion, exact visibility, disjoint seeds."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.layered_scenes.other_scenes import FIRST_SEED, make_other_scene
from motion_core.layered_scenes.paths import translations
from motion_core.layered_scenes.rendering import render_frames
from motion_core.layered_scenes.scene import COVERED, SIDE, Layer, Scene, grid_points, sample
from motion_core.layered_scenes.scenes import Split, make_scene
from motion_core.layered_scenes.track_sampling import sample_tracks
from motion_core.training.lite.regimes import Regime, draw_points

GENERATORS = [lambda seed: make_scene(seed, 6), lambda seed: make_other_scene(seed, 6)]


@pytest.mark.parametrize("make", GENERATORS)
def test_a_seed_determines_the_scene(make) -> None:
    first, second, other = make(3), make(3), make(4)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.field()[0], second.field()[0])
    assert not np.array_equal(first.image, other.image)


def test_splits_and_generators_share_no_seed() -> None:
    last = (1 << 40) - 1
    edges = [(split.seed(0), split.seed(last)) for split in Split]
    for (_, before), (after, _) in zip(edges, edges[1:], strict=False):
        assert before < after
    assert edges[-1][1] < FIRST_SEED
    with pytest.raises(ValueError, match="scene index"):
        Split.TRAIN.seed(last + 1)


@pytest.mark.parametrize("make", GENERATORS)
def test_motion_starts_at_rest_and_every_cell_is_visible(make) -> None:
    shift, visible, _ = make(5).field(16)
    np.testing.assert_allclose(shift[0], 0, atol=1e-4)
    assert visible[0].all()


@pytest.mark.parametrize("make", GENERATORS)
def test_backward_inverts_forward(make) -> None:
    points = grid_points(8)
    for seed in range(3):
        for layer in make(seed).layers:
            back = layer.backward(layer.forward(points))
            inside = ((points > 8) & (points < SIDE - 8)).all(axis=-1)
            np.testing.assert_allclose(back[:, inside], points[inside][None].repeat(6, 0), atol=0.3)


def test_visibility_agrees_with_the_painters_algorithm() -> None:
    """The oracle paints whole frames layer by layer."""
    scene = make_scene(11, 5)
    points = grid_points(12)
    xy, visible, top_layer = scene.follow(points)
    pixels = np.broadcast_to(grid_points(SIDE), (5, SIDE * SIDE, 2))
    top = np.zeros((5, SIDE * SIDE), int)
    for number, layer in enumerate(scene.layers[1:], start=1):
        top[sample(layer.alpha, layer.backward(pixels)) > COVERED] = number
    agree = total = 0
    for frame in range(5):
        for point, (x, y) in enumerate(xy[frame]):
            if not (0 <= x < SIDE and 0 <= y < SIDE):
                assert frame == 0 or not visible[frame, point]
                continue
            painted = top[frame, int(y) * SIDE + int(x)]
            agree += visible[frame, point] == (painted <= top_layer[point])
            total += 1
    # A pixel's middle and a point inside it may lie on two sides of an edge.
    assert agree / total > 0.99


def test_the_video_agrees_with_the_tracks() -> None:
    """A marked square is rendered where its tracks are."""
    texture = np.zeros((SIDE, SIDE, 3), np.float32)
    mark = np.full_like(texture, 0.9)
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[100:120, 40:60] = 1
    pose = translations(np.array([[0, 0], [31.0, -22.0]]))
    still = translations(np.zeros((2, 2)))
    layers = (Layer(still, None, 0, texture), Layer(pose, alpha, 1, mark))
    scene = Scene((alpha[..., None] * mark * 255).astype(np.uint8), layers, 0)
    video = render_frames(scene)
    rows, columns = np.nonzero(video[1][..., 0] > 100)
    xy, visible, _ = scene.follow(np.array([[50.0, 110.0], [75.0, 90.0]]))
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], xy[1, 0], atol=0.1)
    assert visible[1].tolist() == [True, False]
    with pytest.raises(ValueError, match="keep_textures"):
        render_frames(make_scene(0, 2))


@pytest.mark.parametrize("regime", ["mixed", "dense", "sparse", "dense+sparse"])
def test_start_points_follow_their_regime(regime: str) -> None:
    scene = make_scene(2, 4)
    layers = scene.field()[2]
    limits = {"mixed": (0, 300), "dense": (250, 500), "sparse": (1, 8), "dense+sparse": (1, 512)}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        points = draw_points(rng, scene, layers, Regime(regime))
        low, high = limits[regime]
        assert low <= len(points) <= high
        tracks = sample_tracks(rng, scene, points)
        assert tracks.visible[0].all()
        np.testing.assert_allclose(tracks.xy[0].numpy(), points, atol=1e-3)
