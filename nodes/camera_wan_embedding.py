"""Camera to Wan Embedding: a camera path as the condition of Wan Fun Camera."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import host
from .schema import CameraSocket, schema, settings_of
from .wire import camera_in

# The host's own socket; io.Custom names it on every version.
WanEmbeddingSocket = io.Custom("WAN_CAMERA_EMBEDDING")


def _fraction(name: str, least: float, most: float, tooltip: str) -> Any:
    return io.Float.Input(name, default=0.5, min=least, max=most, step=0.001, tooltip=tooltip)


LENSES = [
    io.DynamicCombo.Option("path", []),
    io.DynamicCombo.Option(
        "normalised",
        [
            _fraction("fx", 0.01, 100.0, "Focal length in x as a fraction of the width."),
            _fraction("fy", 0.01, 100.0, "Focal length in y as a fraction of the height."),
            _fraction("cx", 0.0, 1.0, "Principal point in x as a fraction of the width."),
            _fraction("cy", 0.0, 1.0, "Principal point in y as a fraction of the height."),
        ],
    ),
]


class CameraToWanEmbedding(io.ComfyNode):
    """A camera path in, Wan's camera embedding out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "CameraToWanEmbedding",
            aliases=["wan fun camera", "plucker", "camera control", "camera embedding"],
            display_name="Camera to Wan Embedding",
            category="Motion Prompting/Camera",
            description="Converts a camera path to the camera embedding of Wan 2.1 and 2.2 Fun "
            "Camera: connect WanCameraImageToVideo. Any path works, not only the presets of "
            "ComfyUI's own node.",
            inputs=[
                CameraSocket.Input(
                    "camera",
                    tooltip="The camera path: connect Camera Path. Its image needs sides that are "
                    "multiples of 16 pixels, and its clip 4 n + 1 frames, such as 81.",
                ),
                io.Float.Input(
                    "travel_scale",
                    default=1.0,
                    min=0.001,
                    max=1000.0,
                    step=0.01,
                    tooltip="Factor on all distances travelled. Larger moves the camera further; "
                    "ComfyUI's own presets pan 1.5 units over the clip.",
                ),
                io.DynamicCombo.Input(
                    "lens",
                    options=LENSES,
                    tooltip="path: the lens of the camera path, as the depth has it. normalised: "
                    "numbers relative to the size of the image.",
                ),
            ],
            outputs=[
                WanEmbeddingSocket.Output(
                    "camera_embedding",
                    display_name="camera_embedding",
                    tooltip="Connect camera_conditions of WanCameraImageToVideo.",
                ),
                io.Int.Output("width", display_name="width", tooltip="Width in pixels."),
                io.Int.Output("height", display_name="height", tooltip="Height in pixels."),
                io.Int.Output("length", display_name="length", tooltip="Number of frames."),
            ],
        )

    @classmethod
    def execute(cls, camera, travel_scale, lens):
        from ..motion_core.camera.path_edit import scale_translation
        from ..motion_core.camera.plucker import wan_camera_embedding, with_normalised_lens

        path = scale_translation(camera_in(camera), travel_scale)
        if lens["lens"] == "normalised":
            path = with_normalised_lens(path, **settings_of(lens, "lens"))
        embedding = wan_camera_embedding(path, progress=host.progress())
        return io.NodeOutput(embedding, path.size.width, path.size.height, path.num_frames)
