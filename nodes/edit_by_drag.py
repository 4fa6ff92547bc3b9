"""Edit by Drag: the picture after the motion, as Motion Prompting edits pictures by dragging."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import schema
from .track_sampler import Widgets, notes_shown, sampled, sampler_inputs, uncovered


class EditByDrag(io.ComfyNode):
    """A picture and tracks in; the last frame alone out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "EditByDrag",
            aliases=["drag edit", "draggan", "dragdiffusion", "move object", "pose edit"],
            display_name="Edit by Drag",
            category="Motion Prompting/Sampling",
            description="Changes a picture by dragging: what Track Sampler would show in its last "
            "frame, without making the frames before it where the model can do without them.",
            hidden=[io.Hidden.unique_id],
            inputs=sampler_inputs(),
            outputs=[
                io.Image.Output(
                    "image", display_name="image", tooltip="The picture at the end of the motion."
                ),
                io.Mask.Output(
                    "uncovered",
                    display_name="uncovered",
                    tooltip="White where the old picture shows nothing of what should be there: "
                    "for an inpainting model.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model, image, tracks, **widgets):
        clip = sampled(model, image, tracks, Widgets(**widgets), last_only=True)
        return io.NodeOutput(clip.frames, uncovered(clip), ui=notes_shown(clip, cls))
