"""Track regimes: the number of tracks of a training scene and their start points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...layered_scenes.scene import SIDE, Array, Scene
from ...layered_scenes.track_sampling import drag_points, log_uniform, uniform_points

MOST_PINS = 40
MIXED = "mixed"


@dataclass(frozen=True)
class Regime:
    """How start points are drawn.

    Attributes:
        name: mixed, dense, sparse or dense+sparse; see `draw_points`.
        most: Upper bound of the number of tracks in the mixed regime; drawn once per batch.
    """

    name: str
    most: int = 300


def draw_points(rng: np.random.Generator, scene: Scene, layers: Array, regime: Regime) -> Array:
    """(N, 2) pixels of frame 0 where the tracks of a training scene start.

    mixed: 5 % none, 42 % uniform, 15 % on one or two layers, 38 % a drag: a small grid on one
    layer with pins elsewhere. dense: 250..500, which is the paper's 1000..2000 per canvas scaled
    to the quarter of the area. sparse: 1..8. dense+sparse: log-uniform 1..512.

    Args:
        rng: Source of randomness.
        scene: The scene.
        layers: (G, G) index of the layer in view, as `Scene.field` returns it.
        regime: The distribution.
    """
    if regime.name != MIXED:
        return uniform_points(rng, uniform_count(rng, regime))
    kind = rng.random()
    if kind < 0.05:
        return np.zeros((0, 2))
    count = log_uniform(rng, 1, regime.most)
    if kind < 0.47:
        return uniform_points(rng, count)
    if kind < 0.62:
        return _points_on_layers(rng, layers, count)
    return drag_points(rng, scene, layers, int(rng.integers(0, MOST_PINS + 1)))


def uniform_count(rng: np.random.Generator, regime: Regime) -> int:
    """The number of tracks in a regime other than mixed; see `draw_points`."""
    if regime.name == "dense":
        return int(rng.integers(250, 501))
    if regime.name == "sparse":
        return int(rng.integers(1, 9))
    return log_uniform(rng, 1, 512)


def _points_on_layers(rng: np.random.Generator, layers: Array, count: int) -> Array:
    """(count, 2) pixels on one or two random layers in view."""
    visible = np.unique(layers)
    chosen = rng.choice(visible, min(len(visible), int(rng.integers(1, 3))), replace=False)
    rows, columns = np.nonzero(np.isin(layers, chosen))
    pick = rng.integers(len(rows), size=count)
    places = np.stack([columns[pick], rows[pick]], axis=1) + rng.random((count, 2))
    return places * (SIDE / len(layers))
