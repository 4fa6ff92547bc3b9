"""track: the motion of a video file to tracks."""

from __future__ import annotations

import os
from argparse import Namespace

import torch
from torch import Tensor

from ..formats import FORMATS, write_tracks
from ..geometry import Size
from ..image_files import read_mask
from ..overlay import draw_tracks
from ..trackers import (
    as_clip,
    first_frames,
    grid_queries,
    make_tracker,
    mask_queries,
    point_queries,
    random_queries,
)
from ..tracks import Tracks
from ..video import CONTAINERS, read_video, write_video
from .files import check_output, describe_tracks, frame_rate
from .terminal import echo, meter


def run(args: Namespace) -> None:
    """Track args.video and write args.output, and args.overlay if requested."""
    _check_targets(args)
    tracker = make_tracker(args.tracker, args.models, threshold=args.threshold)
    clip = as_clip(args.video, progress=meter("counting frame"))
    if args.max_frames is not None:
        clip = first_frames(clip, args.max_frames)
    tracks = tracker.track(clip, _queries(args, clip.size), meter("tracking"))
    write_tracks(args.output, tracks, format=args.format)
    echo(f"wrote {args.output}: {describe_tracks(tracks)}")
    if args.overlay is not None:
        _write_overlay(args, tracks)


def _check_targets(args: Namespace) -> None:
    """Raise before the work the errors that writing would raise after it."""
    known = sorted({suffix for entry in FORMATS for suffix in entry.suffixes})
    check_output(args.output, [args.output.suffix.lower()] if args.format else known)
    if args.overlay is not None:
        check_output(args.overlay, CONTAINERS)
    for target in (args.output, args.overlay):
        if target is not None and os.path.realpath(target) == os.path.realpath(args.video):
            raise ValueError(f"{target} is the video itself; write to another file.")


def _queries(args: Namespace, size: Size) -> Tensor:
    if args.points is not None:
        return point_queries(args.points, args.frame)
    if args.random is not None:
        generator = torch.Generator().manual_seed(args.seed)
        return random_queries(size, args.random, generator, args.frame)
    if args.mask is not None:
        return mask_queries(read_mask(args.mask), size, args.spacing, args.frame)
    return grid_queries(size, args.spacing, args.frame)


def _write_overlay(args: Namespace, tracks: Tracks) -> None:
    video, rate = read_video(
        args.video, max_frames=tracks.num_frames, progress=meter("reading frame")
    )
    drawn = draw_tracks(video, tracks, progress=meter("drawing frame"))
    write_video(args.overlay, drawn, frame_rate(None, tracks.fps or rate), meter("writing frame"))
    echo(f"wrote {args.overlay}: {len(drawn)} frames")
