"""MOFT Guidance: latents are moved towards a reference motion while a model samples."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from .schema import GuidanceSocket, ReferenceSocket, schema
from .wire import guidance_in, reference_in, single_mask

STEPS = ("adaptive", "as published")
MATCHES = ("mean", "each place")


def _inputs() -> list[Any]:
    return [
        ReferenceSocket.Input(
            "reference", tooltip="The motion: connect MOFT Reference with the same model."
        ),
        io.Float.Input(
            "weight",
            default=1.0,
            min=0.0,
            max=1000.0,
            step=0.1,
            tooltip="Guidance scale; 0 is off. With adaptive, 1 halves the distance to the "
            "reference in each iteration; as published it is 6 to 8.",
        ),
        io.Combo.Input(
            "step",
            options=list(STEPS),
            tooltip="adaptive: the step is scaled to the loss, for any model. as published: half "
            "of weight times the gradient, as MOFT's authors do with AnimateDiff.",
        ),
        io.Combo.Input(
            "match",
            options=list(MATCHES),
            tooltip="mean: the mean motion of the region follows the reference, as in the paper. "
            "each place: every position in the region does, which keeps objects in one piece.",
        ),
        io.Int.Input(
            "iterations",
            default=2,
            min=1,
            max=100,
            tooltip="Gradient steps before each step of the sampler.",
        ),
        _part("start", 0.12),
        _part("end", 0.48),
        io.Float.Input(
            "hold",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Fraction of the frames, from the first, in which latents outside the region "
            "are not changed. The paper takes 0.5, for more motion.",
        ),
        io.Boolean.Input(
            "keep_look",
            default=True,
            tooltip="Self-attention uses the keys of a video that is not guided, which keeps the "
            "appearance; one more prediction per guided step. No effect with lite.",
        ),
        *_connections(),
    ]


def _connections() -> list[Any]:
    return [
        io.Mask.Input(
            "region",
            optional=True,
            tooltip="White areas repeat the motion of the reference. Same aspect ratio as the "
            "image. Without it, the whole image.",
        ),
        GuidanceSocket.Input(
            "guidance",
            optional=True,
            tooltip="Another guidance that is applied first, such as one for another region.",
        ),
    ]


class MoftGuidance(io.ComfyNode):
    """A motion in, a guidance out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MoftGuidance",
            aliases=["MOFT", "training-free motion", "motion guidance", "latent optimisation"],
            display_name="MOFT Guidance",
            category="Motion Prompting/Sampling",
            description="Makes a model repeat a motion without training: in part of the steps it "
            "moves the latents down the gradient of the distance between their features and the "
            "reference's. Each iteration costs about three predictions.",
            inputs=_inputs(),
            outputs=[
                GuidanceSocket.Output(
                    "guidance", display_name="guidance", tooltip="For guidance of Track Sampler."
                )
            ],
        )

    @classmethod
    def execute(cls, reference, region=None, guidance=None, **widgets):
        from ..motion_core.guidance import GuidancePlan
        from ..motion_core.guidance.moft import MoftLatentGuidance, MoftSettings

        settings = MoftSettings(
            weight=widgets["weight"],
            start_frac=widgets["start"],
            end_frac=widgets["end"],
            iterations=widgets["iterations"],
            is_adaptive=widgets["step"] == STEPS[0],
            still_frac=widgets["hold"],
            shares_attention=widgets["keep_look"],
            each_place=widgets["match"] == MATCHES[1],
        )
        mask = single_mask(region, "the region")
        where = None if mask is None else mask > 0.5
        plan = GuidancePlan(
            latent_guidance=(MoftLatentGuidance(reference_in(reference), where, settings),)
        )
        return io.NodeOutput(guidance_in(guidance).joined(plan))


def _part(name: str, default: float) -> io.Float.Input:
    return io.Float.Input(
        name,
        default=default,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=f"Fraction of the steps at which the guidance {name}s: 0 (first step) to 1 (after "
        "the last step).",
    )
