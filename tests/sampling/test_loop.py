"""The loop against a family that can be solved on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.guidance import text_and_motion_guidance, text_guidance
from motion_core.models.protocols import Branch, GenerationRequest, GenerationResult
from motion_core.progress import Progress
from motion_core.sampling import ControlSchedule, Sampling, Watch, sample
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

from .families import SPREAD, GaussianFamily, Shift, ShiftControl

FRAMES, SIZE = 5, Size(6, 4)


def request() -> GenerationRequest:
    return GenerationRequest(
        torch.rand(4, 6, 3, generator=torch.Generator().manual_seed(1)), FRAMES
    )


def moving(by: float = 3.0) -> Tracks:
    xy = torch.zeros(FRAMES, 2, 2)
    xy[:, :, 0] = torch.linspace(0.0, by, FRAMES)[:, None]
    return make_tracks(xy + 1.0, SIZE)


def noise(seed: int) -> Tensor:
    return torch.randn(FRAMES, generator=torch.Generator().manual_seed(seed))


def latents(clip: GenerationResult) -> Tensor:
    return clip.frames[:, 0, 0, 0]


def test_flow_carries_noise_where_the_mathematics_says() -> None:
    clip = sample(
        GaussianFamily(), None, request(), empty_tracks(FRAMES, SIZE), Sampling(400, seed=7)
    )
    assert torch.allclose(latents(clip), SPREAD * noise(7), atol=0.02)


def test_control_moves_the_mean() -> None:
    clip = sample(GaussianFamily(), ShiftControl(), request(), moving(3.0), Sampling(400, seed=7))
    assert torch.allclose(latents(clip), 3.0 + SPREAD * noise(7), atol=0.03)


def test_one_step_gives_the_prediction_itself() -> None:
    clip = sample(GaussianFamily(), ShiftControl(), request(), moving(3.0), Sampling(1, seed=2))
    assert torch.allclose(latents(clip), torch.full((FRAMES,), 3.0), atol=1e-5)


def test_same_seed_same_clip_and_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (
        sample(
            GaussianFamily(), None, request(), empty_tracks(FRAMES, SIZE), Sampling(3, seed=seed)
        )
        for seed in (1, 1, 2)
    )
    assert torch.equal(one.frames, two.frames)
    assert not torch.equal(one.frames, other.frames)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "tracks",
    [
        empty_tracks(FRAMES, SIZE),
        replace(moving(), visible=torch.zeros(FRAMES, 2, dtype=torch.bool)),
    ],
)
def test_nothing_to_follow_is_the_base_bit_for_bit(tracks: Tracks) -> None:
    control = ShiftControl()
    steered = sample(GaussianFamily(), control, request(), tracks, Sampling(4, seed=3))
    alone = sample(GaussianFamily(), None, request(), tracks, Sampling(4, seed=3))
    assert torch.equal(steered.frames, alone.frames)
    assert control.prepared == 0


def test_strength_zero_is_the_base_bit_for_bit() -> None:
    off = Sampling(4, seed=3, schedule=ControlSchedule(strength=0.0))
    steered = sample(GaussianFamily(), ShiftControl(), request(), moving(), off)
    alone = sample(GaussianFamily(), None, request(), moving(), Sampling(4, seed=3))
    assert torch.equal(steered.frames, alone.frames)


def test_control_is_prepared_once_and_acts_in_its_window_only() -> None:
    family, control = GaussianFamily(), ShiftControl()
    window = ControlSchedule(strength=0.5, start_frac=0.25, end_frac=0.75)
    sample(family, control, request(), moving(4.0), Sampling(8, schedule=window))
    acting = [calls[0][1] is not None for calls in family.calls]
    assert acting == [False, False, True, True, True, True, False, False]
    added = family.calls[2][0][1]
    assert isinstance(added, Shift)
    assert float(added.by) == pytest.approx(0.5 * 4.0)
    assert control.prepared == 1


def test_tracks_visible_in_few_frames_count_less() -> None:
    visible = torch.ones(FRAMES, 2, dtype=torch.bool)
    visible[1:, 1] = False
    family = GaussianFamily()
    schedule = ControlSchedule(by_visibility=True)
    sample(
        family,
        ShiftControl(),
        request(),
        replace(moving(4.0), visible=visible),
        Sampling(1, schedule=schedule),
    )
    added = family.calls[0][0][1]
    assert isinstance(added, Shift)
    assert float(added.by) == pytest.approx(4.0 * (1.0 + 1.0 / FRAMES) / 2)


def test_guidance_exaggerates_what_the_words_change() -> None:
    clip = sample(
        GaussianFamily(),
        None,
        request(),
        empty_tracks(FRAMES, SIZE),
        Sampling(1, guidance=text_guidance(3.0)),
    )
    # One step from pure noise: x_0 is the guided mean, -1 + 3 * (0 - -1).
    assert torch.allclose(latents(clip), torch.full((FRAMES,), 2.0), atol=1e-5)


def test_a_branch_without_control_gets_none_and_one_without_words_says_so() -> None:
    family = GaussianFamily()
    both = Sampling(1, guidance=text_and_motion_guidance(2.0, 2.0))
    sample(family, ShiftControl(), request(), moving(), both)
    asked = {branch: added is not None for branch, added in family.calls[0]}
    assert asked == {Branch(text=False): True, Branch(control=False): False, Branch(): True}


class StoppedByUser(Exception):
    """What a host raises from progress."""


def stop_after(steps: int) -> Progress:
    def progress(done: int, total: int) -> None:
        if done == steps:
            raise StoppedByUser

    return progress


def test_a_stop_is_passed_on_at_once_and_the_next_run_is_unharmed() -> None:
    family = GaussianFamily()
    with pytest.raises(StoppedByUser):
        sample(family, None, request(), moving(), Sampling(6), Watch(progress=stop_after(2)))
    assert len(family.calls) == 2
    again = sample(family, None, request(), moving(), Sampling(6))
    fresh = sample(GaussianFamily(), None, request(), moving(), Sampling(6))
    assert torch.equal(again.frames, fresh.frames)


def test_a_preview_draws_only_when_it_wants_to() -> None:
    shown: list[tuple[int, tuple[int, ...]]] = []

    def preview(step: int, draw: Callable[[], Tensor]) -> None:
        if step % 2:
            shown.append((step, tuple(draw().shape)))

    sample(GaussianFamily(), None, request(), moving(), Sampling(4), Watch(preview=preview))
    assert shown == [(1, (2, 2, 3)), (3, (2, 2, 3))]


def test_tracks_of_another_canvas_or_length_are_refused() -> None:
    with pytest.raises(CanvasError, match="8x8.*6x4"):
        sample(GaussianFamily(), None, request(), empty_tracks(FRAMES, Size(8, 8)))
    with pytest.raises(ShapeError, match="9 frames.*5"):
        sample(GaussianFamily(), None, request(), empty_tracks(9, SIZE))


class BrokenFamily(GaussianFamily):
    """Makes what no model should."""

    def __init__(self, frames: Tensor) -> None:
        super().__init__()
        self.frames = frames

    def decode(self, *given: object, **words: object) -> GenerationResult:
        return GenerationResult(self.frames)


def test_a_family_that_breaks_its_promise_is_found() -> None:
    for frames, says in (
        (torch.zeros(2, 4, 6, 3), "instead of"),
        (torch.full((FRAMES, 4, 6, 3), torch.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=says):
            sample(BrokenFamily(frames), None, request(), moving())


@pytest.mark.parametrize("steps", [0, 1001, 2.5])
def test_steps_out_of_range_are_refused(steps: object) -> None:
    with pytest.raises((ValueError, TypeError), match="steps"):
        Sampling(steps)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [{"strength": -1.0}, {"strength": float("nan")}, {"start_frac": 0.8, "end_frac": 0.2}],
)
def test_schedules_that_make_no_sense_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="control"):
        ControlSchedule(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (torch.zeros(4, 6, 4), ShapeError),
        (torch.zeros(0, 6, 3), ShapeError),
        (torch.zeros(4, 6, 3, dtype=torch.uint8), TypeError),
        (torch.full((4, 6, 3), torch.inf), ValueError),
    ],
)
def test_pictures_that_are_none_are_refused(image: Tensor, error: type[Exception]) -> None:
    with pytest.raises(error, match="GenerationRequest.image"):
        GenerationRequest(image, FRAMES)


def test_what_may_move_belongs_to_the_picture() -> None:
    with pytest.raises(ShapeError, match="movable"):
        GenerationRequest(torch.zeros(4, 6, 3), FRAMES, movable=torch.ones(6, 4, dtype=torch.bool))


class TalkingFamily(GaussianFamily):
    """Makes everything and says something about it."""

    def decode(self, *given: object, **words: object) -> GenerationResult:
        clip = super().decode(*given, **words)  # type: ignore[arg-type]
        return replace(clip, holes=torch.arange(float(FRAMES)), notes=("All of it is a guess.",))


def test_notes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        clip = sample(TalkingFamily(), None, request(), moving())
    assert clip.notes == ("All of it is a guess.",)
    assert [record.getMessage() for record in caplog.records] == list(clip.notes)


def test_the_last_frame_alone_is_cut_out_for_families_that_make_all() -> None:
    whole = sample(TalkingFamily(), None, request(), moving(), Sampling(3, seed=2))
    last = sample(
        TalkingFamily(), None, replace(request(), last_only=True), moving(), Sampling(3, seed=2)
    )
    assert torch.equal(last.frames, whole.frames[-1:])
    assert last.holes is not None and last.holes.tolist() == [FRAMES - 1]
    assert last.tracks is not None and last.tracks.num_frames == FRAMES
