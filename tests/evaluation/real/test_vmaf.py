"""VMAF: a stand-in program for the way it is run, and a real one where it is at hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError, ShapeError
from motion_core.evaluation.real.vmaf import Vmaf

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script with a #! line")

# Scores each frame by how many bytes of the two raw videos are equal.
STAND_IN = """#!{python}
import json, pathlib, sys
if "-filters" in sys.argv:
    print(" .. libvmaf VV->V" if {has_filter} else " .. scale V->V")
    sys.exit()
size = sys.argv[sys.argv.index("-s") + 1]
width, height = map(int, size.split("x"))
first, second = (pathlib.Path(sys.argv[n + 1]).read_bytes()
                 for n, word in enumerate(sys.argv) if word == "-i")
count = width * height * 3
frames = []
for start in range(0, len(first) - {short} * count, count):
    pairs = zip(first[start:start + count], second[start:start + count])
    frames.append({{"metrics": {{"vmaf": 100 * sum(a == b for a, b in pairs) / count}}}})
pathlib.Path("vmaf.json").write_text(json.dumps({{"frames": frames}}))
if {code}:
    print("no such codec", file=sys.stderr)
sys.exit({code})
"""


def stand_in(folder: Path, *, has_filter: bool = True, code: int = 0, short: int = 0) -> Path:
    program = folder / "ffmpeg"
    text = STAND_IN.format(python=sys.executable, has_filter=has_filter, code=code, short=short)
    program.write_text(text)
    program.chmod(0o755)
    return program


def video(frames: int = 3, height: int = 32, width: int = 48) -> torch.Tensor:
    return torch.rand(frames, height, width, 3, generator=torch.Generator().manual_seed(0))


def test_the_program_receives_both_videos(tmp_path: Path) -> None:
    vmaf, truth = Vmaf(stand_in(tmp_path)), video()
    changed = truth.clone()
    changed[1, :16] = 1 - changed[1, :16]
    levels = [(one * 255).round().numpy().astype(np.uint8) for one in (changed, truth)]
    expected = [100 * float((a == b).mean()) for a, b in zip(*levels, strict=True)]
    assert vmaf(truth, truth) == 100
    assert vmaf(changed, truth) == pytest.approx(np.mean(expected))


def test_what_is_no_ffmpeg_with_libvmaf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no program"):
        Vmaf(tmp_path / "absent")
    with pytest.raises(FormatError, match="no filter libvmaf"):
        Vmaf(stand_in(tmp_path, has_filter=False))
    plain = tmp_path / "plain.txt"
    plain.write_text("text")
    with pytest.raises(FormatError, match="cannot be run"):
        Vmaf(plain)


def test_videos_must_match_and_not_be_tiny(tmp_path: Path) -> None:
    vmaf = Vmaf(stand_in(tmp_path))
    with pytest.raises(ShapeError, match="one size"):
        vmaf(video(3), video(4))
    with pytest.raises(ShapeError, match="at least 32"):
        vmaf(video(2, 16), video(2, 16))


def test_a_failure_is_no_figure(tmp_path: Path) -> None:
    vmaf = Vmaf(stand_in(tmp_path, short=1))
    with pytest.raises(FormatError, match="measured 2 frames of 3"):
        vmaf(video(), video())
    stand_in(tmp_path, code=3)
    with pytest.raises(FormatError, match="no such codec"):
        vmaf(video(), video())


@pytest.mark.skipif("MOTION_VMAF" not in os.environ, reason="MOTION_VMAF names an ffmpeg")
def test_a_real_program_prefers_the_nearer_video() -> None:
    vmaf, truth = Vmaf(Path(os.environ["MOTION_VMAF"])), video(8, 96, 128)
    far = (
        truth + 0.3 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    ).clamp(0, 1)
    assert vmaf(truth, truth) > 95
    assert vmaf(truth, truth) > vmaf((truth + far) / 2, truth) > vmaf(far, truth)
