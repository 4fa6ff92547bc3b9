"""Load Track Model: a model that follows tracks, for Track Sampler and Edit by Drag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import host
from .schema import ModelSocket, schema, settings_of

if TYPE_CHECKING:
    from ..motion_core.models.track_model import Family, Setting

# The host's model folders that are searched after our own.
KINDS = ("diffusers", "checkpoints", "diffusion_models", "controlnet", "loras")
SEARCHED = "The search covers ComfyUI's models/motion_prompting, then its other model folders."


class LoadTrackModel(io.ComfyNode):
    """The name of a family in, its model out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..motion_core.models.registry import families

        known = families().values()
        return schema(
            "LoadTrackModel",
            aliases=["motion model", *(alias for family in known for alias in family.aliases)],
            display_name="Load Track Model",
            category="Motion Prompting/Sampling",
            description="Loads a model that makes a video from an image and follows tracks. lite "
            "comes with this pack and needs no file and no graphics card; the weights of the "
            "others come from their authors.",
            inputs=[
                io.DynamicCombo.Input(
                    "model",
                    options=[family_option(family) for family in known],
                    tooltip="The family of models to load.",
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
        from ..motion_core.models.imports import import_diffusers
        from ..motion_core.models.registry import families, load_track_model

        import_diffusers(host.progress())
        name, widgets = model["model"], settings_of(model, "model")
        paths = {setting.name for setting in families()[name].settings if setting.kind == "path"}
        settings = {
            key: host.model_place(value.strip(), *KINDS) if key in paths else value
            for key, value in widgets.items()
            if key not in paths or value.strip()
        }
        return io.NodeOutput(load_track_model(name, **settings))


def family_option(family: Family) -> Any:
    """A family's choice in the node, with an input for each of its settings."""
    inputs = [setting_input(setting) for setting in family.settings]
    return io.DynamicCombo.Option(family.name, inputs)


def setting_input(setting: Setting) -> Any:
    """The input that asks for one setting."""
    name, tooltip = setting.name, setting.tooltip
    if setting.kind == "path":
        tooltip = f"{tooltip} {SEARCHED}"
        return io.String.Input(name, default=setting.default, tooltip=tooltip)
    if setting.kind == "choice":
        return io.Combo.Input(name, options=list(setting.choices), tooltip=tooltip)
    if setting.kind == "switch":
        return io.Boolean.Input(name, default=setting.default, tooltip=tooltip)
    lowest, highest, step = setting.limits
    limits = {"default": setting.default, "min": lowest, "max": highest, "tooltip": tooltip}
    if setting.kind == "count":
        return io.Int.Input(name, **limits)
    return io.Float.Input(name, step=step, **limits)
