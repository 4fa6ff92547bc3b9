"""Motion Guidance: a GUIDER that strengthens tracks beside the prompt."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import ConditioningSocket, GuiderSocket, HostModelSocket, schema


class MotionGuidance(io.ComfyNode):
    """A MODEL and its conditionings in, a GUIDER out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "MotionGuidance",
            aliases=["motion cfg", "track guidance", "guider", "dual cfg", "wan move guidance"],
            display_name="Motion Guidance",
            category="Motion Prompting/Native",
            description="Guides ComfyUI's own MODEL by its prediction with the tracks against its "
            "prediction without them, with a scale of its own beside the text's. For conditioning "
            "that carries tracks (Wan-Move, ATI) and for Apply Track-ControlNet.",
            inputs=[
                HostModelSocket.Input("model", tooltip="The video model."),
                ConditioningSocket.Input(
                    "positive", tooltip="The prompt, with the tracks where conditioning has them."
                ),
                ConditioningSocket.Input(
                    "negative",
                    tooltip="The negative prompt, with the same tracks: text guidance then leaves "
                    "the motion alone.",
                ),
                io.Float.Input(
                    "text_scale",
                    default=5.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Guidance scale of the prompt (CFG); 1 is off and saves a prediction "
                    "per step.",
                ),
                io.Float.Input(
                    "motion_scale",
                    default=1.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Guidance scale of the tracks; 1 is off, and the result is that of "
                    "CFGGuider. Any other value costs one more prediction per step.",
                ),
                ConditioningSocket.Input(
                    "untracked",
                    optional=True,
                    tooltip="The prompt without tracks: untracked of Tracks to Wan, or "
                    "WanImageToVideo for the same image. Not needed for Apply Track-ControlNet, "
                    "which is switched off for this prediction.",
                ),
                HostModelSocket.Input(
                    "untracked_model",
                    optional=True,
                    tooltip="For a control that another node puts on the model, such as Apply Wan "
                    "Uni3C ControlNet: the model that goes into that node. The prediction without "
                    "motion is made with it.",
                ),
            ],
            outputs=[
                GuiderSocket.Output(
                    "guider",
                    display_name="guider",
                    tooltip="The guider: connect SamplerCustomAdvanced.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        model,
        positive,
        negative,
        text_scale,
        motion_scale,
        untracked=None,
        untracked_model=None,
    ):
        from .host_model_guidance import is_controlled, motion_guider

        has_other = untracked is not None or untracked_model is not None
        if not has_other and not is_controlled(model) and motion_scale != 1.0:
            raise ValueError(
                "motion guidance compares with a prediction without tracks: connect untracked, the "
                "prompt without tracks (for Wan-Move or ATI, WanImageToVideo for the same image), "
                "or untracked_model, the model without the control (Uni3C), or put Apply "
                "Track-ControlNet before the model."
            )
        without = positive if untracked is None else untracked
        scales = (text_scale, motion_scale)
        return io.NodeOutput(
            motion_guider(model, positive, negative, without, scales, untracked_model)
        )
