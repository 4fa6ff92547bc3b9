"""RealEstate10K text as CameraCtrl reads it: lens relative to the image, world to camera."""

from __future__ import annotations

import torch
from torch import Tensor

from ...depth.lens import scaled_intrinsics
from ...errors import FormatError
from ...geometry import Size, checked_size
from ...tracks.frame_rate import HIGHEST_RATE, LOWEST_RATE
from ..camera_path import CameraPath
from .pose_rows import (
    READ_FORMS,
    REALESTATE_COLUMNS,
    check_frame_count,
    check_has_frames,
    path_of_table,
)

MICROSECONDS = 1_000_000


def camera_to_realestate(camera: CameraPath, *, source: str = "motion-prompting") -> str:
    """RealEstate10K text as CameraCtrl reads it: lens relative to the picture, world to camera.

    Args:
        camera: The path. Times are microseconds of its rate, frame numbers when it has none.
        source: The first line, where the dataset names its video.

    Raises:
        FormatError: The path has no frames.
    """
    check_has_frames(camera.num_frames)
    step = 1 if camera.fps is None else MICROSECONDS / camera.fps
    lines = [source]
    unit = scaled_intrinsics(camera.K, camera.size, Size(1, 1))
    for frame, (K, pose) in enumerate(zip(unit, camera.T_cam_world, strict=True)):
        lens = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
        numbers = [*map(float, lens), 0.0, 0.0, *pose[:3].flatten().tolist()]
        lines.append(" ".join([str(round(frame * step)), *(f"{n:.12g}" for n in numbers)]))
    return "\n".join(lines) + "\n"


def camera_from_realestate(text: str, size: Size, *, square: bool = True) -> CameraPath:
    """Read RealEstate10K text on a canvas.

    The lens is stored relative to a picture of unknown sides. The frame rate is derived from the
    times when they are microseconds, else it is unknown.

    Args:
        text: The content of the file.
        size: The canvas.
        square: Assume that the picture was cropped to the canvas, so that pixels stay square; False
            stretches it.

    Raises:
        FormatError: A line is malformed; the message names it.
    """
    size = checked_size(*size)
    rows = []
    check_frame_count(text.count("\n") - 1)
    lines = text.splitlines()
    check_frame_count(len(lines) - 1)
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or (number == 1 and _is_title(fields)):
            continue
        rows.append(_numbers(fields, number))
    if not rows:
        raise FormatError(f"there are no camera lines; {READ_FORMS}.")
    table = torch.tensor(rows, dtype=torch.float64)
    focal = table[:, 1:3] * torch.tensor(size, dtype=torch.float64)
    if square:
        focal = focal.amax(dim=1, keepdim=True).expand(-1, 2)
    K = torch.zeros(len(rows), 3, 3, dtype=torch.float64)
    K[:, 0, 0], K[:, 1, 1], K[:, 2, 2] = focal[:, 0], focal[:, 1], 1.0
    K[:, :2, 2] = table[:, 3:5] * torch.tensor(size, dtype=torch.float64)
    return path_of_table(table[:, 7:], K, size, _rate(table[:, 0]))


def _is_title(fields: list[str]) -> bool:
    """Whether a first line names the video: one word, or words of which few are numbers."""
    return len(fields) == 1 or 2 * sum(map(_is_number, fields)) < len(fields)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _numbers(fields: list[str], line: int) -> list[float]:
    if len(fields) != REALESTATE_COLUMNS:
        raise FormatError(
            f"line {line}: expected {REALESTATE_COLUMNS} numbers; got {len(fields)} fields; "
            f"{READ_FORMS}."
        )
    try:
        return [float(field) for field in fields]
    except ValueError as error:
        raise FormatError(f"line {line}: {error}.") from error


def _rate(times: Tensor) -> float | None:
    steps = times[1:] - times[:-1]
    if len(steps) == 0 or float(steps.min()) < 1000:  # frame numbers, or no times at all
        return None
    rate = MICROSECONDS / float(steps.mean())
    return rate if LOWEST_RATE <= rate <= HIGHEST_RATE else None
