"""MOFT Similarity: where a video moves as a reference does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io
from torch.nn import functional

from ..motion_core.images import with_even_sides
from . import host
from .moft_reference import lucas_kanade_tracks
from .schema import EVEN_SIDES, ModelSocket, ReferenceSocket, schema
from .wire import frames, model_in, reference_in

if TYPE_CHECKING:
    from torch import Tensor


class MoftSimilarity(io.ComfyNode):
    """A motion and a video in; a heat map out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MoftSimilarity",
            aliases=["MOFT", "motion heatmap", "motion segmentation", "motion feature"],
            display_name="MOFT Similarity",
            category="Motion Prompting/Sampling",
            description="Shows where a video moves like a reference, in the features of a model: "
            "red for the same direction, blue for the opposite one. The mask can be the region of "
            "MOFT Guidance.",
            inputs=[
                ModelSocket.Input("model", tooltip="The model that the reference was read with."),
                ReferenceSocket.Input(
                    "reference", tooltip="The motion to compare with: connect MOFT Reference."
                ),
                io.Image.Input(
                    "images",
                    tooltip="The video to compare; as many frames as the reference, except with "
                    "lite, which takes any number.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images",
                    display_name="images",
                    tooltip=f"The video in grey under its similarity. {EVEN_SIDES}",
                ),
                io.Mask.Output(
                    "alike",
                    display_name="alike",
                    tooltip="Per frame, 0 where the motion is unlike or opposite to the reference, "
                    "up to 1 where it is the same.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model, reference, images):
        from ..motion_core.guidance.moft import heat_picture, similarity

        chosen, target, video = model_in(model), reference_in(reference), frames(images)

        def read() -> Tensor:
            host.on_device(chosen.network)
            progress = host.progress()
            return similarity(
                chosen.model, target, video, lambda: lucas_kanade_tracks(video), progress
            )

        heat = host.within_memory(read)
        shape = (len(video), *video.shape[1:3])
        alike = functional.interpolate(heat[None, None], shape, mode="trilinear")[0, 0]
        heated = heat_picture(heat, video, host.progress())
        return io.NodeOutput(*map(with_even_sides, (heated, alike.clamp(0, 1))))
