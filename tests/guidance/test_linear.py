"""Weighted sums of predictions against the formulas written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.errors import ShapeError
from motion_core.guidance import (
    camera_free,
    no_guidance,
    text_and_motion_guidance,
    text_guidance,
)
from motion_core.guidance.linear import LinearGuidance, with_motion_guidance
from motion_core.models.protocols import Branch

SCALES = st.floats(-8.0, 8.0).map(lambda scale: round(scale, 2))


def predictions() -> dict[Branch, torch.Tensor]:
    """A different random prediction for every branch that is used here."""
    generator = torch.Generator().manual_seed(0)
    names = [
        Branch(),
        Branch(text=False),
        Branch(control=False),
        Branch(adapter="object"),
    ]
    return {name: torch.randn(3, 4, generator=generator, dtype=torch.float64) for name in names}


def combined(guidance: LinearGuidance) -> torch.Tensor:
    made = predictions()
    return guidance.combine([made[branch] for branch in guidance.branches])


@given(SCALES)
def test_text_guidance_is_the_textbook_formula(scale: float) -> None:
    e = predictions()
    wanted = e[Branch(text=False)] + scale * (e[Branch()] - e[Branch(text=False)])
    assert torch.allclose(combined(text_guidance(scale)), wanted, atol=1e-12)


@given(SCALES, SCALES)
def test_joint_guidance_is_the_published_formula(text: float, motion: float) -> None:
    e = predictions()
    full = e[Branch()]
    wanted = full + (text - 1) * (full - e[Branch(text=False)])
    wanted = wanted + (motion - 1) * (full - e[Branch(control=False)])
    assert torch.allclose(combined(text_and_motion_guidance(text, motion)), wanted, atol=1e-11)


@given(SCALES, SCALES)
def test_camera_free_is_equation_5(text: float, trajectory: float) -> None:
    e = predictions()
    wordless, full, under = e[Branch(text=False)], e[Branch()], e[Branch(adapter="object")]
    wanted = wordless + text * (full - wordless) + trajectory * (under - full)
    assert torch.allclose(combined(camera_free(text, trajectory, "object")), wanted, atol=1e-11)


def test_neutral_scales_ask_for_one_prediction() -> None:
    for guidance in (no_guidance(), text_guidance(1.0), text_and_motion_guidance(1.0, 1.0)):
        assert guidance.branches == (Branch(),)
    assert text_guidance(0.0).branches == (Branch(text=False),)
    assert camera_free(1.0, 1.0, "object").branches == (Branch(adapter="object"),)
    assert set(camera_free(7.5, 0.0, "object").branches) == {Branch(text=False), Branch()}


@given(SCALES, SCALES)
def test_predictions_that_agree_come_out_bit_for_bit(text: float, motion: float) -> None:
    same = torch.randn(5, generator=torch.Generator().manual_seed(1))
    guidance = text_and_motion_guidance(text, motion)
    assert torch.equal(guidance.combine([same] * len(guidance.branches)), same)


def test_guidance_lets_gradients_through() -> None:
    e = [torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda a, b: text_guidance(2.5).combine([a, b]), tuple(e))


def test_bad_scales_and_wrong_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        text_guidance(float("inf"))
    with pytest.raises(ValueError, match="add up"):
        LinearGuidance(((Branch(), 0.5),))
    with pytest.raises(ValueError, match="different"):
        LinearGuidance(((Branch(), 0.5), (Branch(), 0.5)))
    with pytest.raises(ShapeError, match="2 predictions"):
        text_guidance(2.0).combine([torch.zeros(3)])
    with pytest.raises(ShapeError, match="one shape"):
        text_guidance(2.0).combine([torch.zeros(3), torch.zeros(1)])


def test_motion_guidance_on_top_of_text_guidance_is_the_joint_form() -> None:
    found = predictions()
    full, text, motion = (
        found[one] for one in (Branch(), Branch(text=False), Branch(control=False))
    )
    guided = text + 4.0 * (full - text)
    joint = text_and_motion_guidance(4.0, 2.5)
    wanted = joint.combine([found[branch] for branch in joint.branches])
    torch.testing.assert_close(with_motion_guidance(guided, full, motion, 2.5), wanted)
    assert with_motion_guidance(guided, full, motion, 1.0) is guided
    with pytest.raises(ShapeError, match="predictions of one shape"):
        with_motion_guidance(guided, full, motion[:1], 2.0)
    with pytest.raises(ValueError, match="finite number; got nan"):
        with_motion_guidance(guided, full, motion, float("nan"))
