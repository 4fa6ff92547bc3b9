"""Track Sampler: a picture and tracks in, a video made by a model out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from . import host
from .schema import GuidanceSocket, ModelSocket, schema, tracks_input, tracks_output
from .wire import guidance_in, mask_on_canvas, model_in, picture, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.geometry import Size
    from ..motion_core.guidance import GuidancePlan
    from ..motion_core.models.protocols import GenerationResult, Guidance
    from ..motion_core.models.track_model import TrackModel
    from ..motion_core.sampling import Sampling
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
            default=0,
            min=0,
            max=1000,
            tooltip="Sampling steps; 0 takes as many as the model's authors did. More take longer.",
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
        *_further_inputs(),
    ]


def _further_inputs() -> list[Any]:
    """What may stay as it is."""
    return [
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
        io.Float.Input(
            "text_guidance",
            optional=True,
            default=0.0,
            min=0.0,
            max=30.0,
            step=0.1,
            tooltip="How strictly the model keeps to the words (MotionPro: to the picture). 0 is "
            "what its authors took, 1 is off and takes half the time.",
        ),
        _words("prompt", "What the video shows, in words, for models that read them."),
        _words("negative", "What the video should not show, for models that read words."),
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
    def execute(cls, model, image, tracks, **widgets):
        clip = sampled(model, image, tracks, Widgets(**widgets))
        went = tracks_out(_realised(clip, tracks_in(tracks, image)))
        return io.NodeOutput(clip.frames, went, uncovered(clip), ui=notes_shown(clip, cls))


@dataclass(frozen=True, eq=False)
class Widgets:
    """What a node that samples is told beside model, picture and tracks; see sampler_inputs."""

    steps: int
    seed: int
    strength: float
    motion_guidance: float
    start: float = 0.0
    end: float = 1.0
    movable: Tensor | None = None
    guidance: Any = None
    text_guidance: float = 0.0
    prompt: str = ""
    negative: str = ""


def sampled(
    model: Any, image: Tensor, tracks: Any, asked: Widgets, *, last_only: bool = False
) -> GenerationResult:
    """The clip of a model from a MOTION_MODEL socket, with the values of the other sockets.

    Raises TypeError or ValueError for values that do not belong together, MemoryError where
    memory runs out.
    """
    from ..motion_core.models.protocols import GenerationRequest
    from ..motion_core.sampling import sample

    chosen, found = model_in(model), tracks_in(tracks, image)
    settings, free = sampling(chosen, asked), _movable(asked.movable, found.size)
    first, frames = picture(image), found.num_frames
    request = GenerationRequest(first, frames, asked.prompt, asked.negative, free, last_only)

    def run() -> GenerationResult:
        host.on_device(chosen.network)
        return sample(chosen.model, chosen.control, request, found, settings, host.watch())

    return _on_cpu(host.within_memory(run))


def sampling(model: TrackModel, asked: Widgets) -> Sampling:
    """The settings of a run as the widgets and the MOTION_GUIDANCE socket say them, and where they
    leave it open, as the model's authors sample.

    Raises TypeError for another socket's value, ValueError for what excludes each other and for
    what this model cannot do.
    """
    from ..motion_core.sampling import ControlSchedule, Sampling

    plan = guidance_in(asked.guidance)
    schedule = ControlSchedule(asked.strength, asked.start, asked.end)
    if model.control is None and asked.strength > 0.0 and not plan.latent_guidance:
        raise ValueError(
            f"this {model.family} follows no tracks yet. Connect Load Track-ControlNet between it "
            "and this node, or set strength to 0 to see what it does by itself."
        )
    weighting = _weighting(model, asked, plan)
    model.check_guidance(weighting)
    steps = asked.steps or model.defaults.steps
    return Sampling(steps, asked.seed, weighting, schedule, plan.latent_guidance)


def _weighting(model: TrackModel, asked: Widgets, plan: GuidancePlan) -> Guidance:
    from ..motion_core.guidance import text_and_motion_guidance

    if plan.weighting is None:
        scale = asked.text_guidance or model.defaults.text_scale
        weighting = model.defaults.weighting or text_and_motion_guidance
        return weighting(scale, asked.motion_guidance)
    if (asked.motion_guidance, asked.text_guidance) != (1.0, 0.0):
        raise ValueError(
            "the guidance already says how predictions become one; set motion_guidance to 1 and "
            "text_guidance to 0, or disconnect it."
        )
    return plan.weighting


def _on_cpu(clip: GenerationResult) -> GenerationResult:
    """Where nodes expect values, wherever the model ran."""
    return replace(
        clip,
        frames=clip.frames.cpu(),
        holes=None if clip.holes is None else clip.holes.cpu(),
        tracks=None if clip.tracks is None else clip.tracks.to("cpu"),
    )


def uncovered(clip: GenerationResult) -> Tensor:
    """The MASK of what had to be made up; black where the model cannot say."""
    return clip.frames.new_zeros(clip.frames.shape[:3]) if clip.holes is None else clip.holes


def notes_shown(clip: GenerationResult, node: type[io.ComfyNode]) -> Any:
    """What the clip says about itself, on the node's face; nothing where it is silent."""
    return host.text_preview("\n".join(clip.notes), node) if clip.notes else None


def _realised(clip: GenerationResult, asked: Tracks) -> Tracks:
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
    free = mask_on_canvas(mask, size)
    if not bool(free.any()):
        raise ValueError(
            "the mask of what may move is black everywhere, so nothing could move. Paint white "
            "what may move, or disconnect it."
        )
    return free


def _words(name: str, tooltip: str) -> Any:
    return io.String.Input(name, optional=True, default="", multiline=True, tooltip=tooltip)


def _part(name: str, default: float) -> Any:
    return io.Float.Input(
        name,
        default=default,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=f"Where in the run the tracks {name} to act, 0 (first step) to 1 (after the last).",
    )
