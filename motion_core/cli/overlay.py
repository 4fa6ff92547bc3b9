"""overlay: tracks drawn over a picture, a video or nothing."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor

from ..errors import ShapeError
from ..image_files import PICTURE_WRITERS, read_image, write_image
from ..images import image_size
from ..overlay import contact_sheet, draw_tracks
from ..tracks import Tracks
from ..tracks.frame_rate import same_rate
from ..video import CONTAINERS, read_video, write_video
from .files import check_output, check_same_canvas, frame_rate, load_tracks, shrink_to_fit
from .terminal import echo, meter

EMPTY_GREY = 32
SHEET_COLUMNS, SHEET_ROWS, TILE_WIDTH = 4, 2, 480


def run(args: Namespace) -> None:
    """Draw args.tracks and write args.output, a video or a sheet of frames."""
    check_output(args.output, (*CONTAINERS, *PICTURE_WRITERS))
    below, rate = _read_ground(args.image, args.video)
    canvas = None if below is None else image_size(below)
    tracks = load_tracks(args.tracks, args.size, picture=canvas)
    if below is None:
        below = torch.full((tracks.size.height, tracks.size.width, 3), EMPTY_GREY).byte()
    else:
        check_same_canvas(
            tracks, image_size(below), tracks_path=args.tracks, picture=args.image or args.video
        )
    below = _as_long(below, tracks)
    below, tracks = shrink_to_fit(below, tracks, args.max_side)
    video = draw_tracks(below, tracks, progress=meter("drawing frame"))
    if args.output.suffix.lower() in PICTURE_WRITERS:
        sheet = contact_sheet(video, SHEET_COLUMNS, rows=SHEET_ROWS, tile_width=TILE_WIDTH)
        write_image(args.output, sheet)
    else:
        if args.fps is None and tracks.fps and rate and not same_rate(tracks.fps, rate):
            echo(f"the video is at {rate:.6g} fps; the tracks' {tracks.fps:.6g} fps is used.")
        fps = frame_rate(args.fps, tracks.fps or rate)
        write_video(args.output, video, fps, meter("writing frame"))
    echo(f"wrote {args.output}: {len(video)} frames, {image_size(video)}")


def _read_ground(image: Path | None, video: Path | None) -> tuple[Tensor | None, float | None]:
    """(H, W, 3) or (T, H, W, 3) uint8 to draw over, and its frame rate where it has one."""
    if video is not None:
        return read_video(video, progress=meter("reading frame"))
    if image is None:
        return None, None
    return (read_image(image) * 255).round().byte(), None


def _as_long(below: Tensor, tracks: Tracks) -> Tensor:
    """The first frames of a video, as many as the tracks have; a picture as it is."""
    if below.ndim == 3 or len(below) == tracks.num_frames:
        return below
    if len(below) < tracks.num_frames:
        raise ShapeError(
            f"the video has {len(below)} frames but the tracks have {tracks.num_frames}. Use a "
            "longer video, or draw over an image with --image."
        )
    echo(f"the video has {len(below)} frames; the first {tracks.num_frames} are used.")
    return below[: tracks.num_frames]
