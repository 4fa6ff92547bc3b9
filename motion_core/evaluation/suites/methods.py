"""Videos of this package's own methods for the cases of a suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...atomic_write import atomic_folder
from ...errors import FormatError
from ...image_files import read_image, write_image
from ...progress import Progress, silent
from ..real.methods import Method
from .case import SuiteCase, on_canvas


def render_cases(
    name: str, cases: Sequence[SuiteCase], folder: Path, progress: Progress = silent
) -> None:
    """Draw the frames of every case that has a picture and tracks, as FOLDER/CASE/00000.png.

    Cases that are drawn already stay. Raises ValueError for an unknown method, and FormatError
    where no case has a picture and tracks.
    """
    method = Method(name)
    able = [case for case in cases if case.image is not None and case.tracks is not None]
    if not able:
        raise FormatError(f"{name} needs cases with a picture and tracks; this suite has none.")
    for done, case in enumerate(able, start=1):
        target = folder / case.name
        if not target.is_dir():
            _draw(method, case, target)
        progress(done, len(able))


def _draw(method: Method, case: SuiteCase, target: Path) -> None:
    assert case.image is not None and case.tracks is not None
    image = on_canvas(read_image(case.image)[None], case.size, "the picture")[0]
    drawing = method(image, case.tracks)
    drawn = (torch.from_numpy(drawing.frame(frame)) for frame in range(case.tracks.num_frames))
    write_frames(target, drawn)


def write_frames(target: Path, frames: Iterable[Tensor]) -> None:
    """Write frames (H, W, 3) 0..1 as target/00000.png and so on; all of them or no folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(target) as temporary:
        for number, frame in enumerate(frames):
            write_image(temporary / f"{number:05d}.png", frame.clamp(0, 1))
