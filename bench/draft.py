"""The draft against plain warping, and its motion against other densifications."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motion_core.draft import LAYERED, draft
from motion_core.geometry import Size
from motion_core.layers.track_motion import motion_of
from tests.draft.origins import Origins
from tests.draft.scenes import SCENES, Disc, Move, Scene, pixel_centres

from .draft_rivals import CELL, RIVALS
from .row import Row, best_seconds

FRAMES, SIZE = 49, Size(512, 512)
WANTED_SPEED, SPEED_BUDGET, REMAP_BUDGET = 12.0, 1.0, 6.0
EPE_BUDGET = 0.5
CLIPS = {
    "drag": Scene(SIZE, (Disc((220, 230), 100, Move((110, 40))),), frames=FRAMES),
    "camera": Scene(SIZE, camera=Move((60, -20), turn_deg=8, zoom=1.2), frames=FRAMES),
}


def measure() -> list[Row]:
    """Every figure of the draft."""
    return [row for name in CLIPS for row in measure_speed(name)] + measure_motion()


def measure_speed(name: str) -> list[Row]:
    """49 frames of 512x512 against 12 a second, and against cv2.remap of as many frames.

    Both sides write into a video allocated anew, as a caller would; the maps of the floor are
    ready-made.
    """
    scene = CLIPS[name]
    image, tracks = scene.picture(), scene.tracks(inside=10, outside=20, gap=8)
    picture = image.numpy()
    x, y = np.meshgrid(np.arange(SIZE.width) + 3.3, np.arange(SIZE.height) - 1.7)
    maps = x.astype(np.float32), y.astype(np.float32)

    def floor() -> NDArray[np.float32]:
        video = np.empty((FRAMES, *picture.shape), np.float32)
        for frame in video:
            cv2.remap(picture, *maps, cv2.INTER_LINEAR, dst=frame, borderMode=cv2.BORDER_REPLICATE)
        return video

    seconds = best_seconds(
        {"draft": lambda: draft(image, tracks, method=LAYERED), "floor": floor}, repeats=5
    )
    speed = FRAMES / seconds["draft"]
    label = f"draft, {name}, {FRAMES} frames of {SIZE}"
    ratio = seconds["draft"] / seconds["floor"]
    return [
        Row(label, speed, "frames/s", "12 frames/s", WANTED_SPEED / speed, SPEED_BUDGET),
        Row(label, 1e3 * seconds["draft"], "ms", "cv2.remap of them", ratio, REMAP_BUDGET),
    ]


def measure_motion() -> list[Row]:
    """Mean distance between where pixels are taken from and where they truly were, over the
    scenes of the tests, where that was in sight; against completing all points with pull-push."""
    errors = {name: mean_error(rival_origins(name)) for name in RIVALS}
    errors["draft"] = mean_error(lambda scene: Origins(scene.picture(), scene.tracks()).at)
    floor = errors["pull-push"]
    return [
        Row(
            f"motion off the truth, {name}",
            error,
            "px",
            "pull-push",
            error / floor,
            EPE_BUDGET if name == "draft" else None,
        )
        for name, error in errors.items()
    ]


def mean_error(origins_of) -> float:
    """Mean over scenes of the end point error in their middle and last frames."""
    means = []
    for scene in SCENES.values():
        origins = origins_of(scene)
        for frame in (scene.frames // 2, scene.frames - 1):
            true, _, in_sight = scene.origins(frame)
            off = np.hypot(*np.moveaxis(origins(frame) - true, -1, 0))
            means.append(off[in_sight].mean())
    return float(np.mean(means))


def rival_origins(name: str):
    """As `Origins`, with one completion of all points and nothing cut out."""

    def of_scene(scene: Scene):
        motion = motion_of(scene.tracks())
        grid = Size(scene.size.width // CELL, scene.size.height // CELL)
        places = (pixel_centres(grid) * CELL).reshape(-1, 2)

        def at(frame: int) -> NDArray[np.float64]:
            visible = motion.visible[frame]
            moved = motion.shift[frame, visible].astype(np.float64)
            points = motion.source[visible] + moved
            field = RIVALS[name](points, moved, places).reshape(grid.height, grid.width, 2)
            whole = cv2.resize(field, scene.size, interpolation=cv2.INTER_LINEAR)
            return pixel_centres(scene.size) - whole

        return at

    return of_scene
