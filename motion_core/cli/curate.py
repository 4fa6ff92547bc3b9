"""curate: videos to clips with dense tracks, in WebDataset shards for training."""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import count_argument, number_argument, rate_argument, seed_argument, size_argument
from .terminal import echo, meter

if TYPE_CHECKING:
    from ..curation.engine import Engine
    from ..curation.settings import CurationSettings, Filters

EXAMPLES = [
    "videos/ --out data/clips --report",
    "videos/ --out data/clips --workers 8 --drop-slowest 0.25 --duplicates 10",
    "list.parquet --out data/clips --tracker tapir --models models --spacing 2 --separate",
    "/shared/videos --out /shared/clips --engine ray --address auto",
]
MOST_LIST_BYTES = 256 << 20


def add_arguments(command: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="folder, video, pattern, list (.txt), WebDataset archive (.tar) or table (.parquet)",
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of shards")
    _add_clips(command)
    _add_filters(command)
    _add_tracks(command)
    _add_work(command)


def _add_clips(command: ArgumentParser) -> None:
    group = command.add_argument_group("clips")
    group.add_argument(
        "--size",
        type=size_argument,
        default="256x256",
        metavar="WxH",
        help="canvas of the clips, cropped around the centre (default 256x256)",
    )
    group.add_argument(
        "--frames", type=count_argument, default=80, metavar="N", help="of a clip (default 80)"
    )
    group.add_argument(
        "--stride",
        type=count_argument,
        metavar="N",
        help="frames from one clip's start to the next (default: --frames)",
    )
    group.add_argument(
        "--fps", type=rate_argument, default=16.0, metavar="F", help="of the clips (default 16)"
    )
    group.add_argument(
        "--cuts",
        choices=("adaptive", "content", "none"),
        default="adaptive",
        help="detector of cuts, of PySceneDetect (default adaptive); none if there are no cuts",
    )
    group.add_argument(
        "--crf", type=seed_argument, default=12, metavar="N", help="quality of H.264 (default 12)"
    )


def _add_filters(command: ArgumentParser) -> None:
    group = command.add_argument_group("filters (nothing is dropped by default)")
    group.add_argument(
        "--drop-slowest",
        type=number_argument,
        default=0.0,
        metavar="P",
        help="fraction with the lowest motion score; Image Conductor drops 0.25",
    )
    for name, about in (
        ("min-motion", "least motion score, short sides per second"),
        ("max-motion", "largest motion score, short sides per second"),
        ("max-shake", "largest unsteadiness of the camera, short sides per second"),
        ("min-brightness", "least mean luma, 0..1"),
        ("max-brightness", "largest mean luma, 0..1"),
    ):
        group.add_argument(f"--{name}", type=number_argument, metavar="X", help=about)
    group.add_argument(
        "--duplicates",
        type=seed_argument,
        metavar="BITS",
        help="drop clips whose perceptual hash differs in at most so many of 192 bits",
    )
    group.add_argument(
        "--needs-caption", action="store_true", help="drop clips whose source has no caption"
    )
    group.add_argument(
        "--only", type=Path, metavar="FILE", help="keep the sources that a text file names alone"
    )
    group.add_argument(
        "--without",
        type=Path,
        metavar="FILE",
        help="drop the sources that a text file names, such as those with watermarks",
    )


def _add_tracks(command: ArgumentParser) -> None:
    group = command.add_argument_group("tracks")
    group.add_argument(
        "--tracker", default="lucas_kanade", metavar="NAME", help="see docs/trackers.md"
    )
    group.add_argument("--models", type=Path, metavar="DIR", help="folder of the tracker's weights")
    group.add_argument(
        "--device", metavar="NAME", help="of learned trackers (default: a GPU if there is one)"
    )
    group.add_argument(
        "--spacing",
        type=number_argument,
        default=4.0,
        metavar="PX",
        help="between the points of the grid (default 4; the paper's 16,384 tracks are 2)",
    )
    group.add_argument(
        "--query-frames",
        type=count_argument,
        default=1,
        metavar="N",
        help="frames in each of which a grid starts (default 1, the first)",
    )
    group.add_argument(
        "--separate", action="store_true", help="label tracks and clips: camera, object, both"
    )


def _add_work(command: ArgumentParser) -> None:
    group = command.add_argument_group("work")
    group.add_argument(
        "--shard-mb", type=number_argument, default=256.0, metavar="MB", help="(default 256)"
    )
    group.add_argument("--seed", type=seed_argument, default=0, metavar="S")
    group.add_argument(
        "--licence", default="", metavar="TEXT", help="of sources that state none; goes to the data"
    )
    group.add_argument(
        "--report",
        action="store_true",
        help="also write DIR/report.html: clips with tracks, distributions, what was dropped",
    )
    group.add_argument("--engine", choices=("local", "ray"), default="local")
    group.add_argument(
        "--workers",
        type=count_argument,
        metavar="N",
        help="processes (default: one per core; of a Ray cluster all cores)",
    )
    group.add_argument(
        "--address", metavar="HOST", help="with --engine ray: a running cluster, or auto"
    )
    group.add_argument(
        "--gpus", type=number_argument, default=0.0, metavar="N", help="with --engine ray: per task"
    )


def run(args: Namespace) -> None:
    """Curate args.sources into args.out; the same command goes on after an interruption."""
    from ..curation.run import Curation, curate
    from ..curation.sources import find_sources

    settings = _settings(args)
    sources = find_sources(args.sources)
    echo(f"{len(sources)} sources.")
    curation = Curation(
        sources, args.out, settings, _engine(args), args.models, args.device, step=meter
    )
    with _stops_on_sigterm():
        manifest = curate(curation)
    counts = manifest["counts"]
    dropped = ", ".join(f"{number} {why}" for why, number in counts["clips_dropped"].items())
    echo(
        f"wrote {args.out}: {counts['samples']} clips in {len(manifest['shards'])} shards, "
        f"{counts['seconds']:.0f} s of video; dropped: {dropped or 'none'}; "
        f"{counts['sources_unreadable']} of {counts['sources']} sources could not be read."
    )

    if args.report:
        from ..curation.report import write_report

        echo(f"wrote {write_report(args.out, meter('reading sample'))}")


def _settings(args: Namespace) -> CurationSettings:
    from ..curation.settings import CurationSettings

    return CurationSettings(
        size=args.size,
        frames=args.frames,
        stride=args.stride or args.frames,
        fps=args.fps,
        cuts=args.cuts,
        tracker=args.tracker,
        spacing=args.spacing,
        query_frames=args.query_frames,
        separates=args.separate,
        crf=args.crf,
        shard_mb=args.shard_mb,
        seed=args.seed,
        licence=args.licence,
        filters=_filters(args),
    )


def _filters(args: Namespace) -> Filters:
    from ..curation.settings import Filters

    return Filters(
        drop_slowest=args.drop_slowest,
        min_motion=args.min_motion,
        max_motion=args.max_motion,
        max_shake=args.max_shake,
        min_brightness=args.min_brightness,
        max_brightness=args.max_brightness,
        duplicate_bits=args.duplicates,
        needs_caption=args.needs_caption,
        only_sources=_names(args.only),
        without_sources=_names(args.without),
    )


def _names(path: Path | None) -> tuple[str, ...]:
    from ..regular_files import read_text

    if path is None:
        return ()
    lines = (line.strip() for line in read_text(path, MOST_LIST_BYTES).splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _engine(args: Namespace) -> Engine:
    from ..curation.engine import LocalPool

    if args.engine == "local":
        if args.address is not None or args.gpus:
            raise ValueError("--address and --gpus belong to --engine ray.")
        return LocalPool(args.workers or os.cpu_count() or 1)
    from ..curation.ray_engine import RayEngine, import_ray

    import_ray()
    workers = args.workers or (0 if args.address else os.cpu_count() or 1)
    return RayEngine(args.address, workers, args.gpus)


@contextmanager
def _stops_on_sigterm():
    """A request to end is handled as Ctrl-C is: what is finished stays, and the rest is redone."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
