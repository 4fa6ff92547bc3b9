"""Separate Motion: the camera's motion and what moves by itself."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..motion_core.images import with_even_sides
from . import host
from .schema import EVEN_SIDES, TracksSocket, canvas_input, schema, tracks_input
from .wire import frames, tracks_in, tracks_out


class SeparateMotion(io.ComfyNode):
    """Tracks in; the camera's part, the objects' part and a steady view out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "SeparateMotion",
            aliases=["stabilise", "stabilize", "camera motion", "object motion", "split motion"],
            display_name="Separate Motion",
            category="Motion Prompting/Video",
            description="Separates camera motion from object motion; the camera motion is the one "
            "that most tracks share. The displacements of both add up to the original.",
            inputs=[
                tracks_input("Tracks over the whole image, most of them on the background."),
                io.Combo.Input(
                    "model",
                    options=["homography", "similarity"],
                    default="homography",
                    tooltip="homography: a rotating or zooming camera, or flat scenes; at least 4 "
                    "tracks. similarity: rotation, scale and translation, for few or noisy "
                    "tracks. Neither includes depth.",
                ),
                io.Float.Input(
                    "threshold",
                    default=2.0,
                    min=0.01,
                    max=1000.0,
                    step=0.1,
                    tooltip="Residual in pixels up to which a track counts as moving with the "
                    "camera.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="The video of the tracks, to stabilise it. Same size in pixels as the "
                    "canvas, and as many frames as the tracks.",
                ),
                canvas_input(),
            ],
            outputs=[
                TracksSocket.Output(
                    "camera",
                    display_name="camera",
                    tooltip="The same points, moved by the camera motion alone.",
                ),
                TracksSocket.Output(
                    "objects",
                    display_name="objects",
                    tooltip="The same points, moved by the remaining motion.",
                ),
                TracksSocket.Output(
                    "stabilised",
                    display_name="stabilised",
                    tooltip="The same points from a camera that stays where it is in the "
                    "first frame.",
                ),
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip="The stabilised video, black where the video has no content. One "
                    f"black image if no video is connected. {EVEN_SIDES}",
                ),
            ],
        )

    @classmethod
    def execute(cls, tracks, model, threshold, images=None, canvas_image=None):
        from ..motion_core.transfer import separate_motion, stabilised_frames

        found = tracks_in(tracks, canvas_image if images is None else images)
        progress = host.progress()
        parts = separate_motion(found, model, threshold=threshold, progress=progress)
        steady = torch.zeros(1, found.size.height, found.size.width, 3)
        if images is not None:
            steady = stabilised_frames(frames(images), parts.motion, progress=progress)
        sets = (parts.camera, parts.objects, parts.stabilised)
        return io.NodeOutput(*(tracks_out(one) for one in sets), with_even_sides(steady))
