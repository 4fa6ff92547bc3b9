"""White discs on black, the shapes that VACE follows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.canvas import scale_to
from ...tracks.model import Tracks


def discs(
    tracks: Tracks,
    size: Size | None = None,
    *,
    radius_frac: float = 0.02,
    progress: Progress = silent,
) -> Tensor:
    """A video with a white disc on black at every visible point.

    A pixel whose centre lies d from the nearest point has the value radius + 1/2 - d, clamped to
    0..1: one pixel of soft edge.

    Args:
        tracks: Tracks of T frames.
        size: The canvas to draw on; None is that of the tracks.
        radius_frac: Radius as a fraction of the canvas's short side.
        progress: Called with (frames done, T).

    Returns:
        (T, H, W, 3) float32, 0..1.

    Raises:
        ValueError: `radius_frac` is not above 0 and at most 1.
    """
    if not 0 < radius_frac <= 1:
        raise ValueError(f"radius_frac must be above 0 and at most 1; got {radius_frac}.")
    if size is not None:
        tracks = scale_to(tracks, size)
    radius = radius_frac * tracks.size.short_side
    centres = tracks.xy.detach().cpu().numpy().astype(np.float64)
    near = (centres > -radius - 1) & (centres < np.array(tracks.size) + radius + 1)
    drawn = tracks.visible.cpu().numpy() & near[..., 0] & near[..., 1]
    width, height = tracks.size
    video = torch.zeros(tracks.num_frames, height, width, 3)
    for frame in range(tracks.num_frames):
        picture = np.zeros((height, width), dtype=np.float32)
        for x, y in centres[frame, drawn[frame]]:
            _draw_disc(picture, x, y, radius)
        video[frame] = torch.from_numpy(picture)[..., None]
        progress(frame + 1, tracks.num_frames)
    return video


def _draw_disc(picture: np.ndarray, x: float, y: float, radius: float) -> None:
    height, width = picture.shape
    reach = radius + 1
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 1, height)
    left, right = max(int(x - reach), 0), min(int(x + reach) + 1, width)
    down = np.arange(top, bottom) + 0.5 - y
    across = np.arange(left, right) + 0.5 - x
    distance = np.sqrt((down * down)[:, None] + across * across)
    part = picture[top:bottom, left:right]
    np.maximum(part, np.clip(radius + 0.5 - distance, 0, 1), out=part)
