"""How the command line behaves whatever the command: help, errors, Ctrl-C."""

from __future__ import annotations

import io
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from motion_core.cli import terminal
from motion_core.cli.parser import make_parser
from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.tracks import make_tracks

from .conftest import Command

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["expand", "convert", "overlay", "draft", "info"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_examples_that_parse(name: str, motion_core: Command) -> None:
    result = motion_core(name, "--help")
    assert result.code == 0 and result.err == ""
    examples = re.findall(r"^  python -m motion_core (.+)$", result.out, re.MULTILINE)
    assert examples
    for example in examples:
        assert make_parser().parse_args(shlex.split(example)).command == name


def test_help_does_not_wait_for_torch() -> None:
    program = (
        "import sys; from motion_core.cli import main\n"
        "try: main(['draft', '--help'])\n"
        "finally: sys.stderr.write(str(sorted({'torch', 'numpy'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "[]"


BAD_LINES = {
    "nothing": [],
    "unknown command": ["paint"],
    "missing output": ["expand", "drawing.json", "--frames", "5"],
    "missing frames": ["expand", "drawing.json", "-o", "a.npz"],
    "frames 0": ["expand", "drawing.json", "--frames", "0", "-o", "a.npz"],
    "frames negative": ["expand", "drawing.json", "--frames", "-3", "-o", "a.npz"],
    "frames half": ["expand", "drawing.json", "--frames", "2.5", "-o", "a.npz"],
    "too many frames": [
        "expand", "drawing.json", "--size", "9x9", "--frames", "999999", "-o", "a.npz",
    ],
    "size without height": ["info", "bare.json", "--size", "64"],
    "size zero": ["info", "bare.json", "--size", "0x48"],
    "size too large": ["info", "bare.json", "--size", "70000x48"],
    "size of words": ["info", "bare.json", "--size", "axb"],
    "fps 0": ["convert", "tracks.npz", "a.npz", "--fps", "0"],
    "fps NaN": ["convert", "tracks.npz", "a.npz", "--fps", "nan"],
    "fps of words": ["convert", "tracks.npz", "a.npz", "--fps", "fast"],
    "size and image": [
        "expand", "drawing.json", "--size", "9x9", "--image", "photo.png", "--frames", "2",
        "-o", "a.npz",
    ],
    "no such document": ["expand", "nowhere.json", "--frames", "5", "-o", "a.npz"],
    "document is a folder": ["expand", ".", "--frames", "5", "-o", "a.npz"],
    "document is a picture": ["expand", "photo.png", "--frames", "5", "-o", "a.npz"],
    "document is a list": ["expand", "bare.json", "--frames", "5", "-o", "a.npz"],
    "document is deep": ["expand", "deep.json", "--frames", "5", "-o", "a.npz"],
    "document is huge": ["expand", "huge.json", "--frames", "5", "-o", "a.npz"],
    "endless document": ["expand", "/dev/zero", "--frames", "5", "-o", "a.npz"],
    "mask is no picture": [
        "expand", "drawing.json", "--frames", "5", "--mask", "drawing.json", "-o", "a.npz",
    ],
    "no such tracks": ["info", "nowhere.npz"],
    "tracks are a folder": ["info", "."],
    "tracks are a picture": ["info", "photo.png"],
    "tracks are empty": ["info", "empty.npz"],
    "tracks are cut": ["info", "cut.npz"],
    "endless tracks": ["info", "/dev/zero"],
    "another size": ["info", "tracks.npz", "--size", "9x9"],
    "unknown suffix": ["convert", "tracks.npz", "a.tiff"],
    "unknown format": ["convert", "tracks.npz", "a.npz", "--format", "gif"],
    "no such folder": ["convert", "tracks.npz", "nowhere/a.npz"],
    "output is a folder": ["convert", "tracks.npz", "."],
    "NUL in a name": ["convert", "tracks.npz", "a\0.npz"],
    "overlay as text": ["overlay", "tracks.npz", "-o", "a.txt"],
    "overlay without folder": ["overlay", "tracks.npz", "-o", "nowhere/a.png"],
    "overlay on a folder": ["overlay", "tracks.npz", "--image", ".", "-o", "a.png"],
    "overlay on tracks": ["overlay", "tracks.npz", "--image", "tracks.npz", "-o", "a.png"],
    "overlay on no video": ["overlay", "tracks.npz", "--video", "drawing.json", "-o", "a.png"],
    "draft as picture": ["draft", "photo.png", "tracks.npz", "-o", "a.png"],
    "draft of tracks": ["draft", "tracks.npz", "photo.png", "-o", "a.mp4"],
    "draft of no picture": ["draft", "nowhere.png", "tracks.npz", "-o", "a.mp4"],
    "max side 0": ["draft", "photo.png", "tracks.npz", "-o", "a.mp4", "--max-side", "0"],
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_LINES)
def test_bad_input_is_one_line_and_code_2(case: str, folder: Path, motion_core: Command) -> None:
    Path("empty.npz").touch()
    Path("cut.npz").write_bytes(Path("tracks.npz").read_bytes()[:100])
    Path("deep.json").write_text("[" * 100_000, encoding="utf-8")
    Path("huge.json").write_text('"' + "a" * 5_000_000 + '"', encoding="utf-8")
    before = sorted(folder.iterdir())
    began = time.perf_counter()
    result = motion_core(*BAD_LINES[case])
    assert time.perf_counter() - began < 10
    assert result.code == 2 and result.out == ""
    assert re.fullmatch(r"error: [^\n]{10,600}\n", result.err), result.err
    assert sorted(folder.iterdir()) == before, "a refused command leaves no file"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate"
                     " memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory"),
    ],
    ids=["python", "torch on the processor", "torch on a graphics card"],
)  # fmt: skip
def test_too_little_memory_is_one_line_too(folder, motion_core, monkeypatch, error) -> None:
    def starved(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr("motion_core.cli.convert.write_tracks", starved)
    result = motion_core("convert", "tracks.npz", "a.npz")
    assert result.code == 2 and "not enough memory" in result.err


def test_a_stop_within_the_work_gives_130(folder, motion_core, monkeypatch) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("motion_core.cli.overlay.meter", lambda label: stop)
    before = sorted(folder.iterdir())
    result = motion_core("overlay", "tracks.npz", "-o", "a.mp4")
    assert result == (130, "", "stopped; no file is half written.\n")
    assert sorted(folder.iterdir()) == before


# Stops after so many frames that the encoder has begun to fill the file.
WAIT_WHILE_WRITING = """
import sys, time
from motion_core.cli import main, terminal

def wait(done, total):
    if done == 90:
        terminal.echo("waiting")
        time.sleep(60)

terminal.meter = lambda label: wait if label.startswith("writing") else lambda done, total: None
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_while_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    still = make_tracks(torch.full((100, 1, 2), 20.0), Size(64, 48), fps=16)
    write_tracks(tmp_path / "long.npz", still)
    words = ["overlay", str(tmp_path / "long.npz"), "-o", str(tmp_path / "a.mp4")]
    with subprocess.Popen(
        [sys.executable, "-c", WAIT_WHILE_WRITING, *words], cwd=ROOT, stderr=subprocess.PIPE
    ) as command:
        assert command.stderr is not None
        assert command.stderr.readline() == b"waiting\n"
        assert len(list(tmp_path.iterdir())) == 2, "a temporary file is there"
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (130, b"stopped; no file is half written.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["long.npz"]


class Screen(io.StringIO):
    """A stderr that is a terminal, or not."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_one_line_and_only_for_terminals(is_terminal, monkeypatch) -> None:
    screen = Screen(is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    show = terminal.meter("frame")
    for done in range(1, 1001):
        show(done, 1000)
    shown = screen.getvalue()
    if not is_terminal:
        assert shown == ""
        return
    assert shown.endswith("\rframe 1000/1000\n") and shown.count("\n") == 1
    assert shown.count("\r") < 50
