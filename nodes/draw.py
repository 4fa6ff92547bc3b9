"""Draw Motion: the editor on a node, and the tracks of its drawing."""

from __future__ import annotations

import base64
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..motion_core.expand import (
    DraggedThings,
    dragged_things,
    expand_document,
    expansion_notes,
    touched_area,
)
from ..motion_core.geometry import Size
from ..motion_core.memory import check_memory
from ..motion_core.progress import Progress
from ..motion_core.tracks import Tracks, resample
from . import host
from .schema import MAX_FRAMES, schema, tracks_output
from .wire import (
    EMPTY_DRAWING,
    canvas_size,
    document_in,
    mask_of_frame,
    picture,
    tracks_out,
)
from .working_size import large_canvas_note

TOUCH_RADIUS = 0.02  # mask radius around a moving track, as a fraction of the short side
OVERLAY_FRAMES = 32  # frames that the overlay connects to paths
# The widgets' limit; a connected image may be larger.
MAX_DRAWN_SIDE = 8192
# Bytes per pixel of the canvas: the mask, the overlay, and what they are drawn with.
PIXEL_BYTES = 48
SMALLER = "Draw on a smaller image: the motion fits every size."


def _inputs() -> list[Any]:
    return [
        io.Image.Input(
            "image",
            optional=True,
            tooltip="The image to draw on and the first frame of the video (the first of a "
            "batch). Its size in pixels is the canvas.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="The area of layers whose area is Mask; white is inside. Same aspect ratio as "
            "the canvas; one mask, or one per frame, of which the first counts.",
        ),
        io.Int.Input(
            "width",
            default=832,
            min=1,
            max=MAX_DRAWN_SIDE,
            tooltip="Canvas width in pixels, used if no image is connected.",
        ),
        io.Int.Input(
            "height",
            default=480,
            min=1,
            max=MAX_DRAWN_SIDE,
            tooltip="Canvas height in pixels, used if no image is connected.",
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
            min=0.1,
            max=240.0,
            step=0.01,
            tooltip="Frames per second of the editor's playback, stored with the tracks.",
        ),
        io.String.Input(
            "motion",
            multiline=True,
            default=EMPTY_DRAWING,
            tooltip="The drawing as a MOTION document (JSON). The editor writes it; a connected "
            "text replaces it; an empty text is no motion.",
        ),
    ]


class DrawMotion(io.ComfyNode):
    """A drawing in, tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "DrawMotion",
            aliases=[
                *("motion", "animate", "ATI", "motion prompting", "motion editor", "motion brush"),
                *("spline", "trajectory", "drag", "path"),
            ],
            is_interactive=True,
            display_name="Draw Motion",
            category="Motion Prompting",
            description="Draw motion on an image: drags, paths, pins, turning spheres, moving "
            "regions, the camera. The editor plays it at once; the node outputs point tracks for "
            "any model. Camera layers create no tracks: connect motion to Camera Path for them.",
            inputs=_inputs(),
            outputs=[
                tracks_output("Point tracks (T, N) in pixels of the canvas."),
                io.String.Output(
                    "motion",
                    display_name="motion",
                    tooltip="The drawing, for Expand Motion with another size or length, or for "
                    "Camera Path, which uses its camera layer.",
                ),
                io.Mask.Output(
                    "mask",
                    display_name="mask",
                    tooltip="White where something moves in any frame. Pinned areas stay black.",
                ),
                io.Image.Output(
                    "overlay",
                    display_name="overlay",
                    tooltip="One image with the paths of all tracks drawn on it.",
                ),
            ],
        )

    @classmethod
    def execute(cls, width, height, frames, fps, motion, image=None, mask=None):
        size = canvas_size(image) or Size(width, height)
        check_memory(size.width * size.height * PIXEL_BYTES, f"the drawing on {size}", SMALLER)
        area, progress = mask_of_frame(mask, 0, frames), host.progress()
        document = document_in(motion)
        first = None if image is None else picture(image)
        things = dragged_things(document, first, size, mask=area, progress=progress)
        tracks = expand_document(
            document, size, frames, fps=fps, mask=area, things=things, progress=progress
        )
        touched = touched_area(tracks, TOUCH_RADIUS * min(size), progress=progress).float()
        overlay = _overlay(tracks, first, progress)
        notes = [*expansion_notes(document), things.note(), large_canvas_note(size)]
        ui: dict[str, Any] = {"text": [note for note in notes if note is not None]}
        ui["motion_things"] = _reported(things)
        if first is not None:
            # A key of our own: the host would draw "images" again under the editor.
            preview = host.picture_preview(first[None], cls).as_dict()
            ui["motion_picture"] = preview["images"]
        return io.NodeOutput(tracks_out(tracks), motion, touched[None], overlay, ui=ui)


def _reported(things: DraggedThings) -> list[dict[str, Any]]:
    """The outlines for the editor, one bit for each cell; `web/model/things.js` reads them."""
    import numpy as np

    found = []
    for layer, cells in things.cells.items():
        rows, columns = cells.shape
        bits = base64.b64encode(np.packbits(cells).tobytes()).decode("ascii")
        place = {"layer": layer, "at": list(things.at[layer])}
        found.append({**place, "columns": columns, "rows": rows, "cells": bits})
    return found


def _overlay(tracks: Tracks, image: Tensor | None, progress: Progress) -> Tensor:
    """The image (H, W, 3) under the whole path of every track, (1, H, W, 3); black without one."""
    from ..motion_core.overlay import OverlayStyle, draw_tracks_at

    width, height = tracks.size
    below = tracks.xy.new_zeros(height, width, 3) if image is None else image.cpu()
    if not tracks.num_points:
        return below[None]
    few = resample(tracks, min(tracks.num_frames, OVERLAY_FRAMES))
    style = OverlayStyle(tail_frames=OVERLAY_FRAMES, show_hidden=True)
    last = few.num_frames - 1
    return draw_tracks_at(below, few, last, style, progress=progress)[None]
