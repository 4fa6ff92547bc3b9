"""Load Track Model: a model that follows tracks, for Track Sampler and Edit by Drag."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import ModelSocket, schema, settings_of

FOLDER = "motion_prompting"
# The families of motion_core.models.registry, which a node does not import before it runs; a
# test compares. Each brings the inputs that its loader needs.
FAMILIES = [
    io.DynamicCombo.Option(
        "lite",
        [
            io.String.Input(
                "file",
                default="",
                tooltip="Leave empty for the weights that come with this pack. Or the name of a "
                "file of your own training in ComfyUI's models/motion_prompting.",
            )
        ],
    ),
]


class LoadTrackModel(io.ComfyNode):
    """The name of a family in, its model out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "LoadTrackModel",
            aliases=["motion model", "track controlnet", "motion prompting", "lite", "checkpoint"],
            display_name="Load Track Model",
            category="Motion Prompting/Sampling",
            description="Loads a model that makes a video of a picture and follows tracks. lite "
            "comes with this pack, needs no file and no graphics card.",
            inputs=[
                io.DynamicCombo.Input(
                    "model", options=FAMILIES, tooltip="Which family of models to load."
                )
            ],
            outputs=[
                ModelSocket.Output(
                    "model",
                    display_name="model",
                    tooltip="The model, for Track Sampler or Edit by Drag.",
                )
            ],
        )

    @classmethod
    def execute(cls, model):
        from ..motion_core.models.registry import load_track_model

        file = settings_of(model, "model").get("file", "").strip()
        path = host.model_folder(FOLDER, file) if file else None
        return io.NodeOutput(load_track_model(model["model"], path))
