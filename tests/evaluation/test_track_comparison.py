"""One clip's target and realised tracks: numbers that are known beforehand."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.evaluation.error_plot import LONG_SIDE, PLOT, error_picture
from motion_core.evaluation.track_comparison import compare_tracks, retrack, similarity_text
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks, select

from .test_video_errors import SIZE, panned, target

FAR = torch.tensor([3.0, 4.0])


def moved(tracks: Tracks, by: torch.Tensor, visible: torch.Tensor | None = None) -> Tracks:
    visible = tracks.visible if visible is None else visible
    return make_tracks(tracks.xy + by, tracks.size, visible=visible, ids=tracks.ids)


def test_errors_that_are_known() -> None:
    tracks = make_tracks(target(3.0), SIZE)
    same = compare_tracks(tracks, tracks)
    assert same.epe == 0.0 and same.found == 1.0
    assert same.scores.delta_avg == 1.0
    off = compare_tracks(tracks, moved(tracks, FAR))
    assert off.epe == pytest.approx(5.0)
    # 3 of 96 and 4 of 80 pixels are 8 and 12.8 of 256: within 16, not within 8.
    assert off.scores.delta == (0.0, 0.0, 0.0, 0.0, 1.0)
    assert off.error[0].isnan().all(), "the first frame is the input"
    assert "5.00 px" in off.to_text() and "100 % within 16" in off.to_text()


def test_tracks_are_matched_by_id_and_hidden_points_do_not_count() -> None:
    tracks = make_tracks(target(3.0), SIZE)
    far = moved(tracks, torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))
    turned = select(far, torch.tensor([2, 1, 0]))
    found = compare_tracks(tracks, turned)
    assert found.epe == pytest.approx(5.0 / 3)
    assert "track 1, 5.0 px off" in found.to_text()
    visible = torch.ones(5, 3, dtype=torch.bool)
    visible[3:, 1] = False
    hidden = compare_tracks(tracks, moved(far, torch.zeros(2), visible))
    assert hidden.epe == pytest.approx(5.0 * 2 / 10)
    assert hidden.found == pytest.approx(10 / 12)
    assert hidden.scores.occlusion_accuracy == pytest.approx(10 / 12)
    fewer = compare_tracks(tracks, select(far, torch.tensor([1])))
    assert fewer.epe == pytest.approx(5.0)
    assert fewer.target.num_points == 1


def test_late_tracks_start_at_their_first_visible_frame() -> None:
    visible = torch.ones(5, 3, dtype=torch.bool)
    visible[:2, 0] = False
    tracks = make_tracks(target(3.0), SIZE, visible=visible)
    found = compare_tracks(tracks, tracks)
    assert found.error[:, 0].isnan().tolist() == [True, True, True, False, False]
    again = retrack(panned(3.0), tracks)
    assert again.xy[2, 0].tolist() == tracks.xy[2, 0].tolist()
    assert compare_tracks(tracks, again).epe < 0.2


def test_a_video_is_tracked_again() -> None:
    tracks = make_tracks(target(5.0), SIZE)
    found = compare_tracks(tracks, retrack(panned(3.0), tracks))
    assert found.epe == pytest.approx(5.0, abs=0.2)
    assert found.found > 0.9


def test_what_does_not_belong_together_is_refused() -> None:
    tracks = make_tracks(target(3.0), SIZE)
    with pytest.raises(CanvasError, match="Transform Tracks"):
        compare_tracks(tracks, make_tracks(target(3.0), Size(80, 80)))
    with pytest.raises(ShapeError, match="Retime Tracks"):
        compare_tracks(tracks, make_tracks(target(3.0, 4), SIZE))
    others = make_tracks(target(3.0), SIZE, ids=torch.tensor([7, 8, 9]))
    with pytest.raises(ValueError, match="no id in common"):
        compare_tracks(tracks, others)
    never = make_tracks(target(3.0), SIZE, visible=torch.zeros(5, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="nothing to compare"):
        compare_tracks(never, tracks)
    with pytest.raises(ValueError, match="nothing to follow"):
        retrack(panned(3.0), never)
    with pytest.raises(CanvasError, match="96x80"):
        retrack(panned(3.0), make_tracks(target(3.0), Size(80, 80)))
    with pytest.raises(ShapeError, match="5 frames"):
        retrack(panned(3.0), make_tracks(target(3.0, 4), SIZE))


def test_nothing_found_is_reported_and_drawn() -> None:
    tracks = make_tracks(target(3.0), SIZE)
    never = moved(tracks, torch.zeros(2), torch.zeros(5, 3, dtype=torch.bool))
    found = compare_tracks(tracks, never)
    assert math.isnan(found.epe) and found.found == 0.0
    assert "none of the points" in found.to_text()
    assert torch.isfinite(error_picture(found)).all()


def test_similarity_leaves_out_the_first_frame() -> None:
    truth = panned(3.0)
    video = truth.clone()
    video[0] = 0
    assert similarity_text(video, truth).startswith("PSNR 100.00 dB; SSIM 1.000")
    video[1:] = (truth[1:] + 0.1).clamp(0, 1.2)
    assert similarity_text(video, truth).startswith("PSNR 20.00 dB")
    with pytest.raises(ShapeError, match="one frame"):
        similarity_text(truth[:1], truth[:1])


def test_the_picture_is_green_where_all_is_well_and_red_where_not() -> None:
    tracks = make_tracks(target(3.0), SIZE)
    below = torch.full((80, 96, 3), 0.2)

    def red_share(by: torch.Tensor) -> float:
        picture = error_picture(compare_tracks(tracks, moved(tracks, by)), below)
        assert picture.shape == (LONG_SIDE * 80 // 96 + PLOT, LONG_SIDE, 3)
        drawn = picture[: LONG_SIDE * 80 // 96]
        red = (drawn[..., 0] > drawn[..., 1] + 0.2).float().mean()
        green = (drawn[..., 1] > drawn[..., 0] + 0.2).float().mean()
        return float(red / (red + green))

    assert red_share(torch.zeros(2)) == 0.0
    assert red_share(FAR) > 0.95
    assert torch.isfinite(error_picture(compare_tracks(tracks, tracks))).all()
    with pytest.raises(CanvasError, match="tracks lie on 96x80"):
        error_picture(compare_tracks(tracks, tracks), torch.zeros(10, 10, 3))


def test_very_many_tracks_are_drawn_in_part() -> None:
    many = make_tracks(torch.rand(3, 3000, 2) * 80, SIZE)
    assert error_picture(compare_tracks(many, moved(many, FAR))).shape[1] == LONG_SIDE
