"""MOFT Reference: a motion in the features of the model that is to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from . import host
from .schema import MAX_FRAMES, ModelSocket, ReferenceSocket, schema
from .wire import canvas_size, frames, mask_of_frame, model_in, on_canvas

if TYPE_CHECKING:
    from ..motion_core.guidance.moft import MotionReference
    from ..motion_core.models.track_model import TrackModel
    from ..motion_core.tracks import Tracks

# Points along the short side that Lucas-Kanade follows, for a model whose latents are motion.
POINTS_A_SIDE = 24


def _speed(name: str, way: str) -> Any:
    return io.Float.Input(
        name,
        default=0.5 if name == "right" else 0.0,
        min=-1.0,
        max=1.0,
        step=0.05,
        tooltip=f"Speed {way}, negative reverses it; 1 is 2 % of the image's short side per frame.",
    )


MOTIONS = [
    io.DynamicCombo.Option(
        "direction",
        [
            _speed("right", "to the right"),
            _speed("down", "downwards"),
            io.Int.Input(
                "frames",
                default=16,
                min=2,
                max=MAX_FRAMES,
                tooltip="Frames of the video to generate; as many as its tracks have.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "video",
        [
            io.Int.Input(
                "frames",
                default=0,
                min=0,
                max=MAX_FRAMES,
                tooltip="Frames of the video to generate: as many are taken evenly from the "
                "images. 0 takes all.",
            )
        ],
    ),
]


class MoftReference(io.ComfyNode):
    """A model, and a video or a direction, in; a motion out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..motion_core.models.registry import families_with

        return schema(
            "MoftReference",
            aliases=["MOFT", "motion feature", "motion reference", "training-free motion", "DDIM"],
            display_name="MOFT Reference",
            category="Motion Prompting/Sampling",
            description="Reads a motion in a model's own features, without training: that of a "
            "video, or a pan in a direction. For MOFT Guidance and MOFT Similarity.",
            inputs=[
                ModelSocket.Input(
                    "model",
                    tooltip="The model that samples later, of one of the families "
                    f"{', '.join(families_with('motion_features'))} (lite with generate on).",
                ),
                io.Image.Input(
                    "images",
                    tooltip="With video: the frames whose motion is read. With direction: the "
                    "image to animate, of which only the size is used.",
                ),
                io.DynamicCombo.Input(
                    "motion",
                    options=MOTIONS,
                    tooltip="Source of the motion: a pan in a direction, or a video.",
                ),
                io.Mask.Input(
                    "region",
                    optional=True,
                    tooltip="With video: white is where its motion is read; same aspect ratio as "
                    "the images. Without it, the middle of the images.",
                ),
            ],
            outputs=[
                ReferenceSocket.Output(
                    "reference",
                    display_name="reference",
                    tooltip="The motion, for MOFT Guidance or MOFT Similarity with this model.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, images, motion, region=None):
        chosen, video = model_in(model), frames(images)
        if motion["motion"] == "direction" and region is not None:
            raise ValueError(
                "a direction is not read from a region. Disconnect the region here; the region of "
                "MOFT Guidance sets where to move."
            )

        where = mask_of_frame(region, 0, len(video), "the region")

        def read() -> MotionReference:
            host.on_device(chosen.network)
            if motion["motion"] == "direction":
                return _direction_reference(chosen, video, motion)
            return _video_reference(chosen, evenly(video, motion["frames"]), where)

        return io.NodeOutput(host.within_memory(read))


def lucas_kanade_tracks(video: Tensor) -> Tracks:
    """Tracks of a grid of points through a video, by Lucas-Kanade."""
    from ..motion_core.geometry import Size
    from ..motion_core.trackers import LucasKanade, grid_queries

    size = Size(video.shape[2], video.shape[1])
    queries = grid_queries(size, max(1.0, min(size) / POINTS_A_SIDE))
    return LucasKanade().track(video, queries, host.progress())


def evenly(video: Tensor, count: int) -> Tensor:
    """`count` frames, evenly spaced, with the first and the last; all frames for 0."""
    import torch

    if count in (0, len(video)):
        return video
    if count > len(video):
        raise ValueError(
            f"the video has {len(video)} frames, fewer than the {count} asked for. Ask for fewer, "
            "or connect a longer video."
        )
    return video[torch.linspace(0, len(video) - 1, count).round().long()]


def _direction_reference(
    chosen: TrackModel, video: Tensor, motion: dict[str, Any]
) -> MotionReference:
    from ..motion_core.guidance.moft import learn_channels, reference_along, straight_path

    size = canvas_size(video)
    assert size is not None
    channels = learn_channels(chosen.model, size, motion["frames"], progress=host.progress())
    way = (motion["right"], motion["down"])
    return reference_along(straight_path(way, size, motion["frames"]), size, channels)


def _video_reference(chosen: TrackModel, video: Tensor, region: Tensor | None) -> MotionReference:
    from ..motion_core.guidance.moft import reference_of_video

    size = canvas_size(video)
    assert size is not None
    return reference_of_video(
        chosen.model,
        video,
        lambda: lucas_kanade_tracks(video),
        region=None if region is None else on_canvas(region, size, "the region"),
        progress=host.progress(),
    )
