"""Object motion under a moving camera.

The paper (Motion Prompting, section 4.4) adds the displacements of the two; that holds for small
moves only, since a turned camera foreshortens the object's own motion. ``compose_3d`` lifts the
object's tracks to their depth, moves them there, and projects them with the camera.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..errors import CanvasError, ShapeError
from ..progress import Progress, silent
from ..tracks.frame_rate import common_rate
from ..tracks.model import Tracks, make_tracks
from ..tracks.select import concat, select
from ..tracks.start import track_starts
from .camera_path import CameraPath
from .camera_scene import CameraScene
from .cloud import PointCloud
from .moving_points import MovingPoints, nearest_points
from .reproject import project_clouds, reproject_points, visible_points

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ObjectMotion:
    """Something in the picture that moves by itself.

    Attributes:
        tracks: Its motion as drawn over the picture, under a camera that stands still.
        mask: (H, W) bool, the pixels that belong to it. They move with the nearest track and hide
            what they pass. None: only the tracks' own points move, and the picture's surface there
            stays.
        depth_offset: (T,) scene units that the object moves away from the camera; None for none.
    """

    tracks: Tracks
    mask: Tensor | None = None
    depth_offset: Tensor | None = None


def add_displacements(tracks: Tracks, other: Tracks) -> Tracks:
    """Add to `tracks` how far each track of `other` has moved since it was first visible.

    Args:
        tracks: (T, N) tracks that are moved.
        other: (T, N) tracks whose displacements are added; track n moves track n of `tracks`.

    Returns:
        Tracks (T, N), visible where both are.

    Raises:
        CanvasError: The canvases differ.
        ShapeError: The numbers of frames or tracks differ.
    """
    if tracks.size != other.size:
        raise CanvasError(
            f"displacements of {other.size} cannot be added to tracks of {tracks.size}; use Fit "
            "Tracks (fit) on one of them first."
        )
    if tracks.xy.shape != other.xy.shape:
        raise ShapeError(
            f"displacements need as many frames and tracks as they are added to; got "
            f"{other.num_frames} x {other.num_points} for {tracks.num_frames} x "
            f"{tracks.num_points}."
        )
    moved = tracks.xy + (other.xy - track_starts(other).xy)
    return replace(tracks, xy=moved, visible=tracks.visible & other.visible)


def add_nearest(tracks: Tracks, other: Tracks, mask: Tensor | None = None) -> Tracks:
    """Add to each track the displacement of the track of `other` that starts nearest to it.

    Args:
        tracks: (T, N) tracks that are moved.
        other: (T, M) tracks whose displacements are added. Tracks that are never visible
            have no displacement and are left out; without any others nothing changes.
        mask: (H, W) bool of the canvas. Only tracks that start on it are moved; None moves all.

    Returns:
        Tracks (T, N). A moved track is visible where both tracks are; the others are unchanged.

    Raises:
        CanvasError: The canvases differ.
        ShapeError: The numbers of frames differ, or the mask is not (H, W).
    """
    if mask is not None and (mask.dtype != torch.bool or mask.shape != (*tracks.size[::-1],)):
        raise ShapeError(f"the mask must be bool for {tracks.size}; got {tuple(mask.shape)}.")
    other = select(other, track_starts(other).has_start)
    start = track_starts(tracks).xy
    taking = torch.ones(len(start), dtype=torch.bool) if mask is None else _on_mask(start, mask)
    which = torch.nonzero(taking)[:, 0] if other.num_points else start.new_zeros(0).long()
    nearest = nearest_points(start[which], track_starts(other).xy)
    part = replace(
        tracks, xy=tracks.xy[:, which], visible=tracks.visible[:, which], ids=tracks.ids[which]
    )
    moves = replace(other, xy=other.xy[:, nearest], visible=other.visible[:, nearest], ids=part.ids)
    added = add_displacements(part, moves)
    xy, visible = tracks.xy.clone(), tracks.visible.clone()
    xy[:, which], visible[:, which] = added.xy, added.visible
    return replace(tracks, xy=xy, visible=visible)


def compose_by_adding(tracks: Tracks, scene: CameraScene, *, progress: Progress = silent) -> Tracks:
    """Add the camera's displacement of each track's first point, as the paper does.

    It is accurate for small moves only; see compose_3d.

    Args:
        tracks: (T, N) tracks under a camera that stands still.
        scene: Depth, camera path and occlusion rule.
        progress: Called once per frame.

    Raises:
        CanvasError, ShapeError, ValueError: As in compose_3d.
    """
    _check_object(tracks, scene)
    camera = reproject_points(scene, track_starts(tracks).xy, progress=progress)
    return add_displacements(tracks, replace(camera, ids=tracks.ids))


def compose_3d(
    objects: Sequence[ObjectMotion],
    background: Tensor,
    scene: CameraScene,
    *,
    progress: Progress = silent,
) -> Tracks:
    """Objects that move in the scene and a background that does not, under one moving camera.

    An object's point keeps the depth it has where its track is first visible, plus the object's
    offset, and moves at that depth as drawn. Objects' tracks come first, in order; their ids are
    kept where they do not clash. A point is visible where its own track is and nothing hides it.

    Args:
        objects: What moves by itself.
        background: (N, 2) pixels of the picture. Those on an object's mask belong to the object
            and are left out.
        scene: Depth, camera path and occlusion rule.
        progress: Called once per frame.

    Raises:
        CanvasError: Canvases differ.
        ShapeError: Frame counts or masks differ, or `background` is not (N, 2).
        ValueError: An offset brings an object to the camera.
    """
    check_objects(objects, scene)
    lifted = [MovingPoints.of(motion.tracks, motion.depth_offset, scene) for motion in objects]
    still = scene.points_at(background[~_on_any_mask(objects, background)])
    occluders = _Occluders.of(objects, lifted, scene)
    parts = [project_clouds(scene, points.at) for points in lifted]
    parts.append(project_clouds(scene, lambda frame: still))
    xy, z = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
    visible = visible_points(scene, occluders.at, xy, z, progress=progress)
    return _split_tracks(objects, xy, visible, scene.path)


def _split_tracks(
    objects: Sequence[ObjectMotion], xy: Tensor, visible: Tensor, path: CameraPath
) -> Tracks:
    """One Tracks of all points (T, N, 2), with the objects' own ids and visibility."""
    stated = [one.fps for one in (path, *(motion.tracks for motion in objects))]
    fps = common_rate([rate for rate in stated if rate is not None])
    if fps is None and path.fps is not None:
        fps = path.fps
        log.warning(
            "the camera path is at %.6g fps, objects are at another rate; %.6g is kept.", fps, fps
        )
    sets, first = [], 0
    for motion in objects:
        here = slice(first, first + motion.tracks.num_points)
        both = visible[:, here] & motion.tracks.visible
        sets.append(Tracks(xy[:, here], both, motion.tracks.ids, path.size, fps))
        first = here.stop
    sets.append(make_tracks(xy[:, first:], path.size, visible=visible[:, first:], fps=fps))
    return concat(sets)


@dataclass(frozen=True, eq=False)
class _Occluders:
    """What hides points: the picture without its moving objects, and the objects themselves."""

    still: PointCloud
    moving: list[MovingPoints]
    scene: CameraScene

    @staticmethod
    def of(
        objects: Sequence[ObjectMotion], lifted: Sequence[MovingPoints], scene: CameraScene
    ) -> _Occluders:
        valid, moving = scene.depth.valid, []
        cell_px = scene.occlusion.cell_px
        kept = slice(cell_px // 2, None, cell_px)
        thinned = torch.zeros_like(valid)
        thinned[kept, kept] = True
        for motion, points in zip(objects, lifted, strict=True):
            if motion.mask is None or not motion.tracks.num_points:
                continue
            mask = motion.mask.to(valid.device)
            moving.append(points.spread_over(mask & thinned & valid))
            valid = valid & ~mask
        still = replace(scene.surface, valid=valid[kept, kept].reshape(-1))
        return _Occluders(still, moving, scene)

    def at(self, frame: int) -> list[PointCloud]:
        moved = any(points.has_moved(frame) for points in self.moving)
        if not moved and self.scene.is_source_view[frame]:
            return []
        return [self.still, *(points.at(frame) for points in self.moving)]


def _on_any_mask(objects: Sequence[ObjectMotion], points: Tensor) -> Tensor:
    """(N,) bool, which pixels lie on the mask of a moving object."""
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError(f"background must be (N, 2) pixels; got {tuple(points.shape)}.")
    on_mask = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    for motion in objects:
        if motion.mask is not None:
            on_mask |= _on_mask(points, motion.mask.to(points.device))
    return on_mask


def _on_mask(points: Tensor, mask: Tensor) -> Tensor:
    """(N,) bool, which pixels (N, 2) lie on a mask (H, W); none off the canvas."""
    column, row = points.floor().to(torch.int64).unbind(dim=1)
    height, width = mask.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return mask[row.clamp(0, height - 1), column.clamp(0, width - 1)] & inside


def check_objects(objects: Sequence[ObjectMotion], scene: CameraScene) -> None:
    """Raises CanvasError or ShapeError for objects that do not belong to a scene."""
    for motion in objects:
        _check_object(motion.tracks, scene)
        _check_extras(motion, scene.depth)


def _check_object(tracks: Tracks, scene: CameraScene) -> None:
    if tracks.size != scene.depth.size:
        raise CanvasError(
            f"the object's tracks are of {tracks.size} but the depth is {scene.depth.size}; use "
            "Fit Tracks (fit) or resize the depth first."
        )
    if tracks.num_frames != scene.num_frames:
        raise ShapeError(
            f"the object moves for {tracks.num_frames} frames but the camera for "
            f"{scene.num_frames}; retime one of them first (resample)."
        )


def _check_extras(motion: ObjectMotion, depth: DepthMap) -> None:
    mask, offset = motion.mask, motion.depth_offset
    if mask is not None and (mask.dtype != torch.bool or mask.shape != depth.z.shape):
        raise ShapeError(
            f"an object's mask must be bool {tuple(depth.z.shape)}; got {mask.dtype} "
            f"{tuple(mask.shape)}."
        )
    if offset is None:
        return
    if offset.shape != (motion.tracks.num_frames,) or not bool(torch.isfinite(offset).all()):
        raise ShapeError(
            f"a depth offset must be {motion.tracks.num_frames} finite numbers, one for each "
            f"frame; got {tuple(offset.shape)}."
        )
