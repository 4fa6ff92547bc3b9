"""DAVIS 2017 read from a local folder: clips, and the errors of methods on them.

Motion Prompting's protocol (A.8): the 30 validation clips, the first frame cropped to a square,
tracks from a tracker because DAVIS has none, some of them chosen at random. This protocol differs
in the tracker (Lucas-Kanade unless another is passed) and in the number of frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FormatError
from ..fields.densifier import Densifier
from ..geometry import Size
from ..image_files import read_image
from ..images import resize_images
from ..regular_files import decode_text
from ..trackers import LucasKanade, Tracker, random_queries
from ..tracks import select
from ..tracks.model import Tracks
from .cases import COUNTS, DRAG
from .field_errors import track_error
from .journal import Row
from .perceptual import Perceptual
from .protocol import Rows, Study, video_rows

SIDE, FRAMES = 256, 16
# Points tracked per clip: twice the largest number of tracks that a method gets.
POOL = 4096
LIST = Path("ImageSets") / "2017" / "val.txt"
PICTURES = Path("JPEGImages") / "480p"
MOST_LIST = 1 << 20


@dataclass(frozen=True, eq=False)
class DavisClip:
    """A square clip (T, S, S, 3) float32 0..1 by its name in DAVIS."""

    name: str
    video: Tensor


def davis_names(folder: Path) -> list[str]:
    """The validation clips that the folder's ImageSets/2017/val.txt names.

    Raises FormatError if the folder is not DAVIS, or if a name in the list leads out of it.
    """
    listed = folder / LIST
    if not listed.is_file() or listed.stat().st_size > MOST_LIST:
        raise FormatError(
            f"{folder} is not a DAVIS folder: it holds no {LIST.as_posix()}. Name the folder "
            "that holds ImageSets and JPEGImages (davischallenge.org, DAVIS 2017 TrainVal, 480p)."
        )
    names = decode_text(listed.read_bytes(), "replace").split()
    wild = [name for name in names if Path(name).name != name or name.startswith(".")]
    if wild or not names:
        raise FormatError(f"{listed} must hold names of clips, one per line; got {wild[:1]}.")
    return names


def read_clip(folder: Path, name: str, frames: int = FRAMES, side: int = SIDE) -> DavisClip:
    """The first frames of a clip: their central square, resized.

    Args:
        folder: of DAVIS.
        name: of the clip.
        frames: the most frames to read.
        side: of the result, pixels.

    Raises:
        FormatError: the clip has fewer than 2 pictures or pictures of several sizes, or a picture
            cannot be read.
    """
    paths = sorted((folder / PICTURES / name).glob("*.jpg"))[:frames]
    if len(paths) < 2:
        raise FormatError(
            f"{folder / PICTURES / name} holds {len(paths)} .jpg files; 2 are needed."
        )
    pictures = [read_image(path) for path in paths]
    if len({picture.shape for picture in pictures}) > 1:
        raise FormatError(f"the images of {folder / PICTURES / name} are not of one size.")
    return DavisClip(name, torch.stack([_square(picture, side) for picture in pictures]))


def choose_tracks(pool: Tracks, count: int, seed: int) -> Tracks:
    """`count` of a clip's tracks, chosen at random."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(pool.num_points, generator=generator)[:count].sort().values
    return select(pool, chosen)


def pool_of(clip: DavisClip, seed: int, tracker: Tracker | None = None) -> Tracks:
    """Tracks of points all over a clip's first frame, by Lucas-Kanade or another tracker."""
    height, width = clip.video.shape[1:3]
    queries = random_queries(Size(width, height), POOL, torch.Generator().manual_seed(seed))
    return (tracker or LucasKanade()).track(clip.video, queries)


def measure_davis(
    study: Study,
    folder: Path,
    methods: Mapping[str, Mapping[str, Densifier]],
    perceptual: Perceptual,
) -> dict[str, Rows]:
    """Errors on every validation clip of a folder, by count of tracks and method.

    Args:
        study: whose seeds choose the tracks.
        folder: of DAVIS.
        methods: for each count of tracks.
        perceptual: measures LPIPS.

    Returns:
        Rows with the places "tracks", at the tracks that a method is given, and "unseen", at the
        other tracked points, pixels of the 256-pixel crop; then what video_errors has, against the
        clip's own frames.
    """
    counts = [count for count in COUNTS if count in methods and count != DRAG]
    rows_of: dict[str, Rows] = {count: {} for count in counts}
    for number, name in enumerate(davis_names(folder)):
        for seed in study.seeds:
            clip_rows = _clip_rows(
                study, folder, name, {c: methods[c] for c in counts}, seed, perceptual
            )
            for count, row in clip_rows:
                _put(rows_of[count], row, number)
    return rows_of


def _clip_rows(
    study: Study,
    folder: Path,
    name: str,
    methods: Mapping[str, Mapping[str, Densifier]],
    seed: int,
    perceptual: Perceptual,
) -> Iterator[tuple[str, Row]]:
    """Rows of a clip for every count; it is read and tracked only if one is not known yet."""
    clip = pool = None
    for count, densifiers in methods.items():
        key = f"davis/{name}/{count}/{seed}"
        if key not in study.journal.rows:
            clip = clip or read_clip(folder, name)
            pool = pool or pool_of(clip, seed)
            tracks = choose_tracks(pool, int(count), seed)
            row = video_rows(clip.video[0], tracks, clip.video, densifiers, perceptual)
            for method, densifier in densifiers.items():
                moved = densifier(clip.video[0], tracks).displacement
                row[method]["tracks"] = track_error(moved, tracks)
                row[method]["unseen"] = track_error(moved, _others(pool, tracks))
            study.keep(key, row)
        yield count, study.journal.rows[key]


def _others(pool: Tracks, chosen: Tracks) -> Tracks:
    return select(pool, (~torch.isin(pool.ids, chosen.ids)).nonzero().squeeze(1))


def _put(rows: Rows, row: Row, number: int) -> None:
    for method, figures in row.items():
        scenes = rows.setdefault(method, [])
        if len(scenes) == number:
            scenes.append([])
        scenes[number].append(figures)


def _square(picture: Tensor, side: int) -> Tensor:
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    crop = picture[top : top + short, left : left + short]
    return resize_images(crop, Size(side, side)).clamp(0, 1)
