"""Image Conductor LoRA: whether tracks move things or the camera."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import ModelSocket, schema
from .wire import model_in


class ImageConductorLora(io.ComfyNode):
    """Image Conductor in, the same under another of its two LoRA out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "ImageConductorLora",
            aliases=["image conductor", "camera motion", "object motion", "motion lora"],
            display_name="Image Conductor LoRA",
            category="Motion Prompting/Sampling",
            description="Chooses what the tracks mean to Image Conductor: where things go, or how "
            "the camera moves. It has learned a LoRA for each; none is for Camera-Free Guidance, "
            "which takes the camera out of the motion of things.",
            inputs=[
                ModelSocket.Input(
                    "model", tooltip="Image Conductor: connect Load Track Model (image_conductor)."
                ),
                io.Combo.Input(
                    "motion",
                    options=["object", "camera", "none"],
                    tooltip="object: tracks say where things go. camera: how the view moves. "
                    "none: neither LoRA, as Camera-Free Guidance needs it.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="Factor on the LoRA: 1 as trained, 0 as if it were not there.",
                ),
            ],
            outputs=[
                ModelSocket.Output(
                    "model", display_name="model", tooltip="The model with the LoRA chosen."
                )
            ],
        )

    @classmethod
    def execute(cls, model, motion, strength):
        from ..motion_core.models.animatediff.conductor import with_motion

        wanted = None if motion == "none" else motion
        return io.NodeOutput(with_motion(model_in(model), wanted, strength))
