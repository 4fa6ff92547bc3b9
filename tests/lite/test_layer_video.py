"""Lite's field drawn by layers, through the sampling loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.fields.motion_field import resting_field
from motion_core.geometry import Size
from motion_core.models.lite.layer_video import decode_layers
from motion_core.models.protocols import GenerationRequest
from motion_core.models.registry import load_track_model
from motion_core.sampling import Sampling, sample
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

SIZE, FRAMES = Size(96, 64), 4


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def picture() -> torch.Tensor:
    """(H, W, 3) an orange disc over blue."""
    x, y = np.meshgrid(np.arange(SIZE.width) + 0.5, np.arange(SIZE.height) + 0.5)
    inside = np.hypot(x - 36, y - 32) < 14
    colours = np.where(inside[..., None], [0.9, 0.4, 0.1], [0.1, 0.3, 0.6])
    return torch.from_numpy(colours.astype(np.float32))


def dragged(by: float = 20.0) -> Tracks:
    """Four points on the disc go right, four beside it rest."""
    start = [[30, 32], [42, 32], [36, 26], [36, 38], [6, 6], [90, 6], [6, 58], [90, 58]]
    way = torch.linspace(0, 1, FRAMES).view(-1, 1, 1) * torch.tensor([by, 0.0])
    on = torch.tensor([1.0] * 4 + [0.0] * 4).view(1, -1, 1)
    return make_tracks(torch.tensor(start, dtype=torch.float32) + way * on, SIZE)


@pytest.mark.parametrize("generate", [False, True])
def test_the_thing_goes_as_a_whole_and_the_rest_rests(generate: bool) -> None:
    model = load_track_model("lite", generate=generate, layers=True)
    request = GenerationRequest(picture(), FRAMES)
    tracks = dragged()
    result = sample(model.model, model.control, request, tracks, Sampling(1))
    assert result.tracks is not None and result.holes is not None
    assert float((result.tracks.xy - tracks.xy).norm(dim=-1).max()) < 0.5
    last = result.frames[-1]
    orange = last[..., 0] > 0.5
    x, y = np.meshgrid(np.arange(SIZE.width) + 0.5, np.arange(SIZE.height) + 0.5)
    expected = torch.from_numpy(np.hypot(x - 56, y - 32) < 14)
    assert int((orange ^ expected).sum()) < 0.1 * int(expected.sum())
    assert torch.equal(last[:, 84:], picture()[:, 84:])
    assert torch.equal(result.frames[0], picture())


def test_realised_tracks_lie_on_the_canvas_and_hidden_ones_stay_hidden() -> None:
    tracks = dragged(80.0)
    tracks.visible[:, 7] = False
    still = resting_field(FRAMES, Size(32, 32), SIZE)
    *_, realised = decode_layers(GenerationRequest(picture(), FRAMES), still, tracks)
    assert not realised.visible[-1, :4].any() and realised.visible[0, :7].all()
    assert not realised.visible[:, 7].any()


def test_what_may_not_move_stays() -> None:
    movable = torch.zeros(SIZE.height, SIZE.width, dtype=torch.bool)
    movable[:, :48] = True
    still = resting_field(FRAMES, Size(32, 32), SIZE)
    request = GenerationRequest(picture(), FRAMES, movable=movable)
    shift = torch.tensor([0.0, 6.0])
    start = torch.tensor([[x, y] for x in (8.0, 24.0, 40.0) for y in (8.0, 32.0, 56.0)])
    way = torch.linspace(0, 1, FRAMES).view(-1, 1, 1) * shift
    frames, *_ = decode_layers(request, still, make_tracks(start + way, SIZE))
    assert torch.equal(frames[:, :, 52:], request.image[None, :, 52:].expand(FRAMES, -1, -1, -1))
    assert not torch.equal(frames[-1, :, :44], request.image[:, :44])


def test_only_the_last_frame_and_no_track() -> None:
    still = resting_field(FRAMES, Size(32, 32), SIZE)
    request = GenerationRequest(picture(), FRAMES, last_only=True)
    frames, holes, _ = decode_layers(request, still, empty_tracks(FRAMES, SIZE))
    assert frames.shape == (1, 64, 96, 3) and not holes.any()
    assert torch.equal(frames[0], request.image)


def test_it_can_be_stopped() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    still = resting_field(FRAMES, Size(32, 32), SIZE)
    with pytest.raises(KeyboardInterrupt):
        decode_layers(GenerationRequest(picture(), FRAMES), still, dragged(), stop)
