"""Track Sampler: a picture and tracks in, a video made by a model out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from . import host
from .schema import GuidanceSocket, ModelSocket, schema, tracks_input, tracks_output
from .wire import area, guidance_in, model_in, picture, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.geometry import Size
    from ..motion_core.models.protocols import Clip
    from ..motion_core.sampling import ControlSchedule, Sampling
    from ..motion_core.tracks import Tracks


def sampler_inputs() -> list[Any]:
    """What every node that samples asks for."""
    return [
        ModelSocket.Input("model", tooltip="The model: connect Load Track Model."),
        io.Image.Input(
            "image",
            tooltip="The picture to start from (the first of a batch); same size in pixels as the "
            "tracks' canvas.",
        ),
        tracks_input("The tracks to follow. Their number of frames is the video's."),
        io.Int.Input(
            "steps",
            default=8,
            min=1,
            max=1000,
            tooltip="Sampling steps. More take longer; see the help page for what they change.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**53,
            control_after_generate=True,
            tooltip="Which of the possible videos; the same number gives the same one.",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=0.0,
            max=10.0,
            step=0.05,
            tooltip="Factor on what the tracks do to the model: 0 is off, 1 as trained.",
        ),
        io.Float.Input(
            "motion_guidance",
            default=1.0,
            min=0.0,
            max=20.0,
            step=0.1,
            tooltip="Factor on the difference that the tracks make; 1 is off. Anything else "
            "takes twice the time per step.",
        ),
        io.Mask.Input(
            "movable",
            optional=True,
            tooltip="White is what may move; the rest stays. Same proportions as the image. "
            "Without it everything may move.",
        ),
        GuidanceSocket.Input(
            "guidance",
            optional=True,
            tooltip="What guides the model beside the tracks: connect a guidance node of this "
            "pack.",
        ),
    ]


class TrackSampler(io.ComfyNode):
    """A picture and tracks in; frames, realised tracks and disocclusions out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TrackSampler",
            aliases=["motion prompting", "image to video", "track controlnet", "animate image"],
            display_name="Track Sampler",
            category="Motion Prompting/Sampling",
            description="Makes a video of a picture with a model that follows tracks. Tells where "
            "the points really went and where the picture had to be made up.",
            hidden=[io.Hidden.unique_id],
            inputs=[*sampler_inputs(), _part("start", 0.0), _part("end", 1.0)],
            outputs=[
                io.Image.Output("images", display_name="images", tooltip="The video's frames."),
                tracks_output("The tracks as realised: where their points went in the video."),
                io.Mask.Output(
                    "uncovered",
                    display_name="uncovered",
                    tooltip="Per frame, white where the first frame shows nothing of what should "
                    "be there and the model made it up.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model, image, tracks, strength, start, end, movable=None, **widgets):
        from ..motion_core.sampling import ControlSchedule

        settings = sampling(ControlSchedule(strength, start, end), **widgets)
        clip = sampled(model, image, tracks, settings, movable=movable)
        went = tracks_out(_realised(clip, tracks_in(tracks, image)))
        return io.NodeOutput(clip.frames, went, uncovered(clip), ui=notes_shown(clip, cls))


def sampling(
    schedule: ControlSchedule,
    *,
    steps: int,
    seed: int,
    motion_guidance: float,
    guidance: Any = None,
) -> Sampling:
    """The settings of a run as the widgets and the MOTION_GUIDANCE socket say them.

    Raises TypeError for another socket's value, ValueError for what excludes each other.
    """
    from ..motion_core.guidance import text_and_motion_guidance
    from ..motion_core.sampling import Sampling

    plan = guidance_in(guidance)
    if plan.weighting is not None and motion_guidance != 1.0:
        raise ValueError(
            "the guidance already says how predictions become one; set motion_guidance to 1."
        )
    weighting = plan.weighting or text_and_motion_guidance(1.0, motion_guidance)
    return Sampling(steps, seed, weighting, schedule, plan.steering)


def sampled(
    model: Any,
    image: Tensor,
    tracks: Any,
    settings: Sampling,
    *,
    movable: Tensor | None,
    last_only: bool = False,
) -> Clip:
    """The clip of a model from a MOTION_MODEL socket, with the values of the other sockets.

    Raises TypeError or ValueError for values that do not belong together.
    """
    from ..motion_core.models.protocols import Shot
    from ..motion_core.sampling import sample

    chosen, found = model_in(model), tracks_in(tracks, image)
    free = _movable(movable, found.size)
    shot = Shot(picture(image), found.num_frames, movable=free, last_only=last_only)
    host.on_device(chosen.network)
    return sample(chosen.model, chosen.control, shot, found, settings, host.watch())


def uncovered(clip: Clip) -> Tensor:
    """The MASK of what had to be made up; black where the model cannot say."""
    return clip.frames.new_zeros(clip.frames.shape[:3]) if clip.holes is None else clip.holes


def notes_shown(clip: Clip, node: type[io.ComfyNode]) -> Any:
    """What the clip says about itself, on the node's face; nothing where it is silent."""
    return host.text_preview("\n".join(clip.notes), node) if clip.notes else None


def _realised(clip: Clip, asked: Tracks) -> Tracks:
    """Where the points went: as the model says or, if it cannot, as Lucas-Kanade finds those that
    are visible at first."""
    from ..motion_core.trackers import LucasKanade, track_queries

    if clip.tracks is not None:
        return clip.tracks
    queries, ids = track_queries(asked, 0, asked.size)
    found = LucasKanade().track(clip.frames, queries, host.progress())
    return replace(found, ids=ids, fps=asked.fps)


def _movable(mask: Tensor | None, size: Size) -> Tensor | None:
    if mask is None:
        return None
    free = area(mask, size)
    if not bool(free.any()):
        raise ValueError(
            "the mask of what may move is black everywhere, so nothing could move. Paint white "
            "what may move, or disconnect it."
        )
    return free


def _part(name: str, default: float) -> Any:
    return io.Float.Input(
        name,
        default=default,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=f"Where in the run the tracks {name} to act, 0 (first step) to 1 (after the last).",
    )
