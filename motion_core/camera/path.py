"""Camera paths made of keys, joined to one another, and fitted to a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..depth.model import DepthMap
from ..document.easing import ease_value
from ..document.model import Easing
from ..errors import CanvasError, ShapeError
from ..geometry import Size, checked_size
from .model import CameraPath
from .pinhole import unproject
from .pose import interpolate_poses, inverse


@dataclass(frozen=True, eq=False)
class CameraSetup:
    """What a camera path is made for: a picture, its lens, and how long the clip is.

    K: (3, 3) float64 intrinsics in pixels of `size`. pivot: (3,) float64, the world point that
    turning moves turn about; its depth is the unit of moves measured in pivot distances.
    Raises TypeError, ValueError or ShapeError when any of this does not hold.
    """

    size: Size
    K: Tensor
    pivot: Tensor
    frames: int
    fps: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(*self.size))
        if isinstance(self.frames, bool) or not hasattr(self.frames, "__index__"):
            raise TypeError(f"frames must be a whole number; got {self.frames!r}.")
        if self.frames < 1:
            raise ValueError(f"a camera path needs at least one frame; got {self.frames}.")
        if self.K.shape != (3, 3) or self.pivot.shape != (3,):
            raise ShapeError("CameraSetup needs K (3, 3) and pivot (3,).")
        if not float(self.pivot[2]) > 0.0 or not bool(torch.isfinite(self.pivot).all()):
            raise ValueError(
                f"the pivot must lie in front of the camera; got {self.pivot.tolist()}."
            )

    @property
    def distance(self) -> float:
        """Depth of the pivot: one pivot distance in scene units."""
        return float(self.pivot[2])

    def times(self) -> np.ndarray:
        """(T,) float64 in 0..1, the time of every frame."""
        return np.arange(self.frames, dtype=np.float64) / max(self.frames - 1, 1)

    def path(self, poses: Tensor, focal_scale: Tensor) -> CameraPath:
        """A CameraPath from poses (T, 4, 4) and focal lengths (T,) relative to K's."""
        K = self.K.to(torch.float64).expand(len(poses), 3, 3).clone()
        K[:, :2, :2] *= focal_scale.to(torch.float64)[:, None, None]
        return CameraPath(poses.to(torch.float64), K, self.size, self.fps)


def make_setup(
    depth: DepthMap,
    frames: int,
    *,
    point: tuple[float, float] | None = None,
    fps: float | None = None,
) -> CameraSetup:
    """The CameraSetup of a picture with depth.

    point: a picked pixel whose scene point becomes the pivot; None takes the median depth on the
    optical axis. A picked pixel without depth takes the median depth on its own ray.
    Raises ValueError for a pixel off the picture.
    """
    median = float(depth.z[depth.valid].median())
    if point is None:
        pivot = torch.tensor([0.0, 0.0, median], dtype=torch.float64)
        return CameraSetup(depth.size, depth.K, pivot, frames, fps)
    x, y = point
    if not (0 <= x < depth.size.width and 0 <= y < depth.size.height):
        raise ValueError(f"the picked point {point} is off the picture ({depth.size}).")
    row, column = int(y), int(x)
    z = float(depth.z[row, column]) if bool(depth.valid[row, column]) else median
    xy, distance = torch.tensor([[x, y]]).double(), torch.tensor([z]).double()
    pivot = unproject(xy, distance, depth.K.cpu())[0]
    return CameraSetup(depth.size, depth.K, pivot, frames, fps)


@dataclass(frozen=True, eq=False)
class CameraKey:
    """Where the camera is at one time.

    t: 0..1 of the clip. T_cam_world: (4, 4) float64. focal_scale: focal length relative to the
    picture's. easing: how the way to the next key speeds up.
    """

    t: float
    T_cam_world: Tensor
    focal_scale: float = 1.0
    easing: Easing = "linear"


def path_from_keys(
    keys: Sequence[CameraKey], setup: CameraSetup, *, smooth: bool = False
) -> CameraPath:
    """A path through keys: screws from key to key, and equal ratios of focal length.

    smooth: pass through the keys without a kink (Barry and Goldman's pyramid for Catmull-Rom
    curves, with screws in place of straight lines) instead of turning sharply at each.
    Before the first key and after the last the camera rests.
    Raises ValueError for no keys, times outside 0..1 or not rising, or focal scales not above 0.
    """
    _check_keys(keys)
    times = np.array([key.t for key in keys])
    at = np.clip(setup.times(), times[0], times[-1])
    before = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(len(keys) - 2, 0))
    after = np.minimum(before + 1, len(keys) - 1)
    gap = np.where(after > before, times[after] - times[before], 1.0)
    share = (at - times[before]) / gap
    for number, key in enumerate(keys):
        mine = before == number
        share[mine] = ease_value(key.easing, share[mine])
    poses = torch.stack([key.T_cam_world for key in keys]).to(torch.float64)
    walk = _smooth_way if smooth and len(keys) > 2 else _straight_way
    way = walk(poses, times, before, torch.from_numpy(share))
    zoom = np.log([key.focal_scale for key in keys])
    return setup.path(
        way, torch.from_numpy(np.exp(zoom[before] + share * (zoom[after] - zoom[before])))
    )


def join(first: CameraPath, second: CameraPath) -> CameraPath:
    """The second path carried on from where the first one ends, as one path.

    The second's start is laid on the first's end, so one of the two equal frames is dropped;
    focal lengths carry on by ratio.
    Raises CanvasError for different canvases, ValueError when either has no frames.
    """
    if first.size != second.size:
        raise CanvasError(
            f"camera paths of {first.size} and {second.size} cannot be joined; bring one to the "
            "other's canvas first (scaled_to)."
        )
    if not (first.num_frames and second.num_frames):
        raise ValueError("a camera path without frames cannot be joined.")
    carried = second.T_cam_world @ inverse(second.T_cam_world[0]) @ first.T_cam_world[-1]
    K = first.K[-1].expand_as(second.K).clone()
    K[:, 0, 0] *= second.K[:, 0, 0] / second.K[0, 0, 0]
    K[:, 1, 1] *= second.K[:, 1, 1] / second.K[0, 1, 1]
    return replace(
        first,
        T_cam_world=torch.cat([first.T_cam_world, carried[1:]]),
        K=torch.cat([first.K, K[1:]]),
    )


def layer(base: CameraPath, top: CameraPath) -> CameraPath:
    """Two motions at once: each pose of `top` acts on top of the pose of `base` of its frame.

    Meant for sway on a planned move. Focal lengths multiply by ratio to `top`'s first.
    Raises CanvasError for different canvases, ShapeError for different numbers of frames.
    """
    if base.size != top.size:
        raise CanvasError(
            f"camera paths of {base.size} and {top.size} cannot be layered; bring one to the "
            "other's canvas first (scaled_to)."
        )
    if base.num_frames != top.num_frames:
        raise ShapeError(
            f"camera paths of {base.num_frames} and {top.num_frames} frames cannot be layered."
        )
    K = base.K.clone()
    for axis in (0, 1):
        K[:, axis, axis] *= top.K[:, axis, axis] / top.K[:1, axis, axis]
    return replace(base, T_cam_world=top.T_cam_world @ base.T_cam_world, K=K)


def from_first_view(path: CameraPath) -> CameraPath:
    """The same motion in the frame of its first camera, so that it starts at the identity.

    Paths read from files live in a world of their own; reprojection wants this one.
    Raises ValueError for a path without frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no first view.")
    return replace(path, T_cam_world=path.T_cam_world @ inverse(path.T_cam_world[0]))


def with_lens(path: CameraPath, K: Tensor, size: Size) -> CameraPath:
    """The same motion through another picture's lens; changes of focal length carry over by ratio.

    K: (3, 3) in pixels of `size`.
    Raises ValueError for a path without frames.
    """
    if path.num_frames == 0:
        raise ValueError("a camera path without frames has no lens to replace.")
    lenses = K.to(torch.float64).expand(path.num_frames, 3, 3).clone()
    lenses[:, 0, 0] *= path.K[:, 0, 0] / path.K[0, 0, 0]
    lenses[:, 1, 1] *= path.K[:, 1, 1] / path.K[0, 1, 1]
    return replace(path, K=lenses, size=checked_size(*size))


def with_travel_scaled(path: CameraPath, factor: float) -> CameraPath:
    """The same turns with every distance travelled times `factor`, to fit another scene's scale.

    Raises ValueError unless the factor is positive and finite.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"the travel factor must be a positive number; got {factor}.")
    poses = path.T_cam_world.clone()
    poses[:, :3, 3] *= factor
    return replace(path, T_cam_world=poses)


def resampled(path: CameraPath, frames: int) -> CameraPath:
    """The same way in another number of frames: screws between the frames it has.

    The rate stays, so the clip's duration changes.
    Raises ValueError for a path without frames or fewer than one asked for.
    """
    if path.num_frames == 0 or frames < 1:
        raise ValueError(
            f"a camera path of {path.num_frames} frames cannot be brought to {frames}."
        )
    if frames == path.num_frames:
        return path
    at = torch.linspace(0.0, path.num_frames - 1.0, frames, dtype=torch.float64)
    before = at.floor().long().clamp(max=path.num_frames - 1)
    after = (before + 1).clamp(max=path.num_frames - 1)
    share = at - before
    poses = interpolate_poses(path.T_cam_world[before], path.T_cam_world[after], share)
    K = torch.lerp(path.K[before], path.K[after], share[:, None, None])
    return replace(path, T_cam_world=poses, K=K)


def taken_by(path: CameraPath, setup: CameraSetup, travel_scale: float = 1.0) -> CameraPath:
    """A path from elsewhere as a setup's camera takes it.

    Its first view becomes the picture, its lens the picture's (changes of focal length carry over
    by ratio), its length the setup's; distances are multiplied by `travel_scale`.
    Raises ValueError for a path without frames or a scale not above 0.
    """
    own = with_lens(from_first_view(path), setup.K, setup.size)
    scaled = with_travel_scaled(resampled(own, setup.frames), travel_scale)
    return replace(scaled, fps=setup.fps)


def _check_keys(keys: Sequence[CameraKey]) -> None:
    if not keys:
        raise ValueError("a camera path needs at least one key; got none.")
    times = [key.t for key in keys]
    rising = all(a < b for a, b in zip(times, times[1:], strict=False))
    if not rising or not (times[0] >= 0.0 and times[-1] <= 1.0):
        raise ValueError(f"key times must rise within 0..1; got {times}.")
    for number, key in enumerate(keys):
        if not (math.isfinite(key.focal_scale) and key.focal_scale > 0):
            raise ValueError(f"key {number}: focal_scale must be above 0; got {key.focal_scale}.")


def _straight_way(poses: Tensor, times: np.ndarray, before: np.ndarray, share: Tensor) -> Tensor:
    after = np.minimum(before + 1, len(times) - 1)
    return interpolate_poses(poses[before], poses[after], share)


def _smooth_way(poses: Tensor, times: np.ndarray, before: np.ndarray, share: Tensor) -> Tensor:
    """Catmull-Rom over four keys; beyond the ends the first and last step are repeated."""
    ahead = interpolate_poses(poses[-2], poses[-1], torch.tensor(2.0))
    behind = interpolate_poses(poses[0], poses[1], torch.tensor(-1.0))
    poses = torch.cat([behind[None], poses, ahead[None]])
    times = np.concatenate([[2 * times[0] - times[1]], times, [2 * times[-1] - times[-2]]])
    knots = [torch.from_numpy(times[before + k]) for k in range(4)]
    at = knots[1] + share * (knots[2] - knots[1])
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
