"""Comparison of realised tracks with target tracks in one clip."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..progress import Progress, silent
from ..trackers import LucasKanade, Tracker
from ..tracks import select
from ..tracks.model import Tracks
from ..tracks.start import first_visible, track_starts
from .tapvid import THRESHOLDS_PX, TapVidScores, tapvid_scores
from .video_similarity import psnr, ssim


@dataclass(frozen=True, eq=False)
class Comparison:
    """Target and realised tracks, point by point, and their errors.

    Attributes:
        target, realised: the same N points in the same order.
        error: (T, N) pixels of the canvas; NaN where either is not visible, and where a track
            starts.
        epe: its mean; NaN where all of it is.
        found: the fraction of the target's visible points that are visible as realised.
        scores: TAP-Vid's.
    """

    target: Tracks
    realised: Tracks
    error: Tensor
    epe: float
    found: float
    scores: TapVidScores

    def to_text(self) -> str:
        """The figures as text."""
        known = self.error[~self.error.isnan()]
        if not len(known):
            return (
                "none of the points is visible where it should be. A tracker finds nothing on flat "
                "or blurred surfaces; connect the realised tracks where the model returns them."
            )
        worst = self.error.nan_to_num(-1.0).amax(dim=0)
        index = int(worst.argmax())
        frame = int(self.error[:, index].nan_to_num(-1.0).argmax())
        near = ", ".join(
            f"{100 * fraction:.0f} % within {limit:g}"
            for limit, fraction in zip(THRESHOLDS_PX, self.scores.delta, strict=True)
        )
        return "\n".join(
            [
                f"endpoint error {self.epe:.2f} px, median {float(known.median()):.2f} px "
                f"({len(known)} places of {self.target.num_points} tracks on {self.target.size})",
                f"pixels of a 256-pixel image: {near}; mean of these "
                f"{100 * self.scores.delta_avg:.0f} %",
                f"visibility right: {100 * self.scores.occlusion_accuracy:.1f} %; found again: "
                f"{100 * self.found:.1f} % of the visible points",
                f"worst: track {int(self.target.ids[index])}, {float(worst[index]):.1f} px off in "
                f"frame {frame}",
            ]
        )


def compare_tracks(target: Tracks, realised: Tracks) -> Comparison:
    """Errors of realised tracks against target tracks.

    Tracks are matched by their ids; tracks without a target are ignored. The first frame in which
    a target is visible is the input, and does not count.

    Raises:
        CanvasError, ShapeError: the tracks are of another canvas or length.
        ValueError: they have no track in common, or no target is visible after its start.
    """
    if target.size != realised.size:
        raise CanvasError(
            f"the target tracks lie on {target.size}, the realised ones on {realised.size}; bring "
            "them to one canvas first (Transform Tracks)."
        )
    if target.num_frames != realised.num_frames:
        raise ShapeError(
            f"the target tracks have {target.num_frames} frames but the realised ones "
            f"{realised.num_frames}; bring them to one length first (Retime Tracks)."
        )
    target, realised = _paired(target.to("cpu"), realised.to("cpu"))
    first, _ = first_visible(target.visible)
    later = torch.arange(target.num_frames)[:, None] > first
    expected = target.visible & later
    both = expected & realised.visible
    if not bool(expected.any()):
        raise ValueError(
            "no target track is visible after the frame it starts in; there is nothing to compare."
        )
    apart = (realised.xy - target.xy).norm(dim=-1)
    error = torch.where(both, apart, torch.full_like(apart, math.nan))
    scores = tapvid_scores(realised, target, first, "after")
    found = float(both.sum()) / float(expected.sum())
    epe = float(apart[both].mean()) if found else math.nan
    return Comparison(target, realised, error, epe, found, scores)


def retrack(
    frames: Tensor,
    target: Tracks,
    tracker: Tracker | None = None,
    progress: Progress = silent,
) -> Tracks:
    """The target tracks as a tracker finds them in a video.

    Every track is followed from where it is first visible. Tracks that are never visible, or that
    start outside the canvas, are left out.

    Args:
        frames: (T, H, W, 3) 0..1.
        target: on the video's canvas, of its length.
        tracker: Lucas-Kanade if None.
        progress: of the tracker.

    Raises:
        CanvasError, ShapeError: the video is of another size or length.
        ValueError: no track can be followed.
    """
    height, width = frames.shape[1:3]
    if (width, height) != tuple(target.size):
        raise CanvasError(
            f"the frames are {width}x{height} but the tracks' canvas is {target.size}; bring the "
            "tracks to the frames first (Transform Tracks)."
        )
    if len(frames) != target.num_frames:
        raise ShapeError(
            f"there are {len(frames)} frames but tracks of {target.num_frames}; bring them to one "
            "length first (Retime Tracks)."
        )
    target = target.to("cpu")
    first, start, has_start = track_starts(target)
    inside = ((start >= 0) & (start < start.new_tensor(target.size))).all(dim=-1)
    kept = (inside & has_start).nonzero().squeeze(1)
    if not len(kept):
        raise ValueError("no track is ever visible on the canvas; there is nothing to follow.")
    queries = torch.cat([first[kept, None].float(), start[kept]], dim=1)
    realised = (tracker or LucasKanade()).track(frames, queries, progress)
    return replace(realised, ids=target.ids[kept], fps=target.fps)


def similarity_text(frames: Tensor, truth: Tensor, progress: Progress = silent) -> str:
    """PSNR and SSIM of a video against the true one as text, without their first frame.

    Args:
        frames: (T, H, W, 3) 0..1.
        truth: of the same shape.
        progress: As in psnr and ssim.

    Raises:
        ShapeError: the shapes differ, there is a single frame, or it is too small for SSIM.
    """
    if len(frames) < 2:
        raise ShapeError("a video of one frame is the input image; there is nothing to compare.")
    peak = psnr(frames[1:], truth[1:], progress)
    return f"PSNR {peak:.2f} dB; SSIM {ssim(frames[1:], truth[1:], progress):.3f}"


def _paired(target: Tracks, realised: Tracks) -> tuple[Tracks, Tracks]:
    """The tracks that are in both, in the order of the target."""
    place = {int(track): index for index, track in enumerate(realised.ids)}
    pairs = [
        (row, place[int(track)]) for row, track in enumerate(target.ids) if int(track) in place
    ]
    if not pairs:
        raise ValueError(
            "target and realised tracks have no id in common; connect the realised tracks of the "
            "same run, or only its frames."
        )
    rows, columns = torch.tensor(pairs).T
    return select(target, rows), select(realised, columns)
