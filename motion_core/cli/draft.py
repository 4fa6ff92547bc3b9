"""draft: a picture moved along tracks, without a video model."""

from __future__ import annotations

from argparse import Namespace

import torch

from ..draft import draft_frames
from ..image_files import read_image
from ..images import image_size
from ..video import CONTAINERS, write_video
from .files import check_output, check_same_canvas, frame_rate, load_tracks, shrink_to_fit
from .terminal import echo, meter


def run(args: Namespace) -> None:
    """Move args.image along args.tracks and write args.output."""
    check_output(args.output, CONTAINERS)
    image = read_image(args.image)
    canvas = image_size(image)
    tracks = load_tracks(args.tracks, args.size, picture=canvas)
    check_same_canvas(tracks, canvas, tracks_path=args.tracks, picture=args.image)
    fps = frame_rate(args.fps, tracks.fps)
    image, tracks = shrink_to_fit(image, tracks, args.max_side)
    if not tracks.num_frames:
        raise ValueError(f"{args.tracks.name} holds no frames; there is nothing to show.")
    frames = draft_frames(image, tracks, method=args.method, progress=meter("moving frame"))
    # As bytes from the start: a quarter of the memory, and the precision of the video.
    video = torch.stack([(frame.clamp(0, 1) * 255).round().byte() for frame in frames])
    write_video(args.output, video, fps, meter("writing frame"))
    echo(f"wrote {args.output}: {len(video)} frames, {image_size(video)}, {fps:g} fps")
