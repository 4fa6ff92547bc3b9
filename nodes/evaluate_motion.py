"""Evaluate Motion: errors of a video's points against its tracks."""

from __future__ import annotations

from comfy_api.latest import io

from . import host
from .schema import TracksSocket, canvas_input, schema, tracks_input
from .wire import frames, tracks_in


class EvaluateMotion(io.ComfyNode):
    """Target and realised motion in, numbers and an image out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "EvaluateMotion",
            aliases=["motion error", "EPE", "track accuracy", "PSNR", "SSIM", "compare tracks"],
            display_name="Evaluate Motion",
            category="Motion Prompting",
            description="Measures how well a video follows its tracks: the endpoint error of its "
            "points in pixels, the fraction of points below error thresholds, and the accuracy "
            "of visibility.",
            is_output_node=True,
            inputs=[
                tracks_input("The target tracks, which controlled the video."),
                TracksSocket.Input(
                    "realised",
                    optional=True,
                    tooltip="The realised tracks, for example from Track Sampler. Without them "
                    "Lucas-Kanade tracks the points through the images.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="The video's frames: as many as the tracks have frames, with the size "
                    "of their canvas in pixels. The last one is the background of the plot.",
                ),
                io.Image.Input(
                    "truth",
                    optional=True,
                    tooltip="Frames of a real video of the same motion, with the number and size "
                    "of the images, for PSNR (dB) and SSIM (0..1).",
                ),
                canvas_input(),
            ],
            outputs=[
                io.String.Output("report", display_name="report", tooltip="The errors as text."),
                io.Image.Output(
                    "picture",
                    display_name="image",
                    tooltip="Target paths in white, realised paths from green to red, and below "
                    "them the mean error of every frame in pixels.",
                ),
                io.Float.Output(
                    "error",
                    display_name="error",
                    tooltip="The mean endpoint error in pixels; NaN if no point is found.",
                ),
            ],
        )

    @classmethod
    def execute(cls, tracks, realised=None, images=None, truth=None, canvas_image=None):
        from ..motion_core.evaluation.error_plot import error_picture
        from ..motion_core.evaluation.track_comparison import (
            compare_tracks,
            retrack,
            similarity_text,
        )

        if realised is None and images is None:
            raise ValueError("connect the realised tracks, the video's images, or both.")
        video = None if images is None else frames(images)
        canvas_source = canvas_image if images is None else images
        target = tracks_in(tracks, canvas_source)
        if realised is None:
            realised = retrack(video, target, progress=host.progress())
        else:
            realised = tracks_in(realised, canvas_source)
        found = compare_tracks(target, realised)
        lines = [found.to_text()]
        if truth is not None:
            lines.append(similarity_text(_needed(video), frames(truth), host.progress()))
        picture = error_picture(found, None if video is None else video[-1])[None]
        shown = host.picture_preview(picture, cls)
        return io.NodeOutput("\n".join(lines), picture, found.epe, ui=shown)


def _needed(video):
    if video is None:
        raise ValueError("truth is compared with the video's images; connect images.")
    return video
