"""Preview Tracks and Draft Motion: a look at the motion before a video model runs."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import schema, tracks_input, tracks_output
from .stillness import joined, still_note
from .wire import frames, picture, tracks_in, tracks_out
from .working_size import DEFAULT_SIDE, at_working_size, max_side_input


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
                max_side_input(),
            ],
            outputs=[
                io.Image.Output(
                    "images", display_name="images", tooltip="One image per frame of the tracks."
                )
            ],
        )

    @classmethod
    def execute(cls, tracks, image=None, max_side=DEFAULT_SIDE):
        from ..motion_core.overlay import draw_tracks

        found = tracks_in(tracks, image, least_frames=1)
        below, found, note = at_working_size(
            None if image is None else frames(image), found, max_side
        )
        video = draw_tracks(below, found, progress=host.progress())
        preview = host.picture_preview(video[-1:], cls)
        shown = {} if preview is None else preview.as_dict()
        return io.NodeOutput(video, ui=shown | {"text": [joined(note, still_note(found))]})


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
                max_side_input(),
            ],
            outputs=[
                io.Image.Output(
                    "images", display_name="images", tooltip="One image per frame of the tracks."
                ),
                tracks_output("The tracks on the canvas of the images, for nodes after this one."),
            ],
        )

    @classmethod
    def execute(cls, image, tracks, method="layers", max_side=DEFAULT_SIDE):
        from ..motion_core.draft import draft

        found = tracks_in(tracks, image)
        first, found, note = at_working_size(picture(image), found, max_side)
        video = draft(first, found, method=method, progress=host.progress())
        note = joined(note, still_note(found))
        return io.NodeOutput(video, tracks_out(found), ui=host.text_preview(note))
