"""A folder with a picture, a drawing and its tracks, and the command line as a function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from motion_core.cli import main
from motion_core.document import (
    Brush,
    DragLayer,
    MotionDocument,
    PinLayer,
    TimedPoint,
    document_to_json,
)
from motion_core.document import Path as DrawnPath
from motion_core.expand import expand_document
from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.tracks import Tracks

SIZE = Size(64, 48)
DRAWING = MotionDocument(
    SIZE,
    (
        DragLayer(
            "drag",
            path=DrawnPath((TimedPoint(None, 0.3, 0.5), TimedPoint(None, 0.7, 0.5))),
            brush=Brush(0.1, 0.1),
        ),
        PinLayer("pins", points=((0.1, 0.1), (0.9, 0.9))),
    ),
)


class CommandResult(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


Command = Callable[..., CommandResult]


@pytest.fixture
def motion_core(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command line in this process."""

    def run(*words: object) -> CommandResult:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return CommandResult(code, *capsys.readouterr())

    return run


@pytest.fixture
def drawn_tracks() -> Tracks:
    return expand_document(DRAWING, SIZE, 5)


@pytest.fixture
def folder(tmp_path: Path, drawn_tracks: Tracks, monkeypatch: pytest.MonkeyPatch) -> Path:
    """drawing.json, photo.png, tracks.npz and bare.json (coordinates, which store no canvas)."""
    monkeypatch.chdir(tmp_path)
    across, down = torch.linspace(0, 1, 64), torch.linspace(0, 1, 48)
    shades = torch.stack([across.expand(48, 64), down[:, None].expand(48, 64)], dim=-1)
    write_image(tmp_path / "photo.png", torch.cat([shades, shades[..., :1] / 2], dim=-1))
    (tmp_path / "drawing.json").write_text(document_to_json(DRAWING), encoding="utf-8")
    write_tracks(tmp_path / "tracks.npz", drawn_tracks)
    write_tracks(tmp_path / "bare.json", drawn_tracks)
    return tmp_path
