"""Estimate Depth: monocular depth of the image."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import io

from . import host
from .depth_map import (
    cleaned,
    depth_outputs,
    flying_input,
    fov_input,
    frames_input,
    near_far,
    shown_depth,
)
from .schema import schema
from .wire import depth_out, frames, picture

MODELS = "depth"


class EstimateDepth(io.ComfyNode):
    """An image in, its depth out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "EstimateDepth",
            aliases=["depth anything", "depth pro", "midas", "monocular depth", "zoe", "3d"],
            is_interactive=True,
            display_name="Estimate Depth",
            category="Motion Prompting/Camera",
            description="Estimates depth with a model of the transformers library from ComfyUI's "
            "models/depth folder, such as Depth Anything V2 Small. Nothing is downloaded.",
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The image whose depth is estimated (the first of a batch, or all of "
                    "them with all_frames).",
                ),
                io.String.Input(
                    "model",
                    default="Depth-Anything-V2-Small-hf",
                    tooltip="A folder inside ComfyUI's models/depth with config.json, "
                    "model.safetensors and preprocessor_config.json of a Depth Anything, DPT or "
                    "Depth Pro model.",
                ),
                *near_far(),
                fov_input(),
                flying_input(),
                frames_input(),
            ],
            outputs=depth_outputs(),
        )

    @classmethod
    def execute(cls, image, model, near, far, fov_deg, remove_flying, all_frames=False):
        from ..motion_core.depth.estimate import load_estimator
        from ..motion_core.depth.sources import DepthReading

        reading = DepthReading(near=near, far=far)
        estimator = load_estimator(host.model_folder(MODELS, model), reading=reading)
        estimator = replace(estimator, model=host.on_device(estimator.model))
        video = frames(image) if all_frames else picture(image)[None]
        found = estimator.estimate_video(video, fov_deg=fov_deg or None, progress=host.progress())
        depths, progress = [], host.progress()
        for done, one in enumerate(found.maps):
            depths.append(depth_out(cleaned(one, 0.0, remove_flying)))
            progress(done + 1, len(found.maps))
        return shown_depth(depths, cls)
