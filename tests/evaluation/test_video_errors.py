"""What is measured of a video: similarity to the true one, and how its points follow tracks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.evaluation.perceptual import Perceptual
from motion_core.evaluation.protocol import FLOOR, video_rows
from motion_core.evaluation.video_errors import followed
from motion_core.fields.interpolation import NearestTrack, Rest
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


def target(shift: float, frames: int = 5) -> torch.Tensor:
    starts = torch.tensor([[30.0, 30.0], [50.0, 40.0], [40.0, 60.0]])
    return starts + torch.arange(frames).view(-1, 1, 1) * torch.tensor([shift, 0.0])


def test_a_video_that_follows_its_tracks_and_one_that_does_not() -> None:
    video = panned(3.0)
    good, found = followed(video, make_tracks(target(3.0), SIZE))
    assert good < 0.15
    assert found > 0.9
    off, _ = followed(video, make_tracks(target(5.0), SIZE))
    assert off == pytest.approx(2 * (1 + 2 + 3 + 4) / 4, abs=0.2)


def test_what_cannot_be_found_again_counts_as_lost() -> None:
    video = panned(3.0)
    video[2:] = torch.rand(video[2:].shape, generator=torch.Generator().manual_seed(0))
    _, found = followed(video, make_tracks(target(3.0), SIZE))
    assert found < 0.6
    hidden = make_tracks(target(3.0), SIZE, visible=torch.zeros(5, 3, dtype=torch.bool))
    assert all(map(math.isnan, followed(panned(3.0), hidden)))


def test_videos_and_tracks_must_belong_together() -> None:
    with pytest.raises(CanvasError, match="96x80"):
        followed(panned(1.0), make_tracks(target(1.0), Size(80, 80)))
    with pytest.raises(ShapeError, match="5 frames"):
        followed(panned(1.0), make_tracks(target(1.0, 4), SIZE))


def test_a_method_with_the_right_motion_makes_the_better_video() -> None:
    truth = panned(3.0)
    grid = Size(16, 16)
    methods = {"nearest": NearestTrack(grid), "no control": Rest(grid)}
    rows = video_rows(truth[0], make_tracks(target(3.0), SIZE), truth, methods, Perceptual())
    assert rows[FLOOR]["psnr"] == 100.0
    assert rows[FLOOR]["followed"] < 0.15
    assert rows["nearest"]["psnr"] > rows["no control"]["psnr"] + 3
    assert rows["nearest"]["ssim"] > rows["no control"]["ssim"]
    assert rows["nearest"]["followed"] < 0.5
    assert rows["no control"]["followed"] == pytest.approx(7.5, abs=0.3)


def test_lpips_names_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    lacking = Perceptual()
    assert "alexnet-owt-7be5be79.pth" in lacking.missing
    assert math.isnan(lacking(panned(1.0), panned(1.0)))
