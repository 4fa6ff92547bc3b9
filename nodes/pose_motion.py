"""Pose Motion: people's joints to tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..motion_core.geometry import Size
from . import host
from .schema import MAX_FRAMES, schema, settings_of, tracks_output
from .wire import (
    EMPTY_DRAWING,
    canvas_size,
    document_in,
    frames,
    mask_of_frame,
    on_canvas,
    tracks_out,
)

if TYPE_CHECKING:
    from ..motion_core.pose import PoseSequence


PoseSocket = io.Custom("POSE_KEYPOINT")
MODELS = "pose"
# As motion_core.pose has it, which a node does not import before it runs; a test compares.
LEAST_CONFIDENCE = 0.3


def _text(name: str, of: str) -> Any:
    return io.String.Input(
        name,
        multiline=True,
        default="[]",
        tooltip=f"{of} as OpenPose JSON: one frame or a list of frames, joints in pixels or in "
        "fractions of the image.",
    )


SOURCES = [
    # The page cannot draw a first choice that brings sockets and no widget.
    io.DynamicCombo.Option("text", [_text("pose_text", "Poses")]),
    io.DynamicCombo.Option(
        "pose",
        [PoseSocket.Input("poses", tooltip="Poses from a pose detector, one entry per frame.")],
    ),
    io.DynamicCombo.Option(
        "estimate",
        [
            io.Image.Input("video", tooltip="Images of one person, in order."),
            io.String.Input(
                "model",
                default="vitpose-base-simple",
                tooltip="Folder inside ComfyUI's models/pose with a ViTPose model: config.json "
                "and model.safetensors.",
            ),
            io.Mask.Input(
                "person",
                optional=True,
                tooltip="White where the person is, in all images. Without it the whole image is "
                "used. Same aspect ratio as the images.",
            ),
        ],
    ),
]
MOTIONS = [
    io.DynamicCombo.Option("as it is", []),
    io.DynamicCombo.Option(
        "retarget",
        [
            PoseSocket.Input(
                "target_poses",
                optional=True,
                tooltip="Pose of the person to animate, detected in the target image.",
            ),
            _text("target_text", "The target's pose, used if target_poses is not connected,"),
            io.Image.Input(
                "target_image",
                optional=True,
                tooltip="The target image. Its size in pixels is the canvas for poses that do not "
                "store one.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "drawn",
        [
            io.String.Input(
                "drawing",
                multiline=True,
                default=EMPTY_DRAWING,
                tooltip="A drawing (MOTION document) on the image. Drags move the joints they "
                "start on and the joints attached to them; pins hold joints in place.",
            ),
            io.Int.Input(
                "frames",
                default=81,
                min=1,
                max=MAX_FRAMES,
                tooltip="Number of frames over which the first pose is moved.",
            ),
        ],
    ),
]


@dataclass(frozen=True)
class _Clip:
    """What reading a pose needs: a canvas where it is known, and the rate."""

    size: Size | None
    fps: float | None


def _detected(clip: _Clip, poses: Any) -> PoseSequence:
    from ..motion_core.formats.openpose import read_poses

    return read_poses(poses, clip.size, fps=clip.fps, progress=host.progress())


def _pasted(clip: _Clip, pose_text: str) -> PoseSequence:
    from ..motion_core.formats.openpose import read_poses

    return read_poses(pose_text, clip.size, fps=clip.fps, progress=host.progress())


def _estimated(clip: _Clip, video: Any, model: str, person: Any = None) -> PoseSequence:
    from ..motion_core.pose import load_pose_estimator
    from ..motion_core.transfer import box_of_mask

    pictures = frames(video)
    size = canvas_size(pictures)
    where, boxes = mask_of_frame(person, 0, len(pictures), "the person"), None
    if where is not None and size is not None:
        boxes = [box_of_mask(on_canvas(where, size, "the person"), size)]
    estimator = load_pose_estimator(host.model_folder(MODELS, model))
    estimator = replace(estimator, model=host.on_device(estimator.model))
    return estimator.estimate(pictures, boxes, fps=clip.fps, progress=host.progress())


def _as_it_is(poses: PoseSequence, clip: _Clip) -> PoseSequence:
    return poses


def _retargeted(
    poses: PoseSequence,
    clip: _Clip,
    target_text: str,
    target_poses: Any = None,
    target_image: Any = None,
) -> PoseSequence:
    from ..motion_core.formats.openpose import read_poses
    from ..motion_core.pose import retarget

    target = target_text if target_poses is None else target_poses
    return retarget(poses, read_poses(target, canvas_size(target_image)))


def _drawn(poses: PoseSequence, clip: _Clip, drawing: str, frames: int) -> PoseSequence:
    from ..motion_core.pose import move_pose

    return move_pose(poses, document_in(drawing), frames, fps=clip.fps)


READERS: dict[str, Callable[..., PoseSequence]] = {
    "pose": _detected,
    "text": _pasted,
    "estimate": _estimated,
}
MOVERS: dict[str, Callable[..., PoseSequence]] = {
    "as it is": _as_it_is,
    "retarget": _retargeted,
    "drawn": _drawn,
}


class PoseMotion(io.ComfyNode):
    """Poses in, tracks along the limbs out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "PoseMotion",
            aliases=["openpose", "dwpose", "skeleton", "pose keypoint", "dance", "vitpose"],
            display_name="Pose Motion",
            category="Motion Prompting/Video",
            description="Converts poses of people to tracks that fill their limbs: as detected, "
            "retargeted to another person's body, or moved by a drawing.",
            inputs=[
                io.DynamicCombo.Input(
                    "source",
                    options=SOURCES,
                    tooltip="Source of the poses. text: OpenPose JSON. pose: POSE_KEYPOINT of a "
                    "detector. estimate: a ViTPose model on a video.",
                ),
                io.DynamicCombo.Input(
                    "motion",
                    options=MOTIONS,
                    tooltip="How the poses move. as it is: as in the frames. retarget: the same "
                    "motion on another body. drawn: the first pose moved by a drawing.",
                ),
                io.Float.Input(
                    "spacing",
                    default=8.0,
                    min=0.5,
                    max=1000.0,
                    step=0.5,
                    tooltip="Pixels between the points on a limb.",
                ),
                io.Float.Input(
                    "least_confidence",
                    default=LEAST_CONFIDENCE,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Joints with a lower confidence (0..1) are invisible.",
                ),
                io.Float.Input(
                    "fps",
                    default=16.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second, stored with the tracks; 0 if unknown.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The image in which the poses were detected. Its size in pixels is "
                    "the canvas for poses that do not store one.",
                ),
            ],
            outputs=[tracks_output("One track per joint and a grid over every limb.")],
        )

    @classmethod
    def execute(cls, source, motion, spacing, least_confidence, fps, image=None):
        from ..motion_core.pose import pose_tracks

        clip = _Clip(canvas_size(image), fps or None)
        poses = READERS[source["source"]](clip, **settings_of(source, "source"))
        poses = MOVERS[motion["motion"]](poses, clip, **settings_of(motion, "motion"))
        found = pose_tracks(
            poses, spacing, least_confidence=least_confidence, progress=host.progress()
        )
        return io.NodeOutput(tracks_out(found))
