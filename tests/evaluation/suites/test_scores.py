"""Each measure against a case that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.suites import scores
from motion_core.evaluation.suites.backbones import DenseSift
from motion_core.evaluation.suites.case import SuiteCase, drag_tracks, matched_frames
from motion_core.evaluation.suites.scores import Scene, Tools, held
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.trackers import LucasKanade
from motion_core.tracks import make_tracks

from .folders import SIZE, patch_video, straight, texture


class Known:
    """A tracker that gives the same tracks whatever the video, to test the measures alone."""

    def __init__(self, xy, visible=None) -> None:
        self.xy, self.visible = xy, visible

    def track(self, video, queries, progress=None, should_stop=None):
        return make_tracks(self.xy, SIZE, visible=self.visible)


class Channels:
    """A backbone whose features are the colours."""

    name = "colours"

    def local_features(self, pictures, caption=""):
        return pictures.movedim(-1, 1) - 0.5

    def global_features(self, pictures):
        return torch.nn.functional.normalize(pictures.mean(dim=(1, 2)), dim=-1)


def scene(case: SuiteCase, frames, tracker=None, backbone=None, lpips=None) -> Scene:
    tools = Tools(tracker or LucasKanade(), "t", backbone or DenseSift(), lpips)
    return Scene(case, frames, tools)


def moving_case(step=(2.0, 1.0), frames=8, **more) -> SuiteCase:
    return SuiteCase("a", SIZE, straight(frames, (32.5, 32.5), step), **more)


def test_epe_of_a_video_that_follows_and_of_one_that_lags() -> None:
    case = moving_case()
    follows = scene(case, patch_video(8, (2, 1)))
    assert scores.epe(follows) < 0.1
    assert scores.found(follows) == 1.0
    # Half as fast: the mean over frames 1..7 of t * |(1, 0.5)|... measured by whole pixels.
    lags = scene(case, patch_video(8, (1, 1)))
    assert scores.epe(lags) == pytest.approx(np.mean([t * 1.0 for t in range(1, 8)]), abs=0.15)


def test_trajectory_error_holds_what_is_lost() -> None:
    xy = torch.tensor([[0.0, 0], [3, 4], [6, 8], [9, 12]])[:, None] + 10
    target = make_tracks(torch.full((4, 1, 2), 10.0), SIZE)
    case = SuiteCase("a", SIZE, target)
    frames = patch_video(4, (0, 0))
    assert scores.trajectory_error(scene(case, frames, Known(xy))) == pytest.approx(10.0)
    # Lost after frame 1: 5 px off from then on.
    visible = torch.tensor([[True], [True], [False], [False]])
    lost = scene(case, frames, Known(xy, visible))
    assert scores.trajectory_error(lost) == pytest.approx(5.0)


def test_held_points_wait_where_they_were_last_visible() -> None:
    xy = torch.arange(10.0).view(5, 1, 2) + 1
    visible = torch.tensor([True, False, True, False, False])[:, None]
    found = held(make_tracks(xy, SIZE, visible=visible)).xy[:, 0, 0]
    assert found.tolist() == [1, 1, 5, 5, 5]


def test_several_names_of_one_distance() -> None:
    names = {scores.MD_VID, scores.CAM_MC, scores.OBJ_MC}
    assert {one.score for one in names} == {scores.trajectory_error}
    camera = SuiteCase("c", SIZE, moving_case().tracks, kind="camera")
    assert scores.CAM_MC.applies(camera) and not scores.OBJ_MC.applies(camera)


def test_the_background_stays_or_goes_along() -> None:
    case = moving_case((2.0, 0.0))
    stays = scores.background_ctd(scene(case, patch_video(8, (2, 0))))
    pans = scores.background_ctd(scene(case, patch_video(8, (2, 0), background_step=2.0)))
    # The target moves by 2 t; a still background is that far from it, on average over 1..7.
    # Points beside the patch are drawn along with it.
    assert stays == pytest.approx(8.0, rel=0.12)
    # Points that leave the canvas on the right are held there.
    assert pans < 2.5


def test_the_mask_says_what_is_background(tmp_path) -> None:
    mask = torch.ones(64, 96, 3)
    mask[:, 72:] = 0
    write_image(tmp_path / "m.png", mask)
    case = moving_case((2.0, 0.0), mask=tmp_path / "m.png")
    # Only the columns from 72 on count; there the picture moves with the target.
    frames = patch_video(8, (2, 0))
    frames[:, :, 60:] = patch_video(8, (2, 0), background_step=2.0)[:, :, 60:]
    assert scores.background_ctd(scene(case, frames)) < 4.0
    write_image(tmp_path / "m.png", mask[:32])
    with pytest.raises(FormatError, match="but the case 96x64"):
        scores.background_ctd(scene(case, frames))


def test_matching_finds_a_colour_where_it_went(tmp_path) -> None:
    source = torch.full((64, 96, 3), 0.2)
    source[..., 0] = 0.8
    last = source.clone()
    marked = torch.tensor([0.1, 0.9, 0.1])
    source[20, 30] = marked
    last[40, 50] = marked
    write_image(tmp_path / "s.png", source)
    pair = drag_tracks([[(30.0, 20.0), (53.0, 44.0)]], SIZE, 2)
    case = SuiteCase("a", SIZE, pair, tmp_path / "s.png")
    # Found at (50, 40), wanted at (53, 44): 5 px.
    found = scores.matching_distance(scene(case, torch.stack([source, last]), backbone=Channels()))
    assert found == pytest.approx(5.0)


def test_matching_by_gradients_finds_a_textured_patch(tmp_path) -> None:
    frames = patch_video(8, (3, 1))
    write_image(tmp_path / "s.png", frames[0])
    case = SuiteCase("a", SIZE, straight(8, (32.5, 32.5), (3.0, 1.0)), tmp_path / "s.png")
    assert scores.matching_distance(scene(case, frames)) < 3.0
    assert scores.matching_distance(scene(case, patch_video(8, (0, 0)))) > 15


def test_image_fidelity_is_one_minus_the_distance(tmp_path) -> None:
    write_image(tmp_path / "s.png", texture(0))
    case = SuiteCase("a", SIZE, image=tmp_path / "s.png")

    def distance(one, other):
        assert one.shape == other.shape == (1, 224, 224, 3)
        return (one - other).abs().mean()[None]

    same = scene(case, texture(0)[None], lpips=distance)
    assert scores.image_fidelity(same) == pytest.approx(1.0, abs=0.01)
    darker = scene(case, (texture(0) - 0.1)[None].clamp(0), lpips=distance)
    assert scores.image_fidelity(darker) == pytest.approx(0.9, abs=0.01)
    assert np.isnan(scores.image_fidelity(scene(case, texture(0)[None])))


def test_consistency_is_vbenchs_mean_of_two_cosines() -> None:
    red, green = (torch.zeros(64, 96, 3) for _ in range(2))
    red[..., 0] = green[..., 1] = 1.0
    frames = torch.stack([red, red, green])
    # Frame 1: (1 + 1) / 2, frame 2: (0 + 0) / 2.
    found = scores.consistency(scene(SuiteCase("a", SIZE), frames, backbone=Channels()))
    assert found == pytest.approx(0.5)
    still = scene(SuiteCase("a", SIZE), frames[[0, 0, 0]], backbone=Channels())
    assert scores.consistency(still) == pytest.approx(1.0)


def test_flicker_is_the_mean_difference() -> None:
    frames = torch.zeros(3, 64, 96, 3)
    frames[1] = 0.5
    assert scores.flicker(scene(SuiteCase("a", SIZE), frames)) == pytest.approx(0.5)
    assert np.isnan(scores.flicker(scene(SuiteCase("a", SIZE), frames[:1])))


def test_similarity_is_measured_at_the_videos_times(tmp_path) -> None:
    from .folders import write_frames

    truth = torch.stack([torch.full((64, 96, 3), level / 10) for level in range(9)])
    folder = write_frames(tmp_path / "truth", truth)
    write_image(tmp_path / "s.png", truth[0])
    case = SuiteCase("a", SIZE, image=tmp_path / "s.png", truth=folder)
    frames = matched_frames(truth, 5)
    assert [round(float(one.mean()) * 10) for one in frames] == [0, 2, 4, 6, 8]
    assert scores.psnr_of(scene(case, frames)) > 45
    # Everything 0.1 too light: -10 log10(0.01).
    assert scores.psnr_of(scene(case, frames + 0.1)) == pytest.approx(20, abs=0.2)


def test_motion_fidelity_tells_directions_apart(tmp_path) -> None:
    from .folders import write_frames

    folder = write_frames(tmp_path / "truth", patch_video(8, (2, 0), background_step=2.0))
    write_image(tmp_path / "s.png", texture(1))
    case = SuiteCase("a", SIZE, image=tmp_path / "s.png", truth=folder)
    same = scores.fidelity(scene(case, patch_video(8, (2, 0), background_step=2.0)))
    other = scores.fidelity(scene(case, patch_video(8, (-2, 0), background_step=-2.0)))
    assert same > 0.95 and other < -0.5


def test_videos_are_brought_to_the_canvas_of_the_case() -> None:
    case = moving_case()
    small = patch_video(8, (2, 1)).repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert scores.epe(scene(case, small)) < 0.3
    with pytest.raises(FormatError, match="the video is 64x64, but the case 96x64"):
        scene(case, small[:, :64, :64])


def test_drags_are_monotone_cubics_through_their_points() -> None:
    drag = [(10.0, 10.0), (20.0, 10.0), (20.0, 30.0)]
    tracks = drag_tracks([drag, [(5.0, 6.0)]], Size(64, 64), 5)
    xy = tracks.xy[:, 0] - 0.5
    assert xy[[0, 2, 4]].tolist() == [list(point) for point in drag]
    # Monotone: no coordinate overshoots its neighbours (Fritsch and Carlson).
    assert float(xy[:, 0].max()) <= 20 and float(xy[:3, 1].min()) >= 10
    assert tracks.xy[:, 1].unique(dim=0).tolist() == [[5.5, 6.5]]


def test_a_case_without_tracks_is_refused() -> None:
    bare = replace(moving_case(), tracks=None)
    with pytest.raises(FormatError, match="case a has no tracks"):
        _ = scene(bare, patch_video(4, (0, 0))).target
