"""evaluate --suite: benchmarks of the field on videos that any model has made."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic_write import write_text
from .terminal import echo, meter

if TYPE_CHECKING:
    from ..evaluation.suites.case import SuiteCase
    from ..evaluation.suites.scores import Tools
    from ..evaluation.suites.videos import Entry

SUITE_NAMES = (
    *("davis", "mc-bench", "move-bench", "move-bench-multi", "drag-bench", "image-conductor"),
    *("prompts", "frames"),
)


def add_suite_arguments(command: ArgumentParser) -> None:
    """The options of benchmarks."""
    command.add_argument(
        "--suite",
        choices=SUITE_NAMES,
        metavar="NAME",
        help=f"measure videos on a benchmark: {', '.join(SUITE_NAMES)}; see docs/evaluation.md",
    )
    command.add_argument(
        "--data", type=Path, metavar="DIR", help="with --suite: the folder of the benchmark"
    )
    command.add_argument(
        "--videos",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="with --suite: folders of videos, one per model, named after the cases",
    )
    command.add_argument(
        "--with",
        dest="earlier",
        nargs="+",
        type=Path,
        default=[],
        metavar="REPORT",
        help="with --suite: reports (.json) of other models to compare with",
    )
    command.add_argument(
        "--tracker",
        default="lucas_kanade",
        metavar="NAME",
        help="with --suite: follows points in videos, see docs/trackers.md (default lucas_kanade)",
    )
    command.add_argument(
        "--models", type=Path, metavar="DIR", help="with --suite: folder of the tracker's weights"
    )
    command.add_argument(
        "--backbone",
        type=Path,
        metavar="DIR",
        help="with --suite: DINOv2 or CLIP's image side in transformers' layout, or Stable "
        "Diffusion in diffusers' (DIFT); default: AlexNet with --lpips, else dense SIFT",
    )
    command.add_argument(
        "--i3d", type=Path, metavar="FILE", help="with --suite: i3d_pretrained_400.pt, for FVD"
    )


def run_suite_command(args: Namespace, journal_suffix: str) -> None:
    """Measure, and write args.json and args.markdown."""
    from ..evaluation.journal import Journal
    from ..evaluation.suites.fvd import load_i3d
    from ..evaluation.suites.report import as_markdown, as_values, merged, read_report
    from ..evaluation.suites.run import run_suite
    from ..evaluation.suites.suite import SUITES

    suite = SUITES[args.suite]
    if args.data is None and not (suite.name == "frames" and args.videos):
        raise ValueError(f"--suite {suite.name} needs --data DIR, the folder of the benchmark.")
    earlier = [read_report(path) for path in args.earlier]
    folder = args.data or _named(args.videos[0])[1]
    cases = suite.read(folder, meter("reading case"))
    entries = [*_entries(args, cases), *_rendered(args, cases)]
    if not entries and not earlier:
        raise ValueError("name folders of videos with --videos, or methods with --methods.")
    tools = _tools(args)
    features = None if args.i3d is None else load_i3d(args.i3d)
    journal = Journal(
        args.json.with_name(args.json.name + journal_suffix), _fingerprint(args, tools, entries)
    )
    report = run_suite(suite, cases, entries, tools, journal, features, meter("video"))
    report = merged([*earlier, report]) if earlier and entries else (earlier or [report])[0]
    if args.markdown is not None:
        write_text(args.markdown, as_markdown(report))
        echo(f"wrote {args.markdown}")
    write_text(args.json, json.dumps(as_values(report), indent=1, allow_nan=False) + "\n")
    echo(f"wrote {args.json}")
    journal.close()


def _named(text: str) -> tuple[str, Path]:
    """NAME=DIR, or DIR under its own name."""
    name, mark, folder = text.partition("=")
    return (name, Path(folder)) if mark else (Path(text).name, Path(text))


def _entries(args: Namespace, cases: Sequence[SuiteCase]) -> list[Entry]:
    from ..evaluation.suites.videos import find_videos

    pairs = [_named(text) for text in args.videos]
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two folders of videos are called {twice[0]}; write NAME=DIR.")
    return [find_videos(name, folder, cases) for name, folder in pairs]


def _rendered(args: Namespace, cases: Sequence[SuiteCase]) -> list[Entry]:
    """Videos of methods of this package, drawn into a folder beside the report."""
    if not args.methods:
        return []
    from ..evaluation.suites.methods import render_cases
    from ..evaluation.suites.videos import find_videos

    folder = args.json.with_name(f"{args.json.stem}-videos")
    found = []
    for name in args.methods:
        render_cases(name, cases, folder / name, meter(f"drawing {name}, case"))
        found.append(find_videos(name, folder / name, cases))
    return found


def _tools(args: Namespace) -> Tools:
    from ..evaluation.real.lpips import Lpips
    from ..evaluation.suites.backbones import choose_backbone
    from ..evaluation.suites.scores import Tools
    from ..trackers import make_tracker

    lpips = None if args.lpips is None else Lpips(args.lpips)
    tracker = make_tracker(args.tracker, args.models)
    return Tools(tracker, args.tracker, choose_backbone(args.backbone, lpips), lpips)


def _fingerprint(args: Namespace, tools: Tools, entries: Sequence[Entry]) -> dict[str, object]:
    return {
        "suite": args.suite,
        "data": str(args.data),
        "tracker": args.tracker,
        "backbone": tools.backbone.name,
        "lpips": str(args.lpips),
        "videos": {
            entry.name: {case: path.stat().st_mtime_ns for case, path in entry.videos.items()}
            for entry in entries
        },
    }
