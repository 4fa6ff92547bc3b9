"""Real clips, read from a local folder, with what people have marked in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...fields.arrays import BoolArray
from ...geometry import Size
from ...image_files import read_image, read_mask
from ...regular_files import decode_text
from ...tracks.model import Tracks, make_tracks
from .photographs import META, read_meta

# Folders that hold clips; the first frames of each clip are measured.
SETS = ("davis-train", "intel", "mit", "sa-v")
FRAMES = 16
HELD_OUT_EVERY = 3
MASK, MARKS = Path("masks") / "00000.png", "tracks_badja.json"
# Clips of one scene end in a letter, or are of one signer.
ONE_SCENE = re.compile(r"^(sign)-|^(.*)-[a-e]$")
# Scenes that show the same people or the same place: what is trained on one knows the others.
RELATED = (
    frozenset({"intel/head-man", "intel/head-woman", "intel/heads-two"}),
    frozenset({"intel/three-walk-in", "intel/two-walk-in"}),
    frozenset({"intel/cars-above", "intel/parking-car"}),
)
# Its frames are dithered: trackers follow the pattern.
DEGRADED = {"davis-train/crossing"}
MOST_MARKS = 1 << 22


@dataclass(frozen=True, eq=False)
class RealClip:
    """A clip with its annotations.

    Attributes:
        name: SET/NAME.
        scene: clips of one scene share it.
        video: (T, H, W, 3) float32 0..1, as stored.
        thing: (H, W) bool, the outlined thing in frame 0, or None.
        marks: points that people have marked, visible where they did, or None; all are visible in
            frame 0.
    """

    name: str
    scene: str
    video: Tensor
    thing: BoolArray | None
    marks: Tracks | None


def clip_names(folder: Path) -> list[str]:
    """SET/NAME of every clip of a folder with enough frames, in order; maybe none."""
    names = []
    for part in SETS:
        for place in sorted((folder / part).glob("*/")):
            name = f"{part}/{place.name}"
            if name not in DEGRADED and len(_pictures(place)) >= FRAMES:
                names.append(name)
    return names


def scene_of(name: str) -> str:
    """The scene that a clip SET/NAME shows."""
    part, clip = name.split("/", 1)
    found = ONE_SCENE.match(clip)
    return f"{part}/{(found[1] or found[2]) if found else clip}"


def held_out_scenes(names: list[str]) -> set[str]:
    """The scenes of clips SET/NAME that no setting is chosen on and nothing is trained on.

    They are every HELD_OUT_EVERY-th scene in the order of the names, from the first on, as
    `evaluate --real DIR --only clips --per-scene 1 --every 3` measures them.
    """
    return set(list(dict.fromkeys(map(scene_of, names)))[::HELD_OUT_EVERY])


def related_scenes(scenes: set[str]) -> set[str]:
    """The scenes, and those that show the same people or the same place as one of them."""
    return scenes.union(*(group for group in RELATED if group & scenes))


def read_real_clip(folder: Path, name: str) -> RealClip:
    """The first FRAMES frames of a clip; of one with marks, from the first marked frame on.

    Raises:
        FormatError: a file is missing or broken, or the frames differ in size.
    """
    place = folder / name
    read_meta(place / META)
    marks = _read_marks(place / MARKS) if (place / MARKS).is_file() else None
    first = 0 if marks is None else int(marks["frames"][0])
    paths = _pictures(place)[first : first + FRAMES]
    if len(paths) < FRAMES:
        raise FormatError(f"{place} holds {len(paths)} frames from {first} on; {FRAMES} needed.")
    pictures = [read_image(path) for path in paths]
    if len({picture.shape for picture in pictures}) > 1:
        raise FormatError(f"the frames of {place} are not of one size.")
    video = torch.stack(pictures)
    thing = None
    if first == 0 and (place / MASK).is_file():
        thing = (read_mask(place / MASK) > 0.5).numpy()
        if thing.shape != video.shape[1:3]:
            raise FormatError(f"{place / MASK} is not of the size of the frames.")
    size = Size(video.shape[2], video.shape[1])
    marked = None if marks is None else _marked_tracks(marks, first, size, place)
    return RealClip(name, scene_of(name), video, thing, marked)


def _pictures(place: Path) -> list[Path]:
    return sorted(place.glob("[0-9][0-9][0-9][0-9][0-9].jpg"))


def _read_marks(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MOST_MARKS:
        raise FormatError(f"{path} is larger than {MOST_MARKS} bytes.")
    try:
        marks = json.loads(decode_text(path.read_bytes(), "replace"))
        frames, places = [int(frame) for frame in marks["frames"]], marks["xy"]
        sound = len(frames) == len(places) and frames == sorted(set(frames)) and frames[0] >= 0
    except (ValueError, TypeError, KeyError, LookupError) as error:
        raise FormatError(f"{path} must hold frames and xy of marked points: {error}") from error
    if not sound:
        raise FormatError(f"{path} must have one list of places for each of its rising frames.")
    return {"frames": frames, "xy": places}


def _marked_tracks(marks: dict[str, Any], first: int, size: Size, place: Path) -> Tracks:
    """Marked points as tracks of FRAMES frames: those that are marked in the first one."""
    known = [point is not None for point in marks["xy"][0]]
    xy = torch.zeros(FRAMES, len(known), 2)
    visible = torch.zeros(FRAMES, len(known), dtype=torch.bool)
    try:
        for frame, points in zip(marks["frames"], marks["xy"], strict=True):
            for index, point in enumerate(points):
                if point is not None and frame - first < FRAMES:
                    across, down = point
                    xy[frame - first, index] = torch.tensor([across, down]) * torch.tensor(size)
                    visible[frame - first, index] = True
    except (ValueError, TypeError, LookupError) as error:
        raise FormatError(
            f"{place / MARKS} must mark the same points everywhere: {error}"
        ) from error
    chosen = torch.tensor(known)
    return make_tracks(xy[:, chosen], size, visible=visible[:, chosen])
