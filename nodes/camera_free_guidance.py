"""Camera-Free Guidance: the motion of objects without that of the camera."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import GuidanceSocket, schema
from .wire import guidance_in

# Name of the LoRA of object motion, one of TrackModel.adapters.
ADAPTER = "object"


class CameraFreeGuidance(io.ComfyNode):
    """Two scales in, a guidance out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "CameraFreeGuidance",
            aliases=["image conductor", "camera free", "CFG", "trajectory guidance"],
            display_name="Camera-Free Guidance",
            category="Motion Prompting/Sampling",
            description="Image Conductor's guidance (Eq. 5): amplifies what the LoRA of object "
            "motion adds to the bare model; what both share, the motion of the camera, cancels. "
            "Set Image Conductor LoRA to none before it.",
            inputs=[
                io.Float.Input(
                    "text_scale",
                    default=7.5,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    tooltip="Guidance scale of the prompt; 1 is off, which is required if no text "
                    "encoder is loaded.",
                ),
                io.Float.Input(
                    "trajectory_scale",
                    default=7.5,
                    min=0.0,
                    max=30.0,
                    step=0.1,
                    tooltip="Scale of the difference between object motion and the bare model; 0 "
                    "is the bare model. Equal to text_scale takes two passes per step, any other "
                    "value three.",
                ),
                GuidanceSocket.Input(
                    "guidance",
                    optional=True,
                    tooltip="Another guidance to combine with, such as MOFT Guidance.",
                ),
            ],
            outputs=[
                GuidanceSocket.Output(
                    "guidance", display_name="guidance", tooltip="For guidance of Track Sampler."
                )
            ],
        )

    @classmethod
    def execute(cls, text_scale, trajectory_scale, guidance=None):
        from ..motion_core.guidance import GuidancePlan, camera_free

        plan = GuidancePlan(camera_free(text_scale, trajectory_scale, ADAPTER))
        return io.NodeOutput(guidance_in(guidance).joined(plan))
