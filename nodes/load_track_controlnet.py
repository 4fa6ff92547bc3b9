"""Load Track-ControlNet: a model follows tracks by weights that were trained for it."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import ModelSocket, schema
from .wire import model_in


class LoadTrackControlNet(io.ComfyNode):
    """A model and a file in, the model under its control out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..motion_core.models.registry import families_with_track_controlnet

        families = ", ".join(families_with_track_controlnet())
        return schema(
            "LoadTrackControlNet",
            aliases=["track controlnet", "motion prompting", "motion controlnet", "track control"],
            display_name="Load Track-ControlNet",
            category="Motion Prompting/Sampling",
            description="Makes a model follow tracks with a Track-ControlNet: a copy of part "
            "of the model that was trained to read tracks, as in Motion Prompting. For "
            f"the families {families}; it belongs to the base that it was trained on.",
            inputs=[
                ModelSocket.Input(
                    "model", tooltip="The model to control: connect Load Track Model."
                ),
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
                    tooltip="The model with this control, which replaces the control it had.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, file):
        from ..motion_core.models.registry import with_track_controlnet

        place = host.model_place(file.strip(), "controlnet")
        return io.NodeOutput(with_track_controlnet(model_in(model), place))
