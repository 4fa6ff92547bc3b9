"""Our JSON of camera paths, which keeps everything."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...geometry import Size, checked_size
from ...safe_json import parse_json
from ..camera_path import CameraPath
from .pose_rows import NATIVE_KIND, READ_FORMS, check_frame_count, check_has_frames

VERSION = 1


def camera_to_json(camera: CameraPath) -> str:
    """Our JSON; camera_from_json gives the same path back, bit for bit.

    Raises:
        FormatError: The path has no frames.
    """
    check_has_frames(camera.num_frames)
    frames = [
        {"T_cam_world": pose, "K": K}
        for pose, K in zip(camera.T_cam_world.tolist(), camera.K.tolist(), strict=True)
    ]
    head: dict[str, Any] = {
        "kind": NATIVE_KIND,
        "version": VERSION,
        "width": camera.size.width,
        "height": camera.size.height,
        "fps": camera.fps,
    }
    return json.dumps({**head, "frames": frames})


def camera_from_json(text: str, *, size: Size | None = None) -> CameraPath:
    """Our JSON read back.

    Args:
        text: The JSON.
        size: The expected canvas; None for any.

    Raises:
        FormatError: The text is malformed, has no frames, or is for another canvas.
    """
    data = parse_json(text)
    if not isinstance(data, dict) or data.get("kind") != NATIVE_KIND:
        keys = f"the keys {', '.join(map(repr, list(data)[:8]))}" if isinstance(data, dict) else ""
        raise FormatError(f"got JSON with {keys or 'no object'}; {READ_FORMS}.")
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise FormatError(f"camera path version {version!r:.60}; this release reads {VERSION}.")
    try:
        stored = checked_size(data["width"], data["height"])
        check_has_frames(len(data["frames"]))
        check_frame_count(len(data["frames"]))
        poses = _matrices([frame["T_cam_world"] for frame in data["frames"]], 4)
        lenses = _matrices([frame["K"] for frame in data["frames"]], 3)
        camera = CameraPath(poses, lenses, stored, _checked_fps(data.get("fps")))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatError(f"damaged camera path: {error}") from error
    check_size(camera, size)
    return camera


def check_size(camera: CameraPath, size: Size | None) -> None:
    """Raises FormatError unless the path is for the canvas `size`; None allows any."""
    if size is not None and Size(*size) != camera.size:
        raise FormatError(f"the camera path is for {camera.size}, not {Size(*size)}.")


def _matrices(rows: list[Any], side: int) -> Tensor:
    numbers = [number for row in rows for line in row for number in line]
    if not all(type(number) in (int, float) for number in numbers):
        raise ValueError(f"expected matrices {side} x {side} of numbers.")
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), side, side)


def _checked_fps(value: Any) -> float | None:
    if value is None or (type(value) in (int, float) and value > 0):
        return value
    raise ValueError(f"fps must be a positive number or null; got {value!r}.")
