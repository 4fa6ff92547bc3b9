"""Time-to-Move's example folder: a first frame, a reference video, its mask and a prompt.

run_wan.py, run_cog.py and run_svd.py of time-to-move/TTM (2511.08633) read these four files:
first_frame.png, motion_signal.mp4, mask.mp4 (grey; white where the reference is followed closely)
and prompt.txt.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .atomic_write import atomic_folder
from .errors import FormatError, ShapeError
from .image_files import read_image, write_image
from .images import check_image, check_video, image_size
from .progress import Progress, silent
from .regular_files import read_text, without_mark
from .video import read_video, write_video

FIRST_FRAME, REFERENCE, MASK, PROMPT = (
    "first_frame.png",
    "motion_signal.mp4",
    "mask.mp4",
    "prompt.txt",
)
MAX_PROMPT_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class MotionSignal:
    """A reference video with the area that follows it.

    Attributes:
        first_frame: (H, W, 3) float 0..1, the image that the model starts from.
        video: (T, H, W, 3) float 0..1, the reference.
        mask: (T, H, W) bool, True where the reference is followed closely.
        fps: Frames per second.
        prompt: The text prompt.

    Raises:
        ShapeError, TypeError: The parts differ in size or length, or are no images.
    """

    first_frame: Tensor
    video: Tensor
    mask: Tensor
    fps: float
    prompt: str = ""

    def __post_init__(self) -> None:
        check_image(self.first_frame)
        check_video(self.video, "the reference", least_frames=1)
        if self.mask.shape != self.video.shape[:3] or self.mask.dtype != torch.bool:
            raise ShapeError(
                f"the mask needs one bool per pixel and frame of the reference, "
                f"{tuple(self.video.shape[:3])}; got {self.mask.dtype} {tuple(self.mask.shape)}."
            )
        if image_size(self.first_frame) != image_size(self.video):
            raise ShapeError(
                f"the first frame is {image_size(self.first_frame)} but the reference is "
                f"{image_size(self.video)}; bring both to the size of the model."
            )


def write_motion_signal(folder: Path, signal: MotionSignal, progress: Progress = silent) -> None:
    """Write a new folder completely or not at all.

    Args:
        folder: Does not exist yet; the folder that holds it does.
        signal: At any size with even sides; an odd side grows by one pixel in the videos.
        progress: Called per frame of both videos.

    Raises:
        FileExistsError: The folder exists.
        OSError: A file cannot be written.
    """
    frames = len(signal.video)
    mask = (signal.mask.to(torch.uint8) * 255)[..., None].expand(-1, -1, -1, 3)

    def reference_progress(done: int, total: int) -> None:
        progress(done, 2 * frames)

    def mask_progress(done: int, total: int) -> None:
        progress(frames + done, 2 * frames)

    with atomic_folder(folder) as part:
        write_image(part / FIRST_FRAME, signal.first_frame)
        write_video(part / REFERENCE, signal.video, signal.fps, reference_progress)
        write_video(part / MASK, mask, signal.fps, mask_progress)
        (part / PROMPT).write_text(signal.prompt.strip() + "\n", encoding="utf-8")


def read_motion_signal(folder: Path, progress: Progress = silent) -> MotionSignal:
    """Read such a folder, also one of Time-to-Move's own.

    Args:
        folder: With the four files; prompt.txt may be missing.
        progress: Called per frame of both videos.

    Raises:
        FormatError: A file is missing or damaged, or the videos differ in size or length; the
            message names it.
    """
    missing = [n for n in (FIRST_FRAME, REFERENCE, MASK) if not (folder / n).is_file()]
    if missing:
        raise FormatError(
            f"{folder} is no folder of Time-to-Move: it has no {' and no '.join(missing)}."
        )
    video, fps = read_video(folder / REFERENCE, progress=progress)
    video = _unit(video)
    mask = _is_white(read_video(folder / MASK, progress=progress)[0])
    text = folder / PROMPT
    prompt = without_mark(read_text(text, MAX_PROMPT_BYTES)).strip() if text.is_file() else ""
    try:
        return MotionSignal(
            _unit(read_image(folder / FIRST_FRAME)),
            video,
            mask,
            fps,
            prompt,
        )
    except ShapeError as error:
        raise FormatError(f"{folder}: {error}") from error


def _unit(images: Tensor) -> Tensor:
    """Images as float 0..1."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def _is_white(frames: Tensor) -> Tensor:
    """(T, H, W) bool of bytes (T, H, W, 3), whose mean is above one half."""
    white = torch.empty(frames.shape[:-1], dtype=torch.bool)
    for number, frame in enumerate(frames):
        white[number] = frame.float().mean(dim=-1) > 127.5
    return white
