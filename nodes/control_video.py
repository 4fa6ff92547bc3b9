"""Tracks to Control Video: the images that some models take as motion control."""

from __future__ import annotations

from collections.abc import Callable

from comfy_api.latest import io
from torch import Tensor

from ..motion_core.formats.control_video import discs, ltx_trails
from ..motion_core.images import with_even_sides
from . import host
from .schema import EVEN_SIDES, canvas_input, schema, settings_of, tracks_input
from .stillness import still_note
from .wire import tracks_in

STYLES: dict[str, Callable[..., Tensor]] = {"ltx_trails": ltx_trails, "discs": discs}


class TracksToControlVideo(io.ComfyNode):
    """Tracks in, a control video out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        radius = io.Float.Input(
            "radius_frac",
            default=0.02,
            min=0.001,
            max=0.5,
            step=0.001,
            tooltip="Disc radius as a fraction of the canvas's short side.",
        )
        return schema(
            "TracksToControlVideo",
            aliases=["ltx motion track", "ic-lora", "vace", "control video", "draw tracks"],
            display_name="Tracks to Control Video",
            category="Motion Prompting/Exchange",
            description="Draws tracks as the control video of models that are controlled by "
            "images: coloured trails for LTX's motion-track IC-LoRA, white discs on black for "
            "VACE.",
            inputs=[
                tracks_input("The tracks to draw. Invisible points are not drawn."),
                io.DynamicCombo.Input(
                    "style",
                    options=[
                        io.DynamicCombo.Option("ltx_trails", []),
                        io.DynamicCombo.Option("discs", [radius]),
                    ],
                    tooltip="ltx_trails: for LTX's motion-track IC-LoRA. It needs 8n+1 frames, so "
                    "resample to 81, 97, 121, ... with Retime Tracks first. discs: for VACE and "
                    "other models that follow white shapes.",
                ),
                canvas_input(),
            ],
            outputs=[
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip="The control video: one image per frame, with the size of the canvas. "
                    + EVEN_SIDES,
                )
            ],
        )

    @classmethod
    def execute(cls, tracks, style, canvas_image=None):
        found = tracks_in(tracks, canvas_image, least_frames=1)
        settings = settings_of(style, "style")
        draw = STYLES[style["style"]]
        video = with_even_sides(draw(found, progress=host.progress(), **settings))
        return io.NodeOutput(video, ui=host.text_preview(still_note(found)))
