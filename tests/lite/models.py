"""Tiny random models and tracks for tests of lite."""

from __future__ import annotations

import torch

from motion_core.geometry import Size
from motion_core.models.lite.base import LiteBase
from motion_core.models.lite.control_encoder import ControlEncoder
from motion_core.models.lite.image_encoder import EncoderConfig
from motion_core.models.lite.lite import Lite
from motion_core.models.lite.track_controlnet import LiteTrackControlNet
from motion_core.models.lite.unet import BaseConfig
from motion_core.tracks.model import Tracks, make_tracks

SIZES = EncoderConfig(grid=8, width=8, middle=8, deep=8, heads=2, head_dim=4, hidden=8)
BASE = BaseConfig(grid=8, frames=5, widths=(8, 16, 16), features=8, time=16)


def tiny_lite(seed: int = 0) -> Lite:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        lite = Lite(ControlEncoder(SIZES))
        lite.base = LiteBase(lite.encoder, BASE)
        # A gate and a base with random weights: at their initialisation they ignore their input.
        torch.nn.init.normal_(lite.encoder.gate[2].weight, std=0.3)
        torch.nn.init.normal_(lite.base.decoder.last[-1].weight, std=0.1)
    return lite.eval()


def lite_without_base() -> Lite:
    lite = tiny_lite()
    lite.base = None
    return lite


def lite_with_control(*, gain: float, sure: float = 0.0) -> Lite:
    """gain: spread of the control's outputs, 0 as at its start. sure: bias of its gate."""
    lite = tiny_lite()
    assert lite.base is not None
    with torch.random.fork_rng():
        torch.manual_seed(3)
        lite.control = LiteTrackControlNet(lite.base, lite)
        for zero in lite.control.zero_convs:
            torch.nn.init.normal_(zero.weight, std=gain)
        torch.nn.init.constant_(lite.control.gate.bias, sure)
    return lite.eval()


def picture(width: int, height: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def wandering(frames: int, points: int, size: Size, seed: int = 0) -> Tracks:
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(1, points, 2, generator=generator) * torch.tensor(size)
    steps = torch.randn(frames, points, 2, generator=generator).cumsum(dim=0)
    return make_tracks(start + steps - steps[:1], size)
