"""expand: a drawn motion to a track file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..document import MotionDocument, read_document
from ..document.parse import MAX_TEXT
from ..errors import DocumentError, FormatError
from ..expand import dragged_things, expand_document, expansion_notes
from ..formats import write_tracks
from ..geometry import Size
from ..image_files import read_image, read_mask
from ..images import image_size
from ..regular_files import read_text
from .files import describe_tracks
from .terminal import echo, meter


def run(args: Namespace) -> None:
    """Expand args.document and write args.output."""
    document = _load(args.document)
    mask = None if args.mask is None else read_mask(args.mask)
    image = None if args.image is None else read_image(args.image)
    size = _canvas(args, document) if image is None else image_size(image)
    things = dragged_things(document, image, size, mask=mask)
    tracks = expand_document(
        document,
        size,
        args.frames,
        fps=args.fps,
        mask=mask,
        things=things,
        progress=meter("expanding layer"),
    )
    for note in [*expansion_notes(document), things.note()]:
        if note is not None:
            echo(note)
    write_tracks(args.output, tracks, format=args.format)
    echo(f"wrote {args.output}: {describe_tracks(tracks)}")


def _load(path: Path) -> MotionDocument:
    if not path.is_file():
        raise DocumentError(f"{path} is not a file; expected a MOTION document.")
    try:
        return read_document(read_text(path, MAX_TEXT))
    except (DocumentError, FormatError) as error:
        raise DocumentError(f"{path.name}: {error}") from error


def _canvas(args: Namespace, document: MotionDocument) -> Size:
    if args.size is None:
        echo(f"neither --size nor --image; the canvas is the {document.drawn_on} drawn on.")
    return args.size or document.drawn_on
