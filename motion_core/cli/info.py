"""info: what is in a track file and what looks wrong."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict

from ..tracks import TrackSummary, summarize
from .files import load_tracks


def run(args: Namespace) -> None:
    """Print the summary of args.tracks on stdout."""
    summary = summarize(load_tracks(args.tracks, args.size))
    text = json.dumps(_plain(summary), indent=2) if args.json else summary.to_text()
    sys.stdout.write(text + "\n")


def _plain(summary: TrackSummary) -> dict[str, object]:
    return {**asdict(summary), "size": summary.size._asdict()}
