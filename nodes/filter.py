"""Filter Tracks: which points stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.tracks import (
    Tracks,
    hide_outside,
    inside_canvas,
    select,
    select_farthest,
    select_random,
)
from . import host
from .schema import canvas_input, schema, settings_of, tracks_input, tracks_output
from .wire import mask_of_frame, on_canvas, tracks_in, tracks_out

MAX_POINTS = 1_000_000


def _count_and_seed() -> list[Any]:
    return [
        io.Int.Input(
            "count", default=64, min=1, max=MAX_POINTS, tooltip="Number of tracks to keep."
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**32 - 1,
            control_after_generate=False,
            tooltip="Seed of the selection; the same seed selects the same tracks.",
        ),
    ]


OPTIONS = [
    io.DynamicCombo.Option("random", _count_and_seed()),
    io.DynamicCombo.Option("farthest", _count_and_seed()),
    io.DynamicCombo.Option(
        "inside mask",
        [
            io.Mask.Input(
                "mask",
                tooltip="Keeps tracks that start on the white part. Same aspect ratio as the "
                "canvas; one mask, or one per frame, of which the first counts.",
            )
        ],
    ),
    io.DynamicCombo.Option("visible at start", []),
    io.DynamicCombo.Option("always inside", []),
    io.DynamicCombo.Option("hide outside", []),
]


def _inside_mask(tracks: Tracks, mask: Tensor) -> Tracks:
    keep = _starts_on_canvas(tracks)
    x, y = tracks.xy[:1, keep].floor().long().unbind(dim=-1)
    first = mask_of_frame(mask, 0, tracks.num_frames)
    is_inside = on_canvas(first, tracks.size)[y, x].flatten()
    return select(tracks, torch.nonzero(keep).flatten()[is_inside])


def _starts_on_canvas(tracks: Tracks) -> Tensor:
    """(N,) bool: visible and on the canvas in the first frame."""
    if not tracks.num_frames:
        return torch.zeros(tracks.num_points, dtype=torch.bool)
    return tracks.visible[0] & inside_canvas(tracks)[0]


def _visible_at_start(tracks: Tracks) -> Tracks:
    return select(tracks, _starts_on_canvas(tracks))


def _always_inside(tracks: Tracks) -> Tracks:
    return select(tracks, (inside_canvas(tracks) | ~tracks.visible).all(dim=0))


def _farthest(tracks: Tracks, count: int, seed: int) -> Tracks:
    return select_farthest(tracks, count, seed=seed, progress=host.progress())


ACTIONS: dict[str, Callable[..., Tracks]] = {
    "random": select_random,
    "farthest": _farthest,
    "inside mask": _inside_mask,
    "visible at start": _visible_at_start,
    "always inside": _always_inside,
    "hide outside": hide_outside,
}


class FilterTracks(io.ComfyNode):
    """Tracks in, some of them out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "FilterTracks",
            aliases=["select tracks", "random tracks", "subsample", "thin out", "reduce points"],
            display_name="Filter Tracks",
            category="Motion Prompting/Edit",
            description="Selects tracks: a random or evenly spread number, those inside a mask, "
            "or those that a model can use from the first frame. Positions never change.",
            inputs=[
                tracks_input(),
                io.DynamicCombo.Input(
                    "keep",
                    options=OPTIONS,
                    tooltip="random: count tracks by seed. farthest: count tracks, spread evenly. "
                    "inside mask: tracks that start in the mask. visible at start: visible and "
                    "on the canvas in the first frame, as Wan-Move needs. always inside: never "
                    "off the canvas while visible. hide outside: all tracks, invisible while off "
                    "the canvas.",
                ),
                canvas_input(),
            ],
            outputs=[tracks_output("The selected tracks. Points keep their ids.")],
        )

    @classmethod
    def execute(cls, tracks, keep, canvas_image=None):
        found = tracks_in(tracks, canvas_image)
        settings = settings_of(keep, "keep")
        return io.NodeOutput(tracks_out(ACTIONS[keep["keep"]](found, **settings)))
