"""Reading and writing of videos as torch tensors (T, H, W, 3) RGB, with PyAV.

Files are written under a temporary name beside the target and renamed when complete, so no reader
ever finds a partial file.
"""

from __future__ import annotations

import io
import logging
import math
import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .atomic_write import atomic_write
from .containers import missing_bytes
from .errors import FormatError
from .image_files import as_bytes, by_suffix, existing_file
from .images import check_video
from .progress import Progress, silent

logger = logging.getLogger(__name__)

# No playlists, no network and no scripts: a file must not make the reader open another file.
VIDEO_FORMATS = (
    "mov,mp4,matroska,webm,avi,gif,apng,mpeg,mpegts,flv,ogg,asf,h264,hevc,ivf,y4m,yuv4mpegpipe"
)
# Passed as a container option only: as an option of the streams too, FLV crashes PyAV before 18.
ONLY_VIDEO = {"format_whitelist": VIDEO_FORMATS}
# Writes the index before the pictures, so that a browser can start at once.
WEB_FIRST = {"movflags": "faststart"}
CONTAINERS: dict[str, tuple[str, dict[str, str]]] = {
    ".mp4": ("mp4", WEB_FIRST),
    ".m4v": ("mp4", WEB_FIRST),
    ".mov": ("mov", WEB_FIRST),
    ".mkv": ("matroska", {}),
}
ENCODER_OPTIONS = {"crf": "18", "preset": "faster"}
# Of all frames, and of one: 16384 x 8192.
MAX_PIXELS, MAX_FRAME_PIXELS = 4_000_000_000, 1 << 27
LOWEST_RATE, HIGHEST_RATE = 1e-3, 1e5
# The share by which the average rate may differ from that of most frames.
UNEVEN = 0.01
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

    Frames are returned as stored, also where they are unevenly spaced in time; a log line then
    gives the rate of most frames and the average.

    Args:
        path: the file.
        max_frames: at least 1, or None for all frames.
        progress: called per frame.

    Returns:
        (T, H, W, 3) uint8 RGB, rotated upright as the file specifies, and the frame rate at which
        most frames follow each other.

    Raises:
        FormatError: the file is missing, is not a video, is cut short, or holds more than 4
            thousand million pixels.
        TypeError, ValueError: max_frames is not a whole number of at least 1.
    """
    if max_frames is not None and operator.index(max_frames) < 1:
        raise ValueError(f"max_frames must be 1 or more, or None for all; got {max_frames}.")
    file = existing_file(path)
    pictures: list[np.ndarray] = []
    with open_video(file) as video:
        for picture in video.pictures:
            pictures.append(picture)
            _check_room(pictures, file)
            progress(len(pictures), max_frames or max(video.stated_frames, len(pictures)))
            if len(pictures) == max_frames:
                break
    return torch.from_numpy(np.stack(pictures)), video.rate()


@dataclass(frozen=True)
class OpenVideo:
    """A video file that is being read from beginning to end.

    Attributes:
        pictures: upright (H, W, 3) uint8 RGB, one after the other.
        average_fps: the average frame rate that the file states.
        stated_frames: the number of frames that the file states, which may be wrong; 0 when it
            states none.
        times: seconds of the frames read so far.
        name: of the file.
    """

    pictures: Iterator[np.ndarray]
    average_fps: float
    stated_frames: int
    times: list[float] = field(default_factory=list)
    name: str = "the video"

    def rate(self) -> float:
        """Frames per second of most of the frames read so far.

        It is the average rate unless that differs by more than a hundredth, as in a GIF whose last
        frame is held; a log line then names both.
        """
        steps = np.diff(self.times)
        if len(steps) < 2 or np.median(steps) <= 0:
            return self.average_fps
        usual = steps[np.abs(steps - np.median(steps)) <= np.median(steps) / 2]
        rate = float(Fraction(1 / float(usual.mean())).limit_denominator(1001))
        if abs(rate / self.average_fps - 1) <= UNEVEN or not LOWEST_RATE <= rate <= HIGHEST_RATE:
            return self.average_fps
        logger.warning(
            "%s: its frames are unevenly spaced in time. %d of %d follow at %.6g fps, which is "
            "taken as the rate; the average is %.6g fps.",
            self.name,
            len(usual) + 1,
            len(steps) + 1,
            rate,
            self.average_fps,
        )
        return rate


@contextmanager
def open_video(source: str | Path | bytes, name: str = "the video") -> Iterator[OpenVideo]:
    """Opens a video to be read frame by frame, for clips that do not fit in memory.

    Args:
        source: a file, or the bytes of one, such as a member of an archive.
        name: what errors call a video that comes as bytes.

    Raises FormatError as read_video does, also while frames are read.
    """
    import av

    if isinstance(source, bytes):
        file, opened = Path(name), io.BytesIO(source)
    else:
        file = existing_file(source)
        opened = str(file)
    with _as_format_errors(file):
        # Metadata may be in any encoding; it is not used.
        container = av.open(opened, container_options=ONLY_VIDEO, metadata_errors="replace")
    with container:
        with _as_format_errors(file):
            video = _opened(container, file)
        yield video


def _opened(container: Any, file: Path) -> OpenVideo:
    if not container.streams.video:
        raise FormatError(f"{file} holds no video.")
    if lacks := missing_bytes(file if container.file is None else container.file.file):
        raise FormatError(f"{file} is cut short: its last {lacks} bytes are missing.")
    stream = container.streams.video[0]
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_FRAME_PIXELS:
        raise FormatError(
            f"{file} states frames of {width}x{height}; at most {MAX_FRAME_PIXELS:,} pixels are "
            "read. Shrink it first."
        )
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    stream.thread_type = "AUTO"
    times: list[float] = []
    pictures = _upright_frames(container, stream, file, times)
    first = next(pictures, None)
    if first is None:
        raise FormatError(f"{file} holds a video without a single frame.")
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    rate = next((r for r in rates if r and LOWEST_RATE <= r <= HIGHEST_RATE), None)
    if rate is None:
        raise FormatError(f"{file} does not say how many frames it shows per second.")
    return OpenVideo(chain([first], pictures), float(rate), stream.frames, times, file.name)


@contextmanager
def _as_format_errors(file: Path) -> Iterator[None]:
    """Whatever FFmpeg and PyAV raise on damaged files, as FormatError."""
    from av.error import FFmpegError

    try:
        yield
    except FormatError:
        raise
    except FFmpegError as error:
        raise FormatError(
            f"{file} is not a video that can be read, or is damaged or cut short: {error.strerror}."
        ) from error
    except MemoryError:
        raise
    except Exception as error:
        raise FormatError(
            f"{file} is not a video that can be read, or is damaged: {str(error)[:200]}."
        ) from error


def write_video(
    path: str | Path,
    frames: Tensor,
    fps: float,
    progress: Progress = silent,
    encoder: Mapping[str, str] = ENCODER_OPTIONS,
) -> None:
    """Writes a video that common players and browsers play: H.264, yuv420p, BT.709, crf 18.

    H.264 in yuv420p has even sides only: an odd width or height grows by one pixel that repeats
    the last column or row. If writing fails or progress raises, no file is left behind.

    Args:
        path: ends in .mp4, .m4v, .mov or .mkv.
        frames: (T, H, W, 3), uint8 or floating point 0..1 (clipped), T >= 1.
        fps: frames per second, 0.1..1000.
        progress: called per frame.
        encoder: options of libx264.

    Raises:
        ShapeError, TypeError, ValueError: frames, fps or suffix are invalid.
        OSError: the file cannot be written.
    """
    import av
    from av.error import FFmpegError

    target = Path(path)
    container_format, options = by_suffix(target, CONTAINERS, "video")
    check_video(frames, "frames")
    rate = _rational(fps)
    height, width = (side + side % 2 for side in frames.shape[1:3])
    try:
        with (
            atomic_write(target) as temporary,
            av.open(str(temporary), "w", format=container_format, options=options) as container,
        ):
            stream = container.add_stream("libx264", rate=rate, options=dict(encoder))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            _tag_colors(stream.codec_context)
            for index in range(len(frames)):
                container.mux(stream.encode(_encodable(frames[index], index)))
                progress(index + 1, len(frames))
            container.mux(stream.encode(None))
    except FFmpegError as error:
        raise OSError(f"{target} could not be written: {error.strerror}.") from error


def _upright_frames(
    container: Any, stream: Any, file: Path, times: list[float]
) -> Iterator[np.ndarray]:
    """Frames turned upright; `times` receives the seconds of those that state them."""
    with _as_format_errors(file):
        for picture, time in _turned_frames(container, stream, file):
            if time is not None:
                times.append(time)
            yield picture


def _turned_frames(
    container: Any, stream: Any, file: Path
) -> Iterator[tuple[np.ndarray, float | None]]:
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
        yield np.ascontiguousarray(picture), frame.time


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
    ends_early = len(container.streams) == 1 and lasts - end > SHORT_S
    if ends_early and container.file is None and missing_bytes(file) is None:
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
    picture = as_bytes(frame, f"frame {index}")
    picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED_RANGE
    )
