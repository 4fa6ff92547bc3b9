"""transfer: the motion of tracks laid over another picture."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from torch import Tensor

from ..formats import write_tracks
from ..formats.coordinates import parse_coordinates
from ..formats.json_text import MAX_JSON_CHARACTERS
from ..geometry import Size
from ..image_files import read_image, read_mask
from ..images import image_size
from ..regular_files import read_text
from ..transfer import (
    Alignment,
    TransferSettings,
    box_of_mask,
    fit_boxes,
    keep_place,
    match_masks,
    match_points,
    transfer_motion,
    whole_box,
)
from .files import describe_tracks, load_tracks
from .terminal import echo


def run(args: Namespace) -> None:
    """Lay args.tracks over args.image and write args.output."""
    tracks = load_tracks(args.tracks, args.size)
    size = tracks.size if args.image is None else image_size(read_image(args.image))
    settings = TransferSettings(
        args.anchor_frame, args.scale, args.count, seed=args.seed, leaving=args.leaving
    )
    result = transfer_motion(tracks, _alignment(args, tracks.size, size), size, settings)
    write_tracks(args.output, result, format=args.format)
    echo(f"wrote {args.output}: {describe_tracks(result)}")


def _alignment(args: Namespace, here: Size, there: Size) -> Alignment:
    if args.align == "none":
        return keep_place(here, there)
    if args.align == "points":
        source = _points(args.source_points, here, "--source-points")
        return match_points(
            source, _points(args.target_points, there, "--target-points"), args.kind
        )
    if args.align == "shapes":
        if args.source_mask is None or args.target_mask is None:
            raise ValueError("--align shapes needs --source-mask and --target-mask.")
        return match_masks(read_mask(args.source_mask), read_mask(args.target_mask), args.kind)
    boxes = [
        whole_box(canvas) if path is None else box_of_mask(read_mask(path), canvas)
        for path, canvas in ((args.source_mask, here), (args.target_mask, there))
    ]
    return fit_boxes(*boxes, keep_aspect=not args.stretch)


def _points(path: Path | None, size: Size, option: str) -> Tensor:
    """(K, 2) of a coordinate file: one list of points, or one list for each."""
    if path is None:
        raise ValueError(f"--align points needs {option}, a file such as [{{x, y}}, ...].")
    text = read_text(path, MAX_JSON_CHARACTERS)
    return parse_coordinates(text, size).xy.transpose(0, 1).reshape(-1, 2)
