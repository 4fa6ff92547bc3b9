"""MOFT Reference, MOFT Guidance and MOFT Similarity: what goes in, what comes out, what is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.host.fixtures import LITE_BASE, fill_models_folder
from tests.host.pack import pack_module
from tests.host.runner import StandInHost

pytestmark = pytest.mark.slow

WIDTH, HEIGHT, FRAMES = 32, 24, 5
RIGHT = {"motion": "direction", "right": 1.0, "down": 0.0, "frames": FRAMES}
WIDGETS = {
    "weight": 1.0,
    "step": "adaptive",
    "match": "each place",
    "iterations": 2,
    "start": 0.0,
    "end": 1.0,
    "hold": 1.0,
    "keep_look": True,
}


@pytest.fixture
def nodes(host: StandInHost) -> dict[str, Any]:
    fill_models_folder(host.models_dir)
    return host.nodes


@pytest.fixture
def model(nodes: dict[str, Any]) -> Any:
    load = nodes["MotionPromptingLoadTrackModel"].execute
    return load({"model": "lite", "file": LITE_BASE, "generate": True}).args[0]


def video(frames: int = FRAMES) -> torch.Tensor:
    """A texture that goes to the right by two pixels per frame."""
    wide = torch.rand(HEIGHT, WIDTH + 2 * frames, 3, generator=torch.Generator().manual_seed(0))
    return torch.stack([wide[:, 2 * (frames - t) :][:, :WIDTH] for t in range(frames)])


def tracks() -> dict[str, Any]:
    start = torch.tensor([[6.0, 12.0], [16.0, 12.0]])
    return {
        "track_path": start.expand(FRAMES, -1, -1).clone(),
        "track_visibility": torch.ones(FRAMES, 2, dtype=torch.bool),
        "canvas": (WIDTH, HEIGHT),
    }


def reference(nodes: Any, model: Any, motion: Any = RIGHT, **more: Any) -> Any:
    given = {"images": video(), "motion": motion} | more
    return nodes["MotionPromptingMoftReference"].execute(model, **given).args[0]


def guidance(nodes: Any, target: Any, **more: Any) -> Any:
    return nodes["MotionPromptingMoftGuidance"].execute(target, **(WIDGETS | more)).args[0]


def sampled(nodes: Any, model: Any, plan: Any) -> torch.Tensor:
    widgets = {"steps": 2, "seed": 0, "strength": 0.0, "motion_guidance": 1.0}
    sampler = nodes["MotionPromptingTrackSampler"].execute
    given = {"model": model, "image": video()[:1], "tracks": tracks()} | widgets
    return sampler(**given, start=0.0, end=1.0, guidance=plan).args[1]["track_path"]


def test_a_direction_reaches_the_sampler(nodes: Any, model: Any) -> None:
    """That things go there is measured with a trained base; a random one knows no directions."""
    targets = [reference(nodes, model, RIGHT | {"right": speed}) for speed in (1.0, -1.0)]
    assert not torch.equal(targets[0].course, targets[1].course)
    paths = [sampled(nodes, model, guidance(nodes, target)) for target in targets]
    paths += [sampled(nodes, model, guidance(nodes, targets[0])), sampled(nodes, model, None)]
    there, back, again, free = paths
    assert torch.equal(there, again)
    assert not torch.equal(there, back) and not torch.equal(there, free)


def test_weight_zero_changes_nothing(nodes: Any, model: Any) -> None:
    off = guidance(nodes, reference(nodes, model), weight=0.0)
    assert torch.equal(sampled(nodes, model, off), sampled(nodes, model, None))


def test_settings_region_and_other_guidance_arrive(nodes: Any, model: Any) -> None:
    target = reference(nodes, model)
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, :12] = 1.0
    first = guidance(nodes, target, region=mask, hold=0.5, step="as published", match="mean")
    (latent_guidance,) = first.latent_guidance
    assert latent_guidance.region.sum() == 12 * WIDTH and latent_guidance.reference is target
    assert (latent_guidance.settings.still_frac, latent_guidance.settings.is_adaptive) == (
        0.5,
        False,
    )
    assert not latent_guidance.settings.each_place and latent_guidance.settings.end_frac == 1.0
    both = guidance(nodes, target, guidance=first)
    assert both.latent_guidance[0] is latent_guidance and len(both.latent_guidance) == 2


def test_a_video_is_borrowed_from_and_looked_for(nodes: Any, model: Any) -> None:
    borrow = {"motion": "video", "frames": 0}
    region = torch.ones(1, HEIGHT, WIDTH)
    target = reference(nodes, model, borrow, region=region)
    few = reference(nodes, model, borrow | {"frames": 3}, images=video(7))
    assert target.course.shape == few.course.shape
    find = nodes["MotionPromptingMoftSimilarity"].execute
    images, alike = find(model, target, video()).args
    assert images.shape == (FRAMES, HEIGHT, WIDTH, 3) and alike.shape == images.shape[:3]
    assert float(alike.min()) >= 0 and float(alike.max()) <= 1


def test_frames_are_taken_evenly() -> None:
    evenly = pack_module("nodes.moft_reference").evenly
    frames = torch.arange(9).view(9, 1, 1, 1)
    assert evenly(frames, 5).flatten().tolist() == [0, 2, 4, 6, 8]
    assert evenly(frames, 0) is frames
    with pytest.raises(ValueError, match="9 frames, fewer than the 10"):
        evenly(frames, 10)


def test_mistakes_are_refused(nodes: Any, model: Any) -> None:
    target = reference(nodes, model)
    with pytest.raises(ValueError, match="not read from a region"):
        reference(nodes, model, region=torch.ones(1, HEIGHT, WIDTH))
    with pytest.raises(ValueError, match="other proportions"):
        borrow = {"motion": "video", "frames": 0}
        reference(nodes, model, borrow, region=torch.ones(1, 64, 64))
    with pytest.raises(TypeError, match="connect MOFT Reference"):
        guidance(nodes, "left")
    with pytest.raises(ValueError, match="start first"):
        guidance(nodes, target, start=0.9, end=0.2)
    square = guidance(nodes, target, region=torch.ones(1, 64, 64))
    with pytest.raises(ValueError, match="other proportions"):
        sampled(nodes, model, square)
    bare = nodes["MotionPromptingLoadTrackModel"].execute({"model": "lite", "file": ""}).args[0]
    if bare.model.lite.base is None:
        with pytest.raises(ValueError, match="generate"):
            reference(nodes, bare)
    with pytest.raises(TypeError, match="connect Load Track Model"):
        reference(nodes, "lite")
