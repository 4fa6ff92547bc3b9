"""Samples joined to shards, and the manifest that describes them."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..atomic_write import atomic_write, naming, write_text
from ..errors import FormatError
from ..progress import Progress, silent
from .filters import Selection
from .sample import SAMPLE_VERSION, sample_path
from .scan import ClipRecord, ScanRecord
from .settings import CurationSettings
from .sources import Source

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
MB = 1_000_000
# Two blocks of zeros end a tar archive (POSIX.1-1988 ustar).
ARCHIVE_END = bytes(1024)
PACKAGES = ("av", "numpy", "opencv-python-headless", "torch", "scenedetect")


@dataclass(frozen=True)
class Shard:
    """A written shard: file name, number of samples, and length in bytes."""

    name: str
    samples: int
    bytes: int


def pack_shards(
    keys: Sequence[str],
    samples: Path,
    target: Path,
    shard_mb: float,
    progress: Progress = silent,
) -> list[Shard]:
    """Join samples to shards in the order of their keys.

    A key is a digest of a clip's content, so the order mixes the sources, and the shards depend on
    nothing but the samples. The name of a shard holds a digest of its bytes.

    Args:
        keys: Sorted.
        samples: Folder of the samples.
        target: Folder of the shards.
        shard_mb: See CurationSettings.
        progress: Called per sample.

    Raises:
        OSError: The disk is full, or a sample is missing.
    """
    shards: list[Shard] = []
    group: list[str] = []
    size = 0
    for done, key in enumerate(keys, start=1):
        length = sample_path(samples, key).stat().st_size
        if group and size + length + len(ARCHIVE_END) > shard_mb * MB:
            shards.append(_write_shard(len(shards), group, samples, target))
            group, size = [], 0
        group.append(key)
        size += length
        progress(done, len(keys))
    if group:
        shards.append(_write_shard(len(shards), group, samples, target))
    return shards


def _write_shard(number: int, keys: Sequence[str], samples: Path, target: Path) -> Shard:
    """Write one shard, first under a name without its digest."""
    partial = target / f"shard-{number:06d}.tar"
    digest = hashlib.sha256()
    with atomic_write(partial) as temporary, naming(partial), temporary.open("wb") as file:
        for key in keys:
            data = sample_path(samples, key).read_bytes()
            digest.update(data)
            file.write(data)
        digest.update(ARCHIVE_END)
        file.write(ARCHIVE_END)
    name = f"shard-{number:06d}-{digest.hexdigest()[:12]}.tar"
    partial.replace(target / name)
    return Shard(name, len(keys), (target / name).stat().st_size)


def manifest_of(
    settings: CurationSettings,
    sources: Sequence[Source],
    excluded: Sequence[str],
    scans: Sequence[ScanRecord],
    selection: Selection,
    shards: Sequence[Shard],
    problems: dict[str, str],
) -> dict[str, Any]:
    """The manifest: counts, licences, versions, seeds, shards, and what was dropped and why.

    It holds no times and no paths of this machine, so equal curations give equal manifests.
    """
    by_name = {source.name: source for source in sources}
    kept = list(selection.kept)
    licences = Counter(
        by_name[name].licence or settings.licence or "not stated" for name, _ in kept
    )
    return {
        "manifest_version": MANIFEST_VERSION,
        "sample_version": SAMPLE_VERSION,
        "settings": settings.to_values(),
        "seed": settings.seed,
        "versions": versions(),
        "counts": {
            "sources": len(sources) + len(excluded),
            "sources_excluded": len(excluded),
            "sources_unreadable": sum(scan.timeline is None for scan in scans),
            "clips_found": sum(len(scan.clips) for scan in scans),
            "clips_dropped": dict(sorted(Counter(d.reason for d in selection.dropped).items())),
            "clips_lost": len(kept) - sum(shard.samples for shard in shards),
            "samples": sum(shard.samples for shard in shards),
            "without_caption": sum(not by_name[name].caption for name, _ in kept),
            "upscaled": sum(_is_upscaled(clip, settings) for _, clip in kept),
            "seconds": round(
                settings.frames / settings.fps * sum(shard.samples for shard in shards), 3
            ),
        },
        "slowest_motion_kept": selection.slowest,
        "licences": dict(sorted(licences.items())),
        "shards": [asdict(shard) for shard in shards],
        "problems": dict(sorted(problems.items())),
    }


def _is_upscaled(clip: ClipRecord, settings: CurationSettings) -> bool:
    across, down = clip.source_size
    return max(settings.size.width / across, settings.size.height / down) > 1


def versions() -> dict[str, str]:
    """Releases of everything that the bytes of a sample depend on."""
    found = {"motion_prompting": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    return found


def write_manifest(folder: Path, manifest: dict[str, Any]) -> Path:
    """Write the manifest of a folder of shards."""
    path = folder / MANIFEST
    write_text(path, json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path


def check_manifest(manifest: dict[str, Any], path: Path) -> None:
    """Refuse a manifest of another version. Raises FormatError that says what to do."""
    for name, wanted in (
        ("manifest_version", MANIFEST_VERSION),
        ("sample_version", SAMPLE_VERSION),
    ):
        if manifest.get(name) != wanted:
            raise FormatError(
                f"{path}: expected {name} {wanted}, got {manifest.get(name)!r:.40}. Curate the "
                "videos again with this release, or read the shards with the release that wrote "
                "them."
            )
    if not isinstance(manifest.get("shards"), list):
        raise FormatError(f"{path}: lists no shards; curate the videos again.")
