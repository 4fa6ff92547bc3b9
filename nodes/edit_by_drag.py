"""Edit by Drag: the image after the motion, as Motion Prompting edits images by dragging."""

from __future__ import annotations

from comfy_api.latest import io

from .schema import schema
from .track_sampler import Widgets, notes_shown, sampled, sampler_inputs, uncovered
from .wire import tracks_in


class EditByDrag(io.ComfyNode):
    """An image and tracks in; the last frame alone out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "EditByDrag",
            aliases=["drag edit", "draggan", "dragdiffusion", "move object", "pose edit"],
            display_name="Edit by Drag",
            category="Motion Prompting/Sampling",
            description="Edits an image by dragging: the last frame of Track Sampler, without the "
            "frames before it where the model can skip them.",
            inputs=sampler_inputs(),
            outputs=[
                io.Image.Output(
                    "image", display_name="image", tooltip="The image at the end of the motion."
                ),
                io.Mask.Output(
                    "uncovered",
                    display_name="uncovered",
                    tooltip="White where the original image does not show the content: for an "
                    "inpainting model.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model, image, tracks, **widgets):
        clip = sampled(model, image, tracks, Widgets(**widgets), last_only=True)
        found = tracks_in(tracks, image)
        return io.NodeOutput(clip.frames, uncovered(clip), ui=notes_shown(clip, found))
