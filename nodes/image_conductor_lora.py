"""Image Conductor LoRA: whether tracks move things or the camera."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import ModelSocket, schema
from .wire import model_in


class ImageConductorLora(io.ComfyNode):
    """A model in, the same under another of its two LoRA out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "ImageConductorLora",
            aliases=["image conductor", "camera motion", "object motion", "motion lora"],
            display_name="Image Conductor LoRA",
            category="Motion Prompting/Sampling",
            description="Selects how Image Conductor interprets tracks: as motion of objects or "
            "of the camera, with one LoRA for each. none is for Camera-Free Guidance, which "
            "removes the camera's motion from that of objects.",
            inputs=[
                ModelSocket.Input(
                    "model", tooltip="Image Conductor: connect Load Track Model (image_conductor)."
                ),
                io.Combo.Input(
                    "motion",
                    options=["object", "camera", "none"],
                    tooltip="object: tracks move objects. camera: tracks move the view. none: no "
                    "LoRA, as Camera-Free Guidance requires.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="Factor on the LoRA: 1 as trained, 0 for no effect.",
                ),
            ],
            outputs=[
                ModelSocket.Output(
                    "model", display_name="model", tooltip="The model with the chosen LoRA."
                )
            ],
        )

    @classmethod
    def execute(cls, model, motion, strength):
        from ..motion_core.models.controls import with_motion

        adapter = None if motion == "none" else motion
        return io.NodeOutput(with_motion(model_in(model), adapter, strength))
