"""Named camera moves, as data.

A move is made of parts that act one after another in the frame of the camera where the move
begins. Names say where the camera goes, not where the picture seems to go: "orbit_left" takes the
camera to its left around the pivot, "pan_left" turns it to its left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..document.easing import Easing, ease_value
from ..progress import Progress, silent
from .camera_path import CameraPath
from .pose import inverse, look_at, make_pose, rotation_about, turn_about
from .setup import CameraSetup

Unit = Literal["degrees", "distance"]
Kind = Literal[
    "orbit", "turn", "travel", "approach", "crane", "spiral", "handheld", "zoom_with_travel"
]
Vector = tuple[float, float, float]

RIGHT, DOWN, FORWARD = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
LEFT, UP, BACK = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)

# Degrees, or distances in any unit: float64 keeps a millionth of a turn and of a scene there.
MAX_AMOUNT = 1e6
# Frames between two calls of progress.
FRAMES = 64

# Handheld: frequencies of the sway, per second when the clip's rate is known, otherwise per clip,
# and the camera's shift (in pivot distances) for each degree of sway.
SWAYS_PER_SECOND = (0.4, 1.1, 2.3)
SWAYS_PER_CLIP = (1.5, 4.0, 8.0)
SWAY_WEIGHTS = (1.0, 0.5, 0.2)
SHIFT_PER_DEGREE = 0.004


@dataclass(frozen=True)
class Part:
    """One motion of a move.

    Attributes:
        kind: Which motion, a key of KINDS.
        axis: Axis of a turn (right-handed) or direction of a travel.
        rate: Amount of this motion for each unit of the move's amount.
    """

    kind: Kind
    axis: Vector
    rate: float = 1.0


@dataclass(frozen=True)
class Preset:
    """A named move: its parts, the unit of its amount, and a default amount.

    The unit "degrees" means degrees; "distance" means pivot distances unless the move uses scene
    units.
    """

    parts: tuple[Part, ...]
    unit: Unit
    amount: float
    about: str
    easing: Easing = "ease_in_out"


def _one(kind: Kind, axis: Vector, unit: Unit, amount: float, about: str) -> Preset:
    return Preset((Part(kind, axis),), unit, amount, about)


PRESETS: Mapping[str, Preset] = {
    "orbit_left": _one("orbit", UP, "degrees", 30.0, "Orbit to the left around the pivot."),
    "orbit_right": _one("orbit", DOWN, "degrees", 30.0, "Orbit to the right around the pivot."),
    "orbit_up": _one("orbit", RIGHT, "degrees", 20.0, "Orbit upwards over the pivot."),
    "orbit_down": _one("orbit", LEFT, "degrees", 20.0, "Orbit downwards under the pivot."),
    "arc_left": Preset(
        (Part("orbit", UP), Part("approach", FORWARD, 0.006)),
        "degrees",
        40.0,
        "Orbit to the left and move closer.",
    ),
    "arc_right": Preset(
        (Part("orbit", DOWN), Part("approach", FORWARD, 0.006)),
        "degrees",
        40.0,
        "Orbit to the right and move closer.",
    ),
    "dolly_in": _one("travel", FORWARD, "distance", 0.3, "Move closer."),
    "dolly_out": _one("travel", BACK, "distance", 0.3, "Move away."),
    "truck_left": _one("travel", LEFT, "distance", 0.2, "Move left without rotation."),
    "truck_right": _one("travel", RIGHT, "distance", 0.2, "Move right without rotation."),
    "pedestal_up": _one("travel", UP, "distance", 0.15, "Move up without rotation."),
    "pedestal_down": _one("travel", DOWN, "distance", 0.15, "Move down without rotation."),
    "pan_left": _one("turn", UP, "degrees", 15.0, "Rotate left in place."),
    "pan_right": _one("turn", DOWN, "degrees", 15.0, "Rotate right in place."),
    "tilt_up": _one("turn", RIGHT, "degrees", 10.0, "Rotate upwards in place."),
    "tilt_down": _one("turn", LEFT, "degrees", 10.0, "Rotate downwards in place."),
    "roll_left": _one("turn", BACK, "degrees", 15.0, "Roll to the left."),
    "roll_right": _one("turn", FORWARD, "degrees", 15.0, "Roll to the right."),
    "crane_up": _one("crane", UP, "distance", 0.3, "Move up and keep the pivot in view."),
    "crane_down": _one("crane", DOWN, "distance", 0.15, "Move down and keep the pivot in view."),
    "spiral": _one("spiral", FORWARD, "distance", 0.1, "Circle once while looking at the pivot."),
    "handheld": Preset(
        (Part("handheld", FORWARD),), "degrees", 0.8, "Sway like a handheld camera.", "linear"
    ),
    "dolly_zoom_in": _one(
        "zoom_with_travel",
        FORWARD,
        "distance",
        0.35,
        "Move closer and widen the field of view to match.",
    ),
    "dolly_zoom_out": _one(
        "zoom_with_travel",
        BACK,
        "distance",
        0.6,
        "Move away and narrow the field of view to match.",
    ),
}


@dataclass(frozen=True)
class CameraMove:
    """One use of a preset.

    Attributes:
        name: A key of PRESETS.
        amount: Degrees or distance; None for the preset's own.
        unit: Unit of a distance: the depth of the pivot ("pivot") or the depth map's own units
            ("scene").
        easing: Easing over the move; None for the preset's own.
        share: The move's part of the clip, relative to the moves it is chained with.
        seed: Seed of the handheld move.

    Raises:
        ValueError: The preset is unknown, the amount is not finite, or the share is not above 0.
    """

    name: str
    amount: float | None = None
    unit: Literal["pivot", "scene"] = "pivot"
    easing: Easing | None = None
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name not in PRESETS:
            raise ValueError(
                f"unknown camera move {self.name!r:.60}; there are {', '.join(PRESETS)}."
            )
        if self.amount is not None and not abs(self.amount) <= MAX_AMOUNT:
            raise ValueError(
                f"{self.name}: the amount must be finite and from {-MAX_AMOUNT:g} to "
                f"{MAX_AMOUNT:g}; got {self.amount}."
            )
        if self.unit not in ("pivot", "scene"):
            raise ValueError(f"{self.name}: unit must be 'pivot' or 'scene'; got {self.unit!r}.")
        if not (math.isfinite(self.share) and self.share > 0):
            raise ValueError(f"{self.name}: share must be above 0; got {self.share}.")


def make_path(
    moves: Sequence[CameraMove], setup: CameraSetup, *, progress: Progress = silent
) -> CameraPath:
    """Chain moves to a camera path; each begins where the previous one ends.

    The first frame is the picture's own view. Without moves the camera stands still.

    Args:
        moves: The moves in order.
        setup: The picture's camera, the pivot and the number of frames.
        progress: Called with (moves done, all of them) every few frames.

    Raises:
        ValueError: A dolly zoom would reach or pass the pivot, or the camera gets too far away.
    """
    poses = torch.eye(4, dtype=torch.float64).repeat(setup.frames, 1, 1)
    focal = torch.ones(setup.frames, dtype=torch.float64)
    times, total, done = setup.times(), sum(move.share for move in moves), 0.0
    start, zoom = torch.eye(4, dtype=torch.float64), 1.0
    if not math.isfinite(total):
        raise ValueError(f"the shares of the moves must have a finite sum; got {total}.")
    for place, move in enumerate(moves):
        first, last = done / total, (done + move.share) / total
        if not first < last:
            raise ValueError(f"{move.name}: its share of {move.share:g} in {total:g} is too small.")
        is_here = (times > first) | (first == 0.0)
        # Each frame once: those of later moves are theirs.
        frames = np.nonzero(is_here & ((times <= last) | (place == len(moves) - 1)))[0]
        motion = _Motion.of(move, setup, start, seconds=_seconds(setup, last - first))
        fraction = ease_value(motion.easing, (times[frames] - first) / (last - first))
        for frame, done_fraction in zip(frames.tolist(), fraction.tolist(), strict=True):
            poses[frame], focal[frame] = motion.at(done_fraction, start, zoom)
            if frame % FRAMES == 0:
                progress(place, len(moves))
        start, zoom = motion.at(1.0, start, zoom)
        done += move.share
        progress(place + 1, len(moves))
    return setup.path(poses, focal)


def _seconds(setup: CameraSetup, fraction: float) -> float | None:
    return None if setup.fps is None else fraction * setup.frames / setup.fps


@dataclass(frozen=True, eq=False)
class _Motion:
    """A move prepared for evaluation at any fraction of its duration."""

    parts: tuple[Part, ...]
    amount: float
    distance: float
    pivot: Tensor
    easing: Easing
    sway: Callable[[float], Tensor]

    @staticmethod
    def of(
        move: CameraMove, setup: CameraSetup, start: Tensor, *, seconds: float | None
    ) -> _Motion:
        preset = PRESETS[move.name]
        amount = preset.amount if move.amount is None else move.amount
        if preset.unit == "distance" and (move.unit == "pivot" or move.amount is None):
            amount *= setup.distance
        pivot = start[:3, :3] @ setup.pivot.double().cpu() + start[:3, 3]
        easing = preset.easing if move.easing is None else move.easing
        return _Motion(
            preset.parts, amount, setup.distance, pivot, easing, _sway(move.seed, seconds)
        )

    def at(self, fraction: float, start: Tensor, zoom: float) -> tuple[Tensor, float]:
        """The pose and focal scale after a fraction (0..1) of the move."""
        pose = torch.eye(4, dtype=torch.float64)
        for part in self.parts:
            pose = KINDS[part.kind](self, part, fraction) @ pose
            if part.kind == "zoom_with_travel":
                zoom *= self._matching_zoom(part, fraction)
        return pose @ start, zoom

    def _matching_zoom(self, part: Part, fraction: float) -> float:
        """Focal scale that keeps the pivot's plane the same size."""
        left = float(self.pivot[2]) - self.amount * part.rate * fraction * part.axis[2]
        if left <= 0.0:
            raise ValueError(
                "the dolly zoom passes the pivot, where no focal length keeps its size; use a "
                "smaller amount."
            )
        return left / float(self.pivot[2])


def _orbit(motion: _Motion, part: Part, fraction: float) -> Tensor:
    return turn_about(motion.pivot, part.axis, motion.amount * part.rate * fraction)


def _turn(motion: _Motion, part: Part, fraction: float) -> Tensor:
    # Turning the camera one way turns the world the other way.
    return make_pose(rotation_about(part.axis, -motion.amount * part.rate * fraction))


def _travel(motion: _Motion, part: Part, fraction: float) -> Tensor:
    return make_pose(None, [-motion.amount * part.rate * fraction * along for along in part.axis])


def _approach(motion: _Motion, part: Part, fraction: float) -> Tensor:
    """Travel beside a turn: `rate` counts pivot distances for each degree."""
    pose = _travel(motion, part, fraction)
    pose[:3, 3] *= motion.distance
    return pose


def _crane(motion: _Motion, part: Part, fraction: float) -> Tensor:
    """Travel along the axis and keep the pivot where it was on the picture's vertical."""
    eye = torch.tensor(part.axis, dtype=torch.float64) * motion.amount * part.rate * fraction
    return _keep_facing(eye, motion.pivot)


def _spiral(motion: _Motion, part: Part, fraction: float) -> Tensor:
    angle, radius = 2.0 * math.pi * fraction, motion.amount * part.rate
    around = (math.sin(angle), math.cos(angle) - 1.0, 0.5 * (1.0 - math.cos(angle)))
    eye = torch.tensor(around, dtype=torch.float64) * radius
    return _keep_facing(eye, motion.pivot)


def _keep_facing(eye: Tensor, pivot: Tensor) -> Tensor:
    """The pose at `eye` that keeps the pivot where the pose at the origin shows it."""
    toward = look_at((0.0, 0.0, 0.0), pivot)
    return inverse(toward) @ look_at(eye, pivot)


def _handheld(motion: _Motion, part: Part, fraction: float) -> Tensor:
    sway = motion.sway(fraction) * motion.amount * part.rate
    turn = rotation_about(RIGHT, float(sway[0])) @ rotation_about(DOWN, float(sway[1]))
    turn = turn @ rotation_about(FORWARD, 0.5 * float(sway[2]))
    return make_pose(turn, sway[3:] * SHIFT_PER_DEGREE * motion.distance)


KINDS: Mapping[Kind, Callable[[_Motion, Part, float], Tensor]] = {
    "orbit": _orbit,
    "turn": _turn,
    "travel": _travel,
    "approach": _approach,
    "crane": _crane,
    "spiral": _spiral,
    "handheld": _handheld,
    "zoom_with_travel": _travel,
}


def _sway(seed: int, seconds: float | None) -> Callable[[float], Tensor]:
    """Six smooth random functions of the fraction 0..1, zero at 0 and of about unit size."""
    generator = torch.Generator().manual_seed(seed)
    rates = SWAYS_PER_CLIP if seconds is None else [rate * seconds for rate in SWAYS_PER_SECOND]
    jitter = 0.8 + 0.4 * torch.rand(len(rates), 6, generator=generator, dtype=torch.float64)
    phase = 2.0 * math.pi * torch.rand(len(rates), 6, generator=generator, dtype=torch.float64)
    omega = 2.0 * math.pi * torch.tensor(list(rates), dtype=torch.float64)[:, None] * jitter
    weights = torch.tensor(SWAY_WEIGHTS, dtype=torch.float64)[:, None]

    def at(fraction: float) -> Tensor:
        swings = torch.sin(omega * fraction + phase) - torch.sin(phase)
        return (weights * swings).sum(dim=0)

    return at
