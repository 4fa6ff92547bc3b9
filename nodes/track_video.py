"""Track Video: the motion of a video that exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import Size
from ..motion_core.images import with_even_sides
from . import host
from .schema import EVEN_SIDES, MAX_FRAMES, TracksSocket, schema, settings_of, tracks_output
from .wire import canvas_size, frames, mask_of_frame, on_canvas, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks


MAX_SPACING = 4096.0
# The names of motion_core.trackers.KINDS, which a node does not import before it runs; a test
# compares.
TRACKERS = (
    "lucas_kanade",
    "flow_dis",
    "flow_raft",
    "tapir",
    "tapnext",
    "cotracker3_offline",
    "cotracker3_online",
)


def _spacing(default: float) -> Any:
    return io.Float.Input(
        "spacing",
        default=default,
        min=1.0,
        max=MAX_SPACING,
        step=1.0,
        tooltip="Pixels between neighbouring points.",
    )


POINTS = [
    io.DynamicCombo.Option("grid", [_spacing(24.0)]),
    io.DynamicCombo.Option(
        "random",
        [
            io.Int.Input("count", default=1024, min=1, max=100_000, tooltip="Number of points."),
            io.Int.Input("seed", default=0, min=0, max=2**53, tooltip="Seed of the random points."),
        ],
    ),
    io.DynamicCombo.Option(
        "mask",
        [
            _spacing(12.0),
            io.Mask.Input(
                "mask",
                tooltip="White where points are placed, in the chosen frame. Same aspect ratio as "
                "the video.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "points",
        [
            io.String.Input(
                "text",
                multiline=True,
                default="[]",
                tooltip="Points in pixels of the video, as coordinate text: [x/y, ...].",
            )
        ],
    ),
    io.DynamicCombo.Option(
        "tracks",
        [
            TracksSocket.Input(
                "tracks",
                tooltip="Points are placed where these tracks are visible in the chosen frame. "
                "They keep their ids.",
            )
        ],
    ),
]

Queries = tuple[Tensor, Tensor | None]


def _grid(size: Size, frame: int, spacing: float) -> Queries:
    from ..motion_core.trackers import grid_queries

    return grid_queries(size, spacing, frame), None


def _random(size: Size, frame: int, count: int, seed: int) -> Queries:
    from ..motion_core.trackers import random_queries

    return random_queries(size, count, torch.Generator().manual_seed(seed), frame), None


def _mask(size: Size, frame: int, spacing: float, mask: Tensor) -> Queries:
    from ..motion_core.trackers import mask_queries

    return mask_queries(on_canvas(mask, size), size, spacing, frame), None


def _points(size: Size, frame: int, text: str) -> Queries:
    from ..motion_core.formats.coordinates import parse_coordinates
    from ..motion_core.trackers import point_queries

    places = parse_coordinates(text, size).xy.transpose(0, 1).reshape(-1, 2)
    return point_queries(places, frame), None


def _tracks(size: Size, frame: int, tracks: Any) -> Queries:
    from ..motion_core.trackers import track_queries

    return track_queries(tracks_in(tracks), frame, size)


QUERY_MAKERS: dict[str, Callable[..., Queries]] = {
    "grid": _grid,
    "random": _random,
    "mask": _mask,
    "points": _points,
    "tracks": _tracks,
}


class TrackVideo(io.ComfyNode):
    """A video in; its motion as tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TrackVideo",
            aliases=["point tracking", "optical flow", "cotracker", "tapir", "motion capture"],
            display_name="Track Video",
            category="Motion Prompting/Video",
            description="Tracks points through a video, forwards and backwards in time, and marks "
            "them invisible where they are hidden. Lucas-Kanade and DIS flow always run; the "
            "other trackers need packages and files (see the help page).",
            inputs=[
                io.Image.Input("images", tooltip="The video: images of one size, in order."),
                io.Combo.Input(
                    "tracker",
                    options=list(TRACKERS),
                    default="lucas_kanade",
                    tooltip="lucas_kanade: fast, no download. flow_dis: dense flow. tapir: used "
                    "in the paper. CoTracker3's licence (CC-BY-NC 4.0) forbids commercial use. A "
                    "tracker that cannot run names what is missing.",
                ),
                io.DynamicCombo.Input("points", options=POINTS, tooltip="The points to track."),
                io.Int.Input(
                    "frame",
                    default=0,
                    min=0,
                    max=MAX_FRAMES,
                    tooltip="Frame in which the points are placed, counted from 0. They are "
                    "tracked from there to both ends.",
                ),
                io.Float.Input(
                    "visibility_threshold",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Confidence, 0..1, from which a point counts as visible; higher "
                    "values hide more points. 0 takes the tracker's default. CoTracker3 allows "
                    "no other.",
                ),
                io.Float.Input(
                    "fps",
                    default=16.0,
                    min=0.1,
                    max=1000.0,
                    step=0.01,
                    tooltip="Frames per second of the video, stored with the tracks.",
                ),
            ],
            outputs=[
                tracks_output("The tracks of the points through all frames."),
                io.Image.Output(
                    "overlay",
                    display_name="overlay",
                    tooltip=f"The video with its tracks drawn on it. {EVEN_SIDES}",
                ),
            ],
        )

    @classmethod
    def execute(cls, images, tracker, points, frame, visibility_threshold, fps):
        from ..motion_core.overlay import draw_tracks
        from ..motion_core.trackers import make_tracker
        from ..motion_core.trackers.clip import MemoryClip
        from ..motion_core.trackers.registry import FOLDER

        video = frames(images)
        settings = settings_of(points, "points")
        if "mask" in settings:
            settings["mask"] = mask_of_frame(settings["mask"], frame, len(video))
        queries, ids = QUERY_MAKERS[points["points"]](canvas_size(video), frame, **settings)
        folder = Path(host.model_folder(".", FOLDER))
        chosen = make_tracker(tracker, folder, threshold=visibility_threshold or None)
        progress = host.progress()
        found = _named(chosen.track(MemoryClip(video, fps), queries, progress), ids)
        drawn = with_even_sides(draw_tracks(video, found, progress=progress))
        return io.NodeOutput(tracks_out(found), drawn)


def _named(tracks: Tracks, ids: Tensor | None) -> Tracks:
    return tracks if ids is None else replace(tracks, ids=ids)
