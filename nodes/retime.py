"""Retime Tracks: when things happen, and how long the clip is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from comfy_api.latest import io

from ..motion_core.document import ease_value
from ..motion_core.tracks import (
    Tracks,
    cut,
    ease,
    hold,
    loop,
    resample,
    reverse,
    shift,
    smooth_time,
)
from .schema import MAX_FRAMES, canvas_input, schema, settings_of, tracks_input, tracks_output
from .wire import tracks_in, tracks_out


def _frames(name: str, default: int, tooltip: str, least: int = 0) -> Any:
    return io.Int.Input(name, default=default, min=least, max=MAX_FRAMES, tooltip=tooltip)


OPTIONS = [
    io.DynamicCombo.Option(
        "resample",
        [_frames("frames", 81, "New frame count. The motion still fills the clip.", least=1)],
    ),
    io.DynamicCombo.Option(
        "cut",
        [
            _frames("start", 0, "First frame kept, counted from 0."),
            _frames(
                "stop", 0, "First frame removed after those kept; 0 keeps all frames to the end."
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "hold",
        [
            _frames("before", 0, "Still frames added at the start."),
            _frames("after", 16, "Still frames added at the end."),
        ],
    ),
    io.DynamicCombo.Option(
        "shift",
        [
            _frames("frames", 8, "Delay in frames; negative is earlier.", least=-MAX_FRAMES),
            io.Combo.Input(
                "outside",
                options=["hold", "absent"],
                default="hold",
                tooltip="Frames before the start and after the end of the motion. hold: points "
                "stand still. absent: points are invisible.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "loop",
        [
            io.Int.Input(
                "count", default=2, min=1, max=256, tooltip="Number of times the clip plays."
            ),
            io.Boolean.Input(
                "ping_pong", default=False, tooltip="Play every second repetition backwards."
            ),
        ],
    ),
    io.DynamicCombo.Option("reverse", []),
    io.DynamicCombo.Option(
        "ease",
        [
            io.Combo.Input(
                "easing",
                options=["ease_in", "ease_out", "ease_in_out"],
                default="ease_in_out",
                tooltip="ease_in starts slowly, ease_out ends slowly, ease_in_out does both.",
            )
        ],
    ),
    io.DynamicCombo.Option(
        "smooth",
        [
            io.Float.Input(
                "sigma",
                default=2.0,
                min=0.0,
                max=256.0,
                step=0.1,
                tooltip="Standard deviation of the Gaussian filter, in frames. Larger values "
                "smooth more.",
            )
        ],
    ),
]


def _cut(tracks: Tracks, start: int, stop: int) -> Tracks:
    return cut(tracks, start, stop or tracks.num_frames)


def _ease(tracks: Tracks, easing: Any) -> Tracks:
    return ease(tracks, partial(ease_value, easing))


ACTIONS: dict[str, Callable[..., Tracks]] = {
    "resample": resample,
    "cut": _cut,
    "hold": hold,
    "shift": shift,
    "loop": loop,
    "reverse": reverse,
    "ease": _ease,
    "smooth": smooth_time,
}


class RetimeTracks(io.ComfyNode):
    """Tracks in, tracks at other times out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "RetimeTracks",
            aliases=[
                "resample tracks",
                "frame count",
                "speed",
                "reverse",
                "loop",
                "ease",
                "smooth",
            ],
            display_name="Retime Tracks",
            category="Motion Prompting/Edit",
            description="Resamples tracks to another frame count, or cuts, holds, shifts, loops, "
            "reverses, eases or smooths them in time.",
            inputs=[
                tracks_input(),
                io.DynamicCombo.Input(
                    "action",
                    options=OPTIONS,
                    tooltip="The operation. Each one has its own settings, in frames.",
                ),
                canvas_input(),
            ],
            outputs=[tracks_output("The same points with new timing.")],
        )

    @classmethod
    def execute(cls, tracks, action, canvas_image=None):
        found = tracks_in(tracks, canvas_image)
        settings = settings_of(action, "action")
        return io.NodeOutput(tracks_out(ACTIONS[action["action"]](found, **settings)))
