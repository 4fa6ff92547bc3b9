"""What a set of tracks is like, and what a video model may stumble over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry import Size
from .model import Tracks
from .visibility import inside_canvas

JUMP_FRACTION = 0.25
STILL_PX = 0.5
# Positions of which this share lies so near to the corner of so large a canvas are suspicious.
CORNER_PX, LARGE_PX, CORNER_SHARE = 3, 64, 0.9


@dataclass(frozen=True)
class TrackSummary:
    """Statistics of one set of tracks. Fractions are 0..1, lengths pixels of the canvas.

    Attributes:
        frames: T, the number of frames.
        points: N, the number of tracks.
        size: The canvas.
        fps: Frames per second, or None when unknown.
        visible_share: Fraction of visible positions among all T x N.
        inside_share: Fraction of the visible positions that lie on the canvas; 1 if none is
            visible.
        visible_at_start: Number of tracks visible in frame 0.
        mean_path: Mean length of a track, over steps between two visible frames.
        max_path: Length of the longest track.
        max_step: Length of the longest step.
        problems: Warnings for the user, one sentence each.
    """

    frames: int
    points: int
    size: Size
    fps: float | None
    visible_share: float
    inside_share: float
    visible_at_start: int
    mean_path: float
    max_path: float
    max_step: float
    problems: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The summary as lines of plain text, warnings last."""
        counts = f"{_plural(self.points, 'track')}, {_plural(self.frames, 'frame')}"
        rate = "fps unknown" if self.fps is None else f"{self.fps:g} fps"
        lines = [
            f"{counts}, canvas {self.size}, {rate}",
            f"visible {self.visible_share:.1%} of the time; "
            f"{self.visible_at_start} of {self.points} in the first frame",
            f"on the canvas {self.inside_share:.1%} of the visible positions",
            f"travel {self.mean_path:.1f} px on average, {self.max_path:.1f} px at most; "
            f"longest step {self.max_step:.1f} px",
        ]
        return "\n".join([*lines, *(f"warning: {problem}" for problem in self.problems)])


def summarize(tracks: Tracks) -> TrackSummary:
    """Counts, shares and lengths of some tracks, with warnings about what looks wrong."""
    steps = _visible_steps(tracks)
    paths = steps.sum(dim=0)
    shown = int(tracks.visible.sum())
    inside = int((tracks.visible & inside_canvas(tracks)).sum())
    return TrackSummary(
        frames=tracks.num_frames,
        points=tracks.num_points,
        size=tracks.size,
        fps=tracks.fps,
        visible_share=shown / max(tracks.visible.numel(), 1),
        inside_share=inside / shown if shown else 1.0,
        visible_at_start=int(tracks.visible[:1].sum()),
        mean_path=float(paths.mean()) if paths.numel() else 0.0,
        max_path=_largest(paths),
        max_step=_largest(steps),
        problems=tuple(_problems(tracks, steps)),
    )


def _visible_steps(tracks: Tracks) -> Tensor:
    """(max(T - 1, 0), N) lengths between neighbouring frames, 0 where either is invisible."""
    lengths = torch.linalg.vector_norm(tracks.xy[1:].double() - tracks.xy[:-1].double(), dim=-1)
    return lengths * (tracks.visible[1:] & tracks.visible[:-1])


def _largest(values: Tensor) -> float:
    return float(values.max()) if values.numel() else 0.0


def _problems(tracks: Tracks, steps: Tensor) -> list[str]:
    if tracks.num_points == 0:
        return ["there are no tracks, so nothing controls the motion."]
    if tracks.num_frames == 0:
        return ["there are no frames."]
    return [
        problem
        for problem in (
            _never_problem(tracks),
            _late_problem(tracks),
            _normalised_problem(tracks),
            _outside_problem(tracks),
            _jump_problem(tracks, steps),
            _still_problem(tracks, steps),
        )
        if problem
    ]


def _never_problem(tracks: Tracks) -> str:
    never = int((~tracks.visible.any(dim=0)).sum())
    return f"{_plural(never, 'track')} never visible, without any effect." if never else ""


def _late_problem(tracks: Tracks) -> str:
    late = int((tracks.visible.any(dim=0) & ~tracks.visible[0]).sum())
    if not late:
        return ""
    return (
        f"{_plural(late, 'track')} appearing only after the first frame; models that copy the look "
        "of the first frame (Wan-Move) misplace or ignore these."
    )


def _normalised_problem(tracks: Tracks) -> str:
    xy = tracks.xy[tracks.visible]
    if not len(xy) or tracks.size.short_side <= 2:
        return ""
    if bool(((xy >= 0) & (xy <= 1)).all()):
        return "all positions lie within 0..1; they look like fractions, but pixels are expected."
    in_corner = ((xy >= 0) & (xy <= CORNER_PX)).all(dim=-1)
    if tracks.size.short_side >= LARGE_PX and float(in_corner.float().mean()) >= CORNER_SHARE:
        return (
            f"{float(in_corner.float().mean()):.0%} of the visible positions lie within "
            f"{CORNER_PX} px of the corner; they may be fractions read as pixels."
        )
    return ""


def _outside_problem(tracks: Tracks) -> str:
    outside = int((tracks.visible & ~inside_canvas(tracks)).sum())
    if not outside:
        return ""
    share = outside / int(tracks.visible.sum())
    return (
        f"{share:.1%} of the visible positions lie outside the canvas; fit the tracks to the "
        "image, or hide what is outside."
    )


def _jump_problem(tracks: Tracks, steps: Tensor) -> str:
    limit = JUMP_FRACTION * tracks.size.short_side
    jumping = int((steps > limit).any(dim=0).sum())
    if not jumping:
        return ""
    return (
        f"{_plural(jumping, 'track')} moving more than {limit:.0f} px in one frame; video models "
        "rarely follow such jumps."
    )


def _still_problem(tracks: Tracks, steps: Tensor) -> str:
    if tracks.num_frames > 1 and _largest(steps.sum(dim=0)) < STILL_PX:
        return "nothing moves; the tracks hold the image still."
    return ""


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
