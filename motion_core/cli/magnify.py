"""magnify: small motion made large."""

from __future__ import annotations

from argparse import Namespace

from torch import Tensor

from ..formats import write_tracks
from ..image_files import PICTURE_WRITERS, write_image
from ..tracks import Tracks
from ..transfer import FrequencyBand, MagnifySettings, busiest_line, magnify_motion, slice_picture
from ..video import read_video
from .files import check_output, describe_tracks, load_tracks
from .terminal import echo, meter


def run(args: Namespace) -> None:
    """Magnify args.tracks and write args.output, and args.slice if requested."""
    if args.slice is not None:
        check_output(args.slice, PICTURE_WRITERS)
    tracks = load_tracks(args.tracks, args.size, fps=args.fps)
    settings = MagnifySettings(
        args.factor,
        args.space_sigma,
        args.time_sigma,
        FrequencyBand(args.low_hz, args.high_hz),
        args.camera,
    )
    larger = magnify_motion(tracks, settings, progress=meter("magnifying"))
    # Everything is computed before anything is written: a stop or a bad video leaves no file.
    slices = {} if args.slice is None else {args.slice: _slice(args, tracks, larger)}
    write_tracks(args.output, larger, format=args.format)
    echo(f"wrote {args.output}: {describe_tracks(larger)}")
    for path, picture in slices.items():
        write_image(path, picture)
        echo(f"wrote {path}: before on the left, after on the right, time to the right")


def _slice(args: Namespace, tracks: Tracks, larger: Tracks) -> Tensor:
    video = None
    if args.video is not None:
        most = max(tracks.num_frames, 1)
        frames, _ = read_video(args.video, max_frames=most, progress=meter("reading frame"))
        video = frames.float() / 255
    line = busiest_line(tracks)
    return slice_picture(tracks, larger, line, video, progress=meter("slicing frame"))
