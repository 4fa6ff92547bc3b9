"""Camera and objects told apart, against cameras that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from motion_core.camera.compose import add_displacements, add_nearest
from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.tracks import Tracks, grid_points, make_tracks
from motion_core.transfer import separate_motion, stabilised_frames

SIZE = Size(200, 150)
FRAMES = 12


def camera_matrices(tilt: float = 1e-4) -> torch.Tensor:
    """(T, 3, 3): a turn, a zoom, a shift and a slight tilt that grow with time."""
    matrices = []
    for frame in range(FRAMES):
        angle, zoom = math.radians(0.8 * frame), 1 + 0.01 * frame
        cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
        row = [tilt * frame, -0.5 * tilt * frame, 1.0]
        matrices.append([[cosine, -sine, 2.0 * frame], [sine, cosine, -frame], row])
    return torch.tensor(matrices, dtype=torch.float64)


def through(matrices: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(T, N, 2) of points (N, 2) or (T, N, 2) seen through the matrices."""
    flat = points.double().expand(len(matrices), -1, 2)
    lifted = torch.cat([flat, torch.ones_like(flat[..., :1])], -1) @ matrices.transpose(1, 2)
    return lifted[..., :2] / lifted[..., 2:]


def scene(matrices: torch.Tensor, noise: float = 0.0) -> tuple[Tracks, torch.Tensor, torch.Tensor]:
    """A wall with an object that moves on it: tracks, which points are the object's, and how far
    it goes on the wall."""
    start = grid_points(SIZE, 10.0)
    is_object = (start - torch.tensor([60.0, 70.0])).norm(dim=-1) < 30
    own = torch.arange(FRAMES)[:, None, None] * torch.tensor([3.0, -1.5]) * is_object[:, None]
    xy = through(matrices, start + own)
    xy = xy + noise * torch.randn(xy.shape, generator=torch.Generator().manual_seed(0))
    return make_tracks(xy.float(), SIZE, fps=10.0), is_object, own


def test_a_known_camera_is_found_and_the_object_is_left() -> None:
    matrices = camera_matrices()
    tracks, is_object, own = scene(matrices, noise=0.05)
    parts = separate_motion(tracks)
    start = tracks.xy[0]
    torch.testing.assert_close(parts.camera.xy, through(matrices, start).float(), atol=0.25, rtol=0)
    torch.testing.assert_close(parts.stabilised.xy, (start + own).float(), atol=0.4, rtol=0)
    assert not bool((parts.is_background & is_object).any())
    assert int(parts.is_background.sum()) >= 0.9 * int((~is_object).sum())
    still = parts.objects.xy[:, ~is_object]
    assert (still - still[:1]).abs().max() < 0.4


def test_a_similarity_camera_is_found_by_the_similarity() -> None:
    matrices = camera_matrices(tilt=0.0)
    tracks, is_object, _ = scene(matrices, noise=0.05)
    parts = separate_motion(tracks, "similarity")
    torch.testing.assert_close(parts.motion, matrices, atol=0.2, rtol=0)
    assert not bool((parts.is_background & is_object).any())
    assert int(parts.is_background.sum()) >= 0.9 * int((~is_object).sum())


@pytest.mark.parametrize("model", ["homography", "similarity"])
def test_camera_plus_objects_is_the_original(model: str) -> None:
    tracks, _, _ = scene(camera_matrices(), noise=0.3)
    visible = torch.rand(tracks.visible.shape, generator=torch.Generator().manual_seed(2)) < 0.8
    tracks = replace(tracks, visible=visible)
    parts = separate_motion(tracks, model)  # type: ignore[arg-type]
    again = add_displacements(parts.camera, parts.objects)
    torch.testing.assert_close(again.xy[visible], tracks.xy[visible], atol=2e-3, rtol=0)
    assert torch.equal(again.visible, visible)
    assert torch.equal(again.ids, tracks.ids)


def test_compose_motion_puts_the_two_together_again() -> None:
    """As the node does it: by the nearest track, which is the same point."""
    tracks, _, _ = scene(camera_matrices(), noise=0.3)
    parts = separate_motion(tracks)
    again = add_nearest(parts.camera, parts.objects)
    torch.testing.assert_close(again.xy, tracks.xy, atol=2e-3, rtol=0)


def test_frames_are_chained_where_tracks_do_not_last() -> None:
    """A long pan: nothing of the first frame is left in the last."""
    start = grid_points(Size(600, 100), 12.0)
    pan = torch.arange(40.0)[:, None, None] * torch.tensor([-12.0, 0.0])
    xy = start + pan
    visible = (xy[..., 0] >= 0) & (xy[..., 0] < 120)
    tracks = make_tracks(xy, Size(120, 100), visible=visible)
    assert not bool((visible[0] & visible[-1]).any())
    parts = separate_motion(tracks, "similarity")
    torch.testing.assert_close(
        parts.motion[-1, :2, 2], torch.tensor([-12.0 * 39, 0.0]).double(), atol=0.5, rtol=0
    )
    shown = parts.stabilised.xy[visible] - start.expand_as(xy)[visible]
    assert shown.abs().max() < 0.5


def test_frames_are_held_still() -> None:
    """A smooth picture filmed through a known camera stands still again."""
    import cv2

    rows, columns = np.mgrid[:150, :200].astype(np.float32)
    picture = 0.5 + 0.25 * np.sin(columns / 9) + 0.25 * np.cos(rows / 7)
    picture = np.repeat(picture[..., None], 3, axis=-1).astype(np.float32)
    matrices = camera_matrices()
    corner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    encode_video = [
        cv2.warpPerspective(picture, np.linalg.inv(corner) @ m @ corner, (200, 150))
        for m in matrices.numpy()
    ]
    video = torch.from_numpy(np.stack(encode_video))
    parts = separate_motion(scene(matrices)[0])
    steady = stabilised_frames(video, parts.motion)
    inner = steady[:, 45:105, 50:150] - video[:1, 45:105, 50:150]
    moved = video[:, 45:105, 50:150] - video[:1, 45:105, 50:150]
    assert inner.abs().max() < 0.03
    assert moved.abs().max() > 0.3
    with pytest.raises(ShapeError, match="expected 12 frames"):
        stabilised_frames(video[:3], parts.motion)


def test_one_frame_and_no_tracks_have_a_camera_that_rests() -> None:
    for frames, points in ((0, 0), (1, 0), (3, 0), (1, 5), (0, 4)):
        tracks = make_tracks(torch.ones(frames, points, 2), SIZE)
        parts = separate_motion(tracks)
        assert parts.camera.xy.shape == tracks.xy.shape
        torch.testing.assert_close(parts.motion, torch.eye(3).double().repeat(frames, 1, 1))


def test_what_cannot_be_fitted_says_where_and_why() -> None:
    line = torch.stack([torch.arange(10.0), torch.arange(10.0)], -1).repeat(3, 1, 1)
    with pytest.raises(ValueError, match="frame 1: no homography fits its 10 tracks"):
        separate_motion(make_tracks(line, SIZE))
    visible = torch.ones(3, 10, dtype=torch.bool)
    visible[2, 1:] = False
    few = make_tracks(line + torch.rand(1, 10, 2), SIZE, visible=visible)
    with pytest.raises(ValueError, match="frame 2: only 1 tracks are visible there and in frame 0"):
        separate_motion(few, "similarity")
    with pytest.raises(ValueError, match="homography or similarity"):
        separate_motion(few, "depth")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threshold must be above 0"):
        separate_motion(few, threshold=0.0)
