"""A camera path drawn from above and from the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..geometry import Size
from .camera_path import CameraPath
from .pinhole import pixel_centres, unproject
from .pose import inverse

PANEL = Size(480, 480)
MARGIN = 44
BACKGROUND, GRID, INK, CLOUD = (26, 28, 33), (48, 51, 59), (191, 196, 204), (120, 128, 140)
START, END = (64, 184, 255), (255, 140, 51)
# At most this many cameras and scene points are drawn.
CAMERAS, POINTS = 9, 6000
# Length of a drawn camera as a fraction of the drawing.
FRUSTUM = 0.09
# Lines that end farther out are left out; OpenCV counts 1/16 of a pixel in 32 bits.
MAX_PIXEL = 1e7


@dataclass(frozen=True, eq=False)
class _Panel:
    """One view: two world axes, the stretch from world to pixels, and its title."""

    title: str
    axes: tuple[int, int]
    centre: np.ndarray
    scale: float

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(M, 2) pixels of world points (M, 3), forward drawn upwards or to the right."""
        flat = (points[:, list(self.axes)] - self.centre[list(self.axes)]) * self.scale
        if self.axes[1] == 2:
            flat[:, 1] *= -1
        return flat + np.array(PANEL) / 2


def draw_path(path: CameraPath, depth: DepthMap | None = None) -> Tensor:
    """Draw a camera path from above (left) and from its right side (right).

    Cameras run from blue (first) to orange (last). One grid square is a round number of scene
    units, written below.

    Args:
        path: The camera path.
        depth: Also draws the scene's points; None draws the cameras alone.

    Returns:
        (H, W, 3) float32 0..1.

    Raises:
        ValueError: The path has no frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames cannot be drawn.")
    back = inverse(path.T_cam_world).cpu().numpy()
    scene = _scene_points(depth)
    centre, extent = _framing(back[:, :3, 3], scene)
    scale = (min(PANEL) - 2 * MARGIN) / extent
    panels = [
        _Panel("from above", (0, 2), centre, scale),
        _Panel("from the right", (2, 1), centre, scale),
    ]
    drawn = [_draw_panel(panel, back, path, scene) for panel in panels]
    return torch.from_numpy(np.concatenate(drawn, axis=1)).to(torch.float32) / 255.0


def _scene_points(depth: DepthMap | None) -> np.ndarray:
    if depth is None:
        return np.zeros((0, 3))
    pixels, z = pixel_centres(depth.size, depth.z.device)[depth.valid], depth.z[depth.valid]
    # Chosen at random, since every n-th pixel would line up with the columns.
    chosen = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))[:POINTS]
    chosen = chosen.to(z.device)
    return unproject(pixels[chosen], z[chosen], depth.K).double().cpu().numpy()


def _framing(positions: np.ndarray, scene: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle (3,) and the greatest extent of what is drawn, without stray far points."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    if len(scene):
        low = np.minimum(low, np.quantile(scene, 0.05, axis=0))
        high = np.maximum(high, np.quantile(scene, 0.95, axis=0))
    extent = float((high - low).max())
    return (low + high) / 2, 1.1 * extent if extent > 1e-9 else 1.0


def _draw_panel(panel: _Panel, back: np.ndarray, path: CameraPath, scene: np.ndarray) -> np.ndarray:
    import cv2

    canvas = np.full((PANEL.height, PANEL.width, 3), BACKGROUND, dtype=np.uint8)
    square = _draw_grid(canvas, panel)
    places = panel.pixels(scene).astype(int)
    inside = ((places >= 0) & (places < np.array(PANEL))).all(axis=1)
    canvas[places[inside, 1], places[inside, 0]] = CLOUD
    positions = panel.pixels(back[:, :3, 3])
    for frame in range(len(positions) - 1):
        color = _color(frame / max(len(positions) - 1, 1))
        _line(canvas, positions[frame], positions[frame + 1], color, 2)
    for frame in np.unique(np.linspace(0, len(positions) - 1, CAMERAS).astype(int)):
        _draw_camera(canvas, panel, back[frame], path, int(frame))
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    cv2.putText(canvas, panel.title, (12, 22), font, size, INK, 1, cv2.LINE_AA)
    foot = f"square = {square:g}"
    cv2.putText(canvas, foot, (12, PANEL.height - 12), font, size, INK, 1, cv2.LINE_AA)
    return canvas


def _draw_grid(canvas: np.ndarray, panel: _Panel) -> float:
    """Lines a round number of scene units apart; returns that number."""
    target = 60.0 / panel.scale
    power = 10.0 ** np.floor(np.log10(target))
    square = power * min((1.0, 2.0, 5.0, 10.0), key=lambda step: abs(step * power - target))
    reach = PANEL.width / 2 / panel.scale
    for axis in (0, 1):
        middle = panel.centre[panel.axes[axis]]
        for step in range(
            int(np.ceil((middle - reach) / square)), int((middle + reach) / square) + 1
        ):
            ends = np.repeat(panel.centre[None], 2, axis=0)
            ends[:, panel.axes[axis]] = step * square
            ends[:, panel.axes[1 - axis]] += [-2 * reach, 2 * reach]
            first, second = panel.pixels(ends)
            _line(canvas, first, second, GRID, 1)
    return float(square)


def _draw_camera(
    canvas: np.ndarray, panel: _Panel, back: np.ndarray, path: CameraPath, frame: int
) -> None:
    """A triangle from the lens to the ends of its field of view, in the panel's plane."""
    length = FRUSTUM * min(PANEL) / panel.scale
    lens = np.linalg.inv(path.K[frame].cpu().numpy())
    width, height = path.size
    sides = (
        [(0, height / 2), (width, height / 2)]
        if panel.axes[1] == 2
        else [
            (width / 2, 0),
            (width / 2, height),
        ]
    )
    rays = np.array([lens @ (x, y, 1.0) for x, y in sides]) * length
    corners = panel.pixels(np.concatenate([np.zeros((1, 3)), rays]) @ back[:3, :3].T + back[:3, 3])
    color = _color(frame / max(path.num_frames - 1, 1))
    for first, second in ((0, 1), (1, 2), (2, 0)):
        _line(canvas, corners[first], corners[second], color, 1)


def _line(
    canvas: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    color: tuple[float, ...],
    thickness: int,
) -> None:
    import cv2

    if not max(np.abs(first).max(), np.abs(second).max()) <= MAX_PIXEL:
        return
    # Sub-pixel ends: OpenCV counts from pixel centres and takes 1/16 of a pixel.
    ends = [tuple(int(v) for v in np.round((point - 0.5) * 16)) for point in (first, second)]
    cv2.line(canvas, ends[0], ends[1], color, thickness, cv2.LINE_AA, shift=4)


def _color(fraction: float) -> tuple[float, ...]:
    return tuple(a + fraction * (b - a) for a, b in zip(START, END, strict=True))
