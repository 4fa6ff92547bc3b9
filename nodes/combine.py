"""Combine Tracks: several motions in one prompt."""

from __future__ import annotations

from comfy_api.latest import io

from ..motion_core.tracks import concat
from .schema import TracksSocket, canvas_input, schema, tracks_output
from .wire import tracks_in, tracks_out


class CombineTracks(io.ComfyNode):
    """Sets of tracks in, one set out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        one_set = TracksSocket.Input(
            "tracks", tooltip="A set of tracks. All sets must have the same canvas and frame count."
        )
        return schema(
            "CombineTracks",
            aliases=["concat tracks", "merge tracks", "join tracks", "append"],
            display_name="Combine Tracks",
            category="Motion Prompting/Edit",
            description="Concatenates several sets of tracks into one. They must have the same "
            "canvas and frame count; otherwise use Transform Tracks and Retime Tracks first.",
            inputs=[
                io.Autogrow.Input(
                    "tracks",
                    template=io.Autogrow.TemplatePrefix(one_set, prefix="tracks_", min=1, max=16),
                    tooltip="Sets of tracks, in order. A new socket appears when the last one is "
                    "connected.",
                ),
                canvas_input(),
            ],
            outputs=[tracks_output("All tracks in one set. Points keep their ids.")],
        )

    @classmethod
    def execute(cls, tracks, canvas_image=None):
        values = [value for value in tracks.values() if value is not None]
        sets = [tracks_in(value, canvas_image) for value in values]
        return io.NodeOutput(tracks_out(concat(sets)))
