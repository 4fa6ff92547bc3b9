"""Tracks Info: statistics of tracks and warnings before a long run."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..motion_core.formats.host import PATH_KEY, VISIBILITY_KEY
from ..motion_core.geometry import Size
from ..motion_core.tracks import Tracks, summarize
from . import host
from .schema import MAX_FRAMES, schema, tracks_input
from .wire import canvas_size, tracks_in


def report(value: Any, tracks: Tracks, image_size: Size | None, frames: int) -> str:
    """The core's summary of `tracks` and, as further warnings, what does not fit around them.

    value: the TRACKS dict they came from. frames: the video's length, 0 when unknown.
    """
    notes = [*_wire_notes(value), *_fit_notes(tracks, image_size, frames)]
    return "\n".join([summarize(tracks).to_text(), *(f"warning: {note}" for note in notes)])


def _wire_notes(value: Any) -> list[str]:
    notes = []
    if value.get("canvas") is None:
        notes.append("the tracks came without a canvas; other nodes will require one.")
    visibility, path = value.get(VISIBILITY_KEY), value[PATH_KEY]
    if visibility is None:
        notes.append("the tracks came without visibility; every point counts as visible.")
    elif visibility.shape[-1] != path.shape[-2]:
        notes.append(
            f"visibility was made for 1 track but there are {path.shape[-2]} (a mask's, one for "
            "all); ComfyUI's own WanMove nodes fail on this. Pass the tracks through any of our "
            "nodes to repair them."
        )
    return notes


def _fit_notes(tracks: Tracks, image_size: Size | None, frames: int) -> list[str]:
    notes = []
    if image_size is not None and image_size != tracks.size:
        notes.append(
            f"the tracks are on {tracks.size} but the image is {image_size}. Connect Transform "
            "Tracks (fit) before using them together."
        )
    if frames and frames != tracks.num_frames:
        notes.append(
            f"the tracks have {tracks.num_frames} frames but the video {frames}. Connect Retime "
            "Tracks (resample) before using them together."
        )
    return notes


class TracksInfo(io.ComfyNode):
    """Tracks in, a report out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TracksInfo",
            aliases=["validate tracks", "check tracks", "track statistics", "debug tracks"],
            display_name="Tracks Info",
            category="Motion Prompting",
            description="Reports the number of tracks and frames and warns of problems before a "
            "long run: a size or length other than the video's, points that start invisible or "
            "leave the image, invalid visibility.",
            is_output_node=True,
            inputs=[
                tracks_input("The tracks to examine."),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The first frame of the video; its size in pixels is compared.",
                ),
                io.Int.Input(
                    "frames",
                    default=0,
                    min=0,
                    max=MAX_FRAMES,
                    optional=True,
                    tooltip="The video's length in frames, for comparison; 0 skips it.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "report", display_name="report", tooltip="The report as plain text."
                )
            ],
        )

    @classmethod
    def execute(cls, tracks, image=None, frames=0):
        is_bare = isinstance(tracks, dict) and tracks.get("canvas") is None
        found = tracks_in(tracks, image if is_bare else None)
        text = report(tracks, found, canvas_size(image), frames)
        return io.NodeOutput(text, ui=host.text_preview(text))
