"""Time-to-Move's folder: written, read back, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError, ShapeError
from motion_core.motion_signal import MotionSignal, read_motion_signal, write_motion_signal

H, W, T = 48, 64, 5


def signal(**changed) -> MotionSignal:
    ramp = torch.linspace(0, 1, W).expand(H, -1)
    video = torch.stack([torch.stack([ramp.roll(4 * t, 1), ramp, 1 - ramp], -1) for t in range(T)])
    mask = torch.zeros(T, H, W, dtype=torch.bool)
    for frame in range(T):
        mask[frame, 8:32, 8 + 4 * frame : 32 + 4 * frame] = True
    given = {"first_frame": video[0], "video": video, "mask": mask, "fps": 16.0, "prompt": "a cat"}
    return MotionSignal(**given | changed)


def test_a_folder_comes_back(tmp_path: Path) -> None:
    wanted, reports = signal(), []
    write_motion_signal(tmp_path / "cat", wanted, lambda *at: reports.append(at))
    files = {"first_frame.png", "motion_signal.mp4", "mask.mp4", "prompt.txt"}
    assert {path.name for path in (tmp_path / "cat").iterdir()} == files
    assert reports == [(n, 2 * T) for n in range(1, 2 * T + 1)]
    found = read_motion_signal(tmp_path / "cat")
    assert (found.prompt, found.fps) == ("a cat", 16.0)
    assert float((found.first_frame - wanted.first_frame).abs().max()) <= 0.5 / 255 + 1e-6
    assert float((found.video - wanted.video).abs().mean()) < 0.02
    assert float((found.mask == wanted.mask).float().mean()) > 0.995


def test_the_prompt_may_be_missing_but_no_other_file(tmp_path: Path) -> None:
    write_motion_signal(tmp_path / "cat", signal())
    (tmp_path / "cat" / "prompt.txt").unlink()
    assert read_motion_signal(tmp_path / "cat").prompt == ""
    (tmp_path / "cat" / "mask.mp4").unlink()
    with pytest.raises(FormatError, match=r"no mask\.mp4"):
        read_motion_signal(tmp_path / "cat")


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="one bool per pixel"):
        signal(mask=torch.ones(T, H, W))
    with pytest.raises(ShapeError, match="one bool per pixel"):
        signal(mask=torch.ones(T - 1, H, W, dtype=torch.bool))
    with pytest.raises(ShapeError, match="first frame is 8x8"):
        signal(first_frame=torch.zeros(8, 8, 3))
    write_motion_signal(tmp_path / "cat", signal())
    with pytest.raises(FileExistsError):
        write_motion_signal(tmp_path / "cat", signal())


def test_a_stopped_writer_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == T + 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_motion_signal(tmp_path / "cat", signal(), stop)
    assert not list(tmp_path.iterdir())
