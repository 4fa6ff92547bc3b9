"""Camera Tracks: a camera path as tracks of the image and as a warped video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import MAX_SIDE, Size
from ..motion_core.images import with_even_sides
from . import host
from .schema import (
    EVEN_SIDES,
    CameraSocket,
    DepthSocket,
    TracksSocket,
    schema,
    settings_of,
    tracks_output,
)
from .wire import (
    camera_in,
    depth_in,
    depth_video_in,
    frames,
    mask_of_frame,
    on_canvas,
    picture,
    tracks_in,
    tracks_out,
)

if TYPE_CHECKING:
    from ..motion_core.camera.camera_scene import CameraScene
    from ..motion_core.camera.holes import HoleFinish
    from ..motion_core.camera.render import WarpedRender

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


CUSTOM, NEAREST = "custom", "nearest"
# The names of motion_core.camera.holes.HOLE_COLORS, which is not imported when the pack loads.
HOLE_COLORS = ["black", "white", "grey", "magenta", "green", CUSTOM, NEAREST]


def _pixels(name: str, kind: Any, most: int, tooltip: str) -> Any:
    """An optional length or area in pixels, 0 when it is not used."""
    return kind.Input(name, default=0, min=0, max=most, optional=True, tooltip=tooltip)


def hole_inputs() -> list[Any]:
    """What is done with the holes of a render."""
    return [
        io.Combo.Input(
            "hole_color",
            options=HOLE_COLORS,
            default="black",
            optional=True,
            tooltip="Colour of the holes. CrossView-Warp was trained on magenta, Uni3C on black. "
            "nearest fills holes with the nearest colours, for Time-to-Move.",
        ),
        io.String.Input(
            "custom_color",
            default="#ff00ff",
            optional=True,
            tooltip="Colour of the holes as #rrggbb, when hole_color is custom.",
        ),
        _pixels(
            "min_hole_area",
            io.Int,
            MAX_SIDE,
            "Holes of fewer pixels are closed from their surroundings before anything else. 64 "
            "removes the pinholes of a render; 0 keeps them.",
        ),
        _pixels(
            "grow_holes",
            io.Float,
            256,
            "Radius in pixels by which holes grow, in the render and in the masks. 2 to 4 removes "
            "fringes at the edges of objects.",
        ),
        _pixels(
            "feather_holes",
            io.Float,
            256,
            "Width in pixels of a soft edge around the holes in the holes mask. The colour and the "
            "valid mask keep hard edges.",
        ),
    ]


def hole_finish(
    hole_color: str = "black",
    custom_color: str = "#ff00ff",
    min_hole_area: int = 0,
    grow_holes: float = 0.0,
    feather_holes: float = 0.0,
) -> HoleFinish:
    """The core's value of these inputs. Raises ValueError for a colour that is none."""
    from ..motion_core.camera.holes import HoleFinish
    from ..motion_core.camera.holes import hole_color as color_of

    named = custom_color if hole_color == CUSTOM else hole_color
    color = None if hole_color == NEAREST else color_of(named)
    return HoleFinish(min_hole_area, grow_holes, color, feather_holes)


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


def _outputs() -> list[Any]:
    """Tracks, render, holes, poses, valid mask and moved depth."""
    return [
        tracks_output("The points under the camera motion. Hidden points are invisible."),
        io.Image.Output(
            "render",
            display_name="render",
            tooltip="The image or video warped along the path, one frame per pose. "
            f"Holes have the hole colour. {EVEN_SIDES}",
        ),
        io.Mask.Output(
            "holes",
            display_name="holes",
            tooltip="White where the warped image has holes, one mask per frame; soft "
            "outside of them where feathered.",
        ),
        io.String.Output(
            "poses",
            display_name="poses",
            tooltip="One line per frame: RealEstate10K text, world to camera.",
        ),
        *valid_and_depth_outputs(),
    ]


def valid_and_depth_outputs() -> list[Any]:
    """What a render gives for conditioning beside its image."""
    return [
        io.Mask.Output(
            "valid",
            display_name="valid",
            tooltip="White where the render shows the image, black in holes, one mask per frame.",
        ),
        io.Image.Output(
            "depth",
            display_name="depth",
            tooltip="The moved depth in grey, for depth ControlNets: white is near over "
            "the whole clip, holes are black.",
        ),
    ]


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
                    tooltip="The image (the first of a batch); same size in pixels as the depth. A "
                    "video where the depth has all of its frames.",
                ),
                DepthSocket.Input(
                    "depth",
                    tooltip="Depth of the image, or of every frame of a video (all_frames of Depth "
                    "Map). With a video, frame i of the path shows frame i of the video.",
                ),
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
                *hole_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls, image, depth, camera, points, occlusion_radius, occlusion_threshold, cell, **holes
    ):
        from ..motion_core.camera.camera_scene import CameraScene
        from ..motion_core.camera.formats.realestate import camera_to_realestate
        from ..motion_core.camera.holes import finish_holes
        from ..motion_core.camera.reproject import reproject_points
        from ..motion_core.camera.zbuffer import Occlusion
        from ..motion_core.depth.draw_depth import draw_depth_video

        finish, occlusion = hole_finish(**holes), Occlusion(occlusion_radius, occlusion_threshold)
        scene = CameraScene(depth_in(depth), camera_in(camera), occlusion)
        progress = host.progress()
        starts, ids = _chosen(points, scene)
        tracks = reproject_points(scene.with_cell_px(cell), starts, progress=progress)
        tracks = tracks if ids is None else replace(tracks, ids=ids)
        render = _warped(image, depth, scene)
        done = finish_holes(render, finish, overwrite=True, progress=progress)
        video, mask, valid = done.video, done.mask, done.valid
        drawn = draw_depth_video(done.depth, valid, progress)
        # The depth is not needed any more; it takes a third of the video's memory.
        del render, done
        poses = camera_to_realestate(scene.path)
        video, mask, valid, drawn = map(with_even_sides, (video, mask, valid.float(), drawn))
        return io.NodeOutput(tracks_out(tracks), video, mask, poses, valid, drawn)


def _chosen(points: dict[str, Any], scene: CameraScene) -> tuple[Tensor, Tensor | None]:
    """Start positions (N, 2) and ids, None for new ones."""
    settings = settings_of(points, "points")
    if "mask" in settings:
        settings["mask"] = mask_of_frame(settings["mask"], 0, scene.path.num_frames)
    return CHOOSERS[points["points"]](scene.path.size, **settings)


def _warped(image: Tensor, depth: Any, scene: CameraScene) -> WarpedRender:
    """The first image along the path, or the video where the depth has one map for each frame."""
    from ..motion_core.camera.render import render_warped, render_warped_video

    maps, progress = depth_video_in(depth), host.progress()
    if maps is None:
        return render_warped(picture(image), scene, with_depth=True, progress=progress)
    video = (frames(image), maps, scene.path, scene.occlusion)
    return render_warped_video(*video, with_depth=True, progress=progress)
