"""Refine Along Reference: camera moves keep what their render shows."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from . import host
from .schema import HostModelSocket, VaeSocket, fraction_input, schema
from .wire import canvas_size, frames, masks_of_clip


def _strengths() -> list[Any]:
    return [
        io.Int.Input(
            "resamples",
            default=2,
            min=0,
            max=10,
            tooltip="How often a refined step noises anew; each costs a prediction, a decoding and "
            "an encoding. 0 is off.",
        ),
        io.Float.Input(
            "correction",
            default=1.8,
            min=0.0,
            max=20.0,
            step=0.1,
            tooltip="How far the step is pushed away from the estimate before refinement; 0 is "
            "off. The authors' code takes 1.8.",
        ),
        io.Boolean.Input(
            "gate_channels",
            default=True,
            tooltip="Channels of the latents whose motion disagrees with the render keep the "
            "model's own estimate, which protects its look.",
        ),
        io.Float.Input(
            "edge",
            default=20.0,
            min=0.0,
            max=512.0,
            step=1.0,
            tooltip="Width in pixels over which the render fades in at the rim of its holes.",
        ),
        fraction_input("start", 0.0, "Fraction of the sampling at which it begins."),
        fraction_input("end", 0.3, "Fraction of the sampling at which it ends."),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**53,
            control_after_generate=False,
            tooltip="Seed of the noise that is added anew.",
        ),
    ]


class RefineAlongReference(io.ComfyNode):
    """A MODEL and the render of a camera move in, the MODEL that follows it out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "RefineAlongReference",
            aliases=["worldforge", "camera control", "refine", "renoise", "camera render"],
            display_name="Refine Along Reference",
            category="Motion Prompting/Native",
            description="Makes ComfyUI's own MODEL follow the render of a camera move "
            "(WorldForge): in early steps the valid pixels of the render replace the model's, "
            "through the VAE, and the step is repeated. Nothing is trained; a refined step costs "
            "two to three times as much.",
            inputs=[
                HostModelSocket.Input("model", tooltip="The video model."),
                VaeSocket.Input("vae", tooltip="The VAE of the model."),
                io.Image.Input(
                    "images",
                    tooltip="The render: connect Camera Tracks. With the size and number of frames "
                    "of the video.",
                ),
                *_strengths(),
                io.Mask.Input(
                    "holes",
                    optional=True,
                    tooltip="White where the render shows nothing: connect Camera Tracks. One mask "
                    "per frame; without it the whole render counts.",
                ),
            ],
            outputs=[
                HostModelSocket.Output(
                    "model", display_name="model", tooltip="A copy of the model that follows."
                )
            ],
        )

    @classmethod
    def execute(cls, model, vae, images, holes=None, **widgets):
        from ..motion_core.guidance.refine import RefineSettings, Render, soft_edges
        from .host_model_refine import RefineRequest, refining

        start, end = widgets["start"], widgets["end"]
        if start > end:
            raise ValueError(f"start is {start} but end is {end}; refinement ends after it begins.")
        video = frames(images)
        valid = torch.ones(video.shape[:3], dtype=torch.bool)
        if holes is not None:
            valid = ~masks_of_clip(holes, canvas_size(images), len(video), "the mask of the holes")
        render = Render(video, soft_edges(valid, widgets["edge"], host.progress()))
        settings = RefineSettings(widgets["resamples"], widgets["correction"])
        gates, seed = widgets["gate_channels"], widgets["seed"]
        request = RefineRequest(vae, render, settings, gates, start, end, seed)
        return io.NodeOutput(refining(model, request))
