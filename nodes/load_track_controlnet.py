"""Load Track-ControlNet: a model learns to follow tracks."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import ModelSocket, schema
from .wire import model_in


class LoadTrackControlNet(io.ComfyNode):
    """A model and a file in, the model steered by it out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "LoadTrackControlNet",
            aliases=["track controlnet", "motion prompting", "motion controlnet", "track control"],
            display_name="Load Track-ControlNet",
            category="Motion Prompting/Sampling",
            description="Steers a model by tracks with a Track-ControlNet: a copy of part of the "
            "model that was trained to read them, as Motion Prompting does. For wan and "
            "animatediff; it belongs to the base that it was trained on.",
            inputs=[
                ModelSocket.Input("model", tooltip="The model to steer: connect Load Track Model."),
                io.String.Input(
                    "file",
                    default="wan-track-controlnet.safetensors",
                    tooltip="The name of a .safetensors file in ComfyUI's models/motion_prompting "
                    "or models/controlnet.",
                ),
            ],
            outputs=[
                ModelSocket.Output(
                    "model",
                    display_name="model",
                    tooltip="The model, which follows tracks now; what steered it before is gone.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, file):
        from ..motion_core.models.registry import with_track_control

        place = host.model_place(file.strip(), "controlnet")
        return io.NodeOutput(with_track_control(model_in(model), place))
