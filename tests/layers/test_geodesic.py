"""Distances along paths that avoid edges."""

from __future__ import annotations

import heapq

import cv2
import numpy as np
import pytest

from motion_core.layers.geodesic import STEP, TEXTURE_CELLS, EdgeDistances


def spots(shape: tuple[int, int], *places: tuple[int, int]) -> np.ndarray:
    cells = np.zeros(shape, bool)
    for row, column in places:
        cells[row, column] = True
    return cells


def two_halves() -> np.ndarray:
    """(40, 60, 3) dark, bright from column 20 on."""
    picture = np.full((40, 60, 3), 0.2, np.float32)
    picture[:, 20:] = 0.8
    return picture


def test_an_edge_parts_what_distance_would_not() -> None:
    shape = (40, 60)
    nearer = EdgeDistances(two_halves()).nearer(spots(shape, (20, 24)), spots(shape, (20, 2)))
    assert nearer[:, 22:].all() and not nearer[:, :18].any()


def test_in_one_colour_the_nearer_seed_counts() -> None:
    flat = np.full((40, 60, 3), 0.5, np.float32)
    nearer = EdgeDistances(flat).nearer(spots((40, 60), (20, 10)), spots((40, 60), (20, 50)))
    assert nearer[20, :30].all() and not nearer[20, 31:].any()


def test_without_seeds_outside_every_cell_is_nearer() -> None:
    nearer = EdgeDistances(two_halves()).nearer(spots((40, 60), (0, 0)), spots((40, 60)))
    assert nearer.all()


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_a_plain_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(random.random((14, 18, 3), np.float32), (0, 0), 2)
    seeds = random.random((14, 18)) < 0.02
    seeds[3, 4] = True
    found = EdgeDistances(picture)._from(seeds)
    np.testing.assert_allclose(found, plain_distances(picture, seeds), rtol=1e-6)


def plain_distances(picture: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Dijkstra's search over cells, written out."""
    colour = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), TEXTURE_CELLS), cv2.COLOR_RGB2LAB)
    wide = np.pad(colour / 100, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    kernel = np.outer([1, 2, 1], [-1, 0, 1]) / 8
    rows, columns = seeds.shape
    price = np.zeros(seeds.shape)
    for row in range(rows):
        for column in range(columns):
            part = wide[row : row + 3, column : column + 3]
            slopes = [(part * one[..., None]).sum((0, 1)) for one in (kernel, kernel.T)]
            price[row, column] = STEP / max(picture.shape) + np.sqrt(np.square(slopes).sum())
    far = np.where(seeds, 0.0, np.inf)
    queue = [(0.0, row, column) for row, column in np.argwhere(seeds).tolist()]
    while queue:
        cost, row, column = heapq.heappop(queue)
        if cost > far[row, column]:
            continue
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                near = row + down, column + right
                if not (0 <= near[0] < rows and 0 <= near[1] < columns) or near == (row, column):
                    continue
                step = np.hypot(down, right) * (price[row, column] + price[near]) / 2
                if cost + step < far[near]:
                    far[near] = cost + step
                    heapq.heappush(queue, (cost + step, *near))
    return far
