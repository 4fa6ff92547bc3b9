"""Coloured trails for the LTX-2.3 motion-track IC-LoRA."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.canvas import scale_to
from ...tracks.model import Tracks

RENDER_SHORT_SIDE = 1080
OLDEST = 50
SMALLEST_RADIUS = 2.0
LARGEST_RADIUS = 8.0
_REACH = 8  # pixels from the centre pixel of the largest disc to its rim
_MARGIN = 2 * _REACH  # so a disc whose rim just touches the picture still lies in the canvas

_FAR = 1e6  # beyond any picture, within any number type
_MOST_PIXELS = 1 << 27


def ltx_frame_count(frames: int) -> int:
    """The smallest number of frames >= `frames` that LTX can make: 8 n + 1.

    Raises ValueError for a negative count.
    """
    if frames < 0:
        raise ValueError(f"frames must be 0 or more; got {frames}.")
    return (max(frames, 1) + 6) // 8 * 8 + 1


def ltx_trails(tracks: Tracks, size: Size | None = None, *, progress: Progress = silent) -> Tensor:
    """The control video of LTX's motion-track IC-LoRA.

    Frame t shows the visible positions of every track in frames t - 50 .. t as filled discs on
    black, oldest first, drawn at a short side of 1080. With r = 1 - age / 50 a disc has radius 2 +
    6 r pixels and a colour from blue over green and yellow to red as r goes from 0 to 1; red and
    blue are then swapped, as in the training of the weights, so the newest disc is blue in the
    result. The image is scaled down bilinearly without low-pass filter. Discs are centred on
    rounded coordinates, as in LTX's own node that draws coordinate JSON.

    Args:
        tracks: Tracks of 8 n + 1 frames, which LTX needs; resample to ltx_frame_count first.
        size: The canvas to draw on; None is that of the tracks.
        progress: Called with (frames done, T).

    Returns:
        (T, H, W, 3) float32, 0..1.

    Raises:
        ValueError: The canvas is more than about 115 times as long as wide.
    """
    import cv2

    if size is not None:
        tracks = scale_to(tracks, size)
    width, height = tracks.size
    render = _render_size(tracks.size)
    scale = (render.width / width, render.height / height)
    places = tracks.xy.detach().cpu().numpy().astype(np.float64) * scale
    centres = np.rint(np.clip(places, -_FAR, _FAR).astype(np.float32))
    drawn = tracks.visible.cpu().numpy() & _within_reach(centres, render)
    palette, stamps = _palette(), [_stamp(age) for age in range(OLDEST + 1)]
    video = np.zeros((tracks.num_frames, height, width, 3), dtype=np.float32)
    picture = np.empty((render.height, render.width, 3), dtype=np.float32)
    for frame in range(tracks.num_frames):
        codes = _draw_frame(centres, drawn, frame, render, stamps)
        np.take(palette, codes, axis=0, out=picture, mode="clip")  # clip: unbuffered
        cv2.resize(picture, (width, height), dst=video[frame], interpolation=cv2.INTER_LINEAR)
        progress(frame + 1, tracks.num_frames)
    return torch.from_numpy(video)


def _render_size(size: Size) -> Size:
    if size.height <= size.width:
        render = Size(size.width * RENDER_SHORT_SIDE // size.height, RENDER_SHORT_SIDE)
    else:
        render = Size(RENDER_SHORT_SIDE, size.height * RENDER_SHORT_SIDE // size.width)
    if render.width * render.height > _MOST_PIXELS:
        raise ValueError(f"a canvas of {size} is too long and thin for LTX; give a video's size.")
    return render


def _within_reach(centres: np.ndarray, render: Size) -> np.ndarray:
    inside = (centres >= -_REACH) & (centres < np.array(render) + _REACH)
    return inside[..., 0] & inside[..., 1]


def _draw_frame(
    centres: np.ndarray,
    drawn: np.ndarray,
    frame: int,
    render: Size,
    stamps: list[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """(H, W) uint8: 0 for background, else 51 - age of the newest disc that covers the pixel."""
    width = render.width + 2 * _MARGIN
    canvas = np.zeros((render.height + 2 * _MARGIN, width), dtype=np.uint8)
    flat = canvas.reshape(-1)
    for age in range(min(frame, OLDEST), -1, -1):
        shown = drawn[frame - age]
        x, y = centres[frame - age, shown].astype(np.int64).T + _MARGIN
        offset_x, offset_y = stamps[age]
        flat[(y * width + x)[:, None] + (offset_y * width + offset_x)] = OLDEST + 1 - age
    return canvas[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _stamp(age: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (dx, dy) of the pixels of a disc whose centre is a pixel."""
    weight = np.float32(1) - np.float32(age) / np.float32(OLDEST)
    radius = np.float32(SMALLEST_RADIUS) + np.float32(LARGEST_RADIUS - SMALLEST_RADIUS) * weight
    reach = np.arange(-_REACH, _REACH + 1)
    dy, dx = np.meshgrid(reach, reach, indexing="ij")
    inside = dx**2 + dy**2 <= radius * radius
    return dx[inside], dy[inside]


def _palette() -> np.ndarray:
    """(52, 3) float32: black, then the colours of ages 50 .. 0, red and blue swapped."""
    weight = np.linspace(0, 1, OLDEST + 1)
    red = np.clip(3 * weight - 1, 0, 1)
    green = np.minimum(np.clip(3 * weight, 0, 1), np.clip(3 - 3 * weight, 0, 1))
    blue = np.clip(1 - 3 * weight, 0, 1)
    colours = np.stack([blue, green, red], axis=-1)
    return np.concatenate([np.zeros((1, 3)), colours]).astype(np.float32)
