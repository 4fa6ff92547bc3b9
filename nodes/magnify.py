"""Magnify Motion: small motion made large."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import host
from .schema import canvas_input, schema, settings_of, tracks_input, tracks_output
from .wire import frames, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks
    from ..motion_core.transfer import SliceLine


log = logging.getLogger(__name__)

CAMERAS: dict[str, Any] = {"as it is": None, "homography": "homography", "similarity": "similarity"}


def _at(of: str) -> list[Any]:
    return [
        io.Float.Input(
            "at_frac",
            default=0.5,
            min=0.0,
            max=1.0,
            step=0.005,
            tooltip=f"Position of the line, as a fraction of the image's {of}.",
        )
    ]


SLICES = [
    io.DynamicCombo.Option("busiest", []),
    io.DynamicCombo.Option("row", _at("height")),
    io.DynamicCombo.Option("column", _at("width")),
]


def _row(tracks: Tracks, at_frac: float) -> SliceLine:
    from ..motion_core.transfer import SliceLine

    y = at_frac * tracks.size.height
    return SliceLine(0.0, y, float(tracks.size.width), y)


def _column(tracks: Tracks, at_frac: float) -> SliceLine:
    from ..motion_core.transfer import SliceLine

    x = at_frac * tracks.size.width
    return SliceLine(x, 0.0, x, float(tracks.size.height))


def _busiest(tracks: Tracks) -> SliceLine:
    from ..motion_core.transfer import busiest_line

    return busiest_line(tracks)


LINES: dict[str, Callable[..., SliceLine]] = {
    "busiest": _busiest,
    "row": _row,
    "column": _column,
}


def _slice(before: Tracks, after: Tracks, choice: dict[str, Any], images: Any) -> Any:
    """A batch of one picture: the chosen line through time, before left and after right."""
    from ..motion_core.transfer import slice_picture

    line = LINES[choice["slice"]](before, **settings_of(choice, "slice"))
    video = None if images is None else frames(images)
    return slice_picture(before, after, line, video, progress=host.progress())[None]


def _number(name: str, default: float, most: float, tooltip: str, step: float = 0.1) -> Any:
    return io.Float.Input(name, default=default, min=0.0, max=most, step=step, tooltip=tooltip)


def _inputs() -> list[Any]:
    return [
        tracks_input("Tracks of the video whose motion is amplified."),
        _number("factor", 16.0, 1000.0, "Factor on the displacements; the paper shows 1 to 32."),
        _number(
            "space_sigma",
            24.0,
            4096.0,
            "Standard deviation, in pixels, of the Gaussian over neighbouring tracks; 0 for none.",
        ),
        _number(
            "time_sigma",
            1.0,
            1000.0,
            "Standard deviation, in frames, of the Gaussian along each track; 0 for none. "
            "It must be well below the period of the vibration.",
        ),
        _number(
            "low_hz",
            0.0,
            240.0,
            "Motion below this frequency in Hz is not amplified; 0 for no limit.",
        ),
        _number(
            "high_hz",
            0.0,
            240.0,
            "Motion above this frequency in Hz is not amplified; 0 for no limit.",
        ),
        _number(
            "fps",
            0.0,
            1000.0,
            "Frames per second; 0 takes the rate stored in the tracks.",
            0.01,
        ),
        *_further_inputs(),
    ]


def _further_inputs() -> list[Any]:
    return [
        io.Combo.Input(
            "camera",
            options=list(CAMERAS),
            default="as it is",
            tooltip="Remove camera motion first. homography: a rotating or zooming "
            "camera, or flat scenes. similarity: few or noisy tracks.",
        ),
        io.DynamicCombo.Input(
            "slice",
            options=SLICES,
            tooltip="Image line of the slice: a row, a column, or the line with most motion.",
        ),
        io.Image.Input(
            "images",
            optional=True,
            tooltip="The video, or its first image, for the slice; same size in pixels as "
            "the canvas. Without it the slice shows the tracks as curves.",
        ),
        canvas_input(),
    ]


class MagnifyMotion(io.ComfyNode):
    """Tracks in, larger motion and a space-time slice out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MagnifyMotion",
            aliases=["motion magnification", "amplify", "exaggerate", "vibration", "motion blowup"],
            display_name="Magnify Motion",
            category="Motion Prompting/Video",
            description="Amplifies small motion: smooths tracks over space and time, then "
            "multiplies their displacements from the start. A frequency band in Hz selects one "
            "vibration.",
            is_interactive=True,
            inputs=_inputs(),
            outputs=[
                tracks_output(
                    "The same points with amplified motion. They start at the same positions."
                ),
                io.Image.Output(
                    "slice",
                    display_name="slice",
                    tooltip="One line of the image over time, before magnification on the left "
                    "and after it on the right. The vertical axis is the position on the line, "
                    "the horizontal axis is time.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        tracks,
        factor,
        space_sigma,
        time_sigma,
        low_hz,
        high_hz,
        fps,
        camera,
        slice,
        images=None,
        canvas_image=None,
    ):
        from ..motion_core.transfer import FrequencyBand, MagnifySettings, magnify_motion

        measured = tracks_in(tracks, canvas_image if images is None else images)
        measured = _at_rate(measured, fps)
        band = FrequencyBand(low_hz or None, high_hz or None)
        settings = MagnifySettings(factor, space_sigma, time_sigma, band, CAMERAS[camera])
        larger = magnify_motion(measured, settings, progress=host.progress())
        picture = _slice(measured, larger, slice, images)
        return io.NodeOutput(tracks_out(larger), picture, ui=host.picture_preview(picture, cls))


def _at_rate(tracks: Tracks, fps: float) -> Tracks:
    """The tracks at the rate of the widget, where that is not 0; another rate is logged."""
    from ..motion_core.tracks.frame_rate import same_rate

    if not fps:
        return tracks
    if tracks.fps is not None and same_rate(tracks.fps, fps):
        return tracks
    if tracks.fps is not None:
        log.warning("the tracks are at %.6g fps; %.6g fps is used.", tracks.fps, fps)
    return replace(tracks, fps=fps)
