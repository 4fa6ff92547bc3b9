"""Camera Tracks: a camera path as tracks of the image and as a warped video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import MAX_SIDE, Size
from ..motion_core.progress import silent
from . import host
from .schema import CameraSocket, DepthSocket, TracksSocket, schema, settings_of, tracks_output
from .wire import (
    camera_in,
    depth_in,
    mask_of_frame,
    on_canvas,
    picture,
    tracks_in,
    tracks_out,
)

MAX_POINTS = 1_000_000


def spacing_input(default: float, least: float, tooltip: str) -> Any:
    """spacing: pixels between the points of a grid."""
    return io.Float.Input(
        "spacing", default=default, min=least, max=MAX_SIDE, step=0.5, tooltip=tooltip
    )


def occlusion_inputs() -> list[Any]:
    """Inputs of the occlusion rule."""
    from ..motion_core.camera.zbuffer import DEFAULT_OCCLUSION

    return [
        io.Int.Input(
            "occlusion_radius",
            default=DEFAULT_OCCLUSION.radius,
            min=0,
            max=16,
            tooltip="How wide the gaps between points of a near surface may be, in z-buffer "
            "cells, for it to still hide points behind it. 1 is enough for views up to twice as "
            "close, 2 for up to four times.",
        ),
        io.Float.Input(
            "occlusion_threshold",
            default=DEFAULT_OCCLUSION.threshold_frac,
            min=0.0,
            max=1.0,
            step=0.005,
            tooltip="How much nearer a surface must be to hide a point, as a fraction of the "
            "point's depth. If it is too small, slanted surfaces hide themselves.",
        ),
    ]


POINTS = [
    io.DynamicCombo.Option("grid", [spacing_input(16.0, 0.5, "Pixels between grid points.")]),
    io.DynamicCombo.Option(
        "random",
        [
            io.Int.Input("count", default=1024, min=0, max=MAX_POINTS, tooltip="Number of points."),
            io.Int.Input(
                "seed",
                default=0,
                min=0,
                max=2**32 - 1,
                control_after_generate=False,
                tooltip="Seed of the random points.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "mask",
        [
            io.Mask.Input(
                "mask",
                tooltip="White where points start. Same aspect ratio as the image; one mask, or "
                "one per frame, of which the first counts.",
            ),
            spacing_input(8.0, 0.5, "Pixels between grid points."),
        ],
    ),
    io.DynamicCombo.Option(
        "tracks",
        [
            TracksSocket.Input(
                "tracks", tooltip="Tracks whose start positions are used. Points keep their ids."
            )
        ],
    ),
]


def _grid(size: Size, spacing: float) -> tuple[Tensor, Tensor | None]:
    from ..motion_core.tracks.seeding import grid_points

    return grid_points(size, spacing), None


def _random(size: Size, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
    from ..motion_core.camera.points import random_points

    return random_points(size, count, seed), None


def _mask(size: Size, mask: Tensor, spacing: float) -> tuple[Tensor, Tensor | None]:
    from ..motion_core.tracks.seeding import mask_points

    return mask_points(on_canvas(mask, size), size, spacing), None


def _starts(size: Size, tracks: Any) -> tuple[Tensor, Tensor | None]:
    from ..motion_core.tracks.start import track_starts

    found = tracks_in(tracks, torch.empty(1, size.height, size.width, 3))
    return track_starts(found).xy, found.ids


CHOOSERS: dict[str, Callable[..., tuple[Tensor, Tensor | None]]] = {
    "grid": _grid,
    "random": _random,
    "mask": _mask,
    "tracks": _starts,
}


class CameraTracks(io.ComfyNode):
    """An image, its depth and a camera path in; tracks, a warped video and its holes out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "CameraTracks",
            aliases=["reproject", "orbit", "parallax", "warp", "uni3c", "point cloud", "3d photo"],
            display_name="Camera Tracks",
            category="Motion Prompting/Camera",
            description="Reprojects an image along a camera path: returns tracks of its points "
            "with visibility, for models that follow tracks, and the warped image with its "
            "holes, for models such as Uni3C.",
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The image (the first of a batch); same size in pixels as the depth.",
                ),
                DepthSocket.Input("depth", tooltip="Depth of the image."),
                CameraSocket.Input("camera", tooltip="The camera path: connect Camera Path."),
                io.DynamicCombo.Input(
                    "points",
                    options=POINTS,
                    tooltip="The points to track. grid: evenly spaced. random: by seed. mask: a "
                    "grid inside a mask. tracks: start positions of existing tracks.",
                ),
                *occlusion_inputs(),
                io.Int.Input(
                    "cell",
                    default=1,
                    min=1,
                    max=16,
                    tooltip="Size of a z-buffer cell in pixels, for the tracks. 2 is several "
                    "times faster and slightly less accurate at edges.",
                ),
            ],
            outputs=[
                tracks_output("The points under the camera motion. Hidden points are invisible."),
                io.Image.Output(
                    "render",
                    display_name="render",
                    tooltip="The image warped along the path, one frame per pose. Holes are black.",
                ),
                io.Mask.Output(
                    "holes",
                    display_name="holes",
                    tooltip="White where the warped image has holes, one mask per frame.",
                ),
                io.String.Output(
                    "poses",
                    display_name="poses",
                    tooltip="One line per frame: RealEstate10K text, world to camera.",
                ),
            ],
        )

    @classmethod
    def execute(cls, image, depth, camera, points, occlusion_radius, occlusion_threshold, cell):
        from ..motion_core.camera.camera_scene import CameraScene
        from ..motion_core.camera.formats.realestate import camera_to_realestate
        from ..motion_core.camera.render import render_warped
        from ..motion_core.camera.reproject import reproject_points
        from ..motion_core.camera.zbuffer import Occlusion

        occlusion = Occlusion(occlusion_radius, occlusion_threshold)
        scene = CameraScene(depth_in(depth), camera_in(camera), occlusion)
        settings = settings_of(points, "points")
        if "mask" in settings:
            settings["mask"] = mask_of_frame(settings["mask"], 0, scene.path.num_frames)
        starts, ids = CHOOSERS[points["points"]](scene.path.size, **settings)
        tracks = reproject_points(scene.with_cell_px(cell), starts, progress=silent)
        tracks = tracks if ids is None else replace(tracks, ids=ids)
        warped = render_warped(picture(image), scene, progress=host.progress())
        poses = camera_to_realestate(scene.path)
        return io.NodeOutput(tracks_out(tracks), warped.video, warped.holes.float(), poses)
