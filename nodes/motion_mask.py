"""Motion Mask: where MotionPro expects motion."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import ModelSocket, schema
from .wire import model_in, single_mask


class MotionMask(io.ComfyNode):
    """A model and a mask in, the model that reads this mask out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MotionMask",
            aliases=["motionpro", "motion brush", "region motion", "mask motion"],
            display_name="Motion Mask",
            category="Motion Prompting/Sampling",
            description="Sets where MotionPro moves the image. It reads a mask beside the tracks: "
            "white areas move with the tracks on them, black areas stay still.",
            inputs=[
                ModelSocket.Input(
                    "model", tooltip="MotionPro: connect Load Track Model (motionpro)."
                ),
                io.Combo.Input(
                    "rule",
                    options=["moving", "drawn"],
                    tooltip="moving: 8x8 pixels around every track that moves by more than a "
                    "pixel on average, as in training. drawn: around every track that moves at "
                    "all, as in the authors' demo.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White areas are added to the mask: paint whole objects. Same aspect "
                    "ratio as the image.",
                ),
            ],
            outputs=[
                ModelSocket.Output(
                    "model", display_name="model", tooltip="The model that reads this mask."
                )
            ],
        )

    @classmethod
    def execute(cls, model, rule, mask=None):
        from ..motion_core.models.controls import with_mask

        brush = single_mask(mask)
        white = None if brush is None else brush > 0.5
        return io.NodeOutput(with_mask(model_in(model), rule, white))
