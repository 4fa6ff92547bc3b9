"""The nudge: its gradient, its window, its mask, and that it leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import CanvasError, ShapeError
from motion_core.guidance.moft import (
    DragSettings,
    MoftDragGuidance,
    MoftLatentGuidance,
    MoftSettings,
)
from motion_core.guidance.moft.drag import look_loss, near_cells
from motion_core.guidance.moft.latent_guidance import MoftGuidanceStep, TappedRun, course_loss
from motion_core.models.protocols import GuidanceStep
from motion_core.tracks.model import make_tracks

from .parts import (
    FRAMES,
    PROBE,
    SIZE,
    Condition,
    Toy,
    channels,
    latents,
    reference,
    request,
    zero_prediction,
)

STEPS = 25
TIME = torch.tensor(500)
PLAIN = MoftSettings(shares_attention=False)
ACTIVE = 5


def begin(settings: MoftSettings = PLAIN, toy: Toy | None = None, **words: Any) -> GuidanceStep:
    toy = toy or Toy()
    latent_guidance = MoftLatentGuidance(reference(toy), words.get("region"), settings)
    return latent_guidance.begin(toy, words.get("condition", Condition(request())), STEPS)


def guided(guidance_step: GuidanceStep, given: Tensor, step: int = ACTIVE) -> Tensor:
    return guidance_step(given, TIME, step, zero_prediction)


def loss_of(given: Tensor, region: Tensor | None = None) -> Tensor:
    """The wish, written out."""
    toy = Toy()
    toy.layer.requires_grad_(False)
    target = reference(toy)
    features = toy.layer(given)[:, target.channels.index]
    motion = features - features.mean(dim=0)
    mask = torch.ones(8, 8, dtype=torch.bool) if region is None else region
    mean = torch.stack([motion[:, channel][:, mask].mean(dim=1) for channel in range(2)], dim=1)
    return ((mean - target.course.to(mean)) ** 2).mean()


def test_one_iteration_takes_half_the_weighted_gradient() -> None:
    settings = replace(PLAIN, iterations=1, weight=6.0, step_size=0.5)
    given = latents().double()
    moved = given - guided(begin(settings), given)
    slope = moved / 3.0
    generator = torch.Generator().manual_seed(3)
    for _ in range(6):
        way = torch.randn(given.shape, generator=generator, dtype=torch.float64)
        step = 1e-5
        rise = (loss_of(given + step * way) - loss_of(given - step * way)) / (2 * step)
        assert float((slope * way).sum()) == pytest.approx(float(rise), rel=1e-6, abs=1e-10)


def test_iterations_are_gradient_steps_one_after_the_other() -> None:
    one = begin(replace(PLAIN, iterations=1))
    given = latents()
    twice = guided(one, guided(one, given))
    assert torch.equal(guided(begin(replace(PLAIN, iterations=2)), given), twice)
    assert float(loss_of(twice)) < float(loss_of(given))


def test_the_adaptive_step_is_polyaks_whatever_the_scale_of_the_loss() -> None:
    given = latents().requires_grad_(True)
    loss = loss_of(given)
    (slope,) = torch.autograd.grad(loss, given)
    adaptive = replace(PLAIN, weight=1.0, is_adaptive=True, iterations=1)
    moved = given.detach() - guided(begin(adaptive), given.detach())
    torch.testing.assert_close(moved, slope * (loss / slope.square().sum()).detach())
    run = TappedRun(Toy(), Condition(request()), STEPS, reference(Toy()))
    target = reference(Toy()).course

    def louder(features: Tensor) -> Tensor:
        everywhere = torch.ones(8, 8, dtype=torch.bool)
        return 1e4 * course_loss(features, run.channels, everywhere, target)

    loud = given.detach() - guided(MoftGuidanceStep(run, adaptive, louder, None), given.detach())
    torch.testing.assert_close(loud, moved)


def test_adaptive_iterations_come_near_the_reference() -> None:
    adaptive = replace(PLAIN, weight=1.0, is_adaptive=True, iterations=12)
    after = guided(begin(adaptive), latents())
    assert float(loss_of(after)) < 1e-3 * float(loss_of(latents()))


def test_no_latent_moves_further_than_the_limit() -> None:
    wild = replace(PLAIN, weight=1e6, iterations=1)
    given = latents()
    moved = (guided(begin(replace(wild, most_change=0.1)), given) - given).abs()
    assert float(moved.max()) == pytest.approx(0.1, rel=1e-4)
    assert float((guided(begin(wild), given) - given).abs().max()) > 1.0


@pytest.mark.parametrize(("step", "acts"), [(2, False), (3, True), (11, True), (12, False)])
def test_the_window_is_that_of_the_authors(step: int, acts: bool) -> None:
    given = latents()
    assert (guided(begin(), given, step) is given) is not acts


def test_weight_zero_is_the_same_tensor_and_asks_nothing() -> None:
    toy, given = Toy(shares_attention=True), latents()
    off = MoftSettings(weight=0.0)
    assert guided(begin(off, toy), given) is given and toy.passes == []


@pytest.mark.parametrize("still_frac", [0.0, 0.5, 1.0])
def test_latents_outside_the_region_are_left_alone(still_frac: float) -> None:
    region = torch.zeros(8, 8, dtype=torch.bool)
    region[2:5, 1:4] = True
    # The toy's features are local, so something that is not is laid over them.
    toy = Toy()
    toy.layer.forward = lambda z: Toy().layer(z + z.mean(dim=(3, 4), keepdim=True))  # type: ignore[method-assign]
    given = latents()
    settings = replace(PLAIN, still_frac=still_frac)
    moved = guided(begin(settings, toy, region=region), given) != given
    held = round(still_frac * FRAMES)
    assert not moved[:, :, :held][..., ~region].any()
    assert moved[:, :, held:][..., ~region].all() and moved[..., region].all()


def test_the_region_is_where_the_mean_is_taken() -> None:
    region = torch.zeros(8, 8, dtype=torch.bool)
    region[2:5, 1:4] = True
    given = latents().double().requires_grad_(True)
    (wanted,) = torch.autograd.grad(loss_of(given, region), given)
    settings = replace(PLAIN, iterations=1)
    moved = given.detach() - guided(begin(settings, region=region), given.detach())
    torch.testing.assert_close(moved, 3.0 * wanted, rtol=1e-6, atol=1e-9)


def test_each_place_is_a_mean_of_squares_instead_of_the_square_of_a_mean() -> None:
    region = torch.zeros(8, 8, dtype=torch.bool)
    region[1, 2] = region[6, 6] = True
    toy = Toy()
    target = reference(toy)
    features = toy.layer(latents()).detach()
    found = course_loss(features, target.channels.index, region, target.course, each_place=True)
    alone = []
    for row, column in ((1, 2), (6, 6)):
        one = torch.zeros_like(region)
        one[row, column] = True
        alone.append(course_loss(features, target.channels.index, one, target.course))
    torch.testing.assert_close(found, torch.stack(alone).mean())
    # Held to its mean alone, places may differ as much as they like.
    spreads = {}
    for each in (False, True):
        settings = replace(PLAIN, each_place=each, is_adaptive=True, weight=1.0, iterations=20)
        moved = toy.layer(guided(begin(settings), latents()))[:, target.channels.index]
        motion = moved - moved.mean(dim=0)
        spreads[each] = motion.std(dim=(2, 3)).mean().item()
    assert spreads[True] < 0.5 * spreads[False]


def test_nothing_is_left_behind_and_the_input_is_not_touched() -> None:
    toy, given = Toy(), latents()
    before = given.clone()
    with torch.no_grad():
        moved = guided(begin(PLAIN, toy), given)
    assert torch.equal(given, before) and not given.requires_grad and given.grad is None
    assert not moved.requires_grad and moved.grad_fn is None
    assert toy.layer.mix.grad is None and not toy.layer._forward_hooks


def test_a_host_under_inference_mode_gets_the_same() -> None:
    wanted = guided(begin(), latents())
    with torch.inference_mode():
        toy = Toy()
        toy.layer.mix = torch.nn.Parameter(toy.layer.mix.detach().clone(), requires_grad=False)
        assert toy.layer.mix.is_inference()
        plain = toy.layer

        class Twinned(Toy):
            def features(self, *given: Any, **words: Any) -> Tensor:
                from motion_core.models.taps import with_gradients

                return with_gradients(plain, given[:1], {})

        here = Twinned(plain)
        found = guided(begin(PLAIN, here), latents())
    assert torch.equal(found, wanted)
    assert plain.mix.is_inference(), "the weights are their old selves"


@pytest.mark.parametrize("after", [0, 1])
def test_cancel_between_iterations_leaves_nothing_behind(after: int) -> None:
    reported: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        if len(reported) == after:
            raise KeyboardInterrupt
        reported.append((done, total))

    toy, given = Toy(), latents()
    guidance_step = begin(replace(PLAIN, iterations=3), toy, condition=Condition(request(), stop))
    with pytest.raises(KeyboardInterrupt):
        guided(guidance_step, given)
    assert reported == [(ACTIVE, STEPS)] * after and not given.requires_grad
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()


def test_a_clip_that_nothing_guides_runs_beside_and_follows_its_own_predictions() -> None:
    toy = Toy(shares_attention=True)
    guidance_step = begin(MoftSettings(), toy)
    scheduler = toy.scheduler()
    scheduler.set_timesteps(STEPS)
    asked: list[Tensor] = []
    free = given = latents()

    def predict(those: Tensor) -> Tensor:
        asked.append(those)
        return 0.3 * those

    for step in range(2, 6):
        timestep = scheduler.timesteps[step]
        moved = guidance_step(given, timestep, step, predict)
        if step < 3:
            assert not asked and moved is given
            continue
        assert torch.equal(asked[-1], free)
        free = scheduler.step(0.3 * free, timestep, free).prev_sample
        given = scheduler.step(0.3 * moved, timestep, moved).prev_sample
    assert toy.passes == ["free", "guided", "guided"] * 3
    guidance_step(given, scheduler.timesteps[11], 11, predict)
    assert len(asked) == 3, "after its last step nobody needs the other clip"


def test_other_weights_other_lengths_and_other_canvases_are_refused() -> None:
    target = reference(Toy())
    other = Toy()
    with torch.no_grad():
        other.layer.mix.add_(1.0)
    run = Condition(request())
    with pytest.raises(ValueError, match="same model"):
        MoftLatentGuidance(target).begin(other, run, STEPS)
    with pytest.raises(TypeError, match="no features that MOFT could read"):
        MoftLatentGuidance(target).begin(object(), run, STEPS)
    guidance_step = MoftLatentGuidance(target, None, PLAIN).begin(
        Toy(), Condition(request(6)), STEPS
    )
    with pytest.raises(ShapeError, match="4 frames but the video to be made has 6"):
        guided(guidance_step, latents(frames=6))
    with pytest.raises(CanvasError, match="same image"):
        MoftLatentGuidance(target, torch.ones(8, 16, dtype=torch.bool)).begin(Toy(), run, STEPS)


def test_a_window_between_two_steps_is_refused() -> None:
    latent_guidance = MoftLatentGuidance(reference(Toy()), None, PLAIN)
    with pytest.raises(ValueError, match="none of the 2 steps"):
        latent_guidance.begin(Toy(), Condition(request()), 2)
    latent_guidance.begin(Toy(), Condition(request()), 3)


def test_a_gradient_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        guided(begin(), torch.full_like(latents(), float("nan")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": -1.0},
        {"weight": float("nan")},
        {"step_size": -0.1},
        {"iterations": 0},
        {"start_frac": 0.6, "end_frac": 0.5},
        {"end_frac": 1.1},
        {"still_frac": -0.1},
        {"most_change": 0.0},
    ],
)
def test_settings_without_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        MoftSettings(**wrong)  # type: ignore[arg-type]


def drag(points: int = 1, settings: MoftSettings = PLAIN) -> MoftDragGuidance:
    start = torch.tensor([[2.5, 2.5], [5.5, 4.5]])[:points]
    way = torch.linspace(0, 1, FRAMES)[:, None, None] * torch.tensor([3.0, 1.0])
    tracks = make_tracks(start + way, SIZE)
    return MoftDragGuidance(tracks, channels(Toy()), PROBE, settings=settings)


def test_a_drag_has_three_phases() -> None:
    guidance_step = drag().begin(Toy(), Condition(request()), STEPS)
    given = latents()
    losses = [(step, _phase(guidance_step, given, step)) for step in range(STEPS)]
    motion = [step for step, (moves, _) in losses if moves]
    preview = [step for step, (_, looks) in losses if looks]
    assert motion == list(range(7)) and preview == list(range(6, 20))
    assert guidance_step(given, TIME, 20, zero_prediction) is given


def _phase(guidance_step: Any, given: Tensor, step: int) -> tuple[bool, bool]:
    guidance_step(given, TIME, step, zero_prediction)
    return guidance_step._phase


def test_the_look_is_held_where_the_point_goes() -> None:
    tracks = drag().tracks
    features = torch.randn(FRAMES, 5, 8, 8, dtype=torch.float64, requires_grad=True)
    xy = tracks.xy[:, 0].double()
    loss = look_loss(features, xy, tracks)
    at = [
        (features[t, :, 2, 2 + t] * (1 - t / 3) + features[t, :, 3, 2 + t] * (t / 3))
        for t in range(4)
    ]
    wanted = torch.stack([(at[t] - at[0]).norm() for t in range(1, 4)]).mean()
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    (slope,) = torch.autograd.grad(loss, features)
    assert not slope[0].any(), "what is held on to does not move"
    assert slope[3, :, 3, 5].abs().min() > 0


def test_a_drag_goes_down_both_losses() -> None:
    settings = replace(PLAIN, weight=1.0, is_adaptive=True, iterations=8)
    target = drag(2, settings=settings)
    guidance_step = target.begin(Toy(), Condition(request()), STEPS)
    given = latents()
    moved = guidance_step(given, TIME, 6, zero_prediction)
    first, after = (guidance_step._loss(Toy().layer(z)) for z in (given, moved))
    assert after.item() < 0.5 * first.item()


def test_near_cells_are_within_a_radius() -> None:
    near = near_cells(drag(2).tracks, 0.15, 8)
    assert near.shape == (2, 8, 8) and near[0].nonzero().tolist() == [
        [1, 2], [2, 1], [2, 2], [2, 3], [3, 2],
    ]  # fmt: skip
    assert near_cells(drag(1).tracks, 1e-6, 8).sum() == 1


def test_drags_without_sense_are_refused() -> None:
    run = Condition(request())
    with pytest.raises(TypeError, match="tracks to the sampler itself"):
        drag().begin(Toy(is_eulerian=False), run, STEPS)
    with pytest.raises(CanvasError, match="Transform Tracks"):
        drag().begin(Toy(), Condition(request(size=type(SIZE)(8, 9))), STEPS)
    with pytest.raises(ShapeError, match="a track or more of 6 frames"):
        drag().begin(Toy(), Condition(request(6)), STEPS)
    hidden = replace(drag().tracks, visible=torch.zeros(FRAMES, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="visible in the first frame"):
        replace(drag(), tracks=hidden).begin(Toy(), run, STEPS)
    with pytest.raises(ValueError, match="held from before"):
        DragSettings(motion_end_frac=0.1)
    with pytest.raises(ValueError, match="radius_frac"):
        DragSettings(radius_frac=0.0)


def test_features_are_read_in_the_models_number_of_frames() -> None:
    run = TappedRun(Toy(), Condition(request()), STEPS, reference(Toy()))
    features = run.features(latents(), TIME, None)
    assert features.shape == (FRAMES, 6, 8, 8)
    everywhere = torch.ones(8, 8, dtype=torch.bool)
    found = course_loss(features, run.channels, everywhere, reference(Toy()).course)
    assert found.item() == pytest.approx(loss_of(latents()).item(), rel=1e-5)
