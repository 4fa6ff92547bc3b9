"""Motion Transfer Guidance: a MODEL repeats the motion of a clip."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from .schema import HostModelSocket, VaeSocket, fraction_input, schema
from .wire import frames


def _strengths() -> list[Any]:
    return [
        io.Int.Input(
            "iterations",
            default=3,
            min=0,
            max=100,
            tooltip="Optimizer steps per step of the sampler; they need no further "
            "prediction. 0 leaves the regularisation alone.",
        ),
        io.Float.Input(
            "rate",
            default=0.003,
            min=0.0,
            max=1.0,
            step=0.001,
            tooltip="Largest change of a latent per optimizer step; more follows the clip "
            "more closely.",
        ),
        io.Float.Input(
            "keep",
            default=0.1,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Fraction of the direction of sampling that is kept across its mean; 1 "
            "switches this regularisation off.",
        ),
        fraction_input("start", 0.0, "Fraction of the sampling at which it begins."),
        fraction_input(
            "end", 0.2, "Fraction of the sampling at which it ends; early steps decide."
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**53,
            control_after_generate=False,
            tooltip="Seed of the noise that is added to the clip.",
        ),
    ]


class MotionTransferGuidance(io.ComfyNode):
    """A MODEL and a clip in, the MODEL that repeats its motion out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MotionTransferGuidance",
            aliases=["flowmotion", "motion transfer", "copy motion", "motion clone"],
            display_name="Motion Transfer Guidance",
            category="Motion Prompting/Native",
            description="Makes ComfyUI's own MODEL repeat the motion of a clip (FlowMotion): early "
            "latents are moved towards the model's estimate of the clip. Nothing is trained, and "
            "no gradient goes through the model.",
            inputs=[
                HostModelSocket.Input("model", tooltip="The video model."),
                VaeSocket.Input("vae", tooltip="The VAE of the model."),
                io.Image.Input(
                    "images",
                    tooltip="The clip whose motion is repeated: a draft, a camera render or "
                    "footage, with the size and number of frames of the video.",
                ),
                *_strengths(),
            ],
            outputs=[
                HostModelSocket.Output(
                    "model", display_name="model", tooltip="A copy of the model with guidance."
                )
            ],
        )

    @classmethod
    def execute(cls, model, vae, images, iterations, rate, keep, start, end, seed):
        from ..motion_core.guidance.motion_transfer import TransferSettings
        from .host_latents import encoded
        from .host_model_transfer import MotionSource, with_motion_transfer

        if start > end:
            raise ValueError(f"start is {start} but end is {end}; guidance ends after it begins.")
        settings = TransferSettings(iterations, rate, keep=keep)
        latents = encoded(vae, frames(images))
        source = MotionSource(latents, settings, start, end, seed)
        return io.NodeOutput(with_motion_transfer(model, source))
