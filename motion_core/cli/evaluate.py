"""evaluate: errors of a model's motion and videos, against interpolation and the truth."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic_write import write_text
from .arguments import count_argument, seed_argument
from .evaluate_real import add_real_arguments, run_real
from .evaluate_suite import add_suite_arguments, run_suite_command
from .terminal import echo, meter

if TYPE_CHECKING:
    from ..evaluation.run import Evaluation, Settings

EXAMPLES = [
    "--model lite --clips 128 --tracks 16 --seed 0 1 --json report.json",
    "--tracks 4 16 64 256 drag --json report.json --markdown report.md --sheet sheet.png",
    "--weights dense.safetensors sparse.safetensors --tracks 4 2048 --json ablation.json",
    "--weights lite.safetensors --steps 1 2 4 8 16 --tracks 16 --json steps.json",
    "--real data/real --methods layered lite --every 3 --json photos.json",
    "--suite mc-bench --data MC-Bench --videos ours=out/a wan=ComfyUI/output --json mc.json "
    "--markdown mc.md",
    "--scenes other --davis data/DAVIS --json report.json",
]
# Beside the report until it is written.
JOURNAL = ".journal"


def add_arguments(command: ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("--model", default="lite", metavar="NAME", help="lite (default)")
    command.add_argument(
        "--weights",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="weights instead of the shipped ones; several are compared in one table",
    )
    command.add_argument(
        "--steps",
        type=count_argument,
        nargs="+",
        default=[],
        metavar="N",
        help="steps of the sampler, compared in one table (default: the sampler's own); weights "
        "without a control branch take none",
    )
    command.add_argument(
        "--clips", type=count_argument, default=128, metavar="N", help="test scenes (default 128)"
    )
    command.add_argument(
        "--tracks",
        nargs="+",
        metavar="N",
        help="1, 4, 16, 64, 256, 512, 2048 or drag (one drag, small grid, pins); default: all",
    )
    command.add_argument(
        "--seed",
        type=seed_argument,
        nargs="+",
        default=[0],
        metavar="S",
        help="tracks are drawn anew for each; the first also tunes the baselines (default 0)",
    )
    command.add_argument(
        "--scenes",
        choices=("ours", "other"),
        default="ours",
        help="of the generator of training (default) or of one that training never uses; held out",
    )
    command.add_argument(
        "--rendered",
        type=seed_argument,
        default=16,
        metavar="N",
        help="number of scenes also measured as videos (default 16); 0 for none",
    )
    command.add_argument(
        "--tuning",
        type=count_argument,
        default=32,
        metavar="N",
        help="validation scenes on which each baseline chooses its settings (default 32)",
    )
    command.add_argument("--davis", type=Path, metavar="DIR", help="a DAVIS 2017 folder (480p)")
    _add_other_evaluations(command)


def _add_other_evaluations(command: ArgumentParser) -> None:
    add_real_arguments(command)
    add_suite_arguments(command)
    _add_outputs(command)


def _add_outputs(command: ArgumentParser) -> None:
    command.add_argument("--json", type=Path, required=True, metavar="FILE", help="report to write")
    command.add_argument("--markdown", type=Path, metavar="FILE", help="tables to write")
    command.add_argument("--sheet", type=Path, metavar="PIC", help="contact sheet to write")


def run(args: Namespace) -> None:
    """Measure, and write args.json, args.markdown and args.sheet; the same command resumes after
    an interruption."""
    from ..evaluation.journal import Journal
    from ..evaluation.run import evaluate
    from ..image_files import PICTURE_WRITERS
    from .files import check_output

    for path, suffixes in (
        (args.json, (".json",)),
        (args.markdown, (".md",)),
        (args.sheet, PICTURE_WRITERS),
    ):
        if path is not None:
            check_output(path, suffixes)
    if args.suite is not None:
        run_suite_command(args, JOURNAL)
        return
    if args.real is not None:
        run_real(args, JOURNAL)
        return
    settings = _settings(args)
    journal = Journal(args.json.with_name(args.json.name + JOURNAL), settings.fingerprint())
    if journal.rows:
        echo(f"going on after {len(journal.rows)} known rows.")
    found = evaluate(settings, journal, meter("row"))
    _write_report(args, found)
    journal.close()


def _settings(args: Namespace) -> Settings:
    from ..evaluation.cases import COUNTS, World
    from ..evaluation.run import Settings

    return Settings(
        model=args.model,
        weights=tuple(args.weights),
        steps=tuple(args.steps),
        world=World(args.scenes),
        counts=tuple(args.tracks or COUNTS),
        clips=args.clips,
        seeds=tuple(args.seed),
        rendered=min(args.rendered, args.clips),
        tuning=args.tuning,
        davis=args.davis,
    )


def _write_report(args: Namespace, found: Evaluation) -> None:
    from ..evaluation.contact_sheet import evaluation_sheet
    from ..evaluation.report import as_markdown, as_values
    from ..image_files import write_image

    if args.sheet is not None:
        write_image(args.sheet, evaluation_sheet(found, meter("drawing")))
        echo(f"wrote {args.sheet}")
    if args.markdown is not None:
        _write_text(args.markdown, as_markdown(found))
    _write_text(args.json, json.dumps(as_values(found), indent=1, allow_nan=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    write_text(path, text)
    echo(f"wrote {path}")
