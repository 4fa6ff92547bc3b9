"""Readers of the folders of benchmarks, as they are published."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from ...errors import FormatError
from ...formats import read_tracks
from ...geometry import Size
from ...image_files import read_image
from ...images import image_size
from ...progress import Progress, silent
from ...regular_files import read_bytes, read_text
from ...safe_json import read_json_object
from ..davis import PICTURES, choose_tracks, davis_names, pool_of, read_clip
from .case import (
    MOST_TEXT_BYTES,
    PICTURE_SUFFIXES,
    SuiteCase,
    caption_beside,
    drag_tracks,
    read_frames,
)

# Frames of MotionPro's videos on MC-Bench.
MC_FRAMES = 16
DAVIS_SEED = 0
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
TRACK_SUFFIXES = (".npz", ".json", ".csv", ".npy", ".pth")
MOST_PICKLE_BYTES = 64 << 20
# Names under which numpy pickles arrays and numbers.
IGNORED = ("ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar")


def read_mc_bench(folder: Path, progress: Progress = silent) -> list[SuiteCase]:
    """MC-Bench of MotionPro: CLASS/NAME/first_frame.png, and meta_data.json with traj_key_points.

    Drags become tracks of 16 frames, by monotone cubics through their key points, as in the
    benchmark's own evaluation. meta_data_new.json is read where it is there, as that does.

    Raises FormatError for another folder.
    """
    cases = []
    pictures = sorted(folder.glob("*/*/first_frame.png"))
    for done, picture in enumerate(pictures, start=1):
        progress(done, len(pictures))
        place = picture.parent
        meta = next(
            (
                place / name
                for name in ("meta_data_new.json", "meta_data.json")
                if (place / name).is_file()
            ),
            None,
        )
        if meta is None:
            raise FormatError(f"{place} has no meta_data.json with traj_key_points.")
        size = image_size(read_image(picture))
        drags = _key_points(read_json_object(meta).get("traj_key_points"), meta)
        mask = place / "first_frame_mask.png"
        cases.append(
            SuiteCase(
                f"{place.parent.name}/{place.name}",
                size,
                drag_tracks(drags, size, MC_FRAMES),
                picture,
                mask=mask if mask.is_file() else None,
            )
        )
    return _some(cases, folder, "CLASS/NAME/first_frame.png of MC-Bench")


def _key_points(value: Any, path: Path) -> list[list[tuple[float, float]]]:
    try:
        drags = [[(float(x), float(y)) for x, y in drag] for drag in value]
    except (TypeError, ValueError) as error:
        raise FormatError(f"{path}: traj_key_points must be lists of points [x, y].") from error
    if not drags or not all(drags):
        raise FormatError(f"{path}: traj_key_points holds no drag, or an empty one.")
    return drags


def read_move_bench(
    folder: Path, progress: Progress = silent, mode: str = "single"
) -> list[SuiteCase]:
    """MoveBench of Wan-Move: MODE_track.txt, first_frame/, track/MODE/ and video/.

    Args:
        folder: MoveBench/en or MoveBench/zh.
        progress: Called per case.
        mode: single or multi.

    Raises:
        FormatError: It is another folder, or a file of a case is missing.
    """
    listed = folder / f"{mode}_track.txt"
    if not listed.is_file():
        raise FormatError(
            f"{folder} holds no {listed.name}; name MoveBench/en or MoveBench/zh "
            "(huggingface.co/datasets/Ruihang/MoveBench)."
        )
    cases = []
    lines = read_text(listed, MOST_TEXT_BYTES).splitlines()
    for done, line in enumerate(lines, start=1):
        progress(done, len(lines))
        entry, _, caption = line.strip().partition(",")
        if not entry or entry.startswith("#"):
            continue
        name = Path(entry).stem
        picture = folder / "first_frame" / f"{name}.jpg"
        size = image_size(read_image(picture))
        tracks = read_tracks(folder / "track" / mode / f"{name}_tracks.npy", size=size)
        cases.append(
            SuiteCase(
                name,
                size,
                tracks,
                picture,
                _video(folder / "video" / name),
                caption=caption.strip(),
            )
        )
    return _some(cases, folder, f"a case in {listed.name}")


def read_drag_bench(folder: Path, progress: Progress = silent) -> list[SuiteCase]:
    """DragBench of DragDiffusion: CATEGORY/NAME/original_image.png and meta_data.pkl or .json.

    The points are handle and target in turn. A pickle is read without running what it names.

    Raises FormatError for another folder.
    """
    cases = []
    pictures = sorted(folder.glob("*/*/original_image.png"))
    for done, picture in enumerate(pictures, start=1):
        progress(done, len(pictures))
        place = picture.parent
        size = image_size(read_image(picture))
        meta = _drag_meta(place)
        points = meta.get("points")
        if not isinstance(points, list) or not points or len(points) % 2:
            raise FormatError(f"{place}: points must be pairs of handle and target.")
        pairs = _key_points([[points[n], points[n + 1]] for n in range(0, len(points), 2)], place)
        cases.append(
            SuiteCase(
                f"{place.parent.name}/{place.name}",
                size,
                drag_tracks(pairs, size, 2),
                picture,
                caption=str(meta.get("prompt", "")),
            )
        )
    return _some(cases, folder, "CATEGORY/NAME/original_image.png of DragBench")


def _drag_meta(place: Path) -> dict[str, Any]:
    as_json = place / "meta_data.json"
    if as_json.is_file():
        return read_json_object(as_json)
    data = read_bytes(place / "meta_data.pkl", MOST_PICKLE_BYTES)
    return read_drag_pickle(data, str(place / "meta_data.pkl"))


class _Ignored:
    """Stands in for arrays and their types, which are not needed: stores nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class _PlainUnpickler(pickle.Unpickler):
    """Reads lists, dicts, numbers and texts; numpy's arrays come out empty; refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        is_numpys = module.split(".")[0] == "numpy" and name in IGNORED
        # Old pickles hold bytes as texts in this encoding.
        if is_numpys or (module, name) == ("_codecs", "encode"):
            return _Ignored
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def read_drag_pickle(data: bytes, name: str) -> dict[str, Any]:
    """The dict of a DragBench pickle, with its mask left out. Raises FormatError."""
    try:
        value = _PlainUnpickler(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, ValueError, TypeError, EOFError, LookupError) as error:
        raise FormatError(
            f"{name} must be a pickle of points, prompt and mask and nothing else: {error}. Or "
            "write meta_data.json with points and prompt."
        ) from error
    if not isinstance(value, dict):
        raise FormatError(f"{name} must hold a dict; got {type(value).__name__}.")
    return value


def read_davis(
    folder: Path, progress: Progress = silent, count: int = 2048, frames: int = 16
) -> list[SuiteCase]:
    """The validation clips of DAVIS 2017 with `count` tracks each, as Motion Prompting takes them.

    Central squares of 256 pixels, tracks by Lucas-Kanade from random points of the first frame.
    """
    cases = []
    names = davis_names(folder)
    for done, name in enumerate(names, start=1):
        clip = read_clip(folder, name, frames)
        tracks = choose_tracks(pool_of(clip, DAVIS_SEED), count, DAVIS_SEED)
        truth = folder / PICTURES / name
        cases.append(SuiteCase(name, tracks.size, tracks, None, truth, caption=name))
        progress(done, len(names))
    return _some(cases, folder, "a validation clip")


def read_prompts(folder: Path, progress: Progress = silent) -> list[SuiteCase]:
    """Motion prompts of your own: NAME.npz (or .json, .csv, .npy) with the picture NAME.png.

    NAME.txt is the caption, NAME_truth.mp4 (or a folder NAME_truth) the true video, and
    NAME_mask.png is white where something may move. Files in a folder `camera` or `object` are of
    that kind.

    Raises FormatError where there is none, or tracks do not say their canvas and no picture does.
    """
    cases = []
    files = sorted(one for one in folder.rglob("*") if one.suffix.lower() in TRACK_SUFFIXES)
    for done, path in enumerate(files, start=1):
        progress(done, len(files))
        if path.stem.endswith(("_visibility", "_mask")) or path.name == "meta.json":
            continue
        stem = path.with_name(path.stem.removesuffix("_tracks"))
        picture = _picture(stem)
        size = None if picture is None else image_size(read_image(picture))
        tracks = read_tracks(path, size=size)
        kind = next((part for part in path.parts[::-1] if part in ("camera", "object")), "")
        cases.append(
            SuiteCase(
                stem.relative_to(folder).as_posix(),
                tracks.size,
                tracks,
                picture,
                _video(stem.with_name(f"{stem.name}_truth")),
                _picture(stem.with_name(f"{stem.name}_mask")),
                caption_beside(stem.with_name(f"{stem.name}.png")),
                kind,
            )
        )
    return _some(cases, folder, f"a track file ({', '.join(TRACK_SUFFIXES)})")


def read_videos(folder: Path, progress: Progress = silent) -> list[SuiteCase]:
    """A case without anything known for every video of a folder, for measures that need nothing."""
    cases = []
    paths = sorted(one for one in folder.rglob("*") if one.suffix.lower() in VIDEO_SUFFIXES)
    for done, path in enumerate(paths, start=1):
        frames = read_frames(path)
        size = Size(frames.shape[2], frames.shape[1])
        cases.append(SuiteCase(path.relative_to(folder).with_suffix("").as_posix(), size))
        progress(done, len(paths))
    return _some(cases, folder, f"a video ({', '.join(VIDEO_SUFFIXES)})")


def _video(stem: Path) -> Path | None:
    """STEM.mp4 and its like, or the folder STEM of frames; None where neither is."""
    files = [stem.with_name(stem.name + suffix) for suffix in VIDEO_SUFFIXES]
    found = next((one for one in files if one.is_file()), None)
    return found or (stem if stem.is_dir() else None)


def _picture(stem: Path) -> Path | None:
    files = (stem.with_name(stem.name + suffix) for suffix in PICTURE_SUFFIXES)
    return next((one for one in files if one.is_file()), None)


def _some(cases: list[SuiteCase], folder: Path, what: str) -> list[SuiteCase]:
    if not cases:
        raise FormatError(f"{folder} holds no {what}; see docs/evaluation.md.")
    return cases


def mask_of(case: SuiteCase) -> torch.Tensor | None:
    """(H, W) bool where something may move, on the case's canvas; None where it is not known."""
    if case.mask is None:
        return None
    picture = read_image(case.mask)
    if image_size(picture) != case.size:
        raise FormatError(f"{case.mask} is {image_size(picture)}, but the case {case.size}.")
    return picture.mean(dim=-1) > 0.5
