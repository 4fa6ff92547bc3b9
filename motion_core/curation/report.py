"""The report of a curation: one HTML page that needs no other file, and its figures as JSON."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..atomic_write import write_text
from ..overlay import draw_tracks
from ..progress import Progress, silent
from ..tracks import select_random
from .shards import ClipSample, open_shards
from .statistics import MOST_EXAMPLES, Histogram, SetStatistics, measure_set

PAGE, VALUES = "report.html", "report.json"
# Clips on the contact sheet, and tracks that are drawn on each.
SHOWN, DRAWN = 24, 160
TILE, QUALITY = 256, 82
WIDTH, HEIGHT, LEFT, BOTTOM = 420, 170, 46, 30
KEPT, DROPPED, LINE = "#2a6fb0", "#c8862b", "#444"
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1180px; color: #222 }
h1, h2 { font-weight: 600 } figure { display: inline-block; margin: 0 14px 14px 0 }
figcaption { font-size: 12px; max-width: 420px; overflow-wrap: anywhere }
img + figcaption { max-width: 256px }
table { border-collapse: collapse } td, th { padding: 2px 10px; text-align: left; font-size: 13px;
border-bottom: 1px solid #ddd; vertical-align: top } td.n { text-align: right }
"""


def write_report(folder: Path, progress: Progress = silent) -> Path:
    """Write report.html and report.json into a folder that `curate` has finished.

    The page shows clips with their tracks, distributions of displacement, visibility and length of
    tracks and of the clips' figures, and what was dropped and why.

    Returns:
        The page.

    Raises:
        FormatError: As open_shards.
        OSError: The files cannot be written.
    """
    statistics = measure_set(folder, progress)
    values = json.dumps(statistics.to_values(), indent=1, ensure_ascii=False) + "\n"
    shards = open_shards([folder])
    count = min(SHOWN, len(statistics.samples))
    places = np.linspace(0, len(statistics.samples) - 1, count).round().astype(int)
    tiles = [_tile(shards[statistics.samples[place]]) for place in places]
    write_text(folder / VALUES, values)
    write_text(folder / PAGE, _page(statistics, tiles))
    return folder / PAGE


def _page(statistics: SetStatistics, tiles: Sequence[str]) -> str:
    counts = statistics.manifest["counts"]
    rows = [(name.replace("_", " "), value) for name, value in counts.items()]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Curation</title>",
        f"<style>{STYLE}</style><h1>Curation</h1>",
        _table([(name, _plain(value)) for name, value in rows]),
        "<h2>Clips</h2>",
        f"<p>{len(tiles)} of {counts['samples']} clips: the last frame with tracks.</p>",
        *tiles,
        "<h2>Motion</h2>",
        f"<p>Of {len(statistics.samples)} samples. Values above the axis count in the last bar. "
        f"<b style='color:{KEPT}'>kept</b> <b style='color:{DROPPED}'>dropped</b></p>",
        *(_bars(one) for one in statistics.histograms),
        _curve("share of visible points by frame", statistics.visible),
        "<h2>What moves</h2>",
        _table(list(statistics.labels.items())),
        "<h2>Dropped</h2>",
        _dropped(statistics.dropped),
        "<h2>Licences</h2>",
        _table(list(statistics.manifest["licences"].items())),
        "<h2>Versions</h2>",
        _table(list(statistics.manifest["versions"].items())),
        "<h2>Settings</h2>",
        f"<pre>{_text(json.dumps(statistics.manifest['settings'], indent=1))}</pre></html>",
    ]
    return "\n".join(parts) + "\n"


def _tile(sample: ClipSample) -> str:
    """The last frame of a clip with some of its tracks, and what the clip is."""
    from PIL import Image

    tracks = select_random(sample.tracks, min(DRAWN, sample.tracks.num_points), seed=0)
    drawn = draw_tracks(sample.video, tracks)[-1]
    pixels = drawn if drawn.dtype == torch.uint8 else (drawn * 255).round().byte()
    picture = Image.fromarray(pixels.numpy())
    picture.thumbnail((TILE, TILE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    about = sample.about
    caption = (
        f"{about['source']} at {about['start_s']:.2f} s; motion {about['figures']['motion']:.3g}"
        f"{f', {sample.clip_tracks.label}' if sample.clip_tracks.label else ''}"
    )
    words = f"<br>{_text(sample.caption[:120])}" if sample.caption else ""
    return (
        f"<figure><img src='data:image/jpeg;base64,{data}' alt='{_text(sample.key)}'>"
        f"<figcaption>{_text(caption)}{words}</figcaption></figure>"
    )


def _bars(values: Histogram) -> str:
    """A histogram as SVG, dropped values on top of kept ones."""
    dropped = values.dropped or (0,) * len(values.counts)
    most = max(1, *(one + other for one, other in zip(values.counts, dropped, strict=True)))
    step = (WIDTH - LEFT) / len(values.counts)
    shapes = []
    for place, (one, other) in enumerate(zip(values.counts, dropped, strict=True)):
        base = HEIGHT - BOTTOM
        for count, colour in ((one, KEPT), (other, DROPPED)):
            tall = count / most * (HEIGHT - BOTTOM - 12)
            base -= tall
            if count:
                shapes.append(
                    f"<rect x='{LEFT + place * step:.1f}' y='{base:.1f}' width='{step - 1:.1f}' "
                    f"height='{tall:.1f}' fill='{colour}'/>"
                )
    caption = f"{values.name}; median {values.median:.4g}"
    return _plot(shapes, caption, 0.0, values.edges[-1], f"{most:,}")


def _curve(name: str, values: Sequence[float]) -> str:
    """A line from 0 to 1 as SVG."""
    last = max(len(values) - 1, 1)
    points = " ".join(
        f"{LEFT + place / last * (WIDTH - LEFT):.1f},"
        f"{HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - 12):.1f}"
        for place, value in enumerate(values)
    )
    line = f"<polyline points='{points}' fill='none' stroke='{KEPT}' stroke-width='2'/>"
    return _plot([line], name, 0, last, "1")


def _plot(shapes: Sequence[str], caption: str, low: float, high: float, top: str) -> str:
    base = HEIGHT - BOTTOM
    return (
        f"<figure><svg width='{WIDTH + 12}' height='{HEIGHT}' font-size='11' fill='{LINE}'>"
        f"{''.join(shapes)}<path d='M{LEFT} 12V{base}H{WIDTH}' fill='none' stroke='{LINE}'/>"
        f"<text x='{LEFT - 6}' y='18' text-anchor='end'>{top}</text>"
        f"<text x='{LEFT - 6}' y='{base}' text-anchor='end'>0</text>"
        f"<text x='{LEFT}' y='{base + 15}'>{low:.4g}</text>"
        f"<text x='{WIDTH}' y='{base + 15}' text-anchor='end'>{high:.4g}</text></svg>"
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def _dropped(dropped: dict[str, Any]) -> str:
    clips = dropped["clips"]
    rows = [
        (one["reason"], one["source"], f"{one['start_s']:.2f} s", one["detail"]) for one in clips
    ]
    rows += [("not read", name, "", text) for name, text in dropped["problems"].items()]
    rows += [("excluded", name, "", "by a list") for name in dropped["excluded_sources"]]
    if not rows:
        return "<p>Nothing.</p>"
    more = f"<p>and {len(rows) - MOST_EXAMPLES} more.</p>" if len(rows) > MOST_EXAMPLES else ""
    return _table(rows[:MOST_EXAMPLES]) + more


def _table(rows: Sequence[Sequence[Any]]) -> str:
    cells = ("".join(f"<td>{_text(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items()) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _text(value: Any) -> str:
    return html.escape(str(value), quote=True)
