"""Small videos with known content, for the tests of curation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """(H, W, 3) uint8, smooth random colours: trackable, and different for each seed."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 225, (height // 8, width // 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def panned(seed: int, frames: int, step_px: float = 2.0, **sides: int) -> np.ndarray:
    """(T, H, W, 3): a texture that moves to the right by `step_px` pixels per frame."""
    import cv2

    picture = texture(seed, **sides)
    height, width = picture.shape[:2]
    wide = np.concatenate([picture[:, ::-1], picture, picture[:, ::-1]], axis=1)
    moved = []
    for frame in range(frames):
        shift = np.array([[1, 0, frame * step_px - width], [0, 1, 0]], np.float32)
        moved.append(cv2.warpAffine(wide, shift, (width, height)))
    return np.stack(moved)


def write_mp4(
    path: Path,
    frames: np.ndarray,
    fps: float = 16.0,
    *,
    times: Sequence[float] | None = None,
    rotation: int = 0,
) -> Path:
    """Write H.264; `times` are the seconds of frames that are not evenly spaced, and `rotation` the
    degrees, counter-clockwise, by which a player turns the picture."""
    ticks = 12_800
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "4", "bf": "0"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, ticks)
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = Fraction(1, ticks)
            frame.pts = round((times[index] if times is not None else index / fps) * ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation:
        _set_rotation(path, rotation)
    return path


def _set_rotation(path: Path, degrees: int) -> None:
    """Write the display matrix of the track header (ISO/IEC 14496-12, section 8.3.2)."""
    one = 1 << 16
    matrices = {
        90: (0, -one, 0, one, 0, 0),
        180: (-one, 0, 0, 0, -one, 0),
        270: (0, one, 0, -one, 0, 0),
    }
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    values = [*matrices[degrees], 0, 0, 1 << 30]
    data[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(bytes(data))


def numbered(frames: int, height: int = 64, width: int = 64) -> np.ndarray:
    """(T, H, W, 3): even grey whose level tells the number of the frame, 8 levels apart."""
    levels = 8 + 8 * np.arange(frames, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, height, width, 3)).copy()


def number_of(picture: np.ndarray) -> int:
    """The number of a frame of `numbered`."""
    return round((float(picture.mean()) - 8) / 8)
