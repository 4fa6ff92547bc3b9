"""A Track-ControlNet on ComfyUI's own Wan: its weights, and the model under it."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import (
    HostModelSocket,
    ModelPatchSocket,
    canvas_input,
    fraction_input,
    schema,
    tracks_input,
)
from .wire import tracks_in


class LoadTrackControlNetPatch(io.ComfyNode):
    """A file in, a MODEL_PATCH out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "LoadTrackControlNetPatch",
            aliases=["track controlnet", "model patch", "motion controlnet", "wan controlnet"],
            display_name="Load Track-ControlNet Patch",
            category="Motion Prompting/Native",
            description="Loads a Track-ControlNet for Wan for use with ComfyUI's own model: the "
            "same file as in Load Track-ControlNet.",
            inputs=[
                io.String.Input(
                    "file",
                    default="wan-track-controlnet.safetensors",
                    tooltip="The name of a .safetensors file in ComfyUI's "
                    "models/motion_prompting, models/controlnet or models/model_patches.",
                )
            ],
            outputs=[
                ModelPatchSocket.Output(
                    "model_patch",
                    display_name="model_patch",
                    tooltip="The weights: connect Apply Track-ControlNet.",
                )
            ],
        )

    @classmethod
    def execute(cls, file):
        from .host_wan_control import load_native_controlnet

        place = host.model_place(file.strip(), "controlnet", "model_patches")
        return io.NodeOutput(host.within_memory(lambda: load_native_controlnet(place)))


class ApplyTrackControlNet(io.ComfyNode):
    """A MODEL, weights and tracks in; the MODEL under control out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "ApplyTrackControlNet",
            aliases=["track controlnet", "motion prompting", "wan tracks", "control motion"],
            display_name="Apply Track-ControlNet",
            category="Motion Prompting/Native",
            description="Makes ComfyUI's own Wan follow tracks with a Track-ControlNet. Works with "
            "fp8, GGUF and LoRAs, and with every sampler.",
            inputs=[
                HostModelSocket.Input("model", tooltip="Wan, of the size the weights are for."),
                ModelPatchSocket.Input(
                    "model_patch", tooltip="Connect Load Track-ControlNet Patch."
                ),
                tracks_input("The tracks: as many frames as the video, on its canvas."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.05,
                    tooltip="Strength of the control: 0 is off, bit for bit; 1 as trained.",
                ),
                fraction_input("start", 0.0, "Fraction of the sampling at which control begins."),
                fraction_input("end", 1.0, "Fraction of the sampling at which control ends."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53,
                    control_after_generate=False,
                    tooltip="Seed of the random codes by which the network tells tracks apart.",
                ),
                canvas_input(),
            ],
            outputs=[
                HostModelSocket.Output(
                    "model", display_name="model", tooltip="A copy of the model under control."
                )
            ],
        )

    @classmethod
    def execute(cls, model, model_patch, tracks, strength, start, end, seed, canvas_image=None):
        from .host_model_guidance import ControlSettings, controlled

        if start > end:
            raise ValueError(f"start is {start} but end is {end}; control ends after it begins.")
        found = tracks_in(tracks, canvas_image)
        settings = ControlSettings(model_patch, found, strength, start, end, seed)
        return io.NodeOutput(controlled(model, settings))
