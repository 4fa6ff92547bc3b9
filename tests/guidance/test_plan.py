"""Guidances joined, and steering inside the sampler's loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.guidance import GuidancePlan, text_guidance
from motion_core.models.protocols import GenerationRequest
from motion_core.sampling import Sampling, sample
from motion_core.tracks.model import empty_tracks
from tests.sampling.families import GaussianFamily
from tests.sampling.test_loop import FRAMES, SIZE, request


@dataclass
class Push:
    """A Steering that adds a number before one step, and remembers what it was told."""

    by: float
    step: int = 0
    reported: list[Any] = field(default_factory=list)

    def begin(self, model: Any, condition: GenerationRequest, steps: int) -> Any:
        assert isinstance(model, GaussianFamily) and condition.frames == FRAMES
        self.reported.append(steps)

        def guidance_step(
            latents: Tensor, timestep: Tensor, step: int, predict: Callable[[Tensor], Tensor]
        ) -> Tensor:
            self.reported.append((step, predict(latents)))
            return latents + self.by if step == self.step else latents

        return guidance_step


def run(*latent_guidance: Push, model: GaussianFamily | None = None) -> Tensor:
    settings = Sampling(4, seed=1, guidance=text_guidance(2.0), latent_guidance=latent_guidance)
    model = model or GaussianFamily()
    return sample(model, None, request(), empty_tracks(FRAMES, SIZE), settings).frames[:, 0, 0, 0]


def test_joined_steering_acts_in_its_order_and_one_weighting_stays() -> None:
    first, second = Push(1.0), Push(2.0)
    words = text_guidance(3.0)
    joined = GuidancePlan(None, (first,)).joined(GuidancePlan(words, (second,)))
    assert joined.latent_guidance == (first, second) and joined.weighting is words
    assert GuidancePlan(words).joined(GuidancePlan()).weighting is words
    assert GuidancePlan().joined(GuidancePlan()) == GuidancePlan()
    with pytest.raises(ValueError, match="keep one"):
        joined.joined(GuidancePlan(words))


def test_the_loop_takes_its_step_from_the_guided_latents() -> None:
    plain, pushed = run(), run(Push(0.5))
    # The family is affine in its latents, so a push at the start ends scaled.
    gain = (pushed - plain) / 0.5
    torch.testing.assert_close(gain, gain[:1].expand_as(gain))
    twice = run(Push(0.25), Push(0.25))
    torch.testing.assert_close(twice, pushed)
    assert not torch.equal(pushed, plain)


def test_a_latent_guidance_can_use_the_prediction_of_the_step() -> None:
    push = Push(0.0)
    model = GaussianFamily()
    run(push, model=model)
    steps, *asked = push.reported
    assert steps == 4 and [step for step, _ in asked] == [0, 1, 2, 3]
    assert len(model.calls) == 8, "once for the nudge and once for the step"
    assert all(len(calls) == 2 for calls in model.calls), "all branches of the guidance"


def test_without_steering_nothing_is_asked_twice() -> None:
    model = GaussianFamily()
    run(model=model)
    assert len(model.calls) == 4
