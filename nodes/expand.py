"""Expand Motion: from the drawn motion to tracks."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_core.expand import dragged_things, expand_document, expansion_notes
from ..motion_core.geometry import MAX_SIDE
from . import host
from .schema import MAX_FRAMES, schema, tracks_output
from .wire import EMPTY_DRAWING, canvas_size, document_in, mask_of_frame, picture, tracks_out


def _inputs() -> list[Any]:
    return [
        io.String.Input(
            "motion",
            multiline=True,
            default=EMPTY_DRAWING,
            tooltip="The drawn motion as a MOTION document (JSON, version 1); an empty text is "
            "no motion. Positions are 0..1 of width and height and times 0..1 of the clip, so one "
            "drawing fits every size and length.",
        ),
        io.Int.Input(
            "frames",
            default=81,
            min=1,
            max=MAX_FRAMES,
            tooltip="Number of frames of the tracks and of the video.",
        ),
        io.Float.Input(
            "fps",
            default=16.0,
            min=0.0,
            max=240.0,
            step=0.01,
            tooltip="Frames per second, stored with the tracks; 0 if unknown. It does not change "
            "positions, because the motion always fills the clip.",
        ),
        io.Image.Input(
            "image",
            optional=True,
            tooltip="The first frame of the video. Its size in pixels is the canvas.",
        ),
        io.Int.Input(
            "width",
            default=0,
            min=0,
            max=MAX_SIDE,
            optional=True,
            tooltip="Canvas width in pixels; 0 takes it from the image, or from the drawing if "
            "there is none.",
        ),
        io.Int.Input(
            "height",
            default=0,
            min=0,
            max=MAX_SIDE,
            optional=True,
            tooltip="Canvas height in pixels; 0 takes it from the image, or from the drawing if "
            "there is none.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip='The area of layers whose area is "mask": white (above 0.5) is inside. Same '
            "aspect ratio as the canvas; one mask, or one per frame, of which the first counts.",
        ),
    ]


class ExpandMotion(io.ComfyNode):
    """Drawn motion in, tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "ExpandMotion",
            aliases=["motion prompt", "draw motion", "drag", "trajectory", "motion brush", "path"],
            display_name="Expand Motion",
            category="Motion Prompting",
            description="Converts a drawn motion (drags, pins, turning spheres, moving regions) "
            "to point tracks of any frame count and size. Camera layers create no tracks: "
            "connect the drawing to Camera Path for them.",
            inputs=_inputs(),
            outputs=[tracks_output("Point tracks (T, N) in pixels of the canvas.")],
        )

    @classmethod
    def execute(cls, motion, frames, fps, image=None, width=0, height=0, mask=None):
        document = document_in(motion)
        size = canvas_size(image, width, height) or document.drawn_on
        area, progress = mask_of_frame(mask, 0, frames), host.progress()
        first = None if image is None else picture(image)
        things = dragged_things(document, first, size, mask=area, progress=progress)
        tracks = expand_document(
            document, size, frames, fps=fps or None, mask=area, things=things, progress=progress
        )
        notes = [*expansion_notes(document), things.note()]
        ui = host.text_preview("\n".join(note for note in notes if note is not None))
        return io.NodeOutput(tracks_out(tracks), ui=ui)
