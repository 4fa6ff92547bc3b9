"""The measures of the suites: each takes a video and its case, and gives one figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ...geometry import Size
from ...trackers import Tracker, grid_queries
from ...tracks.model import Tracks
from ..motion_fidelity import motion_fidelity
from ..track_comparison import compare_tracks, retrack
from ..video_similarity import psnr, ssim
from .backbones import Backbone, Distance
from .case import SuiteCase, matched_frames, matched_tracks, on_canvas, read_frames
from .readers import mask_of

# Background points lie on a grid of so many across the longer side (CoTracker's 10 x 10 default).
BACKGROUND_ACROSS = 16
# Without a mask, a point counts as background when it is at least this share of the longer side
# away from where a drag starts.
BACKGROUND_FRAC = 0.15
FIDELITY_ACROSS = 16


@dataclass(frozen=True, eq=False)
class Tools:
    """What the measures use; its names go into the report.

    Attributes:
        tracker: Follows points in videos.
        tracker_name: Of the registry.
        backbone: Gives features for frame consistency and matching.
        lpips: Learned distance of pictures, or None without weights.
    """

    tracker: Tracker
    tracker_name: str
    backbone: Backbone
    lpips: Distance | None = None


class Scene:
    """A video with its case, and what several measures need of both, computed once.

    Args:
        case: The case.
        frames: (T, H, W, 3) float 0..1 of the video, on any canvas of the case's proportions.
        tools: See Tools.
    """

    def __init__(self, case: SuiteCase, frames: Tensor, tools: Tools) -> None:
        self.case, self.tools = case, tools
        self.frames = on_canvas(frames, case.size, "the video")

    @cached_property
    def target(self) -> Tracks:
        """The case's tracks over the video's frames."""
        return matched_tracks(self.case, len(self.frames))

    @cached_property
    def realised(self) -> Tracks:
        """The target's points as the tracker finds them in the video."""
        return retrack(self.frames, self.target, self.tools.tracker)

    @cached_property
    def truth(self) -> Tensor:
        """The true video's frames at the video's times, on the case's canvas."""
        assert self.case.truth is not None
        frames = matched_frames(read_frames(self.case.truth), len(self.frames))
        if self.case.image is None:
            frames = _square(frames)
        return on_canvas(frames, self.case.size, "the true video")

    @cached_property
    def source(self) -> Tensor:
        """(H, W, 3): the picture of the case, or the video's own first frame."""
        if self.case.image is None:
            return self.frames[0]
        return on_canvas(read_frames(self.case.image), self.case.size, "the picture")[0]

    @cached_property
    def features(self) -> Tensor:
        """(T, C) unit features of the video's frames."""
        return self.tools.backbone.global_features(self.frames)


def _square(frames: Tensor) -> Tensor:
    height, width = frames.shape[1:3]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    return frames[:, top : top + short, left : left + short]


def epe(scene: Scene) -> float:
    """Endpoint error: mean distance of target and tracked points where both are visible, pixels.

    Motion Prompting A.8 and MoveBench. The frame in which a track starts does not count.
    """
    return compare_tracks(scene.target, scene.realised).epe


def found(scene: Scene) -> float:
    """Fraction of the target's visible points that the tracker finds; epe is of these alone."""
    return compare_tracks(scene.target, scene.realised).found


def trajectory_error(scene: Scene) -> float:
    """Mean distance of all points of the target and of the tracked ones in frames 1..T-1, pixels.

    ObjMC and CamMC of Image Conductor, MD-Vid of MotionPro, and CTD of Time-to-Move: one formula
    under four names. Trackers of those papers give a position where a point is hidden, too. A point
    that the tracker loses counts at its last visible position, so that losing it is no advantage.
    """
    return float(_distances(scene.target, held(scene.realised))[1:].mean())


def background_ctd(scene: Scene) -> float:
    """How far the background stays from the motion of the object, pixels; higher is better.

    The mean distance of the displacements of background points from those of the target, over
    frames 1..T-1, so that a video that pans the whole picture along the drag scores about 0. Points
    are background outside the case's mask, or without one, away from the starts of the target.
    """
    size, target = scene.case.size, scene.target
    queries = grid_queries(size, max(size) / BACKGROUND_ACROSS)
    queries = queries[_is_background(scene.case, queries[:, 1:], target)]
    if not len(queries):
        return math.nan
    tracks = held(scene.tools.tracker.track(scene.frames, queries))
    moved = tracks.xy - tracks.xy[:1]
    wanted = target.xy - target.xy[:1]
    apart = (moved[:, :, None] - wanted[:, None]).norm(dim=-1)
    return float(apart[1:].mean())


def _is_background(case: SuiteCase, points: Tensor, target: Tracks) -> Tensor:
    mask = mask_of(case)
    if mask is not None and bool(mask.any()):
        column, row = points.floor().long().unbind(-1)
        return ~mask[row, column]
    away = torch.cdist(points, target.xy[0]).amin(dim=1)
    return away > BACKGROUND_FRAC * max(case.size)


def held(tracks: Tracks) -> Tracks:
    """Tracks in which a point that is not visible stays where it was last visible."""
    xy = tracks.xy.clone()
    for frame in range(1, tracks.num_frames):
        hidden = ~tracks.visible[frame]
        xy[frame, hidden] = xy[frame - 1, hidden]
    return replace(tracks, xy=xy)


def _distances(target: Tracks, realised: Tracks) -> Tensor:
    """(T, N) pixels, of the tracks that are in both."""
    place = {int(track): index for index, track in enumerate(target.ids)}
    rows = torch.tensor([place[int(track)] for track in realised.ids])
    return (target.xy[:, rows] - realised.xy).norm(dim=-1)


def matching_distance(scene: Scene) -> float:
    """Mean distance, in pixels, of where the handles lie in the last frame from their targets.

    MD of DragBench and MD-Img of MC-Bench: the place of the last frame whose features are most
    similar to those at a handle in the source picture. Those papers take features of Stable
    Diffusion 2.1 (DIFT); figures of other backbones do not compare with theirs.
    """
    caption = scene.case.caption
    source = scene.tools.backbone.local_features(scene.source[None], caption)[0]
    last = scene.tools.backbone.local_features(scene.frames[-1:], caption)[0]
    size, target = scene.case.size, scene.target
    distances = []
    for start, end in zip(target.xy[0], target.xy[-1], strict=True):
        place = match(source, last, start, size)
        distances.append(float((place - end).norm()))
    return sum(distances) / len(distances)


def match(source: Tensor, other: Tensor, point: Tensor, size: Size) -> Tensor:
    """(2,) pixels: the centre of the pixel of `other` whose features are most similar (cosine) to
    those at a point of `source`, both resized to the picture bilinearly.

    Args:
        source, other: (C, h, w).
        point: (2,) pixels of a canvas of `size`.
        size: Of both pictures.
    """

    def grown(features: Tensor) -> Tensor:
        shape = (size.height, size.width)
        return torch.nn.functional.interpolate(features[None], shape, mode="bilinear")[0]

    edge = torch.tensor([size.width - 1, size.height - 1])
    column, row = point.floor().long().clamp(min=0).minimum(edge).tolist()
    vector = grown(source)[:, row, column]
    similar = torch.cosine_similarity(vector[:, None, None], grown(other), dim=0)
    best = int(similar.argmax())
    return torch.tensor([best % size.width + 0.5, best // size.width + 0.5])


def image_fidelity(scene: Scene) -> float:
    """1 - LPIPS of the source picture and the last frame at 224 x 224 (IF of DragBench)."""
    if scene.tools.lpips is None:
        return math.nan
    pair = torch.stack([scene.source, scene.frames[-1]]).movedim(-1, 1)
    small = torch.nn.functional.interpolate(pair, (224, 224), mode="bilinear").movedim(1, -1)
    return 1 - float(scene.tools.lpips(small[:1], small[1:]))


def psnr_of(scene: Scene) -> float:
    """PSNR against the true video, without frame 0, decibel."""
    return psnr(scene.frames[1:], scene.truth[1:])


def ssim_of(scene: Scene) -> float:
    """SSIM against the true video, without frame 0."""
    return ssim(scene.frames[1:], scene.truth[1:])


def lpips_of(scene: Scene) -> float:
    """LPIPS against the true video, without frame 0; NaN without its weights."""
    if scene.tools.lpips is None:
        return math.nan
    return float(scene.tools.lpips(scene.frames[1:], scene.truth[1:]).mean())


def fidelity(scene: Scene) -> float:
    """Motion fidelity (MOFT, Eq. 5, 6) to the true video, or to the target tracks without one."""
    if scene.case.truth is None:
        return motion_fidelity(scene.realised, scene.target)
    queries = grid_queries(scene.case.size, max(scene.case.size) / FIDELITY_ACROSS)
    tracker = scene.tools.tracker
    return motion_fidelity(
        tracker.track(scene.frames, queries), tracker.track(scene.truth, queries)
    )


def consistency(scene: Scene) -> float:
    """Frame consistency as VBench takes it (subject and background consistency).

    The mean over frames 1..T-1 of half the cosine similarity of features to the frame before plus
    half that to the first frame, negative ones as 0. VBench takes DINO for the subject and CLIP for
    the background; the report names the backbone.
    """
    features = scene.features
    if len(features) < 2:
        return math.nan
    before = (features[1:] * features[:-1]).sum(dim=-1).clamp(min=0)
    first = (features[1:] * features[:1]).sum(dim=-1).clamp(min=0)
    return float(((before + first) / 2).mean())


def flicker(scene: Scene) -> float:
    """Temporal flickering as VBench takes it: 1 - mean absolute difference of neighbouring frames
    of values 0..1; 1 for a still video."""
    if len(scene.frames) < 2:
        return math.nan
    return 1 - float((scene.frames[1:] - scene.frames[:-1]).abs().mean())


@dataclass(frozen=True)
class Measure:
    """A column of a report.

    Attributes:
        name: Of the column.
        unit: "" for a plain number.
        higher_is_better: Which end of the scale is good.
        needs: tracks, truth, image: what a case must have.
        kind: Only cases of this kind; "" for all.
        score: Computes it.
    """

    name: str
    unit: str
    higher_is_better: bool
    score: Callable[[Scene], float]
    needs: tuple[str, ...] = ()
    kind: str = ""

    def applies(self, case: SuiteCase) -> bool:
        """Whether a case has what the measure needs."""
        if self.kind and case.kind != self.kind:
            return False
        return all(getattr(case, one) is not None for one in self.needs)


TRACKS, TRUTH, IMAGE = ("tracks",), ("truth",), ("tracks", "image")
EPE = Measure("EPE", "px", False, epe, TRACKS)
FOUND = Measure("found", "", True, found, TRACKS)
PSNR = Measure("PSNR", "dB", True, psnr_of, TRUTH)
SSIM = Measure("SSIM", "", True, ssim_of, TRUTH)
LPIPS = Measure("LPIPS", "", False, lpips_of, TRUTH)
FIDELITY = Measure("motion fidelity", "", True, fidelity, TRACKS)
CONSISTENCY = Measure("frame consistency", "", True, consistency)
FLICKER = Measure("temporal flickering", "", True, flicker)
MD_VID = Measure("MD-Vid (CTD)", "px", False, trajectory_error, TRACKS)
MD_IMG = Measure("MD-Img", "px", False, matching_distance, IMAGE)
BACKGROUND = Measure("background CTD", "px", True, background_ctd, TRACKS)
IMAGE_FIDELITY = Measure("IF", "", True, image_fidelity, ("image",))
MD = Measure("MD", "px", False, matching_distance, IMAGE)
CAM_MC = Measure("CamMC", "px", False, trajectory_error, TRACKS, "camera")
OBJ_MC = Measure("ObjMC", "px", False, trajectory_error, TRACKS, "object")
