"""Motion Noise: a NOISE of the host, from every source of motion."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.formats.host import to_host
from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from motion_core.tracks.seeding import grid_points
from tests.host.pack import pack_module
from tests.host.stand_in_models import Nested

SIZE = Size(64, 48)


def texture() -> Tensor:
    return torch.rand(1, 48, 64, 3, generator=torch.Generator().manual_seed(0))


def panning_tracks(frames: int, step: float) -> dict[str, Any]:
    start = grid_points(SIZE, 8.0)
    shift = torch.stack([torch.arange(frames) * step, torch.zeros(frames)], -1)
    return to_host(make_tracks(start + shift[:, None], SIZE))


def noise_of(motion: dict[str, Any], seed: int = 3, degradation: float = 0.0) -> Any:
    node = pack_module("nodes.motion_noise").MotionNoise
    return node.execute(motion=motion, seed=seed, degradation=degradation, detail=8).args[0]


def of_tracks(frames: int, step: float) -> dict[str, Any]:
    return {
        "motion": "tracks",
        "image": texture(),
        "tracks": panning_tracks(frames, step),
        "method": "moving_least_squares",
    }


def follows(noise: Tensor, shift: int) -> bool:
    """Whether every frame (C, T, h, w) is the one before, moved to the right by latent cells."""
    inner = noise[:, :, 1:-1]
    alike = (inner[:, 1:, :, shift + 1 : -1] * inner[:, :-1, :, 1 : -1 - shift]).mean()
    return float(alike) > 0.8


def test_tracks_move_the_noise() -> None:
    noise = noise_of(of_tracks(5, 4.0))
    assert noise.seed == 3
    made = noise.generate_noise({"samples": torch.zeros(1, 16, 2, 6, 8)})
    assert made.shape == (1, 16, 2, 6, 8) and made.dtype == torch.float32
    assert follows(made[0], 2)
    assert abs(float(made.mean())) < 0.15 and abs(float(made.std()) - 1) < 0.1


def test_a_camera_moves_the_noise() -> None:
    # A wall at depth 6 and a focal length of 48: two units to the left are 16 pixels.
    K = torch.tensor([[48.0, 0, 32], [0, 48.0, 24], [0, 0, 1]], dtype=torch.float64)
    everywhere = torch.ones(48, 64, dtype=torch.bool)
    depth_map, setup, moves = (
        pack_module(f"motion_core.{name}")
        for name in ("depth.depth_map", "camera.setup", "camera.moves")
    )
    depth = depth_map.DepthMap(torch.full((48, 64), 6.0), everywhere, K)
    move = moves.CameraMove("truck_left", 2.0, "scene")
    path = moves.make_path([move], setup.make_setup(depth, 5))
    motion = {"motion": "camera", "depth": depth, "camera": path}
    made = noise_of(motion).generate_noise({"samples": torch.zeros(1, 16, 5, 6, 8)})
    assert follows(made[:, :, ::4][0], 2)


def test_a_video_moves_the_noise() -> None:
    wide = torch.nn.functional.interpolate(
        torch.rand(1, 3, 12, 32, generator=torch.Generator().manual_seed(1)), scale_factor=4.0
    )[0].permute(1, 2, 0)
    clip = torch.stack([wide[:, 32 - 4 * frame : 96 - 4 * frame] for frame in range(5)])
    noise = noise_of({"motion": "video", "images": clip})
    made = noise.generate_noise({"samples": torch.zeros(1, 16, 2, 6, 8)})
    assert follows(made[0], 2)


def test_full_degradation_is_the_hosts_random_noise() -> None:
    noise = noise_of(of_tracks(5, 4.0), degradation=1.0)
    like = torch.zeros(2, 16, 2, 6, 8)
    made = noise.generate_noise({"samples": like})
    wanted = torch.randn(like.shape, generator=torch.Generator().manual_seed(3))
    assert torch.equal(made, wanted)
    chosen = noise.generate_noise({"samples": like[:1], "batch_index": [1]})
    generator = torch.Generator().manual_seed(3)
    rows = [torch.randn(1, *like.shape[1:], generator=generator) for _ in range(2)]
    assert torch.equal(chosen, rows[1])


def test_sound_gets_white_noise_and_video_follows() -> None:
    noise = noise_of(of_tracks(5, 4.0), degradation=0.0)
    video, sound = torch.zeros(1, 16, 2, 6, 8), torch.zeros(1, 8, 3, 4)
    packed = noise.generate_noise({"samples": Nested([video, sound])})
    assert type(packed) is Nested
    made = packed.unbind()
    assert follows(made[0][0], 2) and made[1].shape == sound.shape
    assert float(made[1].std()) > 0.5
    with pytest.raises(ValueError, match="has no video"):
        noise.generate_noise({"samples": Nested([sound])})


def test_latents_that_do_not_belong_are_sentences() -> None:
    noise = noise_of(of_tracks(5, 4.0))
    with pytest.raises(ValueError, match=r"5 frames, but 4 latent frames.*Retime Tracks"):
        noise.generate_noise({"samples": torch.zeros(1, 16, 4, 6, 8)})
    with pytest.raises(ValueError, match="single frame"):
        noise.generate_noise({"samples": torch.zeros(1, 4, 6, 8)})
    with pytest.raises(ValueError, match="other proportions"):
        noise.generate_noise({"samples": torch.zeros(1, 16, 2, 8, 8)})
