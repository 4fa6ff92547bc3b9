"""Evaluate Motion: what it says of tracks and frames whose errors are known."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from motion_core.formats.host import to_host
from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from tests.host.pack import pack_nodes

SIZE = Size(96, 80)


def tracks(off: float = 0.0) -> dict[str, Any]:
    starts = torch.tensor([[30.0, 30.0], [50.0, 40.0]]).expand(5, 2, 2).clone()
    starts[1:, 0, 0] += off
    return to_host(make_tracks(starts, SIZE))


def evaluated(**words: Any) -> tuple[str, torch.Tensor, float]:
    return pack_nodes()["MotionPromptingEvaluateMotion"].execute(**words).args


def still() -> torch.Tensor:
    """A texture that does not move."""
    coarse = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.interpolate(coarse, (80, 96), mode="bicubic")[0].clamp(0, 1)
    return picture.permute(1, 2, 0).expand(5, -1, -1, -1)


def test_realised_tracks_are_compared() -> None:
    report, picture, error = evaluated(tracks=tracks(), realised=tracks(4.0))
    assert error == pytest.approx(2.0)
    assert "endpoint error 2.00 px" in report
    assert picture.shape[0] == 1 and picture.shape[-1] == 3


def test_frames_are_tracked_where_nobody_says_where_the_points_went() -> None:
    _, _, still_error = evaluated(tracks=tracks(), images=still())
    assert still_error < 0.05
    report, _, error = evaluated(tracks=tracks(4.0), images=still(), truth=still())
    assert error == pytest.approx(2.0, abs=0.1)
    assert "PSNR 100.00 dB" in report


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "connect the realised tracks"),
        ({"realised": tracks(), "truth": still()}, "connect images"),
        ({"images": still()[:3]}, "3 frames but tracks of 5"),
        ({"images": still()[:, :40]}, "96x40"),
        ({"images": still(), "truth": still()[:, :40]}, "one shape"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_refused(words: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluated(tracks=tracks(), **words)
