"""Real clips as training data: which may be used, and dense motion from a tracker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import FormatError
from ...evaluation.real.clip_tracks import LEAST_FRAMES, returning_tracks
from ...evaluation.real.clips import META, clip_names, held_out_scenes, related_scenes, scene_of
from ...evaluation.real.photographs import read_meta
from ...image_files import read_image
from ...images import resize_images
from ...layered_scenes.paths import random_camera
from ...layered_scenes.scene import CANVAS, GRID, SIDE, Array, grid_points, map_points
from ...layered_scenes.track_sampling import log_uniform
from ...layers.saliency import Box, saliency
from ...trackers.dense_flow import DenseFlow, DisFlow
from ...tracks import select
from ...tracks.model import Tracks, make_tracks
from .regimes import MIXED, MOST_PINS, Regime, uniform_count

# A clip is trained on if its meta.json says so.
USE = "training"
# Different views of the clips in a run; samples beyond share them, with other tracks.
VIEWS = 120
# Random points per view from which tracks are drawn, besides one per grid cell.
POOL = 1024
# A view shows a square of at least this fraction of the clip's short side. Of so many squares the
# one that changes most is taken: most of a clip rests.
LEAST_CROP, TRIES = 0.7, 2
# Views in which fewer cells are known are drawn again, at most so often.
LEAST_KNOWN, REDRAWS = 0.25, 3
# Log odds of saliency beyond which a cell belongs to an object, or to the background.
SURE = 2.0
# A smaller object is not labelled.
LEAST_OBJECT_CELLS = 24
# A cell that belongs to no known layer.
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class ClipView:
    """A square part of a clip on the canvas.

    Attributes:
        image: (S, S, 3) uint8, frame 0.
        displacement: (T, G, G, 2) float32 pixels.
        visible: (T, G, G) bool.
        known: (G, G) bool, cells with a checked track.
        layers: (G, G) 0 for the background, 1.. for objects, UNKNOWN between them.
        pool: Checked tracks of random points.
        owners: (N,) layer of each track of the pool.
    """

    image: Array
    displacement: Array
    visible: Array
    known: Array
    layers: Array
    pool: Tracks
    owners: Array


def training_clip_names(folder: Path) -> list[str]:
    """SET/NAME of the clips of a folder that may be trained on and are not held out.

    Nor are those used that show the same people or place as a held-out scene.

    Raises:
        FormatError: a description is broken, or no clip is left.
    """
    names = clip_names(folder)
    held_out = related_scenes(held_out_scenes(names))
    free = [name for name in names if scene_of(name) not in held_out]
    chosen = [name for name in free if USE in str(read_meta(folder / name / META).get("use", ""))]
    if not chosen:
        raise FormatError(
            f"{folder} holds no clips for training: expected SET/NAME/ with 16 or more frames "
            f'00000.jpg.. and {META} whose "use" names {USE}, beside every third scene, which is '
            "held out."
        )
    return chosen


class RealClips:
    """The clips of a folder that are trained on. View i is a function of the seed and i.

    Args:
        folder: Of the clips.
        frames: T of a view.
        seed: Of the views.

    Raises:
        FormatError: See `training_clip_names`.
    """

    def __init__(self, folder: Path, frames: int, seed: int) -> None:
        self.folder, self.frames, self.seed = folder, frames, seed
        self.scenes: dict[str, list[str]] = {}
        for name in training_clip_names(folder):
            self.scenes.setdefault(scene_of(name), []).append(name)
        self._views: dict[int, ClipView] = {}

    def view(self, index: int) -> ClipView:
        """View `index` modulo VIEWS; it is kept in memory, 0.8 MB."""
        index %= VIEWS
        if index not in self._views:
            self._views[index] = self._draw(np.random.default_rng([self.seed, 3, index]))
        return self._views[index]

    def _draw(self, rng: np.random.Generator) -> ClipView:
        """A view of which enough is known, or the last one drawn."""
        view = self._make(rng)
        for _ in range(REDRAWS):
            if view.known.mean() >= LEAST_KNOWN:
                break
            view = self._make(rng)
        return view

    def _make(self, rng: np.random.Generator) -> ClipView:
        scenes = list(self.scenes.values())
        names = scenes[int(rng.integers(len(scenes)))]
        video = clip_frames(self.folder, names[int(rng.integers(len(names)))])
        if len(video) < self.frames:
            raise FormatError(
                f"clips have {len(video)} frames, and the run asks for {self.frames}; set frames."
            )
        first = int(rng.integers(len(video) - self.frames + 1))
        video = video[first : first + self.frames]
        if rng.random() < 0.5:
            video = video[::-1]
        tries = [_random_square(rng, video.shape[1:3]) for _ in range(TRIES)]
        rows, columns = max(tries, key=lambda place: _change(video, place))
        part = torch.from_numpy(np.ascontiguousarray(video[:, rows, columns])).float() / 255
        return make_view(resize_images(part, CANVAS).clamp(0, 1), rng)


def make_view(video: Tensor, rng: np.random.Generator) -> ClipView:
    """Dense motion of a clip (T, S, S, 3) float32 0..1 on the canvas, by chained DIS flow.

    A cell is known if the track of its centre is visible in half of the frames and, followed back
    from the last of them, returns to its start; see `returning_tracks`.
    """
    places = np.concatenate([grid_points(GRID), rng.uniform(0, SIDE, (POOL, 2))])
    queries = torch.from_numpy(np.insert(places, 0, 0, axis=1)).float()
    tracker = DenseFlow(DisFlow())
    tracks = tracker.track(video, queries)
    tracks = make_tracks(tracks.xy, tracks.size, visible=tracks.visible)
    least = min(LEAST_FRAMES, len(video))
    long = (tracks.visible.sum(dim=0) >= least) & tracks.visible[0]
    checked = select(tracks, long.nonzero().squeeze(1))
    if checked.num_points:
        checked = returning_tracks(tracker, video, checked)
    known = torch.isin(tracks.ids, checked.ids).numpy()
    shape, cells = (len(video), GRID, GRID), GRID * GRID
    shift = (tracks.xy - tracks.xy[0]).numpy()[:, :cells].reshape(*shape, 2)
    image = (video[0] * 255).round().byte().numpy()
    layers = object_layers(image)
    pool = select(tracks, torch.from_numpy(np.flatnonzero(known[cells:]) + cells))
    return ClipView(
        image,
        np.where(known[:cells].reshape(1, GRID, GRID, 1), shift, 0).astype(np.float32),
        tracks.visible.numpy()[:, :cells].reshape(shape),
        known[:cells].reshape(GRID, GRID),
        layers,
        pool,
        layer_at(layers, pool.xy[0].numpy()),
    )


def with_camera(rng: np.random.Generator, view: ClipView) -> ClipView:
    """A view as a random camera would show it from its first frame on.

    Most clips are of a camera at rest. Trained on them alone, the encoder takes the background for
    fixed whatever its tracks say. A camera that pans, zooms, rolls or tilts, or rests, maps the
    tracks of every frame exactly; the picture is that of frame 0, which stays the same.
    """
    camera = random_camera(rng, len(view.visible)).at(1.0)
    cells = grid_points(GRID)
    places = cells + view.displacement.reshape(len(camera), -1, 2)
    placed = map_points(camera, places)
    shift = (placed - cells).reshape(view.displacement.shape) * view.known[..., None]
    xy = map_points(camera, view.pool.xy.numpy().astype(np.float64))
    visible = view.pool.visible & torch.from_numpy(_inside(xy))
    return replace(
        view,
        displacement=shift.astype(np.float32),
        visible=view.visible & _inside(placed).reshape(view.visible.shape),
        pool=make_tracks(torch.from_numpy(xy).float(), CANVAS, visible=visible),
    )


def _inside(points: Array) -> Array:
    """(...) bool: which points (..., 2) are on the canvas."""
    inside: Array = (points >= 0) & (points < SIDE)
    return np.asarray(inside.all(axis=-1))


def object_layers(image: Array) -> Array:
    """(G, G) layers of a picture (S, S, 3) uint8: connected salient things, by U²-Net-p."""
    import cv2

    side = len(image)
    odds = saliency(image.astype(np.float32) / 255, Box(0, 0, side, side))
    odds = cv2.resize(odds, (GRID, GRID), interpolation=cv2.INTER_AREA)
    count, labels, figures, _ = cv2.connectedComponentsWithStats((odds > SURE).astype(np.uint8))
    layers = np.where(odds < -SURE, 0, UNKNOWN).astype(np.int64)
    for label in range(1, count):
        if figures[label, cv2.CC_STAT_AREA] >= LEAST_OBJECT_CELLS:
            layers[labels == label] = label
    return layers


def layer_at(layers: Array, points: Array) -> Array:
    """(N,) layers (G, G) at points (N, 2) of the canvas."""
    column, row = np.clip((points * (GRID / SIDE)).astype(int), 0, GRID - 1).T
    return layers[row, column]


def draw_clip_tracks(rng: np.random.Generator, view: ClipView, regime: Regime) -> Array:
    """Indices of tracks of the pool of a view.

    mixed: 5 % none, 57 % uniform, 38 % a drag. Other regimes: uniform, as many as `draw_points`
    draws, or the whole pool where it is smaller.
    """
    count = len(view.owners)
    if not count:
        return np.zeros(0, np.int64)
    if regime.name != MIXED:
        return rng.permutation(count)[: uniform_count(rng, regime)]
    kind, most = rng.random(), log_uniform(rng, 1, regime.most)
    if kind < 0.05:
        return np.zeros(0, np.int64)
    if kind < 0.62:
        return rng.permutation(count)[:most]
    return _drag(rng, view)


def _drag(rng: np.random.Generator, view: ClipView) -> Array:
    """Up to 36 neighbours around a track that moves, and tracks of other layers as pins."""
    start = view.pool.xy[0].numpy()
    ways = np.linalg.norm((view.pool.xy[-1] - view.pool.xy[0]).numpy(), axis=-1)
    centre = int(rng.choice(len(ways), p=(ways + 0.1) / (ways + 0.1).sum()))
    away = np.linalg.norm(start - start[centre], axis=-1)
    near = np.argsort(away, kind="stable")[: int(rng.integers(1, 7)) ** 2]
    apart = np.flatnonzero((view.owners != view.owners[centre]) & (away > 2 * away[near[-1]]))
    pins = rng.permutation(apart)[: int(rng.integers(0, MOST_PINS + 1))]
    return np.concatenate([near, pins])


@lru_cache(maxsize=64)
def clip_frames(folder: Path, name: str) -> Array:
    """(T, H, W, 3) uint8: all stored frames of a clip. Raises FormatError for broken ones."""
    paths = sorted((folder / name).glob("[0-9][0-9][0-9][0-9][0-9].jpg"))
    pictures = [(read_image(path) * 255).round().byte().numpy() for path in paths]
    if len({picture.shape for picture in pictures}) != 1:
        raise FormatError(f"the frames of {folder / name} are not of one size.")
    return np.stack(pictures)


def _random_square(rng: np.random.Generator, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of a random square within (H, W)."""
    side = int(rng.uniform(LEAST_CROP, 1.0) * min(size))
    top, left = (int(rng.integers(length - side + 1)) for length in size)
    return slice(top, top + side), slice(left, left + side)


def _change(video: Array, place: tuple[slice, slice]) -> float:
    """Mean absolute difference between the first and the last frame within a square."""
    rows, columns = place
    first, last = (video[frame, rows, columns].astype(np.float32) for frame in (0, -1))
    return float(np.abs(last - first).mean())
