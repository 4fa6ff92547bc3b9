"""Save Camera: a camera path for other tools."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import host
from .schema import MAX_FRAMES, CameraSocket, schema
from .wire import camera_in

# The names of motion_core.camera.files.WRITERS, which is not imported when the pack loads.
SUFFIXES = {
    "json": ".json",
    "realestate10k": ".txt",
    "motionctrl": ".json",
    "worldplay": ".json",
    "recammaster": ".json",
}


def _outputs() -> list[Any]:
    """The text, its file and one frame for the host."""
    return [
        io.String.Output("text", display_name="text", tooltip="Content of the file."),
        io.String.Output(
            "path",
            display_name="path",
            tooltip="The file's path inside ComfyUI's output folder.",
        ),
        io.Custom("LOAD3D_CAMERA").Output(
            "camera_info",
            display_name="camera_info",
            tooltip="One frame as a camera of ComfyUI's 3D nodes.",
        ),
    ]


class SaveCamera(io.ComfyNode):
    """A camera path in, a file and a host camera out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "SaveCamera",
            aliases=[
                "export camera",
                "cameractrl",
                "realestate10k",
                "motionctrl",
                "recammaster",
                "worldplay",
                "poses",
                "load3d camera",
            ],
            display_name="Save Camera",
            category="Motion Prompting/Camera",
            description="Writes a camera path to ComfyUI's output folder, as this pack's JSON or "
            "in a format of RealEstate10K and CameraCtrl, MotionCtrl, HY-WorldPlay or ReCamMaster. "
            "Also returns one frame as a camera for ComfyUI's 3D nodes.",
            is_output_node=True,
            inputs=[
                CameraSocket.Input("camera", tooltip="The camera path: connect Camera Path."),
                io.Combo.Input(
                    "format",
                    options=list(SUFFIXES),
                    default="realestate10k",
                    tooltip="json: this pack's format, lossless. realestate10k: also read by "
                    "CameraCtrl; intrinsics relative to the image size, world to camera, one "
                    "line per frame. motionctrl: 12 numbers per frame, world to camera. worldplay: "
                    "camera to world and intrinsics of every 4th frame, for 4 n + 1 frames. "
                    "recammaster: camera to world in Unreal's axes and centimetres, for 81 frames.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="camera/path",
                    tooltip="Folder and beginning of the file name, inside ComfyUI's output "
                    "folder. A number and the suffix are added.",
                ),
                io.Int.Input(
                    "frame",
                    default=0,
                    min=0,
                    max=MAX_FRAMES,
                    tooltip="Frame for camera_info, counted from 0; a number beyond the end takes "
                    "the last frame.",
                ),
                io.Float.Input(
                    "target_distance",
                    default=1.0,
                    min=0.001,
                    max=1_000_000.0,
                    step=0.01,
                    tooltip="Distance from the camera to the target of camera_info, in scene "
                    "units.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, camera, format, filename_prefix, frame, target_distance):
        from ..motion_core.camera.files import write_camera
        from ..motion_core.camera.host_camera import camera_to_host

        found = camera_in(camera)
        path, shown = host.new_output_file(filename_prefix, SUFFIXES[format])
        write_camera(path, found, format=format)
        name = f"{shown['subfolder']}/{path.name}".lstrip("/")
        here = min(frame, found.num_frames - 1)
        info = camera_to_host(found, here, distance=target_distance)
        return io.NodeOutput(path.read_text(encoding="utf-8"), name, info, ui={"text": [name]})
