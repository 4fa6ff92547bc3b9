"""Coordinate JSON, the text that KJNodes, ATI and Wan-Move nodes exchange."""

from __future__ import annotations

from comfy_api.latest import io

from ..motion_core.formats.coordinates import parse_coordinates, to_coordinates
from ..motion_core.geometry import MAX_SIDE
from . import host
from .schema import canvas_input, schema, tracks_input, tracks_output
from .stillness import still_note
from .wire import canvas_size, tracks_in, tracks_out


class TracksFromCoordinates(io.ComfyNode):
    """Coordinate text in, tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TracksFromCoordinates",
            aliases=["spline editor", "kjnodes", "ati", "coordinates", "points", "json"],
            display_name="Tracks from Coordinates",
            category="Motion Prompting/Exchange",
            description="Reads coordinate text from KJNodes, ATI and Wan-Move nodes: one track or "
            "several, or a list of texts; quotes may be single. All points are visible.",
            inputs=[
                io.String.Input(
                    "coordinates",
                    multiline=True,
                    default='[{"x": 100, "y": 100}, {"x": 200, "y": 150}]',
                    tooltip="Coordinates in pixels, one point per frame: [x/y, ...] for one "
                    "track, [[...], [...]] for many.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The image the coordinates were drawn on. Its size in pixels is the "
                    "canvas.",
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    optional=True,
                    tooltip="Canvas width in pixels; 0 takes it from the image.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    optional=True,
                    tooltip="Canvas height in pixels; 0 takes it from the image.",
                ),
            ],
            outputs=[tracks_output("Point tracks with one frame per coordinate.")],
        )

    @classmethod
    def execute(cls, coordinates, image=None, width=0, height=0):
        size = canvas_size(image, width, height)
        found = parse_coordinates(coordinates, size, progress=host.progress())
        return io.NodeOutput(tracks_out(found))


class TracksToCoordinates(io.ComfyNode):
    """Tracks in, coordinate text out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TracksToCoordinates",
            aliases=["ati", "wan tracks", "coordinates", "points", "json", "spline"],
            display_name="Tracks to Coordinates",
            category="Motion Prompting/Exchange",
            description="Writes tracks as coordinate text for Wan ATI, Wan-Move and KJNodes. The "
            "text does not store visibility.",
            inputs=[
                tracks_input(),
                io.Combo.Input(
                    "kind",
                    options=["frames", "ati"],
                    default="frames",
                    tooltip="frames: one point per frame (Wan-Move, KJNodes). ati: exactly 121 "
                    "points over the whole clip, as Wan ATI requires.",
                ),
                canvas_input(),
            ],
            outputs=[
                io.String.Output(
                    "coordinates",
                    display_name="coordinates",
                    tooltip="Coordinates in pixels as JSON: one list of x/y per track.",
                )
            ],
        )

    @classmethod
    def execute(cls, tracks, kind, canvas_image=None):
        found = tracks_in(tracks, canvas_image)
        return io.NodeOutput(
            to_coordinates(found, kind=kind, progress=host.progress()),
            ui=host.text_preview(still_note(found)),
        )
