"""Motion on another first frame, against positions computed by hand."""

from __future__ import annotations

import pytest
import torch

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks
from motion_core.transfer import (
    TransferSettings,
    fit_boxes,
    keep_place,
    match_points,
    transfer_motion,
    whole_box,
)
from tests.tracks.clips import random_tracks

SIZE = Size(100, 80)
TWICE = fit_boxes(whole_box(SIZE), whole_box(Size(200, 160)))
ALL = TransferSettings(count=None, leaving="keep")


def moving() -> Tracks:
    """Three points of four frames: to the right, down, and one seen only in the last two."""
    step = torch.arange(4.0)[:, None]
    first = torch.cat([10 + 5 * step, 20 + 0 * step], 1)
    second = torch.cat([50 + 0 * step, 40 + 10 * step], 1)
    late = torch.cat([30 + 2 * step, 30 + 0 * step], 1)
    visible = torch.ones(4, 3, dtype=torch.bool)
    visible[:2, 2] = False
    return make_tracks(
        torch.stack([first, second, late], 1),
        SIZE,
        visible=visible,
        ids=torch.tensor([7, 5, 9]),
        fps=12.0,
    )


def test_places_and_displacements_are_both_carried_over() -> None:
    result = transfer_motion(moving(), TWICE, Size(200, 160), ALL)
    torch.testing.assert_close(result.xy[:, :2], moving().xy[:, :2] * 2)
    torch.testing.assert_close(result.xy[2:, 2], moving().xy[2:, 2] * 2)
    assert result.ids.tolist() == [7, 5, 9]
    assert (result.size, result.fps) == ((200, 160), 12.0)
    assert torch.equal(result.visible, moving().visible)


def test_displacements_are_scaled_and_starts_are_not() -> None:
    half = TransferSettings(count=None, leaving="keep", displacement_scale=0.5)
    result = transfer_motion(moving(), keep_place(SIZE, SIZE), SIZE, half)
    torch.testing.assert_close(result.xy[0, :2], moving().xy[0, :2])
    assert result.xy[3, 0].tolist() == [17.5, 20.0]
    assert result.xy[3, 2].tolist() == [35.0, 30.0], "scaled about where it is first seen"


def test_the_anchor_frame_lies_over_the_target_and_comes_first() -> None:
    settings = TransferSettings(count=None, leaving="keep", anchor_frame=2, displacement_scale=2.0)
    result = transfer_motion(moving(), keep_place(SIZE, SIZE), SIZE, settings)
    assert result.num_frames == 2
    assert result.xy[:, 0].tolist() == [[20, 20], [30, 20]]
    with pytest.raises(ValueError, match="anchor_frame 4 lies beyond the tracks' 4 frames"):
        transfer_motion(moving(), TWICE, SIZE, TransferSettings(anchor_frame=4))


def test_what_leaves_is_kept_hidden_or_dropped() -> None:
    small = Size(100, 65)
    away = fit_boxes(whole_box(SIZE), whole_box(SIZE))
    for leaving, ids, count in (("keep", [7, 5, 9], 4), ("hide", [7, 5, 9], 3)):
        settings = TransferSettings(count=None, leaving=leaving)  # type: ignore[arg-type]
        result = transfer_motion(moving(), away, small, settings)
        assert result.ids.tolist() == ids
        assert int(result.visible[:, 1].sum()) == count
    drop = TransferSettings(count=None, leaving="drop")
    assert transfer_motion(moving(), away, small, drop).ids.tolist() == [7, 9]
    with pytest.raises(ValueError, match="all 3 tracks leave the target canvas 2x2"):
        transfer_motion(moving(), away, Size(2, 2), drop)


def test_a_bent_alignment_turns_each_displacement_by_its_own_place() -> None:
    """Polar-like pairs: the map turns the right half by 90 degrees about its middle."""
    source = torch.tensor([[0.0, 0], [10, 0], [0, 10], [10, 10], [60, 0], [70, 0], [60, 10]])
    middle = torch.tensor([65.0, 5.0])
    away = source[4:] - middle
    target = torch.cat([source[:4], middle + torch.stack([-away[:, 1], away[:, 0]], -1)])
    plate = match_points(source, target, "thin_plate")
    xy = torch.tensor([[[5.0, 5.0], [65.0, 5.0]], [[5.2, 5.0], [65.2, 5.0]]])
    result = transfer_motion(make_tracks(xy, SIZE), plate, SIZE, ALL)
    exact = plate.place(xy.flatten(0, 1)).view(2, 2, 2).float()
    torch.testing.assert_close(result.xy, exact, atol=2e-3, rtol=0)


def test_a_subset_is_chosen_by_seed() -> None:
    many = random_tracks(3, 50, SIZE, shown=1.0)
    one, same, other = (
        transfer_motion(many, TWICE, SIZE, TransferSettings(count=10, seed=seed)).ids.tolist()
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
    assert len(one) == 10
    assert TransferSettings().count == 1024, "the paper's number"


@pytest.mark.parametrize(("frames", "points"), [(0, 0), (0, 3), (1, 0), (1, 2), (4, 0)])
def test_the_smallest_clips_pass(frames: int, points: int) -> None:
    plate = match_points(torch.eye(3)[:, :2], torch.eye(3)[:, :2] * 2, "thin_plate")
    for alignment in (TWICE, plate):
        result = transfer_motion(make_tracks(torch.ones(frames, points, 2), SIZE), alignment, SIZE)
        assert result.num_frames == frames


def test_a_placeholder_never_reaches_the_result() -> None:
    tracks = moving()
    xy = tracks.xy.clone()
    xy[0, 2] = 3e38
    wild = make_tracks(xy, SIZE, visible=tracks.visible)
    result = transfer_motion(wild, TWICE, Size(200, 160), ALL)
    assert bool(torch.isfinite(result.xy).all())
    assert result.xy.abs().max() < 1000


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"anchor_frame": -1}, {"count": 0}, {"leaving": "burn"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            TransferSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        TransferSettings(displacement_scale=float("nan"))
