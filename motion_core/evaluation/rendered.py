"""Errors of the video that a motion makes: what a person will see."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..draft import draft_frames
from ..errors import CanvasError, ShapeError
from ..fields.render import FieldRenderer
from ..geometry import Size
from ..models.lite import render_field
from ..trackers import LucasKanade, Tracker, track_queries
from ..tracks.model import Tracks
from .baselines import Question
from .methods import DRAFT, Answer
from .perceptual import Perceptual
from .pictures import psnr, ssim

PLACES = ("psnr", "ssim", "lpips", "followed", "found")


def video_of(name: str, answer: Answer, question: Question) -> Tensor:
    """(T, H, W, 3) the picture moved by a method's answer; the draft draws its own."""
    if name == DRAFT:
        return torch.stack(list(draft_frames(question.image, question.tracks)))
    frames, _ = render_field(question.image, answer(question))
    return frames


def last_frame_of(name: str, answer: Answer, question: Question) -> Tensor:
    """(H, W, 3) the last frame of video_of, alone."""
    if name == DRAFT:
        return list(draft_frames(question.image, question.tracks))[-1]
    field = answer(question)
    colours, _ = FieldRenderer(question.image, field).draw(field.frames - 1)
    return torch.from_numpy(colours)


def video_errors(
    video: Tensor, truth: Tensor, asked: Tracks, perceptual: Perceptual
) -> dict[str, float]:
    """What can be measured of a video against the true one and against the tracks it was asked for.

    Frame 0 is given and does not count. psnr, ssim, lpips: see pictures.py and perceptual.py, the
    last NaN where its weights are missing. followed, found: see followed().
    """
    miss, found = followed(video, asked)
    return {
        "psnr": psnr(video[1:], truth[1:]),
        "ssim": ssim(video[1:], truth[1:]),
        "lpips": perceptual(video[1:], truth[1:]),
        "followed": miss,
        "found": found,
    }


def followed(video: Tensor, asked: Tracks, tracker: Tracker | None = None) -> tuple[float, float]:
    """How far a video's points, found again by a tracker, are from where they were asked to be.

    The tracker, Lucas-Kanade unless another is given, goes forwards and backwards and gives up a
    point that does not come back. Returns the mean endpoint error in pixels over what it found of
    the asked-for visible points of frames 1..T-1, and the share that it found; NaN where nothing
    was asked or found.
    Raises CanvasError or ShapeError when video and tracks do not belong together.
    """
    height, width = video.shape[1:3]
    if Size(width, height) != asked.size:
        raise CanvasError(f"the video is {width}x{height} but the tracks lie on {asked.size}.")
    if len(video) != asked.num_frames:
        raise ShapeError(f"the video has {len(video)} frames, the tracks {asked.num_frames}.")
    start = asked.visible[:1].any(dim=0) & _inside(asked)
    if asked.num_frames < 2 or not bool(asked.visible[1:, start].any()):
        return math.nan, math.nan
    queries, ids = track_queries(asked, 0, asked.size)
    again = (tracker or LucasKanade()).track(video, queries)
    kept = torch.isin(asked.ids, ids)
    shown = asked.visible[1:, kept]
    both = shown & again.visible[1:]
    if not bool(both.any()):
        return math.nan, 0.0
    miss = (again.xy - asked.xy[:, kept]).norm(dim=-1)[1:][both]
    return float(miss.mean()), float(both.sum()) / float(shown.sum())


def _inside(tracks: Tracks) -> Tensor:
    size = tracks.xy.new_tensor(tracks.size)
    return ((tracks.xy[0] >= 0) & (tracks.xy[0] < size)).all(dim=-1)
