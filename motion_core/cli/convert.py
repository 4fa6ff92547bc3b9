"""convert: tracks from any format to any other."""

from __future__ import annotations

from argparse import Namespace

from ..formats import write_tracks
from ..tracks import scale_to
from .files import describe_tracks, load_tracks
from .terminal import echo


def run(args: Namespace) -> None:
    """Read args.input and write args.output."""
    tracks = load_tracks(args.input, args.size, fps=args.fps)
    if args.fit is not None:
        tracks = scale_to(tracks, args.fit)
    write_tracks(args.output, tracks, format=args.format)
    echo(f"wrote {args.output}: {describe_tracks(tracks)}")
