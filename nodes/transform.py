"""Transform Tracks: where tracks lie and which canvas they are measured on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from comfy_api.latest import io

from ..motion_core.geometry import MAX_SIDE, Size
from ..motion_core.tracks import Tracks, crop, fit, flip, pad, transform
from .schema import canvas_input, schema, settings_of, tracks_input, tracks_output
from .wire import canvas_size, tracks_in, tracks_out


def _pixels(name: str, tooltip: str) -> Any:
    return io.Int.Input(name, default=0, min=0, max=MAX_SIDE, tooltip=tooltip)


def _number(name: str, default: float, reach: tuple[float, float], tooltip: str) -> Any:
    least, most = reach
    return io.Float.Input(name, default=default, min=least, max=most, step=0.01, tooltip=tooltip)


FIT = io.DynamicCombo.Option(
    "fit",
    [
        io.Combo.Input(
            "mode",
            options=["stretch", "cover", "contain"],
            default="stretch",
            tooltip="stretch: fill both sides. cover: keep the aspect ratio and crop what "
            "overhangs. contain: keep the aspect ratio and leave borders.",
        ),
        io.Image.Input(
            "image",
            optional=True,
            tooltip="The image to fit to: its size in pixels is the new canvas.",
        ),
        _pixels("width", "New canvas width in pixels; 0 takes it from the image."),
        _pixels("height", "New canvas height in pixels; 0 takes it from the image."),
    ],
)
MOVE = io.DynamicCombo.Option(
    "move",
    [
        _number("dx", 0.0, (-MAX_SIDE, MAX_SIDE), "Shift to the right, in pixels."),
        _number("dy", 0.0, (-MAX_SIDE, MAX_SIDE), "Shift downwards, in pixels."),
        _number(
            "rotate_deg",
            0.0,
            (-3600, 3600),
            "Clockwise rotation about the canvas centre, in degrees.",
        ),
        _number(
            "scale", 1.0, (0.001, 1000), "Scale factor about the canvas centre; 1 changes nothing."
        ),
    ],
)
FLIP = io.DynamicCombo.Option(
    "flip",
    [
        io.Combo.Input(
            "direction",
            options=["horizontal", "vertical"],
            default="horizontal",
            tooltip="horizontal: swap left and right. vertical: swap top and bottom.",
        )
    ],
)
CROP = io.DynamicCombo.Option(
    "crop",
    [
        _pixels("left", "Left edge of the crop, in pixels."),
        _pixels("top", "Top edge of the crop, in pixels."),
        _pixels("width", "Width of the crop, in pixels; 0 extends it to the right edge."),
        _pixels("height", "Height of the crop, in pixels; 0 extends it to the bottom edge."),
    ],
)
PAD = io.DynamicCombo.Option(
    "pad",
    [
        _pixels("left", "Border added on the left, in pixels."),
        _pixels("top", "Border added on top, in pixels."),
        _pixels("right", "Border added on the right, in pixels."),
        _pixels("bottom", "Border added at the bottom, in pixels."),
    ],
)


def _fit(tracks: Tracks, mode: str, width: int, height: int, image: Any = None) -> Tracks:
    size = canvas_size(image, width, height)
    if size is None:
        raise ValueError("fit needs a size: connect an image, or set width and height.")
    return fit(tracks, size, mode=mode)


def _crop(tracks: Tracks, left: int, top: int, width: int, height: int) -> Tracks:
    rest = Size(tracks.size.width - left, tracks.size.height - top)
    return crop(tracks, left, top, Size(width or rest.width, height or rest.height))


ACTIONS: dict[str, Callable[..., Tracks]] = {
    FIT.key: _fit,
    MOVE.key: transform,
    FLIP.key: flip,
    CROP.key: _crop,
    PAD.key: pad,
}


class TransformTracks(io.ComfyNode):
    """Tracks in, tracks elsewhere out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TransformTracks",
            aliases=["fit tracks", "resize tracks", "scale tracks", "move", "rotate", "flip"],
            display_name="Transform Tracks",
            category="Motion Prompting/Edit",
            description="Fits tracks to another canvas size, or moves, rotates, scales, flips, "
            "crops or pads them. Points may leave the canvas; Filter Tracks can hide or remove "
            "them.",
            inputs=[
                tracks_input(),
                io.DynamicCombo.Input(
                    "action",
                    options=[FIT, MOVE, FLIP, CROP, PAD],
                    tooltip="The operation. Each one has its own settings.",
                ),
                canvas_input(),
            ],
            outputs=[tracks_output("The same points on their new canvas, in pixels.")],
        )

    @classmethod
    def execute(cls, tracks, action, canvas_image=None):
        found = tracks_in(tracks, canvas_image)
        settings = settings_of(action, "action")
        return io.NodeOutput(tracks_out(ACTIONS[action["action"]](found, **settings)))
