"""Separate Motion: the camera's motion and what moves by itself."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from . import host
from .schema import TracksSocket, canvas_input, schema, tracks_input
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
            description="Tells the camera's motion from that of objects, by what most tracks "
            "share. Adding the displacements of both gives the original back.",
            inputs=[
                tracks_input("Tracks all over the picture; most of them on the background."),
                io.Combo.Input(
                    "model",
                    options=["homography", "similarity"],
                    default="homography",
                    tooltip="homography: a turning or zooming camera, flat scenes; 4 tracks and "
                    "more. similarity: turn, zoom and shift, for few or noisy tracks. Neither "
                    "knows depth.",
                ),
                io.Float.Input(
                    "threshold",
                    default=2.0,
                    min=0.01,
                    max=1000.0,
                    step=0.1,
                    tooltip="Pixels within which a track counts as moving with the camera.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="The video of the tracks, same size in pixels and as many frames, to "
                    "hold still.",
                ),
                canvas_input(),
            ],
            outputs=[
                TracksSocket.Output(
                    "camera",
                    display_name="camera",
                    tooltip="The same points as if only the camera had moved.",
                ),
                TracksSocket.Output(
                    "objects",
                    display_name="objects",
                    tooltip="The same points moved by what is left when the camera's displacement "
                    "is taken away.",
                ),
                TracksSocket.Output(
                    "stabilised",
                    display_name="stabilised",
                    tooltip="The same points as a camera that stands still in the first frame sees "
                    "them.",
                ),
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip="The video held still, black where it saw nothing; one black picture "
                    "when no video is connected.",
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
        return io.NodeOutput(*(tracks_out(one) for one in sets), steady)
