"""What tracks mark of a thing, and which groups of them lie on one."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.geometry import Size
from motion_core.layers.cut import PictureCutter, relative_saliency, separated
from motion_core.layers.motion_segments import segment_motion
from motion_core.layers.parts import joined_prompts
from motion_core.layers.prompts import ThingPrompt, thing_prompts
from motion_core.layers.track_motion import motion_of

from .pictures import SIZE, disc_alpha, disc_picture, group, tracks_of

NO_POINTS = np.zeros((0, 2), np.float32)


def prompt_of(inside, outside=NO_POINTS, rivals=NO_POINTS) -> ThingPrompt:
    inside, outside, rivals = (np.array(one, np.float32) for one in (inside, outside, rivals))
    return ThingPrompt(inside, outside, rivals, np.arange(len(inside)), 10.0)


def test_a_group_marks_the_cells_between_its_points() -> None:
    inside, outside = prompt_of(group((80, 60), 6), [(10, 10)]).seeds(SIZE, SIZE)
    assert inside[54:67, 74:87].mean() > 0.95
    assert inside.sum() < 400
    assert outside[10, 10] and outside.sum() < 12


def test_seeds_of_the_two_sides_never_meet() -> None:
    inside, outside = prompt_of([(80, 60)], [(82, 60)]).seeds(Size(640, 480), SIZE)
    assert inside[241, 321] and outside[241, 329]
    assert not (inside & outside).any()


def test_a_pin_in_the_middle_of_a_group_stays_outside() -> None:
    inside, outside = prompt_of(group((80, 60), 8), [(84, 64)]).seeds(SIZE, SIZE)
    assert outside[64, 84] and not inside[64, 84]


def test_rivals_are_outside_unless_the_thing_is_alone() -> None:
    prompt = prompt_of([(80, 60)], [(10, 10)], [(120, 60)])
    assert prompt.seeds(SIZE, SIZE)[1][60, 120]
    assert not prompt.seeds(SIZE, SIZE, alone=True)[1][60, 120]


def test_points_off_the_picture_mark_nothing() -> None:
    inside, outside = prompt_of([(-5, 60)], [(80, 500)]).seeds(SIZE, SIZE)
    assert not inside.any() and not outside.any()


def test_each_segment_is_a_prompt_and_its_rivals_are_the_others() -> None:
    by = [(0.0, 30.0)] * 9 + [(0.0, -20.0)] * 9
    motion = motion_of(tracks_of(group((40, 60)) + group((118, 60)), by=by))
    slow, fast = thing_prompts(motion, segment_motion(motion))
    np.testing.assert_array_equal(np.sort(motion.track[fast.members]), np.arange(9))
    np.testing.assert_array_equal(fast.rivals, slow.inside)
    assert len(fast.outside) == 4 and fast.speed == pytest.approx(30)


def test_two_things_are_not_joined_but_two_parts_are() -> None:
    by = [(0.0, 20.0)] * 2 + [(0.0, -24.0)] * 2
    discs = [disc_alpha(centre=(x, 60), radius=24) for x in (40, 118)]
    apart = disc_picture(*discs)
    for picture, first, second, count in (
        (apart, (40, 60), (118, 60), 2),
        (disc_picture(), (54, 60), (86, 60), 1),
    ):
        points = [first, (first[0], first[1] + 5), second, (second[0], second[1] + 5)]
        motion = motion_of(tracks_of(points, by=by))
        prompts = thing_prompts(motion, segment_motion(motion))
        cutter = PictureCutter(picture.numpy(), SIZE, lambda: None)
        joined = joined_prompts(motion, prompts, cutter)
        assert len(joined) == count
        assert sum(len(prompt.members) for prompt in joined) == 4
        if count == 1:
            assert len(joined[0].rivals) == 0


def test_what_two_cuts_share_goes_to_the_nearer_points() -> None:
    both = np.ones((20, 40), bool)
    prompts = [prompt_of([(5, 10)]), prompt_of([(35, 10)])]
    back, front = separated([both, both], prompts, Size(40, 20))
    assert back[:, :19].all() and front[:, 21:].all() and not front[:, :19].any()
    # The one behind goes on below the other for a few cells.
    assert back[:, 21].all() and not back[:, 26:].any()


def test_saliency_is_relative_to_the_prompt() -> None:
    log_odds = np.full((10, 10), -20.0, np.float32)
    log_odds[3:7, 3:7] = np.log(0.3 / 0.7)
    inside = np.zeros((10, 10), bool)
    inside[4, 4] = True
    window = np.full((10, 10), np.nan, np.float32)
    window[2:9, 2:9] = log_odds[2:9, 2:9]
    salient, typical = relative_saliency([log_odds, window], inside)
    assert typical == pytest.approx(0.3, abs=1e-4)
    np.testing.assert_allclose(salient[3:7, 3:7], 1, atol=1e-4)
    assert salient[0, 0] < 1e-3 and salient[8, 8] < 1e-3
