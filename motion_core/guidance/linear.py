"""Guidance as a weighted sum of predictions: text, motion, both, and camera-free.

The weights add up to one, so equal predictions stay unchanged. Every branch costs one more pass of
the model per step; branches of weight zero are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ..errors import ShapeError
from ..models.protocols import Branch


@dataclass(frozen=True)
class LinearGuidance:
    """A weighted sum of predictions.

    Attributes:
        terms: Pairs of branch and weight; branches differ and weights add up to 1.

    Raises:
        ValueError: For other terms.
    """

    terms: tuple[tuple[Branch, float], ...]

    def __post_init__(self) -> None:
        weights = [weight for _, weight in self.terms]
        if not all(math.isfinite(weight) for weight in weights):
            raise ValueError(f"guidance scales must be finite numbers; got weights {weights}.")
        if len(set(self.branches)) != len(self.terms) or not math.isclose(
            sum(weights), 1.0, abs_tol=1e-6 * max(1.0, *map(abs, weights))
        ):
            raise ValueError(
                f"guidance needs different branches with weights that add up to 1; got {self.terms}"
            )

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The predictions that are needed, each once."""
        return tuple(branch for branch, _ in self.terms)

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """The weighted sum, as the last prediction plus weighted differences from it.

        With differences, equal predictions stay the same bit for bit. Raises ShapeError unless
        there is one prediction per branch, all of one shape.
        """
        shapes = {tuple(prediction.shape) for prediction in predictions}
        if len(predictions) != len(self.terms) or len(shapes) != 1:
            raise ShapeError(
                f"guidance needs {len(self.terms)} predictions of one shape; got "
                f"{len(predictions)} of {sorted(shapes)}."
            )
        anchor = predictions[-1]
        combined = anchor
        for prediction, (_, weight) in zip(predictions[:-1], self.terms[:-1], strict=True):
            combined = combined + weight * (prediction - anchor)
        return combined


FULL = Branch()
UNCONDITIONAL = Branch(text=False)
UNCONTROLLED = Branch(control=False)


def no_guidance() -> LinearGuidance:
    """The prediction as it is: one pass per step."""
    return LinearGuidance(((FULL, 1.0),))


def text_guidance(scale: float) -> LinearGuidance:
    """Classifier-free guidance on the prompt, tracks in both branches; scale 1 is no guidance."""
    return _summed({UNCONDITIONAL: 1.0 - scale, FULL: scale})


def text_and_motion_guidance(text_scale: float, motion_scale: float) -> LinearGuidance:
    """MotionStream's joint form of text and motion guidance, up to three passes per step.

    v + w_t (v(c_t, c_m) - v(0, c_m)) + w_m (v(c_t, c_m) - v(c_t, 0))

    Args:
        text_scale: w_t + 1; amplifies the effect of the prompt, and 1 does not change it.
        motion_scale: w_m + 1; amplifies the effect of the tracks, and 1 does not change it.
    """
    text, motion = text_scale - 1.0, motion_scale - 1.0
    return _summed({UNCONDITIONAL: -text, UNCONTROLLED: -motion, FULL: 1.0 + text + motion})


def with_motion_guidance(
    guided: Tensor, tracked: Tensor, untracked: Tensor, motion_scale: float
) -> Tensor:
    """Motion guidance on top of predictions that another guidance has combined.

    guided + w_m (v(c_t, c_m) - v(c_t, 0)): with text guidance as `guided` this is
    text_and_motion_guidance.

    Args:
        guided: The prediction under the other guidance.
        tracked: The prediction with prompt and tracks.
        untracked: The prediction with the prompt and without the tracks.
        motion_scale: w_m + 1; 1 gives `guided`, bit for bit.

    Raises:
        ShapeError: The predictions differ in shape.
        ValueError: The scale is not finite.
    """
    shapes = {tuple(one.shape) for one in (guided, tracked, untracked)}
    if len(shapes) != 1:
        raise ShapeError(f"guidance needs predictions of one shape; got {sorted(shapes)}.")
    if not math.isfinite(motion_scale):
        raise ValueError(f"the motion scale must be a finite number; got {motion_scale}.")
    if motion_scale == 1.0:
        return guided
    return guided + (motion_scale - 1.0) * (tracked - untracked)


def camera_free(text_scale: float, trajectory_scale: float, adapter: str) -> LinearGuidance:
    """Image Conductor's camera-free guidance (Eq. 5).

    e0(0) + l_cfg (e0(c) - e0(0)) + l_traj (e_obj(c) - e0(c)), where e0 is the bare model and e_obj
    the model under the LoRA of object motion. The camera motion that both share cancels.

    Args:
        text_scale: l_cfg.
        trajectory_scale: l_traj. 0 is text guidance of the bare model; 1 with text_scale 1 is the
            model under the adapter alone.
        adapter: The LoRA of object motion.
    """
    adapted = Branch(adapter=adapter)
    return _summed(
        {
            UNCONDITIONAL: 1.0 - text_scale,
            FULL: text_scale - trajectory_scale,
            adapted: trajectory_scale,
        }
    )


def _summed(weights: dict[Branch, float]) -> LinearGuidance:
    """The guidance without branches of weight zero."""
    return LinearGuidance(tuple((branch, w) for branch, w in weights.items() if w != 0.0))
