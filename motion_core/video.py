"""Reading and writing of pictures and videos as torch tensors, with PyAV and Pillow.

A video is (T, H, W, 3), a picture (H, W, 3), both RGB. Files are written under a temporary name
beside the target and renamed when complete, so no reader ever finds a partial file.
"""

from __future__ import annotations

import logging
import math
import operator
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .atomic_write import atomic_write
from .containers import missing_bytes
from .errors import FormatError, ShapeError
from .images import check_video
from .progress import Progress, silent

logger = logging.getLogger(__name__)

# No playlists, no network and no scripts: a file must not make the reader open another file.
VIDEO_FORMATS = (
    "mov,mp4,matroska,webm,avi,gif,apng,mpeg,mpegts,flv,ogg,asf,h264,hevc,ivf,y4m,yuv4mpegpipe"
)
# Passed as a container option only: as an option of the streams too, FLV crashes PyAV before 18.
ONLY_VIDEO = {"format_whitelist": VIDEO_FORMATS}
IMAGE_FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "BMP", "TIFF", "GIF", "PPM")
# Writes the index before the pictures, so that a browser can start at once.
WEB_FIRST = {"movflags": "faststart"}
CONTAINERS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("mp4", WEB_FIRST),
    ".m4v": ("mp4", WEB_FIRST),
    ".mov": ("mov", WEB_FIRST),
    ".mkv": ("matroska", {}),
}
PICTURE_WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".webp": ("WEBP", {"quality": 95}),
}
ENCODER_OPTIONS = {"crf": "18", "preset": "faster"}
MAX_PIXELS = 4_000_000_000
# Units per second of a container's duration; seconds that may be missing without a warning.
MICROSECONDS, SHORT_S = 1_000_000, 0.25
MAX_H264_SIDE = 16384
BT709 = 1
UNSPECIFIED = 2
LIMITED_RANGE, FULL_RANGE = 1, 2


def read_video(
    path: str | Path, *, max_frames: int | None = None, progress: Progress = silent
) -> tuple[Tensor, float]:
    """All frames of a video file, or the first `max_frames`, and its frame rate.

    Frames are returned as stored, also where they are unevenly spaced in time.

    Args:
        path: the file.
        max_frames: at least 1, or None for all frames.
        progress: called per frame.

    Returns:
        (T, H, W, 3) uint8 RGB, rotated upright as the file specifies, and its average frame rate.

    Raises:
        FormatError: the file is missing, is not a video, is cut short, or holds more than 4
            thousand million pixels.
        TypeError, ValueError: max_frames is not a whole number of at least 1.
    """
    if max_frames is not None and operator.index(max_frames) < 1:
        raise ValueError(f"max_frames must be 1 or more, or None for all; got {max_frames}.")
    file = _existing_file(path)
    pictures: list[np.ndarray] = []
    with open_video(file) as video:
        for picture in video.pictures:
            pictures.append(picture)
            _check_room(pictures, file)
            progress(len(pictures), max_frames or max(video.stated_frames, len(pictures)))
            if len(pictures) == max_frames:
                break
    return torch.from_numpy(np.stack(pictures)), video.fps


@dataclass(frozen=True)
class OpenVideo:
    """A video file that is being read from beginning to end.

    Attributes:
        pictures: upright (H, W, 3) uint8 RGB, one after the other.
        fps: the average frame rate.
        stated_frames: the number of frames that the file states, which may be wrong; 0 when it
            states none.
    """

    pictures: Iterator[np.ndarray]
    fps: float
    stated_frames: int


@contextmanager
def open_video(path: str | Path) -> Iterator[OpenVideo]:
    """Opens a video file to be read frame by frame, for clips that do not fit in memory.

    Raises FormatError as read_video does, also while frames are read.
    """
    import av
    from av.error import FFmpegError

    file = _existing_file(path)
    try:
        with av.open(str(file), container_options=ONLY_VIDEO) as container:
            if not container.streams.video:
                raise FormatError(f"{file} holds no video.")
            if lacks := missing_bytes(file):
                raise FormatError(f"{file} is cut short: its last {lacks} bytes are missing.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            pictures = _upright_frames(container, stream, file)
            first = next(pictures, None)
            if first is None:
                raise FormatError(f"{file} holds a video without a single frame.")
            rate = stream.average_rate or stream.guessed_rate or stream.base_rate
            if not rate:
                raise FormatError(f"{file} does not say how many frames it shows per second.")
            yield OpenVideo(chain([first], pictures), float(rate), stream.frames)
    except FFmpegError as error:
        raise FormatError(
            f"{file} is not a video that can be read, or is damaged or cut short: {error.strerror}."
        ) from error


def write_video(path: str | Path, frames: Tensor, fps: float, progress: Progress = silent) -> None:
    """Writes a video that common players and browsers play: H.264, yuv420p, BT.709, crf 18.

    H.264 in yuv420p has even sides only: an odd width or height grows by one pixel that repeats
    the last column or row. If writing fails or progress raises, no file is left behind.

    Args:
        path: ends in .mp4, .m4v, .mov or .mkv.
        frames: (T, H, W, 3), uint8 or floating point 0..1 (clipped), T >= 1.
        fps: frames per second, 0.1..1000.
        progress: called per frame.

    Raises:
        ShapeError, TypeError, ValueError: frames, fps or suffix are invalid.
        OSError: the file cannot be written.
    """
    import av
    from av.error import FFmpegError

    target = Path(path)
    container_format, options = _by_suffix(target, CONTAINERS, "video")
    check_video(frames, "frames")
    rate = _rational(fps)
    height, width = (side + side % 2 for side in frames.shape[1:3])
    try:
        with (
            atomic_write(target) as temporary,
            av.open(str(temporary), "w", format=container_format, options=options) as container,
        ):
            stream = container.add_stream("libx264", rate=rate, options=ENCODER_OPTIONS)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            _tag_colors(stream.codec_context)
            for index in range(len(frames)):
                container.mux(stream.encode(_encodable(frames[index], index)))
                progress(index + 1, len(frames))
            container.mux(stream.encode(None))
    except FFmpegError as error:
        raise OSError(f"{target} could not be written: {error.strerror}.") from error


def read_image(path: str | Path) -> Tensor:
    """A picture file as (H, W, 3) float32 RGB in 0..1, turned upright as its EXIF says.

    Grey becomes RGB; 16-bit grey keeps its precision; transparency is laid over white; of an
    animation the first picture is taken.
    Raises FormatError when the file is missing, is not a picture, is cut short, or is so large
    that it must be a trap.
    """
    with _opened_image(path) as image:
        return torch.from_numpy(_rgb(image, Path(path)))


def read_mask(path: str | Path) -> Tensor:
    """A mask file as (H, W) float32 in 0..1, turned upright as its EXIF says.

    Where any pixel is transparent, the opacity is the mask: what is transparent lies outside, and
    what is painted lies inside, whatever its colour. Otherwise the mask is the brightness, the
    mean of red, green and blue.
    Raises FormatError as read_image does.
    """
    with _opened_image(path) as image:
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA"), dtype=np.float32)[..., 3] / 255
            if alpha.min() < 1:
                return torch.from_numpy(alpha)
        return torch.from_numpy(_rgb(image, Path(path))).mean(dim=-1)


@contextmanager
def _opened_image(path: str | Path) -> Iterator[Any]:
    """A Pillow image, upright. Raises FormatError, also for what Pillow raises while it is used."""
    from PIL import Image, ImageOps

    file = _existing_file(path)
    Image.init()
    formats = [name for name in IMAGE_FORMATS if name in Image.OPEN]
    # What Pillow's readers raise on damaged files.
    damage = (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        Image.DecompressionBombError,
    )
    try:
        with Image.open(file, formats=formats) as image:
            image.load()
            yield ImageOps.exif_transpose(image)
    except FormatError:
        raise
    except damage as error:
        raise FormatError(f"{file} is not an image that can be read: {error}") from error


def write_image(path: str | Path, image: Tensor) -> None:
    """Writes a picture. If writing fails, no file is left behind.

    Args:
        path: ends in .png (lossless, 8 bit), .jpg, .jpeg or .webp.
        image: (H, W, 3), uint8 or floating point 0..1 (clipped).

    Raises:
        ShapeError, TypeError, ValueError: image or suffix are invalid.
        OSError: the file cannot be written.
    """
    from PIL import Image

    target = Path(path)
    name, options = _by_suffix(target, PICTURE_WRITERS, "image")
    if image.ndim != 3:
        raise ShapeError(f"image must be (H, W, 3); got {tuple(image.shape)}.")
    check_video(image[None], "image")
    picture = Image.fromarray(_as_bytes(image, "image"))
    try:
        with atomic_write(target) as temporary:
            picture.save(temporary, format=name, **options)
    except ValueError as error:
        raise OSError(f"{target} could not be written: {error}") from error


def _existing_file(path: str | Path) -> Path:
    file = Path(path)
    if file.is_dir():
        raise FormatError(f"{file} is a folder; expected a file.")
    if not file.is_file():
        raise FormatError(f"there is no file {file}.")
    return file.resolve()


def _by_suffix(target: Path, known: dict[str, Any], kind: str) -> Any:
    settings = known.get(target.suffix.lower())
    if settings is None:
        raise ValueError(f"a {kind} is written as {', '.join(known)}; got {target.name!r}.")
    return settings


def _upright_frames(container: Any, stream: Any, file: Path) -> Iterator[np.ndarray]:
    shape: tuple[int, ...] | None = None
    for frame in _whole_frames(container, stream, file):
        # Without a range for RGB, PyAV before 18 ignores the colour space and assumes BT.601.
        picture = frame.to_ndarray(
            format="rgb24", src_colorspace=_colorspace(frame), dst_color_range=FULL_RANGE
        )
        turns, rest = divmod(round(frame.rotation), 90)
        if rest:
            logger.warning("%s asks for a turn by %s degrees; left as it is.", file, frame.rotation)
        elif turns:
            picture = np.rot90(picture, turns)
        if shape not in (None, picture.shape):
            raise FormatError(f"{file} changes its size from {shape} to {picture.shape}.")
        shape = picture.shape
        yield np.ascontiguousarray(picture)


def _whole_frames(container: Any, stream: Any, file: Path) -> Iterator[Any]:
    end = 0.0
    for packet in container.demux(stream):
        # A decoder may hide a torn packet behind an invented picture.
        if packet.is_corrupt:
            raise FormatError(f"{file} is damaged or cut short.")
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * stream.time_base))
        yield from packet.decode()
    # Where the file does not say how many bytes it has, the time it claims to last is a hint only.
    lasts = (container.duration or 0) / MICROSECONDS
    if len(container.streams) == 1 and lasts - end > SHORT_S and missing_bytes(file) is None:
        logger.warning(
            "%s says it lasts %.2f s but ends at %.2f s; it may be cut short.", file, lasts, end
        )


def _colorspace(frame: Any) -> int | None:
    """What players assume when a file does not say: BT.709 from 720 lines upwards."""
    return BT709 if frame.colorspace == UNSPECIFIED and frame.height >= 720 else None


def _check_room(pictures: list[np.ndarray], file: Path) -> None:
    pixels = len(pictures) * pictures[0].shape[0] * pictures[0].shape[1]
    if pixels > MAX_PIXELS:
        raise FormatError(
            f"{file} does not fit in memory: more than {MAX_PIXELS:.0e} pixels in "
            f"{len(pictures)} frames. Read fewer with max_frames, or shrink it first."
        )


def _rational(fps: float) -> Fraction:
    if not (math.isfinite(fps) and 0.1 <= fps <= 1000):
        raise ValueError(f"fps must be a number from 0.1 to 1000; got {fps}.")
    return Fraction(fps).limit_denominator(1001)


def _tag_colors(codec: Any) -> None:
    codec.colorspace = codec.color_primaries = codec.color_trc = BT709
    codec.color_range = LIMITED_RANGE


def _encodable(frame: Tensor, index: int) -> Any:
    import av

    height, width = frame.shape[:2]
    if max(height, width) > MAX_H264_SIDE:
        raise ValueError(f"H.264 reaches {MAX_H264_SIDE} pixels a side; got {width}x{height}.")
    picture = _as_bytes(frame, f"frame {index}")
    picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED_RANGE
    )


def _as_bytes(picture: Tensor, name: str) -> np.ndarray:
    if picture.dtype != torch.uint8:
        if not bool(torch.isfinite(picture).all()):
            raise ValueError(f"{name} holds NaN or infinite values; expected 0..1.")
        picture = (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(picture.cpu().numpy())


def _rgb(image: Any, file: Path) -> np.ndarray:
    """(H, W, 3) float32 0..1 of a Pillow image of any mode."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return np.repeat(_deep_grey(image, file)[..., None], 3, axis=-1)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def _deep_grey(image: Any, file: Path) -> np.ndarray:
    """(H, W) float32 0..1 of more than 8 bits: whole numbers to 65535, or floats to 1."""
    top = 1.0 if image.mode == "F" else 65535.0
    grey = np.asarray(image).astype(np.float32) / top
    if not (np.isfinite(grey).all() and grey.min() >= 0 and grey.max() <= 1):
        raise FormatError(f"{file} holds grey values outside 0..{top:g}; save it as 8 or 16 bit.")
    return grey
