"""How a motion is cut into layers, and a picture along its own borders."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial
import torch

from motion_core.draft.geodesic import geodesic_distance
from motion_core.draft.matting import alpha_map, make_guide_image
from motion_core.fields.fill import extend, fill_behind
from motion_core.geometry import Size
from motion_core.layers.motion_segments import segment_motion
from motion_core.layers.neighbours import components, find_neighbours
from motion_core.layers.track_motion import MOST_POINTS, motion_of
from motion_core.tracks import make_tracks

from .scenes import PINNED_DRAG, SCENES, Disc, Move, Scene, lattice, pixel_centres

SIZE = Size(256, 256)


def test_a_motion_is_displacement_from_the_first_visible_position() -> None:
    xy = torch.tensor(
        [[[9.0, 9], [1, 1], [5, 5]], [[2, 3], [2, 2], [5, 6]], [[4, 3], [0, 0], [5, 7]]]
    )
    visible = torch.tensor([[False, False, True], [True, False, True], [True, False, False]])
    motion = motion_of(make_tracks(xy, SIZE, visible=visible))
    assert motion.source.tolist() == [[2, 3], [5, 5]] and motion.late.tolist() == [True, False]
    assert motion.shift[:, 0].tolist() == [[0, 0], [0, 0], [2, 0]]
    assert motion.shift[:, 1].tolist() == [[0, 0], [0, 1], [0, 0]]


def test_of_very_many_points_an_even_choice_is_kept() -> None:
    random = np.random.default_rng(0)
    crowd = random.uniform(0, 40, (50_000, 2))
    few = random.uniform(60, 250, (500, 2))
    xy = torch.from_numpy(np.concatenate([crowd, few]))[None]
    motion = motion_of(make_tracks(xy, SIZE))
    assert len(motion.source) == MOST_POINTS
    assert (motion.source[:, 0] > 60).sum() > 450


def test_neighbours_are_those_of_delaunay() -> None:
    points = np.random.default_rng(1).uniform(20, 236, (60, 2)).astype(np.float32)
    found = {tuple(pair) for pair in find_neighbours(points, SIZE, 20).edges.tolist()}
    wanted = set()
    for triangle in scipy.spatial.Delaunay(points).simplices.tolist():
        corners = sorted(triangle)
        wanted |= {(corners[0], corners[1]), (corners[0], corners[2]), (corners[1], corners[2])}
    # A raster misses cells that touch in a point only, and outermost pairs that meet far outside.
    assert len(found & wanted) > 0.85 * len(wanted)
    assert len(found - wanted) < 0.1 * len(found)


def test_a_point_covers_what_is_nearest_and_near() -> None:
    points = np.array([[64, 128], [192, 128], [192, 128]], np.float32)
    area = find_neighbours(points, SIZE, 1000).area
    assert area.tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.01)
    assert find_neighbours(points, SIZE, 1).rim.tolist() == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.01
    )
    near = find_neighbours(points, SIZE, 32).area
    assert near.sum() == pytest.approx(2 * np.pi * 32**2 / 256**2, rel=0.05)


def test_components_are_those_of_the_graph() -> None:
    random = np.random.default_rng(2)
    edges = np.sort(random.integers(0, 80, (50, 2)), axis=1)
    graph = scipy.sparse.coo_matrix((np.ones(50), edges.T), (80, 80))
    count, wanted = scipy.sparse.csgraph.connected_components(graph, directed=False)
    got = components(80, edges)
    assert len(np.unique(got)) == count
    assert len(np.unique(np.stack([got, wanted], axis=1), axis=0)) == count


@pytest.mark.parametrize(
    ("name", "layers", "moving"),
    [
        ("drag", 1, False),
        ("turn", 1, False),
        ("grow", 1, False),
        ("two", 2, False),
        ("large", 1, False),
        ("still thing", 1, True),
        ("camera", 0, True),
        ("camera and drag", 1, True),
    ],
)
def test_scenes_are_segmented_into_their_things(name: str, layers: int, moving: bool) -> None:
    scene = SCENES[name]
    motion = motion_of(scene.tracks())
    found = segment_motion(motion)
    assert len(found.over) == layers and found.background_moves == moving
    things = [np.hypot(*(motion.source - disc.centre).T) < disc.radius + 3 for disc in scene.discs]
    for layer in found.over:
        best = max(things, key=lambda thing: thing[layer.members].sum())
        assert best[layer.members].all() and len(layer.members) > 0.97 * best.sum()
        assert (layer.alpha == 1).all()


def test_a_soft_drag_is_one_layer_of_many_alphas() -> None:
    points = lattice(SIZE, 10)
    pull = np.exp(-0.5 * (np.hypot(*(points - 128).T) / 30) ** 2)
    pull[pull < 0.02] = 0
    path = points[None] + np.linspace(0, 1, 9)[:, None, None] * pull[None, :, None] * [50, 10]
    motion = motion_of(make_tracks(torch.from_numpy(path), SIZE))
    found = segment_motion(motion)
    assert len(found.over) == 1 and not found.background_moves
    layer = found.over[0]
    scale = layer.alpha.max() / pull[layer.members].max()
    inner = pull[layer.members] < 0.8
    assert np.abs(layer.alpha - np.minimum(pull[layer.members] * scale, 1))[inner].max() < 0.2


def test_the_still_centre_of_a_turning_thing_belongs_to_it() -> None:
    scene = Scene(SIZE, (Disc((124, 124), 40, Move(turn_deg=50)),))
    motion = motion_of(scene.tracks())
    (centre,) = np.flatnonzero((motion.source == [124, 124]).all(axis=1))
    assert (motion.shift[:, centre] == 0).all()
    found = segment_motion(motion)
    assert centre in found.over[0].members and centre not in found.background


def test_geodesic_distance_is_that_of_dijkstra() -> None:
    random = np.random.default_rng(3)
    height, width = 24, 30
    relief = (random.random((height, width)) > 0.6).astype(np.float32)
    seeds = np.zeros((1, height, width), bool)
    seeds[0, 5, 4] = True
    wanted = dijkstra(relief, 3.0, 5 * width + 4)
    got = geodesic_distance(seeds, relief, 3.0)[0]
    assert (got >= wanted - 1e-3).all()
    assert (got <= wanted + 1e-3).mean() > 0.9 and (got / np.maximum(wanted, 1)).max() < 1.5
    plain = geodesic_distance(seeds, 0 * relief, 3.0)[0]
    assert np.abs(plain - dijkstra(0 * relief, 3.0, 5 * width + 4)).max() < 1e-3


def dijkstra(relief: np.ndarray, climb: float, start: int) -> np.ndarray:
    height, width = relief.shape
    index = np.arange(height * width).reshape(height, width)
    rows, columns, costs = [], [], []
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                if y + dy < height and 0 <= x + dx < width:
                    rows.append(index[y, x])
                    columns.append(index[y + dy, x + dx])
                    step = abs(float(relief[y + dy, x + dx] - relief[y, x]))
                    costs.append(np.hypot(dx, dy) + climb * step)
    graph = scipy.sparse.coo_matrix((costs, (rows, columns)), (height * width,) * 2).tocsr()
    found = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=start)
    return found.reshape(height, width)


def test_a_thing_is_cut_out_along_its_border() -> None:
    scene = PINNED_DRAG
    motion = motion_of(scene.tracks())
    layers = segment_motion(motion)
    alpha = alpha_map(make_guide_image(scene.picture().numpy()), motion, layers, layers.over[0])
    disc = np.hypot(*np.moveaxis(pixel_centres(SIZE) - [100, 128], -1, 0)) <= 44
    both = ((alpha > 0.5) & disc).sum() / ((alpha > 0.5) | disc).sum()
    assert both > 0.97
    away = np.hypot(*np.moveaxis(pixel_centres(SIZE) - [100, 128], -1, 0)) > 60
    assert alpha[away].max() == 0


def test_without_a_border_alpha_falls_evenly_over_the_gap() -> None:
    scene = Scene(SIZE, (Disc((128, 128), 40, Move((30, 0))),))
    motion = motion_of(scene.tracks(inside=6, outside=12, gap=16))
    layers = segment_motion(motion)
    flat = np.full((256, 256, 3), 0.5, np.float32)
    alpha = alpha_map(make_guide_image(flat), motion, layers, layers.over[0])
    ray = alpha[128, 128:]
    assert ray[:24].min() > 0.98 and ray[70:].max() == 0
    assert np.diff(ray).max() < 0.02 and -np.diff(ray).min() < 0.15


def test_alpha_interpolates_points_that_are_close_to_each_other() -> None:
    scene = Scene(SIZE, (Disc((128, 128), 40, Move((30, 0))),))
    motion = motion_of(scene.tracks(inside=6, outside=10, gap=4))
    layers = segment_motion(motion)
    noise = np.random.default_rng(6).random((256, 256, 3)).astype(np.float32)
    alpha = alpha_map(make_guide_image(noise), motion, layers, layers.over[0])
    x, y = np.floor(motion.source).astype(int).T
    wanted = np.zeros(len(x))
    wanted[layers.over[0].members] = 1
    off = np.abs(alpha[y, x] - wanted)
    assert off.max() < 0.12 and off.mean() < 0.005


def test_filling_keeps_what_is_known_and_stays_between_it() -> None:
    random = np.random.default_rng(4)
    picture = random.random((50, 70, 3)).astype(np.float32)
    taken = np.zeros((50, 70), bool)
    taken[10:40, 20:50] = True
    filled = fill_behind(picture, taken)
    assert np.array_equal(filled[~taken], picture[~taken])
    assert filled.min() >= 0 and filled.max() <= 1
    plain = np.full_like(picture, 0.3)
    assert np.abs(fill_behind(np.where(taken[..., None], 1, plain), taken) - 0.3).max() < 1e-5
    for nothing in (np.zeros_like(taken), np.ones_like(taken)):
        assert np.array_equal(fill_behind(picture, nothing), picture)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (40, 50, 3)])
def test_extending_keeps_the_picture_and_goes_on_from_it(shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(5).random(shape).astype(np.float32)
    wide = extend(picture, 12)
    assert wide.shape == (shape[0] + 24, shape[1] + 24, 3) and np.isfinite(wide).all()
    assert np.array_equal(wide[12:-12, 12:-12], picture)
    assert wide.min() >= picture.min() - 1e-5 and wide.max() <= picture.max() + 1e-5
    assert np.array_equal(extend(picture, 0), picture)


def test_a_few_pins_hold_a_picture_against_a_lone_drag() -> None:
    path = torch.linspace(0, 60, 9)[:, None] * torch.tensor([1.0, 0.2])
    drag = torch.tensor([128.0, 110.0]) + path
    pins = torch.tensor([[40.0, 200.0], [210.0, 220.0]])[:, None].expand(2, 9, 2)
    xy = torch.cat([drag[:, None], pins.transpose(0, 1)], dim=1)
    found = segment_motion(motion_of(make_tracks(xy, SIZE)))
    assert not found.background_moves and found.background.tolist() == [1, 2]
    assert [layer.members.tolist() for layer in found.over] == [[0]]
