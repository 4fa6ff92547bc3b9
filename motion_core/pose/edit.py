"""A single pose moved by a drawing: drags move joints, pins hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..document.dots.limits import naming
from ..document.layer import Layer
from ..document.layers import DragLayer, PinLayer
from ..document.motion_document import MotionDocument
from ..document.sample import sample_path
from ..errors import CanvasError
from ..geometry import same_proportions
from ..tracks.arguments import whole_number
from ..tracks.seeding import points_inside_polygon
from .pose_sequence import PoseSequence
from .skeleton import BONES

# A drag moves a joint within its brush, or within this fraction of the short side.
REACH_FRAC = 0.06
MAX_FRAMES = 10_000


def move_pose(
    pose: PoseSequence, document: MotionDocument, frames: int, *, fps: float | None = None
) -> PoseSequence:
    """Animate the first frame of a pose by a drawing.

    A drag moves the joint nearest to its start and all descendants of the joint (a shoulder moves
    its arm), except joints that another drag moves or a pin holds. A pin holds the joints nearest
    to its points and those inside its polygon.

    Args:
        pose: Its first frame is used.
        document: The drawing.
        frames: Number of frames of the result, 1..10,000.
        fps: Frames per second of the result; None for unknown.

    Raises:
        ValueError: `frames` is out of range, the pose has no people, or a layer, which the message
            names, starts near no joint or moves no joints (regions, spheres, cameras, mask or
            background pins).
        CanvasError: The pose and the drawing have different proportions.
    """
    frames = whole_number("frames", frames, least=1, most=MAX_FRAMES)
    if not pose.num_frames or not pose.num_people:
        raise ValueError("there is no person to move; check the pose detector.")
    _check_proportions(pose, document)
    joints = _JointShifts(pose)
    for layer in document.layers:
        if layer.enabled:
            with naming(layer):
                _apply_layer(joints, layer, document, frames)
    still = pose.xy[0].double().numpy()
    xy = still + joints.carried(frames)
    confidence = pose.confidence[:1].expand(frames, -1, -1).clone()
    return PoseSequence(torch.from_numpy(xy).float(), confidence, pose.size, fps)


class _JointShifts:
    """Joints that a drawing moves or holds: {(person, joint): (T, 2) displacement}."""

    def __init__(self, pose: PoseSequence) -> None:
        self.pose = pose
        self.still = pose.xy[0].double().numpy()
        self.has_joint = pose.confidence[0].numpy() > 0
        self.shifts: dict[tuple[int, int], np.ndarray] = {}

    def nearest(self, point: np.ndarray, reach: float) -> tuple[int, int]:
        """The joint (person, index) nearest to a point. Raises ValueError beyond `reach`."""
        distance = np.linalg.norm(self.still - point, axis=-1)
        distance[~self.has_joint] = np.inf
        person, place = np.unravel_index(int(distance.argmin()), distance.shape)
        if not distance[person, place] <= reach:
            raise ValueError(
                f"({point[0]:.0f}, {point[1]:.0f}) is near no joint (within {reach:.0f} px). "
                "Start it on a joint, or move the image with Expand Motion instead."
            )
        return int(person), int(place)

    def set_shift(self, who: tuple[int, int], shift: np.ndarray) -> None:
        """Give a joint its own displacement. Raises ValueError when it already has one."""
        if who in self.shifts:
            raise ValueError("another layer already holds its joint; keep one of the two.")
        self.shifts[who] = shift

    def carried(self, frames: int) -> np.ndarray:
        """(T, P, 137, 2) displacement of every joint: its own, or else its parent's."""
        moved = np.zeros((frames, *self.still.shape))
        for person in range(len(self.still)):
            for bone in (None, *BONES):
                place = BONES[0].parent if bone is None else bone.child
                own = self.shifts.get((person, place))
                if own is not None:
                    moved[:, person, place] = own
                elif bone is not None:
                    moved[:, person, place] = moved[:, person, bone.parent]
        return moved


def _apply_layer(joints: _JointShifts, layer: Layer, document: MotionDocument, frames: int) -> None:
    size = joints.pose.size
    if isinstance(layer, DragLayer):
        path = sample_path(layer.path, frames=frames, size=size, drawn_on=document.drawn_on)
        reach = max(layer.brush.radius, REACH_FRAC) * size.short_side
        joints.set_shift(joints.nearest(path.xy[0], reach), path.xy - path.xy[0])
    elif isinstance(layer, PinLayer) and layer.area == "polygon":
        for who in _pinned(joints, layer):
            joints.set_shift(who, np.zeros((frames, 2)))
    else:
        raise ValueError(
            "moves no joints: a pose is moved by drags and pins alone. Disable the layer, or "
            "expand it on its own (Expand Motion) and combine the two (Combine Tracks)."
        )


def _pinned(joints: _JointShifts, layer: PinLayer) -> Sequence[tuple[int, int]]:
    canvas = np.array(joints.pose.size, dtype=np.float64)
    reach = REACH_FRAC * joints.pose.size.short_side
    found = [joints.nearest(np.array(point) * canvas, reach) for point in layer.points]
    if layer.polygon is not None:
        flat = torch.from_numpy(joints.still.reshape(-1, 2))
        inside = np.asarray(points_inside_polygon(flat, np.array(layer.polygon) * canvas))
        found += [
            (int(person), int(place))
            for person, place in np.argwhere(
                inside.reshape(joints.has_joint.shape) & joints.has_joint
            )
        ]
    return list(dict.fromkeys(found))


def _check_proportions(pose: PoseSequence, document: MotionDocument) -> None:
    here, drawn = pose.size, document.drawn_on
    if not same_proportions(here, drawn):
        raise CanvasError(
            f"the pose is on {here} but the drawing was made on {drawn}, which has other "
            "proportions; draw over the image the pose was found in."
        )
