from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from motion_core.tracks import Tracks, summarize

from .conftest import Command

ROOT = Path(__file__).resolve().parents[2]


def test_text_is_the_summary(folder: Path, motion_core: Command, drawn_tracks: Tracks) -> None:
    result = motion_core("info", "tracks.npz")
    assert result == (0, summarize(drawn_tracks).to_text() + "\n", "")


def test_json_holds_the_same_figures(
    folder: Path, motion_core: Command, drawn_tracks: Tracks
) -> None:
    result = motion_core("info", "bare.json", "--json", "--size", "64x48")
    figures = json.loads(result.out)
    wanted = summarize(drawn_tracks)
    assert figures["size"] == {"width": 64, "height": 48}
    assert (figures["frames"], figures["points"]) == (5, 7)
    assert figures["visible_at_start"] == wanted.visible_at_start
    assert figures["max_path"] > 20 and isinstance(figures["problems"], list)


@pytest.mark.slow
def test_a_reader_who_leaves_early_hears_no_complaint(folder: Path) -> None:
    words = [sys.executable, "-m", "motion_core", "info", str(folder / "tracks.npz")]
    command = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout is not None and command.stderr is not None
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait(timeout=60) == 0
    command.stderr.close()
