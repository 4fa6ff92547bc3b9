"""Pictures for media tests, and the real files beside the repository where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_file(name: str) -> Path:
    """A real file, or the test that asks is skipped."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"no real file {path}")
    return path


def color_bars(height: int = 32, bar: int = 16) -> Tensor:
    """(H, W, 3) uint8 bars of eight colours that a wrong matrix or range would change."""
    colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]]
    colors += [[0, 0, 0], [255, 255, 255], [128, 128, 128], [40, 90, 200]]
    row = torch.tensor(colors, dtype=torch.uint8).repeat_interleave(bar, dim=0)
    return row[None].expand(height, -1, -1).clone()


def moving_ramp(frames: int, height: int, width: int) -> Tensor:
    """(T, H, W, 3) float: a smooth picture that differs from frame to frame."""
    t = torch.linspace(0, 1, frames)[:, None, None].expand(frames, height, width)
    y = torch.linspace(0, 1, height)[None, :, None].expand_as(t)
    x = torch.linspace(0, 1, width)[None, None, :].expand_as(t)
    return torch.stack((x, y, t), dim=-1)


def leftovers(folder: Path) -> list[str]:
    """Names of all files in a folder."""
    return sorted(path.name for path in folder.iterdir())
