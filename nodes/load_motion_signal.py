"""Load Motion Signal: a folder of Time-to-Move, its own or Save Motion Signal's."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import schema


class LoadMotionSignal(io.ComfyNode):
    """A folder of four files in; first frame, reference, mask and prompt out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "LoadMotionSignal",
            aliases=["time-to-move", "ttm", "cut and drag", "import", "reference video"],
            display_name="Load Motion Signal",
            category="Motion Prompting/Files",
            description="Reads a folder of Time-to-Move: first_frame.png, motion_signal.mp4, "
            "mask.mp4 and prompt.txt. Its reference and mask are what Follow Motion takes.",
            inputs=[
                io.String.Input(
                    "folder",
                    default="motion/signal_00001_",
                    tooltip="The folder's path inside ComfyUI's input or output folder, such as "
                    "the path of Save Motion Signal.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "first_frame",
                    display_name="first_frame",
                    tooltip="The image that the model starts from.",
                ),
                io.Image.Output(
                    "reference", display_name="reference", tooltip="The reference video."
                ),
                io.Mask.Output(
                    "mask",
                    display_name="mask",
                    tooltip="White where the video follows the reference closely, one per frame.",
                ),
                io.String.Output("prompt", display_name="prompt", tooltip="The stored prompt."),
                io.Float.Output("fps", display_name="fps", tooltip="Frames per second."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder):
        try:
            files = sorted(host.made_folder(folder).iterdir())
        except (ValueError, OSError):
            return folder
        return str([(one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in files])

    @classmethod
    def execute(cls, folder):
        from ..motion_core.motion_signal import read_motion_signal

        found = read_motion_signal(host.made_folder(folder), host.progress())
        return io.NodeOutput(
            found.first_frame[None], found.video, found.mask.float(), found.prompt, found.fps
        )
