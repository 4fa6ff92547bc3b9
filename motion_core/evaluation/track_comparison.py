"""One clip: where tracks were asked to go, and where they went."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import CanvasError, MissingExtraError, ShapeError
from ..progress import Progress, silent
from ..trackers import LucasKanade, Tracker
from ..tracks import select
from ..tracks.model import Tracks
from ..tracks.start import first_visible, track_starts
from .tapvid import THRESHOLDS_PX, TapVidScores, tapvid_scores
from .video_similarity import psnr, ssim


@dataclass(frozen=True, eq=False)
class Comparison:
    """Asked and realised tracks, point by point, and what they differ by.

    asked, realised: the same N points in the same order. miss: (T, N) pixels of the canvas; NaN
    where either is not visible, and where a track starts. epe: its mean, NaN where all is. found:
    the share of the asked-for visible points that are visible as realised. scores: TAP-Vid's.
    """

    asked: Tracks
    realised: Tracks
    miss: Tensor
    epe: float
    found: float
    scores: TapVidScores

    def to_text(self) -> str:
        """The figures in words."""
        known = self.miss[~self.miss.isnan()]
        if not len(known):
            return (
                "none of the points is visible where it should be. A tracker finds nothing on flat "
                "or blurred surfaces; connect the realised tracks where the model tells them."
            )
        worst = self.miss.nan_to_num(-1.0).amax(dim=0)
        index = int(worst.argmax())
        frame = int(self.miss[:, index].nan_to_num(-1.0).argmax())
        near = ", ".join(
            f"{100 * share:.0f} % within {limit:g}"
            for limit, share in zip(THRESHOLDS_PX, self.scores.delta, strict=True)
        )
        return "\n".join(
            [
                f"endpoint error {self.epe:.2f} px, median {float(known.median()):.2f} px "
                f"({len(known)} places of {self.asked.num_points} tracks on {self.asked.size})",
                f"pixels of a 256-pixel picture: {near}; mean of these "
                f"{100 * self.scores.delta_avg:.0f} %",
                f"visibility as asked: {100 * self.scores.occlusion_accuracy:.1f} %; found again: "
                f"{100 * self.found:.1f} % of the visible points",
                f"worst: track {int(self.asked.ids[index])}, {float(worst[index]):.1f} px off in "
                f"frame {frame}",
            ]
        )


def compare_tracks(asked: Tracks, realised: Tracks) -> Comparison:
    """How far realised tracks are from those asked for.

    Tracks are matched by their ids; tracks that were never asked for are ignored. The first frame
    in which a track is visible is where it was given, and does not count. Raises CanvasError or
    ShapeError for tracks of another canvas or length, ValueError when they have no track in common
    or none of those asked for is visible after its start.
    """
    if asked.size != realised.size:
        raise CanvasError(
            f"the tracks were asked for on {asked.size} but realised on {realised.size}; bring "
            "them to one canvas first (Transform Tracks)."
        )
    if asked.num_frames != realised.num_frames:
        raise ShapeError(
            f"{asked.num_frames} frames were asked for but {realised.num_frames} realised; bring "
            "them to one length first (Retime Tracks)."
        )
    asked, realised = _paired(asked.to("cpu"), realised.to("cpu"))
    first, _ = first_visible(asked.visible)
    later = torch.arange(asked.num_frames)[:, None] > first
    shown = asked.visible & later
    both = shown & realised.visible
    if not bool(shown.any()):
        raise ValueError(
            "no track is asked to be visible after the frame it starts in; there is nothing to "
            "compare."
        )
    apart = (realised.xy - asked.xy).norm(dim=-1)
    miss = torch.where(both, apart, torch.full_like(apart, math.nan))
    scores = tapvid_scores(realised, asked, first, "after")
    found = float(both.sum()) / float(shown.sum())
    epe = float(apart[both].mean()) if found else math.nan
    return Comparison(asked, realised, miss, epe, found, scores)


def tracks_again(
    frames: Tensor,
    asked: Tracks,
    tracker: Tracker | None = None,
    progress: Progress = silent,
) -> Tracks:
    """The asked-for tracks as a tracker sees them in a video, (T, H, W, 3) 0..1.

    Every track is followed from where it is first visible; those that never are, or are not on the
    canvas then, are left out. tracker: Lucas-Kanade unless another is given. Raises CanvasError or
    ShapeError when the video is of another size or length, ValueError when nothing is left.
    """
    height, width = frames.shape[1:3]
    if (width, height) != tuple(asked.size):
        raise CanvasError(
            f"the frames are {width}x{height} but the tracks' canvas is {asked.size}; bring the "
            "tracks to the frames first (Transform Tracks)."
        )
    if len(frames) != asked.num_frames:
        raise ShapeError(
            f"there are {len(frames)} frames but tracks of {asked.num_frames}; bring them to one "
            "length first (Retime Tracks)."
        )
    asked = asked.to("cpu")
    first, start, has_start = track_starts(asked)
    inside = ((start >= 0) & (start < start.new_tensor(asked.size))).all(dim=-1)
    kept = (inside & has_start).nonzero().squeeze(1)
    if not len(kept):
        raise ValueError("no track is ever visible on the canvas; there is nothing to follow.")
    queries = torch.cat([first[kept, None].float(), start[kept]], dim=1)
    found = (tracker or LucasKanade()).track(frames, queries, progress)
    return replace(found, ids=asked.ids[kept], fps=asked.fps)


def likeness_text(frames: Tensor, truth: Tensor) -> str:
    """How alike a video and the true one are, (T, H, W, 3) 0..1, without their first frame.

    Raises ShapeError for videos of different shapes or a single frame.
    """
    if len(frames) < 2:
        raise ShapeError("a video of one frame is the picture that was given; nothing to compare.")
    peak = psnr(frames[1:], truth[1:])
    try:
        alike = f"SSIM {ssim(frames[1:], truth[1:]):.3f}"
    except MissingExtraError as missing:
        alike = str(missing)
    return f"PSNR {peak:.2f} dB; {alike}"


def _paired(asked: Tracks, realised: Tracks) -> tuple[Tracks, Tracks]:
    """The tracks that both have, in the asked-for order."""
    place = {int(one): index for index, one in enumerate(realised.ids)}
    pairs = [(row, place[int(one)]) for row, one in enumerate(asked.ids) if int(one) in place]
    if not pairs:
        raise ValueError(
            "asked and realised tracks have no id in common; connect the realised tracks of the "
            "same run, or only its frames."
        )
    mine, theirs = torch.tensor(pairs).T
    return select(asked, mine), select(realised, theirs)
