"""Dense tracks of a clip with visibility and confidence, and their compact file."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import FormatError
from ..geometry import Size, checked_size
from ..npy_files import NpzArrays, npz_bytes
from ..trackers import Tracker, grid_queries, make_tracker
from ..trackers.appearance import ncc, patches_at
from ..tracks import Tracks
from ..transfer import separate_motion
from .frames import Picture
from .settings import CurationSettings

logger = logging.getLogger(__name__)

VERSION, VERSION_KEY = 1, "curated_tracks_version"
# Positions are stored as whole numbers of 1/scale pixel that fit in 16 bits.
MOST_SCALE, HALF_RANGE = 256, 32767
# A camera or an object that moves less than this share of the short side over the clip is still.
STILL_FRAC = 0.01
# An object moves where more than this share of all tracks leaves the camera's motion.
OBJECT_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class ClipTracks:
    """Tracks of a clip.

    Attributes:
        tracks: (T, N).
        confidence: (T, N) float32, 0..1: normalised cross-correlation of a point's surroundings
            with those at its query, negative ones as 0; 0 where it is not visible.
        is_background: (N,) bool, the tracks that move with the camera; None where tracks were not
            separated.
        label: still, camera, object or both; "" where tracks were not separated.
    """

    tracks: Tracks
    confidence: Tensor
    is_background: Tensor | None = None
    label: str = ""


@lru_cache(maxsize=1)
def tracker_of(name: str, folder: Path | None, device: str | None) -> Tracker:
    """The tracker of this process, made once. Raises as make_tracker does."""
    return make_tracker(name, folder, device=device)


def track_clip(pictures: Picture, settings: CurationSettings, tracker: Tracker) -> ClipTracks:
    """Track a grid of points through a clip.

    Args:
        pictures: (T, H, W, 3) uint8 RGB.
        settings: Spacing of the grid, frames in which it starts, whether to separate.
        tracker: Follows the points.
    """
    count, size = len(pictures), settings.size
    starts = [count * number // settings.query_frames for number in range(settings.query_frames)]
    queries = torch.cat([grid_queries(size, settings.spacing, frame) for frame in starts])
    tracks = tracker.track(torch.from_numpy(pictures), queries)
    tracks = Tracks(
        _rounded(tracks.xy, size), tracks.visible, tracks.ids, tracks.size, settings.fps
    )
    confidence = _confidence(pictures, queries, tracks)
    if not settings.separates:
        return ClipTracks(tracks, confidence)
    is_background, label = _separated(tracks)
    return ClipTracks(tracks, confidence, is_background, label)


def _confidence(pictures: Picture, queries: Tensor, tracks: Tracks) -> Tensor:
    """(T, N) float32 of ClipTracks.confidence, in steps of 1/255."""
    import cv2

    grey = [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in pictures]
    frames, points = queries[:, 0].long().numpy(), queries[:, 1:].numpy()
    templates = np.zeros((len(queries), patches_at(grey[0], points[:1]).shape[1]), np.uint8)
    for frame in np.unique(frames):
        at = frames == frame
        templates[at] = patches_at(grey[frame], points[at])
    xy, visible = tracks.xy.numpy(), tracks.visible.numpy()
    found = np.zeros(visible.shape, np.float32)
    for frame, picture in enumerate(grey):
        at = visible[frame]
        found[frame, at] = ncc(patches_at(picture, xy[frame, at]), templates[at]).correlation
    return torch.from_numpy(np.rint(np.clip(found, 0, 1) * 255) / 255).float()


def _separated(tracks: Tracks) -> tuple[Tensor, str]:
    """Which tracks move with the camera, and what moves in the clip."""
    try:
        parts = separate_motion(tracks)
    except ValueError as error:
        logger.info("not separated: %s", error)
        return torch.zeros(tracks.num_points, dtype=torch.bool), ""
    limit = STILL_FRAC * tracks.size.short_side
    background = parts.is_background
    camera = _reach(parts.camera.xy, tracks.visible)[background] > limit
    objects = (_reach(parts.objects.xy, tracks.visible) > limit) & ~background
    moves = (_share(camera) > 0.5, _share(objects) > OBJECT_SHARE)
    labels = {(False, False): "still", (True, False): "camera", (False, True): "object"}
    return background, labels.get(moves, "both")


def _reach(xy: Tensor, visible: Tensor) -> Tensor:
    """(N,) the largest distance of each track from its first position while visible, pixels."""
    start = xy[visible.int().argmax(dim=0), torch.arange(xy.shape[1])]
    return torch.where(visible, (xy - start).norm(dim=-1), 0.0).amax(dim=0)


def _share(which: Tensor) -> float:
    return float(which.float().mean()) if which.numel() else 0.0


def position_scale(size: Size) -> int:
    """Steps per pixel at which positions are stored: the largest power of two, at most 256, that
    leaves room for one canvas around the canvas in 16 bits."""
    scale = MOST_SCALE
    while scale > 1 and 2 * scale * max(size) > HALF_RANGE + 1:
        scale //= 2
    return scale


def _rounded(xy: Tensor, size: Size) -> Tensor:
    """Positions as they are stored: in whole steps, and within the range of 16 bits."""
    scale = position_scale(size)
    edge = xy.new_tensor(tuple(size))
    steps = (xy * scale).round()
    # Rounding must not push a point off the canvas, whose far edges are exclusive.
    steps = torch.where(xy < edge, steps.minimum(edge * scale - 1), steps)
    return steps.clamp(-HALF_RANGE, HALF_RANGE) / scale


def encode_tracks(clip: ClipTracks) -> bytes:
    """A compressed .npz, the same bytes for the same tracks; decode_tracks reads it back exactly.

    Positions are stored as 16-bit differences from frame to frame, visibility as bits along time.
    """
    tracks, scale = clip.tracks, position_scale(clip.tracks.size)
    steps = (tracks.xy.cpu().numpy() * scale).round().astype(np.int16)
    # Differences wrap around at 16 bits, and so does their sum.
    change = np.diff(steps, axis=0, prepend=np.zeros_like(steps[:1]))
    arrays = {
        VERSION_KEY: np.int64(VERSION),
        "xy_change": change,
        "scale": np.int64(scale),
        "visible": np.packbits(tracks.visible.cpu().numpy(), axis=0),
        "confidence": np.rint(clip.confidence.cpu().numpy() * 255).astype(np.uint8),
        "ids": tracks.ids.cpu().numpy(),
        "size": np.array(tracks.size, np.int64),
        "fps": np.float64(tracks.fps or 0.0),
    }
    if clip.is_background is not None:
        arrays["is_background"] = clip.is_background.numpy()
    return npz_bytes({name: np.asarray(value) for name, value in arrays.items()})


def decode_tracks(data: bytes, name: str = "tracks.npz", label: str = "") -> ClipTracks:
    """The tracks of encode_tracks.

    Args:
        data: The bytes of the file.
        name: What errors call it.
        label: Of the clip, which the sample's JSON holds.

    Raises:
        FormatError: It is another file, or of a newer release.
    """
    try:
        with NpzArrays(data) as arrays:
            version = int(arrays.load(VERSION_KEY)) if VERSION_KEY in arrays.names else 0
            if version != VERSION:
                raise FormatError(
                    f"expected curated tracks of version {VERSION}, got "
                    f"{version or 'a file without a version'}. Curate the videos again with this "
                    "release, or use the release that wrote them."
                )
            loaded = {one: arrays.load(one) for one in arrays.names}
            return _decoded(loaded, label)
    except KeyError as error:
        raise FormatError(f"{name}: lacks {error}; curate the videos again.") from error
    except (FormatError, ValueError, TypeError) as error:
        raise FormatError(f"{name}: {error}") from error


def _decoded(arrays: dict[str, np.ndarray], label: str) -> ClipTracks:
    change, scale = arrays["xy_change"], int(arrays["scale"])
    if change.dtype != np.int16 or change.ndim != 3 or change.shape[2] != 2 or scale < 1:
        raise FormatError(
            f"xy_change must be (T, N, 2) int16 with a scale of 1 or more; got {change.shape} "
            f"{change.dtype}, {scale}."
        )
    count = len(change)
    xy = np.cumsum(change, axis=0, dtype=np.int16).astype(np.float32) / scale
    visible = np.unpackbits(arrays["visible"], axis=0, count=count).astype(bool)
    confidence = arrays["confidence"]
    if confidence.shape != visible.shape or visible.shape != xy.shape[:2]:
        raise FormatError(
            f"positions {xy.shape}, visibility {visible.shape} and confidence {confidence.shape} "
            "do not belong together."
        )
    tracks = Tracks(
        torch.from_numpy(xy),
        torch.from_numpy(visible),
        torch.from_numpy(arrays["ids"]),
        checked_size(*arrays["size"].tolist()),
        float(arrays["fps"]) or None,
    )
    background = arrays.get("is_background")
    return ClipTracks(
        tracks,
        torch.from_numpy(confidence).float() / 255,
        None if background is None else torch.from_numpy(background),
        label,
    )
