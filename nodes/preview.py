"""Preview Tracks and Draft Motion: a look at the motion before a video model runs."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..motion_core.memory import check_video_memory
from . import host
from .schema import schema, tracks_input
from .wire import frames, picture, tracks_in


class PreviewTracks(io.ComfyNode):
    """Tracks in, a drawing of them out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "PreviewTracks",
            aliases=["visualize tracks", "draw tracks", "overlay", "show trajectory"],
            display_name="Preview Tracks",
            category="Motion Prompting",
            description="Draws the tracks on an image, a video, or black. The node shows the last "
            "frame; the output has all frames.",
            is_output_node=True,
            inputs=[
                tracks_input("The tracks to draw."),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="One image, or as many as the tracks have frames; same size in pixels "
                    "as the tracks' canvas. Black if not connected.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images", display_name="images", tooltip="One image per frame of the tracks."
                )
            ],
        )

    @classmethod
    def execute(cls, tracks, image=None):
        from ..motion_core.overlay import draw_tracks

        found = tracks_in(tracks, image)
        check_video_memory(found.num_frames, found.size, "the drawing")
        if image is None:
            image = torch.zeros(1, found.size.height, found.size.width, 3)
        video = draw_tracks(frames(image), found, progress=host.progress())
        return io.NodeOutput(video, ui=host.picture_preview(video[-1:], cls))


class DraftMotion(io.ComfyNode):
    """An image and tracks in, the image moving out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..motion_core.fields.registry import DENSIFIERS, DRAFT_METHODS

        return schema(
            "DraftMotion",
            aliases=["animate image", "warp", "motion preview", "puppet", "draft video"],
            display_name="Draft Motion",
            category="Motion Prompting",
            description="Animates an image along tracks by warping it: a preview of the motion "
            "without a video model. Points that do not move keep their surroundings in place.",
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The image to animate (the first of a batch); same size in pixels as "
                    "the tracks' canvas.",
                ),
                tracks_input("The tracks to follow."),
                io.Combo.Input(
                    "method",
                    options=list(DRAFT_METHODS),
                    default=DRAFT_METHODS[0],
                    optional=True,
                    tooltip="How motion spreads from the tracks over the image. "
                    + "; ".join(f"{name}: {DENSIFIERS[name].summary}" for name in DRAFT_METHODS)
                    + ".",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images", display_name="images", tooltip="One image per frame of the tracks."
                )
            ],
        )

    @classmethod
    def execute(cls, image, tracks, method="layers"):
        from ..motion_core.draft import draft

        found = tracks_in(tracks, image)
        check_video_memory(found.num_frames, found.size)
        video = draft(picture(image), found, method=method, progress=host.progress())
        return io.NodeOutput(video)
