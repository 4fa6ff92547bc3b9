"""Readers and writers of camera paths in the formats of other tools."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic_write import write_text
from ..depth.lens import fov_of, intrinsics_from_fov, scaled_intrinsics
from ..depth.sources import ASSUMED_FOV_DEG
from ..document.easing import Easing
from ..errors import FormatError
from ..geometry import Size, checked_size
from ..regular_files import read_text, without_mark
from ..safe_json import parse_json
from .camera_path import CameraPath
from .keyframes import CameraKey, path_from_keys
from .pose import inverse, look_at, make_pose
from .setup import CameraSetup

log = logging.getLogger(__name__)

JSON_KIND = "camera_path"
JSON_VERSION = 1
# What a line of RealEstate10K holds: time, fx fy cx cy, two unused numbers, and 3 x 4 world to
# camera, row by row.
COLUMNS = 19
# What MotionCtrl keeps of a frame: 3 x 4 world to camera, row by row.
POSE_NUMBERS = 12
MAX_BYTES = 32 << 20
READ_FORMS = (
    f'camera files are read as our JSON {{"kind": "{JSON_KIND}", ...}}, as RealEstate10K / '
    f"CameraCtrl lines of {COLUMNS} numbers, or as MotionCtrl's JSON list of {POSE_NUMBERS} "
    "numbers for each frame"
)
MICROSECONDS = 1_000_000
# The host draws with this vertical angle when a camera states none.
HOST_FOV_DEG = 35.0
# The host's world has y up and its cameras look down -z; ours has y down and they look down +z.
FLIP = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)


def read_camera(
    path: str | os.PathLike[str], *, size: Size | None = None, default_size: Size | None = None
) -> CameraPath:
    """A camera path from a file in any of the forms of camera_from_text.

    Args:
        path: The file; its content decides which form it has.
        size: The canvas. A file that stores another one is refused.
        default_size: The canvas of a file that does not store one; others keep their own.

    Raises:
        FormatError: The file is malformed or is in none of the forms.
        ValueError: The file does not store its canvas and no size is given.
    """
    path = Path(path)
    try:
        camera = camera_from_text(read_text(path, MAX_BYTES), size or default_size)
        _check_size(camera, size)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return camera


def camera_from_text(text: str, size: Size | None = None) -> CameraPath:
    """A camera path from our JSON, MotionCtrl's JSON or RealEstate10K text.

    size: the canvas of the last two, which do not store one; our JSON keeps its own.
    Raises FormatError for anything else, ValueError where a size is needed and not given.
    """
    text = without_mark(text)
    start = text.lstrip()[:1]
    if start == "{":
        return camera_from_json(text)
    if not start:
        raise FormatError(f"there is no text; {READ_FORMS}.")
    if size is None:
        raise ValueError("the lens is relative to its picture; give the canvas size.")
    return camera_from_rows(text, size) if start == "[" else camera_from_realestate(text, size)


def write_camera(path: str | os.PathLike[str], camera: CameraPath) -> None:
    """Write .json (ours, everything kept) or .txt (RealEstate10K), by the name's ending.

    The file appears complete or not at all. Raises ValueError for another ending.
    """
    path = Path(path)
    writers = {".json": camera_to_json, ".txt": camera_to_realestate}
    if path.suffix.lower() not in writers:
        raise ValueError(f"a camera path is written as .json or .txt; got {path.name!r}.")
    write_text(path, writers[path.suffix.lower()](camera))


def camera_to_json(camera: CameraPath) -> str:
    """Our JSON; camera_from_json gives the same path back, bit for bit."""
    frames = [
        {"T_cam_world": pose, "K": K}
        for pose, K in zip(camera.T_cam_world.tolist(), camera.K.tolist(), strict=True)
    ]
    head: dict[str, Any] = {
        "kind": JSON_KIND,
        "version": JSON_VERSION,
        "width": camera.size.width,
        "height": camera.size.height,
        "fps": camera.fps,
    }
    return json.dumps({**head, "frames": frames})


def camera_from_json(text: str, *, size: Size | None = None) -> CameraPath:
    """Our JSON read back. Raises FormatError naming what is wrong, also for a differing `size`."""
    data = parse_json(text)
    if not isinstance(data, dict) or data.get("kind") != JSON_KIND:
        keys = f"the keys {', '.join(map(repr, list(data)[:8]))}" if isinstance(data, dict) else ""
        raise FormatError(f"got JSON with {keys or 'no object'}; {READ_FORMS}.")
    if data.get("version") != JSON_VERSION:
        raise FormatError(
            f"camera path version {data.get('version')!r}; this release reads {JSON_VERSION}."
        )
    try:
        stored = checked_size(data["width"], data["height"])
        poses = _matrices([frame["T_cam_world"] for frame in data["frames"]], 4)
        lenses = _matrices([frame["K"] for frame in data["frames"]], 3)
        camera = CameraPath(poses, lenses, stored, _checked_fps(data.get("fps")))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FormatError(f"damaged camera path: {error}") from error
    _check_size(camera, size)
    return camera


def camera_from_rows(text: str, size: Size) -> CameraPath:
    """MotionCtrl's JSON on a canvas: for each frame the 12 numbers of 3 x 4 world to camera.

    The file has no lens and no rate: 60 degrees across the width are assumed, and the rate is
    unknown. Raises FormatError naming the frame.
    """
    size = checked_size(*size)
    rows = parse_json(text)
    if not isinstance(rows, list) or not rows:
        raise FormatError(f"the JSON list holds no frames; {READ_FORMS}.")
    for frame, row in enumerate(rows):
        is_pose = isinstance(row, list) and len(row) == POSE_NUMBERS
        if not is_pose or not all(type(number) in (int, float) for number in row):
            raise FormatError(f"frame {frame} is no list of {POSE_NUMBERS} numbers; {READ_FORMS}.")
    table = torch.tensor([[float(number) for number in row] for row in rows], dtype=torch.float64)
    lens = intrinsics_from_fov(size, ASSUMED_FOV_DEG)
    log.info("the file has no lens; %g degrees across the width are assumed.", ASSUMED_FOV_DEG)
    return _path_of_table(table, lens.expand(len(rows), -1, -1).clone(), size, None)


def camera_to_realestate(camera: CameraPath, *, source: str = "motion-prompting") -> str:
    """RealEstate10K text as CameraCtrl reads it: lens relative to the picture, world to camera.

    Args:
        camera: The path. Times are microseconds of its rate, frame numbers when it has none.
        source: The first line, where the dataset names its video.
    """
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
    for number, line in enumerate(text.splitlines(), start=1):
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
    return _path_of_table(table[:, 7:], K, size, _rate(table[:, 0]))


def camera_to_host(camera: CameraPath, frame: int = 0, *, distance: float = 1.0) -> dict[str, Any]:
    """One frame as the host's LOAD3D_CAMERA: y up, looking down -z, vertical angle in degrees.

    distance: how far ahead of the camera its target is put.
    """
    back = inverse(camera.T_cam_world[frame])
    position = back[:3, 3]
    target = position + distance * back[:3, 2]
    x, y, z, w = _quaternion(FLIP[:, None] * back[:3, :3] * FLIP)
    return {
        "position": _xyz(position * FLIP),
        "target": _xyz(target * FLIP),
        "quaternion": {"x": x, "y": y, "z": z, "w": w},
        "fov": fov_of(camera.K[frame], camera.size)[1],
        "aspect": camera.size.width / camera.size.height,
        "zoom": 1.0,
        "cameraType": "perspective",
    }


def camera_from_host(
    camera: Mapping[str, Any], size: Size, *, fps: float | None = None
) -> CameraPath:
    """The host's LOAD3D_CAMERA as a path of one frame.

    The lens is its vertical angle (35 degrees when it states none, as the host draws it) times its
    zoom; the turn is its quaternion, or looking at the target with y up.
    Raises FormatError for an orthographic camera or missing or unusable numbers.
    """
    if str(camera.get("cameraType", "perspective")).lower().startswith("ortho"):
        raise FormatError("LOAD3D_CAMERA is orthographic; switch the 3D view to perspective.")
    eye = _vector(camera, "position") * FLIP
    quaternion = camera.get("quaternion")
    try:
        if quaternion:
            rotation = _rotation(_numbers_of(quaternion, "quaternion", "xyzw"))
            rotation = (FLIP[:, None] * rotation * FLIP).T
            pose = make_pose(rotation, -rotation @ eye)
        else:
            pose = _upright(eye, _vector(camera, "target") * FLIP)
        lens = intrinsics_from_fov(size, float(camera.get("fov") or HOST_FOV_DEG), axis="vertical")
        lens[:2, :2] *= float(camera.get("zoom") or 1.0)
        return CameraPath(pose[None], lens[None], size, fps)
    except (TypeError, ValueError) as error:
        raise FormatError(f"LOAD3D_CAMERA cannot be used: {error}") from error


def path_between_host_cameras(
    start: Mapping[str, Any],
    end: Mapping[str, Any],
    setup: CameraSetup,
    *,
    easing: Easing = "ease_in_out",
) -> CameraPath:
    """The way from one LOAD3D_CAMERA to another, taken by the camera of a picture.

    The first camera becomes the picture's own and its target the pivot: distances count relative
    to the one between them, and the lens changes by the ratio of the two.
    Raises what camera_from_host raises, FormatError when the first camera is at its target.
    """
    first, last = (camera_from_host(camera, setup.size) for camera in (start, end))
    reach = float((_vector(start, "target") - _vector(start, "position")).norm())
    if reach <= 0.0:
        raise FormatError("the first LOAD3D_CAMERA stands at its own target; move it away.")
    pose = last.T_cam_world[0] @ inverse(first.T_cam_world[0])
    pose[:3, 3] *= setup.distance / reach
    zoom = float(last.K[0, 0, 0] / first.K[0, 0, 0])
    here = CameraKey(0.0, make_pose(), easing=easing)
    return path_from_keys([here, CameraKey(1.0, pose, zoom)], setup)


def _upright(eye: Tensor, target: Tensor) -> Tensor:
    """Looking at the target; straight up or down the picture's top is the host's +z."""
    along = torch.nn.functional.normalize(target - eye, dim=0)
    down = (0.0, 0.0, 1.0) if abs(float(along[1])) > 0.999 else (0.0, 1.0, 0.0)
    return look_at(eye, target, down=down)


def _path_of_table(table: Tensor, K: Tensor, size: Size, fps: float | None) -> CameraPath:
    """A path from printed world-to-camera rows (T, 12). Raises FormatError for what is no pose."""
    poses = torch.eye(4, dtype=torch.float64).repeat(len(table), 1, 1)
    poses[:, :3] = table.reshape(-1, 3, 4)
    poses[:, :3, :3] = _nearest_rotations(poses[:, :3, :3])
    try:
        return CameraPath(poses, K, size, fps)
    except ValueError as error:
        raise FormatError(str(error)) from error


def _check_size(camera: CameraPath, size: Size | None) -> None:
    if size is not None and Size(*size) != camera.size:
        raise FormatError(f"the camera path is for {camera.size}, not {Size(*size)}.")


def _is_title(fields: list[str]) -> bool:
    """Whether a first line names the video: one word, or words of which few are numbers."""
    return len(fields) == 1 or 2 * sum(map(_is_number, fields)) < len(fields)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _matrices(rows: list[Any], side: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), side, side)


def _checked_fps(value: Any) -> float | None:
    if value is None or (type(value) in (int, float) and value > 0):
        return value
    raise ValueError(f"fps must be a positive number or null; got {value!r}.")


def _numbers(fields: list[str], line: int) -> list[float]:
    if len(fields) != COLUMNS:
        raise FormatError(
            f"line {line}: expected {COLUMNS} numbers; got {len(fields)} fields; {READ_FORMS}."
        )
    try:
        return [float(field) for field in fields]
    except ValueError as error:
        raise FormatError(f"line {line}: {error}.") from error


def _nearest_rotations(matrices: Tensor) -> Tensor:
    """Printed rotations lose digits; the nearest rotation gives them back. Others stay bad."""
    off = (matrices @ matrices.transpose(1, 2) - torch.eye(3, dtype=matrices.dtype)).abs()
    if not bool(torch.isfinite(matrices).all()) or float(off.amax()) > 1e-2:
        return matrices
    left, _, right = torch.linalg.svd(matrices)
    return left @ right


def _rate(times: Tensor) -> float | None:
    steps = times[1:] - times[:-1]
    if len(steps) == 0 or float(steps.min()) < 1000:  # frame numbers, or no times at all
        return None
    return MICROSECONDS / float(steps.mean())


def _vector(camera: Mapping[str, Any], name: str) -> Tensor:
    if not isinstance(camera.get(name), Mapping):
        raise FormatError(f"LOAD3D_CAMERA has no {name}.")
    return torch.tensor(_numbers_of(camera[name], name, "xyz"), dtype=torch.float64)


def _numbers_of(value: Mapping[str, Any], name: str, letters: str) -> list[float]:
    try:
        return [float(value[letter]) for letter in letters]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"LOAD3D_CAMERA.{name} needs numbers {', '.join(letters)}.") from error


def _xyz(vector: Tensor) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=True))


def _rotation(quaternion: list[float]) -> Tensor:
    """(3, 3) of a quaternion (x, y, z, w) of any length."""
    x, y, z, w = torch.nn.functional.normalize(
        torch.tensor(quaternion, dtype=torch.float64), dim=0
    ).tolist()
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.tensor(rows, dtype=torch.float64)


def _quaternion(rotation: Tensor) -> tuple[float, float, float, float]:
    """(x, y, z, w) of a rotation: the eigenvector of Bar-Itzhack's symmetric matrix."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    rows = [
        [a - e - i, 0.0, 0.0, 0.0],
        [d + b, e - a - i, 0.0, 0.0],
        [g + c, h + f, i - a - e, 0.0],
        [h - f, c - g, d - b, a + e + i],
    ]
    _, vectors = torch.linalg.eigh(torch.tensor(rows, dtype=torch.float64), UPLO="L")
    best = vectors[:, -1] * (1.0 if float(vectors[3, -1]) >= 0 else -1.0)
    x, y, z, w = best.tolist()
    return x, y, z, w
