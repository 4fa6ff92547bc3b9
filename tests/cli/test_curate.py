"""curate at the command line: one run, its message, and refusals."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from motion_core.cli import main
from motion_core.curation import engine
from motion_core.curation.shards import open_shards
from tests.curation.videos import panned, write_mp4

CLIPS = ["--size", "64x48", "--frames", "8", "--cuts", "none", "--spacing", "8"]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for seed in range(2):
        write_mp4(folder / f"v{seed}.mp4", panned(seed, 18, 0.5 * seed), 16.0)
    return folder


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch) -> None:
    monkeypatch.setattr(engine, "LocalPool", lambda workers: engine.InProcess())


def test_a_folder_becomes_shards(videos: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    listed = tmp_path / "marked.txt"
    listed.write_text("# watermarks\nv0.mp4\n", encoding="utf-8")
    words = ["curate", str(videos), "--out", str(out), *CLIPS, "--without", str(listed)]
    assert main([*words, "--licence", "CC BY 4.0", "--separate"]) == 0
    assert "2 clips in 1 shards, 1 s of video; dropped: none; 0 of 2 sources" in (
        capsys.readouterr().err
    )
    sample = open_shards([out])[0]
    assert sample.about["licence"] == "CC BY 4.0"
    assert sample.about["label"] == "camera"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGTERM to catch")
def test_a_request_to_end_stops_and_the_same_command_goes_on(
    videos: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    class Ended:
        def run(self, function, jobs):
            with closing(engine.InProcess().run(function, jobs)) as outcomes:
                yield next(outcomes)
            os.kill(os.getpid(), signal.SIGTERM)

    words = ["curate", str(videos), "--out", str(tmp_path / "out"), *CLIPS]
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        patched.setattr(engine, "LocalPool", lambda workers: Ended())
        assert main(words) == 130
    assert signal.getsignal(signal.SIGTERM) is before
    assert "stopped" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "work" / "scans").glob("*.json"))) == 1
    assert main([*words, "--report"]) == 0
    assert len(open_shards([tmp_path / "out"])) == 4
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--size", "63x48"], "even sides"),
        (["--drop-slowest", "1"], "drop_slowest must be 0..1"),
        (["--tracker", "magic"], "there is no tracker 'magic'"),
        (["--address", "auto"], "belong to --engine ray"),
        (["--only", "missing.txt"], "cannot open the file"),
        (["--min-motion", "99"], "the filters drop all 4 clips: static"),
    ],
)
def test_refusals_are_one_line(videos: Path, tmp_path: Path, capsys, words, says: str) -> None:
    assert main(["curate", str(videos), "--out", str(tmp_path / "out"), *CLIPS, *words]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(lines) == 1 and says in lines[0]
