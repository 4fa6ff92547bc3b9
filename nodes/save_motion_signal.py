"""Save Motion Signal: a reference video and its mask in Time-to-Move's folder."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import schema
from .wire import canvas_size, frames, masks_of_clip, picture


class SaveMotionSignal(io.ComfyNode):
    """A reference video and a mask in, a folder of four files out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "SaveMotionSignal",
            aliases=["time-to-move", "ttm", "cut and drag", "reference video", "export"],
            display_name="Save Motion Signal",
            category="Motion Prompting/Files",
            description="Writes the folder that Time-to-Move reads: first frame, reference video, "
            "mask video and prompt, from a draft, a camera render or any other video.",
            is_output_node=True,
            inputs=[
                io.Image.Input(
                    "video",
                    tooltip="The reference: a draft, or a camera render with nearest as hole "
                    "colour.",
                ),
                io.Mask.Input(
                    "mask",
                    tooltip="White where the video follows the reference closely: the moved "
                    "object, or the valid mask of Camera Tracks. One mask, or one per frame.",
                ),
                io.String.Input(
                    "prompt", multiline=True, default="", tooltip="The text prompt, stored beside."
                ),
                io.Float.Input(
                    "fps",
                    default=16.0,
                    min=1.0,
                    max=120.0,
                    step=0.01,
                    tooltip="Frames per second of both videos.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="motion/signal",
                    tooltip="Beginning of the folder's name, inside ComfyUI's output folder. A "
                    "number is added.",
                ),
                io.Image.Input(
                    "first_frame",
                    optional=True,
                    tooltip="The image that the model starts from; else the first frame of the "
                    "video.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "path",
                    display_name="path",
                    tooltip="The folder's path inside ComfyUI's output folder.",
                )
            ],
        )

    @classmethod
    def execute(cls, video, mask, prompt, fps, filename_prefix, first_frame=None):
        from ..motion_core.motion_signal import MotionSignal, write_motion_signal

        reference = frames(video)
        start = reference[0] if first_frame is None else picture(first_frame)
        masks = masks_of_clip(mask, canvas_size(video), len(reference))
        signal = MotionSignal(start, reference, masks, fps, prompt)
        folder, shown = host.new_output_file(filename_prefix, "")
        write_motion_signal(folder, signal, host.progress())
        name = f"{shown['subfolder']}/{folder.name}".lstrip("/")
        return io.NodeOutput(name, ui={"text": [name]})
