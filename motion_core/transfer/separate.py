"""Separation of camera motion and object motion, from tracks alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..images import check_video
from ..progress import Progress, silent
from ..tracks.arguments import positive_number
from ..tracks.model import Tracks
from ..tracks.start import first_visible, start_and_displacement

CameraModel = Literal["homography", "similarity"]
LEAST_POINTS = {"homography": 4, "similarity": 2}
# With fewer tracks shared with the first frame, the previous frame is considered as well.
FEW_SHARED = 16
# A track is background if it agrees with the camera in at least this fraction of its frames,
BACKGROUND_SHARE = 0.6
# and deviates from the camera by at most this many times the median deviation of those tracks: a
# vibration far below the threshold must not count as the camera's.
STRAY_TIMES = 2.5
LEAST_STRAY_PX = 0.05
MAX_ITERATIONS = 2000
CONFIDENCE = 0.999


@dataclass(frozen=True, eq=False)
class Separation:
    """Tracks separated into camera motion and object motion.

    Attributes:
        camera: The same points moved by the camera alone.
        objects: The same points moved by the rest, so that camera plus the displacements of objects
            is the original wherever it is visible.
        stabilised: The original in the view of a camera that stays at the first frame. For small
            camera moves it equals objects.
        motion: (T, 3, 3) float64, maps pixels of the first frame to pixels of frame t.
        is_background: (N,) bool, the tracks that move with the camera.
    """

    camera: Tracks
    objects: Tracks
    stabilised: Tracks
    motion: Tensor
    is_background: Tensor


def separate_motion(
    tracks: Tracks,
    model: CameraModel = "homography",
    *,
    threshold: float = 2.0,
    progress: Progress = silent,
) -> Separation:
    """Separate tracks into the camera's motion and the rest.

    The camera's motion is the dominant one: fitted robustly (RANSAC) frame by frame against the
    first frame, then again to the tracks that agree throughout. Where few tracks last from the
    first frame, frames are chained. The models have no depth, so parallax counts as object motion.

    Args:
        tracks: (T, N).
        model: "homography" for a rotating or zooming camera and for flat scenes; "similarity"
            (rotation, scale, translation) for few or noisy tracks.
        threshold: Largest distance in pixels at which a track agrees.
        progress: Called once per frame.

    Raises:
        ValueError: The model or threshold is invalid, or in a frame, which the message names, fewer
            tracks than the model needs are visible or none fits.
    """
    if model not in LEAST_POINTS:
        raise ValueError(f"model must be homography or similarity; got {model!r}.")
    positive_number("threshold", threshold)
    xy = tracks.xy.cpu().numpy().astype(np.float64)
    visible = tracks.visible.cpu().numpy()
    if not xy.size:
        identity = torch.eye(3, dtype=torch.float64).repeat(tracks.num_frames, 1, 1)
        empty = torch.zeros(tracks.num_points, dtype=torch.bool)
        return Separation(tracks, tracks, tracks, identity, empty)
    fitter = _Fitter(xy, visible, model, threshold)
    rough, votes, tries = fitter.fit(np.ones(len(visible[0]), dtype=bool), progress)
    if len(xy) == 1:
        return _split(tracks, rough, torch.ones(len(visible[0]), dtype=torch.bool))
    background = (votes >= BACKGROUND_SHARE * np.maximum(tries, 1)) & (tries > 0)
    background = _steady(_split(tracks, rough, torch.from_numpy(background)))
    if fitter.is_enough(background):
        rough, _, _ = fitter.fit(background, progress)
    return _split(tracks, rough, torch.from_numpy(background))


def stabilised_frames(video: Tensor, motion: Tensor, *, progress: Progress = silent) -> Tensor:
    """Warp frames to the view of a camera that stays at the first frame.

    Args:
        video: (T, H, W, 3), uint8 or floating.
        motion: (T, 3, 3) of a Separation on the same canvas.
        progress: Called once per frame.

    Returns:
        (T, H, W, 3) in the dtype of `video`, black where a frame has no pixels.

    Raises:
        ShapeError: The numbers of frames differ.
    """
    import cv2

    check_video(video)
    if len(video) != len(motion):
        raise ShapeError(f"expected {len(motion)} frames, as the tracks have; got {len(video)}.")
    height, width = video.shape[1:3]
    # OpenCV's origin is the centre of the first pixel, ours its corner.
    to_corner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    result = torch.empty_like(video)
    for frame, matrix in enumerate(motion.cpu().numpy()):
        centred = np.linalg.inv(to_corner) @ matrix @ to_corner
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = np.ascontiguousarray(video[frame].cpu().numpy())
        warped = cv2.warpPerspective(picture, centred, (width, height), flags=flags)
        result[frame] = torch.from_numpy(warped)
        progress(frame + 1, len(video))
    return result


@dataclass(frozen=True, eq=False)
class _Fitter:
    """Camera motion fitted to positions (T, N, 2) where visible (T, N)."""

    xy: np.ndarray
    visible: np.ndarray
    model: CameraModel
    threshold: float

    def fit(
        self, allowed: np.ndarray, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Estimate the motion from the allowed tracks.

        Returns:
            (T, 3, 3) motion, and for each track (N,) in how many frames it agreed, and (N,) in how
            many it was tried.
        """
        frames, points = self.visible.shape
        motion = np.tile(np.eye(3), (frames, 1, 1))
        votes, tries = np.zeros(points, int), np.zeros(points, int)
        for frame in range(1, frames):
            base = self._base(frame, allowed)
            shared = np.flatnonzero(self.visible[base] & self.visible[frame] & allowed)
            step, agrees = self._step(base, frame, shared)
            motion[frame] = step @ motion[base]
            motion[frame] /= motion[frame, 2, 2]
            votes[shared[agrees]] += 1
            tries[shared] += 1
            progress(frame, frames - 1)
        return motion, votes, tries

    def is_enough(self, allowed: np.ndarray) -> bool:
        """Whether the allowed tracks alone give every frame's motion."""
        bases = (self._base(frame, allowed) for frame in range(1, len(self.visible)))
        shared = (
            (self.visible[base] & self.visible[frame] & allowed).sum()
            for frame, base in enumerate(bases, start=1)
        )
        return all(count >= LEAST_POINTS[self.model] for count in shared)

    def _base(self, frame: int, allowed: np.ndarray) -> int:
        """The frame to fit against: the first one, or the previous one if it shares more tracks."""
        here = self.visible[frame] & allowed
        with_first = int((self.visible[0] & here).sum())
        if with_first >= FEW_SHARED or frame == 1:
            return 0
        return frame - 1 if int((self.visible[frame - 1] & here).sum()) > with_first else 0

    def _step(self, base: int, frame: int, shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import cv2

        if len(shared) < LEAST_POINTS[self.model]:
            raise ValueError(
                f"frame {frame}: only {len(shared)} tracks are visible there and in frame {base}; "
                f"a {self.model} needs {LEAST_POINTS[self.model]}. Track more points, or points "
                "that last longer."
            )
        source, target = self.xy[base, shared], self.xy[frame, shared]
        limits = {"maxIters": MAX_ITERATIONS, "confidence": CONFIDENCE}
        if self.model == "homography":
            matrix, agrees = cv2.findHomography(
                source, target, method=cv2.RANSAC, ransacReprojThreshold=self.threshold, **limits
            )
        else:
            part, agrees = cv2.estimateAffinePartial2D(
                source, target, method=cv2.RANSAC, ransacReprojThreshold=self.threshold, **limits
            )
            matrix = None if part is None else np.vstack([part, [0.0, 0.0, 1.0]])
        if matrix is None or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
            raise ValueError(
                f"frame {frame}: no {self.model} fits its {len(shared)} tracks; they lie on one "
                "line or one place. Track points all over the image."
                + (" Or use similarity." if self.model == "homography" else "")
            )
        return matrix, agrees[:, 0].astype(bool)


def _steady(parts: Separation) -> np.ndarray:
    """(N,) bool: the background tracks that deviate from the camera no further than noise."""
    _, moved = start_and_displacement(parts.objects)
    visible_frames = parts.objects.visible.sum(dim=0).clamp(min=1)
    stray = (moved.square().sum(dim=(0, 2)) / visible_frames).sqrt().cpu().numpy()
    background = parts.is_background.numpy()
    if not background.any():
        return background
    limit = max(STRAY_TIMES * float(np.median(stray[background])), LEAST_STRAY_PX)
    return background & (stray <= limit)


def _split(tracks: Tracks, motion: np.ndarray, is_background: Tensor) -> Separation:
    """The three sets of tracks that a camera's motion gives."""
    matrices = torch.from_numpy(motion).to(tracks.device)
    inverses = torch.linalg.inv(matrices)
    xy = tracks.xy.double()
    stabilised = _mapped(inverses, xy)
    first, _ = first_visible(tracks.visible)
    start = stabilised[first, torch.arange(tracks.num_points, device=tracks.device)]
    camera = _mapped(matrices, start.expand_as(xy))
    objects = torch.where(tracks.visible[..., None], start + (xy - camera), start)
    stabilised = torch.where(tracks.visible[..., None], stabilised, start)

    def with_xy(positions: Tensor) -> Tracks:
        return replace(tracks, xy=positions.to(torch.float32))

    return Separation(
        with_xy(camera), with_xy(objects), with_xy(stabilised), matrices, is_background
    )


def _mapped(matrices: Tensor, xy: Tensor) -> Tensor:
    """(T, N, 2) positions mapped by one (3, 3) per frame."""
    moved = torch.einsum("tij,tnj->tni", matrices[:, :, :2], xy) + matrices[:, None, :, 2]
    depth = moved[..., 2:]
    # Points beyond the horizon of a strongly tilted plane have no image; placeholders stay finite.
    return moved[..., :2] / torch.where(depth.abs() < 1e-6, 1e-6, depth)
