"""What is measured of a video: likeness, and whether its points went where they were asked to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.evaluation.baselines import Question, nearest, rest
from motion_core.evaluation.methods import whole_answer
from motion_core.evaluation.perceptual import Perceptual
from motion_core.evaluation.protocol import FLOOR, video_rows
from motion_core.evaluation.rendered import followed
from motion_core.geometry import Size
from motion_core.tracks import make_tracks

SIZE = Size(96, 80)


def panned(shift: float, frames: int = 5) -> torch.Tensor:
    """A texture that moves right by `shift` pixels per frame."""
    import cv2

    noise = np.random.default_rng(0).random((80, 200, 3)).astype(np.float32)
    wide = cv2.GaussianBlur(noise, (0, 0), 2.0)
    wide = (wide - wide.min()) / (wide.max() - wide.min())
    views = []
    for frame in range(frames):
        map_ = np.array([[1, 0, shift * frame - 50], [0, 1, 0]], np.float32)
        views.append(cv2.warpAffine(wide, map_, (96, 80), flags=cv2.INTER_LINEAR))
    return torch.from_numpy(np.stack(views))


def asked(shift: float, frames: int = 5) -> torch.Tensor:
    starts = torch.tensor([[30.0, 30.0], [50.0, 40.0], [40.0, 60.0]])
    return starts + torch.arange(frames).view(-1, 1, 1) * torch.tensor([shift, 0.0])


def test_a_video_that_does_as_asked_and_one_that_does_not() -> None:
    video = panned(3.0)
    good, found = followed(video, make_tracks(asked(3.0), SIZE))
    assert good < 0.15
    assert found > 0.9
    off, _ = followed(video, make_tracks(asked(5.0), SIZE))
    assert off == pytest.approx(2 * (1 + 2 + 3 + 4) / 4, abs=0.2)


def test_what_cannot_be_found_again_is_said_to_be_lost() -> None:
    video = panned(3.0)
    video[2:] = torch.rand(video[2:].shape, generator=torch.Generator().manual_seed(0))
    _, found = followed(video, make_tracks(asked(3.0), SIZE))
    assert found < 0.6
    hidden = make_tracks(asked(3.0), SIZE, visible=torch.zeros(5, 3, dtype=torch.bool))
    assert all(map(math.isnan, followed(panned(3.0), hidden)))


def test_videos_and_tracks_must_belong_together() -> None:
    with pytest.raises(CanvasError, match="96x80"):
        followed(panned(1.0), make_tracks(asked(1.0), Size(80, 80)))
    with pytest.raises(ShapeError, match="5 frames"):
        followed(panned(1.0), make_tracks(asked(1.0, 4), SIZE))


def test_a_method_that_moves_rightly_makes_the_better_video() -> None:
    truth = panned(3.0)
    question = Question(truth[0], make_tracks(asked(3.0), SIZE), 16)
    methods = {"nearest": whole_answer(nearest), "no control": whole_answer(rest)}
    rows = video_rows(question, truth, methods, Perceptual())
    assert rows[FLOOR]["psnr"] == 100.0
    assert rows[FLOOR]["followed"] < 0.15
    assert rows["nearest"]["psnr"] > rows["no control"]["psnr"] + 3
    assert rows["nearest"]["ssim"] > rows["no control"]["ssim"]
    assert rows["nearest"]["followed"] < 0.5
    assert rows["no control"]["followed"] == pytest.approx(7.5, abs=0.3)


def test_lpips_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    lacking = Perceptual()
    assert "alexnet-owt-7be5be79.pth" in lacking.missing
    assert math.isnan(lacking(panned(1.0), panned(1.0)))
