"""ComfyUI's own TRACKS value: a dict that travels on the wire between nodes."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor

from ..errors import FormatError
from ..geometry import Size, checked_size
from ..tracks.frame_rate import checked_rate
from ..tracks.model import Tracks
from .assembly import agreed_fps, agreed_size, assemble

log = logging.getLogger(__name__)

PATH_KEY = "track_path"
VISIBILITY_KEY = "track_visibility"


def to_host(tracks: Tracks) -> dict[str, Any]:
    """The TRACKS dict that ComfyUI's own nodes read.

    `track_path` float32 (T, N, 2) in pixels and `track_visibility` bool (T, N) are the host's
    keys; `canvas` (width, height), `fps` (or None) and `ids` int64 (N,) are ours. The tensors
    are copies: a node that writes into them cannot change `tracks`.
    """
    return {
        PATH_KEY: tracks.xy.detach().clone(),
        VISIBILITY_KEY: tracks.visible.clone(),
        "canvas": (tracks.size.width, tracks.size.height),
        "fps": tracks.fps,
        "ids": tracks.ids.clone(),
    }


def from_host(value: Any, *, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from a TRACKS dict of this pack or of any other node.

    Visibility (T, 1) for N tracks holds for all of them, as the host makes it from a mask. Without
    visibility all points are visible, as the host's sampler reads it. A leading batch axis of one
    is dropped. Ids that do not fit the tracks are renumbered with a warning: another node has
    changed the tracks and kept the old ids.

    Args:
        value: The dict.
        size: The expected canvas. Needed if the dict has no `canvas`, which the host's own nodes
            drop; compared with it otherwise.
        fps: Frames per second, used and compared likewise, but never needed.

    Raises:
        TypeError: `value` is a Tracks.
        FormatError: `value` is anything else than such a dict.
        CanvasError: Canvas and `size` differ.
    """
    if isinstance(value, Tracks):
        raise TypeError("from_host reads a TRACKS dict; these are Tracks already.")
    if not isinstance(value, dict) or PATH_KEY not in value:
        raise FormatError(
            f"expected a TRACKS dict with {PATH_KEY!r}; got {_describe(value)}. Connect a node "
            "with a TRACKS output."
        )
    xy = _path(value[PATH_KEY])
    visible = _visibility(value.get(VISIBILITY_KEY), xy)
    chosen = agreed_size(_canvas(value.get("canvas")), size, "this TRACKS value")
    rate = agreed_fps(_fps(value.get("fps")), fps)
    return assemble(xy, visible, chosen, fps=rate, ids=_ids(value.get("ids"), xy))


def _path(value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.is_complex():
        raise FormatError(
            f"TRACKS {PATH_KEY} must be a tensor (T, N, 2) of pixels; got {_describe(value)}."
        )
    path = _without_batch(value, 3, PATH_KEY)
    if path.ndim != 3 or path.shape[-1] != 2:
        raise FormatError(
            f"TRACKS {PATH_KEY} must be (T, N, 2): frames, tracks, (x, y); got "
            f"{tuple(value.shape)}. Connect a node that gives one set of 2D tracks."
        )
    return path.detach()


def _visibility(value: Any, xy: Tensor) -> Tensor | None:
    if value is None:
        log.info("TRACKS without %s: every point counts as visible.", VISIBILITY_KEY)
        return None
    if not isinstance(value, Tensor):
        raise FormatError(
            f"TRACKS {VISIBILITY_KEY} must be a tensor (T, N) of booleans; got {_describe(value)}."
        )
    visible = _without_batch(value, 2, VISIBILITY_KEY).to(xy.device)
    frames, points = xy.shape[:2]
    if visible.shape not in ((frames, points), (frames, 1)):
        raise FormatError(
            f"TRACKS {VISIBILITY_KEY} must be (T, N) = {(frames, points)} to match {PATH_KEY}; "
            f"got {tuple(value.shape)}. Connect tracks and a mask with as many frames."
        )
    if visible.dtype != torch.bool and not bool(((visible == 0) | (visible == 1)).all()):
        raise FormatError(
            f"TRACKS {VISIBILITY_KEY} must be booleans; got {visible.dtype} values between 0 "
            "and 1. Threshold the confidences first."
        )
    if visible.shape[1] != points:
        visible = visible[:, :1].expand(frames, points) if points else visible[:, :0]
    return visible


def _without_batch(value: Tensor, axes: int, name: str) -> Tensor:
    if value.ndim == axes + 1 and value.shape[0] == 1:
        log.info("TRACKS %s has a leading batch axis of one; it is dropped.", name)
        return value[0]
    return value


def _canvas(value: Any) -> Size | None:
    if value is None:
        return None
    sides = value.tolist() if isinstance(value, Tensor) else value
    try:
        width, height = sides
        return checked_size(width, height)
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"TRACKS canvas must be (width, height) in whole pixels; got {_describe(value)}."
        ) from error


def _fps(value: Any) -> float | None:
    try:
        return checked_rate(value, "TRACKS fps")
    except (TypeError, ValueError) as error:
        raise FormatError(str(error)) from error


def _ids(value: Any, xy: Tensor) -> Tensor | None:
    if value is None:
        return None
    if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex():
        raise FormatError(f"TRACKS ids must be a tensor of integers; got {_describe(value)}.")
    points = xy.shape[1]
    if value.shape != (points,) or value.unique().numel() != points:
        log.warning(
            "TRACKS ids of shape %s do not fit %d tracks: a node between changed the tracks and "
            "kept the old ids. They are renumbered from 0.",
            tuple(value.shape),
            points,
        )
        return None
    return value.to(xy.device)


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, dict):
        return f"a dict with keys {[str(key)[:30] for key in list(value)[:8]]}"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    return type(value).__name__
