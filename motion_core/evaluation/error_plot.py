"""A picture of a comparison: target and realised paths, and the error over time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import CanvasError
from .track_comparison import Comparison

# The longer side of the picture that is drawn; a plot of this height stands below it.
LONG_SIDE, PLOT = 768, 160
# Colours range from the first at no error to the second at this fraction of the short side.
GOOD, BAD, BAD_FRAC = (70, 220, 90), (245, 60, 40), 0.03
TARGET, INK, PAPER, FAINT = (255, 255, 255), (40, 40, 40), (250, 250, 250), (190, 190, 190)
MOST_DRAWN = 400
SHIFT = 4


def error_picture(comparison: Comparison, background: Tensor | None = None) -> Tensor:
    """Paths of tracks over a picture, and below it the mean error of every frame.

    Targets are white; realised paths go from green (no error) to red. Of very many tracks an even
    choice is drawn.

    Args:
        comparison: what is drawn.
        background: (H, W, 3) 0..1 of the tracks' canvas, or None for grey.

    Returns:
        (H, W, 3) float32 0..1.

    Raises:
        CanvasError: the background is of another size.
    """
    import cv2

    size = comparison.target.size
    scale = LONG_SIDE / max(size)
    width, height = size.scaled(scale)
    if background is None:
        canvas = np.full((height, width, 3), 96, np.uint8)
    else:
        if tuple(background.shape[:2]) != (size.height, size.width):
            raise CanvasError(
                f"the image is {background.shape[1]}x{background.shape[0]} but the tracks lie on "
                f"{size}."
            )
        pixels = (background.detach().cpu().clamp(0, 1) * 255).round().byte().numpy()
        canvas = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        canvas = (canvas * 0.6).astype(np.uint8)
    step = -(-comparison.target.num_points // MOST_DRAWN)
    for track in range(0, comparison.target.num_points, max(step, 1)):
        _draw_track(canvas, comparison, track, scale)
    picture = np.concatenate([canvas, _plot(comparison, width)])
    return torch.from_numpy(picture).float() / 255


def _draw_track(canvas: np.ndarray, comparison: Comparison, track: int, scale: float) -> None:
    import cv2

    target = _path(comparison.target.xy[:, track], comparison.target.visible[:, track], scale)
    realised = _path(comparison.realised.xy[:, track], comparison.realised.visible[:, track], scale)
    if len(target):
        cv2.polylines(canvas, [target], False, TARGET, 1, cv2.LINE_AA, SHIFT)
        cv2.circle(canvas, tuple(target[-1].tolist()), 3 << SHIFT, TARGET, 1, cv2.LINE_AA, SHIFT)
    error = comparison.error[:, track]
    if not len(realised) or bool(error.isnan().all()):
        return
    worst = float(error[~error.isnan()].mean()) / (BAD_FRAC * comparison.target.size.short_side)
    mix = min(worst, 1.0)
    colour = tuple(round(good + mix * (bad - good)) for good, bad in zip(GOOD, BAD, strict=True))
    cv2.polylines(canvas, [realised], False, colour, 2, cv2.LINE_AA, SHIFT)
    cv2.circle(canvas, tuple(realised[-1].tolist()), 3 << SHIFT, colour, -1, cv2.LINE_AA, SHIFT)


def _path(xy: Tensor, visible: Tensor, scale: float) -> np.ndarray:
    """(K, 2) int32 of the visible places, as OpenCV draws them."""
    places = (xy[visible].double().numpy() * scale - 0.5) * 2**SHIFT
    return np.rint(places.clip(-(2**24), 2**24)).astype(np.int32)


def _plot(comparison: Comparison, width: int) -> np.ndarray:
    """(PLOT, width, 3): the mean error over frames, with its greatest value written at the axis."""
    import cv2

    plot = np.full((PLOT, width, 3), PAPER, np.uint8)
    left, right, top, bottom = 52, width - 14, 30, PLOT - 22
    per_frame = np.array([float(row[~row.isnan()].mean()) for row in comparison.error])
    known = np.flatnonzero(np.isfinite(per_frame))
    most = max([1e-3, *per_frame[known].tolist()])
    for part in (0.0, 0.5, 1.0):
        y = round(bottom - part * (bottom - top))
        cv2.line(plot, (left, y), (right, y), FAINT, 1)
        _write(plot, f"{part * most:.1f}", (6, y + 4))
    last = max(len(per_frame) - 1, 1)
    x = left + known / last * (right - left)
    y = bottom - per_frame[known] / most * (bottom - top)
    line = np.rint(np.stack([x, y], axis=1) * 2**SHIFT).astype(np.int32)
    if len(line):
        cv2.polylines(plot, [line], False, BAD, 2, cv2.LINE_AA, SHIFT)
    heading = f"mean error per frame, px: {comparison.epe:.2f} in all"
    _write(plot, f"{heading}; found again {100 * comparison.found:.0f} %", (left, 18))
    _write(plot, "frame 0", (left, PLOT - 6))
    _write(plot, str(last), (right - 16, PLOT - 6))
    return plot


def _write(plot: np.ndarray, text: str, at: tuple[int, int]) -> None:
    import cv2

    cv2.putText(plot, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
