"""Camera paths through keyframes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..document.easing import Easing, ease_value
from .camera_path import CameraPath
from .pose import interpolate_poses
from .setup import CameraSetup

LEAST_ZOOM, MOST_ZOOM = 1e-4, 1e4


@dataclass(frozen=True, eq=False)
class CameraKey:
    """The pose and focal length of the camera at one time.

    Attributes:
        t: Time, 0..1 of the clip.
        T_cam_world: (4, 4) float64.
        focal_scale: Focal length relative to the picture's.
        easing: How the motion to the next key speeds up.
    """

    t: float
    T_cam_world: Tensor
    focal_scale: float = 1.0
    easing: Easing = "linear"


def path_from_keys(
    keys: Sequence[CameraKey], setup: CameraSetup, *, smooth: bool = False
) -> CameraPath:
    """Interpolate keys: screw motions from key to key, focal lengths in equal ratios.

    Before the first key and after the last one the camera stands still.

    Args:
        keys: Keys in rising order of time.
        setup: The picture's camera and the number of frames.
        smooth: Pass through the keys without a kink (Barry and Goldman's pyramid for Catmull-Rom
            curves, with screws in place of straight lines) instead of turning sharply at each.

    Raises:
        ValueError: There are no keys, a time is outside 0..1 or does not rise, or a focal scale is
            not above 0 or extreme.
    """
    _check_keys(keys)
    times = np.array([key.t for key in keys])
    at = np.clip(setup.times(), times[0], times[-1])
    before = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(len(keys) - 2, 0))
    after = np.minimum(before + 1, len(keys) - 1)
    gap = np.where(after > before, times[after] - times[before], 1.0)
    fraction = (at - times[before]) / gap
    for number, key in enumerate(keys):
        segment = before == number
        fraction[segment] = ease_value(key.easing, fraction[segment])
    key_poses = torch.stack([key.T_cam_world for key in keys]).to(torch.float64)
    interpolate = _interpolate_smoothly if smooth and len(keys) > 2 else _interpolate_piecewise
    poses = interpolate(key_poses, times, before, torch.from_numpy(fraction))
    zoom = np.log([key.focal_scale for key in keys])
    return setup.path(
        poses, torch.from_numpy(np.exp(zoom[before] + fraction * (zoom[after] - zoom[before])))
    )


def _check_keys(keys: Sequence[CameraKey]) -> None:
    if not keys:
        raise ValueError("a camera path needs at least one key; got none.")
    times = [key.t for key in keys]
    rising = all(a < b for a, b in zip(times, times[1:], strict=False))
    if not rising or not (times[0] >= 0.0 and times[-1] <= 1.0):
        raise ValueError(f"key times must rise within 0..1; got {times}.")
    for number, key in enumerate(keys):
        if not LEAST_ZOOM <= key.focal_scale <= MOST_ZOOM:
            raise ValueError(
                f"key {number}: focal_scale must be above 0, from {LEAST_ZOOM:g} to "
                f"{MOST_ZOOM:g}; got {key.focal_scale}."
            )


def _interpolate_piecewise(
    poses: Tensor, times: np.ndarray, before: np.ndarray, fraction: Tensor
) -> Tensor:
    after = np.minimum(before + 1, len(times) - 1)
    return interpolate_poses(poses[before], poses[after], fraction)


def _interpolate_smoothly(
    poses: Tensor, times: np.ndarray, before: np.ndarray, fraction: Tensor
) -> Tensor:
    """Catmull-Rom over four keys; beyond the ends the first and last step are repeated."""
    ahead = interpolate_poses(poses[-2], poses[-1], torch.tensor(2.0))
    behind = interpolate_poses(poses[0], poses[1], torch.tensor(-1.0))
    poses = torch.cat([behind[None], poses, ahead[None]])
    times = np.concatenate([[2 * times[0] - times[1]], times, [2 * times[-1] - times[-2]]])
    knots = [torch.from_numpy(times[before + k]) for k in range(4)]
    at = knots[1] + fraction * (knots[2] - knots[1])
    level = [poses[before + k] for k in range(4)]
    for width in (1, 2, 3):
        starts, ends = knots[: 4 - width], knots[width:]
        if width == 3:  # the top of the pyramid runs between the two inner knots only
            starts, ends = [knots[1]], [knots[2]]
        level = [
            interpolate_poses(a, b, (at - start) / (end - start))
            for a, b, start, end in zip(level, level[1:], starts, ends, strict=False)
        ]
    return level[0]
