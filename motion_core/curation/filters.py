"""Which clips are kept, and why the others are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .scan import ClipRecord, ScanRecord
from .settings import HASH_BITS, Filters
from .sources import Source


@dataclass(frozen=True)
class Dropped:
    """A clip that is not kept.

    Attributes:
        source: Name of its source.
        index: Number of the clip in it.
        start_s: Where it starts, seconds.
        motion, shake, brightness: See ClipFigures.
        reason: A short name, such as "static".
        detail: The figure behind it.
    """

    source: str
    index: int
    start_s: float
    motion: float
    shake: float
    brightness: float
    reason: str
    detail: str


@dataclass(frozen=True)
class Selection:
    """The outcome of the filters.

    Attributes:
        kept: Source name and clip, in the order of their keys.
        dropped: In the order of sources and clips.
        slowest: The motion score below which clips were dropped as the slowest; None without that
            filter.
    """

    kept: tuple[tuple[str, ClipRecord], ...]
    dropped: tuple[Dropped, ...]
    slowest: float | None


def choose_sources(sources: Sequence[Source], filters: Filters) -> tuple[list[Source], list[str]]:
    """The sources that the lists of a user leave, and the names of the others.

    Raises ValueError where a list names a source that is not there.
    """
    names = {source.name for source in sources}
    for listed in (filters.only_sources, filters.without_sources):
        odd = [name for name in listed if name not in names]
        if odd:
            raise ValueError(
                f"a list of sources names {odd[0]!r}, which is not among the {len(names)} "
                f"sources, such as {sorted(names)[:2]}."
            )
    only, without = set(filters.only_sources), set(filters.without_sources)
    kept = [
        source
        for source in sources
        if source.name not in without and (not only or source.name in only)
    ]
    chosen = {source.name for source in kept}
    return kept, sorted(names - chosen)


def select_clips(
    scans: Iterable[ScanRecord], captions: dict[str, str], filters: Filters
) -> Selection:
    """Apply the filters to all clips.

    Clips of equal pixels are always dropped but one: a sample is named by its content. Then come
    the bounds on single clips, then near duplicates, then the slowest of what is left.

    Args:
        scans: Of every source.
        captions: By name of source.
        filters: See Filters.
    """
    clips = [(scan.name, clip) for scan in scans for clip in scan.clips]
    clips.sort(key=lambda pair: (pair[0], pair[1].index))
    reasons: dict[int, tuple[str, str]] = {}
    holders: dict[str, int] = {}
    for number, (name, clip) in enumerate(clips):
        first = holders.setdefault(clip.key, number)
        if first != number:
            reasons[number] = ("identical", f"equal to clip {_named(clips[first])}")
        elif reason := _fault(clip, captions.get(name, ""), filters):
            reasons[number] = reason
    left = [number for number in range(len(clips)) if number not in reasons]
    if filters.duplicate_bits is not None:
        hashes = [int(clips[number][1].figures.phash, 16) for number in left]
        for other, first in near_duplicates(hashes, filters.duplicate_bits):
            reasons[left[other]] = ("duplicate", f"like clip {_named(clips[left[first]])}")
    left = [number for number in left if number not in reasons]
    slowest = _slowest(clips, left, filters.drop_slowest, reasons)
    kept = sorted((clips[n] for n in left if n not in reasons), key=lambda pair: pair[1].key)
    dropped = [_dropped(*clips[number], *reason) for number, reason in sorted(reasons.items())]
    return Selection(tuple(kept), tuple(dropped), slowest)


def near_duplicates(hashes: Sequence[int], bits: int) -> Iterator[tuple[int, int]]:
    """Hashes that differ from an earlier one that is kept in at most `bits` bits, with that one.

    A hash is cut into bits + 1 bands. Two that differ in at most `bits` bits agree in one band, so
    only those are compared and no pair is missed.
    """
    bands = bits + 1
    edges = [HASH_BITS * band // bands for band in range(bands + 1)]
    table: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, value in enumerate(hashes):
        keys = [
            (band, (value >> edges[band]) & ((1 << (edges[band + 1] - edges[band])) - 1))
            for band in range(bands)
        ]
        candidates = sorted({other for key in keys for other in table[key]})
        like = [one for one in candidates if (hashes[one] ^ value).bit_count() <= bits]
        if like:
            yield number, like[0]
            continue
        for key in keys:
            table[key].append(number)


def _fault(clip: ClipRecord, caption: str, filters: Filters) -> tuple[str, str] | None:
    """Reason and detail of the first bound that a clip breaks."""
    figures = clip.figures
    checks = (
        ("static", "motion", filters.min_motion, None),
        ("fast", "motion", None, filters.max_motion),
        ("shaky", "shake", None, filters.max_shake),
        ("dark", "brightness", filters.min_brightness, None),
        ("bright", "brightness", None, filters.max_brightness),
    )
    for reason, name, low, high in checks:
        value = getattr(figures, name)
        if low is not None and value < low:
            return reason, f"{name} {value:.4g} is below {low:g}"
        if high is not None and value > high:
            return reason, f"{name} {value:.4g} is above {high:g}"
    if filters.needs_caption and not caption:
        return "no caption", "its source has no caption"
    return None


def _slowest(
    clips: Sequence[tuple[str, ClipRecord]],
    left: Sequence[int],
    fraction: float,
    reasons: dict[int, tuple[str, str]],
) -> float | None:
    """Drop the fraction of the clips with the lowest motion; the lowest score that is kept."""
    if not fraction or not left:
        return None
    ranked = sorted(left, key=lambda number: (clips[number][1].figures.motion, number))
    count = int(fraction * len(ranked))
    limit = clips[ranked[count]][1].figures.motion
    for number in ranked[:count]:
        motion = clips[number][1].figures.motion
        reasons[number] = (
            "slowest",
            f"motion {motion:.4g}, among the lowest {100 * fraction:g} % (limit {limit:.4g})",
        )
    return limit


def _dropped(source: str, clip: ClipRecord, reason: str, detail: str) -> Dropped:
    figures = clip.figures
    return Dropped(
        source,
        clip.index,
        clip.start_s,
        figures.motion,
        figures.shake,
        figures.brightness,
        reason,
        detail,
    )


def _named(clip: tuple[str, ClipRecord]) -> str:
    return f"{clip[1].index} of {clip[0]}"
