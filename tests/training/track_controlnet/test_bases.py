"""The losses of the bases: by hand, and with a Track-ControlNet that is new or trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite.load import load_model as load_lite_model
from motion_core.models.wan.parts import encode_first_frame, encode_video
from motion_core.progress import silent
from motion_core.training.animatediff.base import AnimateDiffBase
from motion_core.training.track_controlnet.bases import (
    TrainableBase,
    levels_and_noise,
    trainable_base,
)
from motion_core.training.track_controlnet.batches import ClipBatch, StepBatches
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.wan.base import WanBase

from ...models.wan import tiny
from .squares import Squares
from .tiny_bases import BASES, animatediff, wan

SEEDS = (3, 4)


def batch_for(base: TrainableBase, count: int = 2) -> ClipBatch:
    config = TrackControlNetConfig(batch=count, no_text=0.0)
    # Eight latent cells a side: the U-Net halves them three times.
    side = 64 if isinstance(base, AnimateDiffBase) else 32
    return StepBatches(config, Squares(4, side), base.frames)[0][0]


@pytest.fixture(scope="module", params=list(BASES))
def base(request: pytest.FixtureRequest) -> Any:
    torch.set_num_threads(1)
    return BASES[request.param]()


def test_a_new_control_changes_nothing_and_learns_from_its_first_step(base: TrainableBase) -> None:
    batch = batch_for(base)
    control = base.new_control()
    with torch.no_grad():
        encoded = base.encode(batch)
    alone = base.errors(None, encoded, batch.tracks, SEEDS)
    errors = base.errors(control, encoded, batch.tracks, SEEDS)
    assert errors.shape == (2,) and errors.dtype == torch.float32
    torch.testing.assert_close(errors, alone, atol=0, rtol=0)
    errors.mean().backward()
    moved = {name for name, one in control.named_parameters() if one.grad is not None}
    moved = {name for name in moved if dict(control.named_parameters())[name].grad.any()}
    # Only the zero-initialised layers, because they hold back everything before them.
    assert moved and all(name.startswith(("outs", "controlnet_")) for name in moved)
    assert all(one.grad is None for one in base.network.parameters())


def test_every_part_of_a_control_learns_once_its_outputs_are_not_zero(base: TrainableBase) -> None:
    batch, control = batch_for(base), base.new_control()
    with torch.no_grad():
        for name, weight in control.named_parameters():
            if name.startswith(("outs", "controlnet_")):
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
        encoded = base.encode(batch)
    base.errors(control, encoded, batch.tracks, SEEDS).mean().backward()
    still = [name for name, one in control.named_parameters() if one.grad is None]
    assert not still
    first = control.embed.weight if isinstance(base, WanBase) else control.first.weight  # type: ignore[union-attr, attr-defined]
    assert first.grad.any()  # type: ignore[union-attr]


def test_a_clip_has_the_same_loss_alone_and_in_a_batch(base: TrainableBase) -> None:
    batch = batch_for(base)
    with torch.no_grad():
        both = base.errors(None, base.encode(batch), batch.tracks, SEEDS)
        for place in range(2):
            one = slice(place, place + 1)
            alone = ClipBatch(*(part[one] for part in batch))
            errors = base.errors(None, base.encode(alone), alone.tracks, SEEDS[one])
            torch.testing.assert_close(errors, both[one], atol=1e-5, rtol=1e-5)


def test_a_level_is_that_of_all_clips_and_leaves_the_noise() -> None:
    like = torch.zeros(1)
    levels, noise = levels_and_noise((2, 3), SEEDS, None, like)
    fixed, same = levels_and_noise((2, 3), SEEDS, 0.5, like)
    assert torch.equal(noise, same) and fixed.tolist() == [0.5, 0.5]
    assert levels[0] != levels[1] and noise.shape == (2, 2, 3)


def test_captions_are_read_where_there_is_a_text_encoder() -> None:
    for text, differs in ((tiny.Letters(), True), (None, False)):
        base = wan(text=text)
        batch = batch_for(base)
        batch = batch._replace(captions=("a", "b"))
        embeds = base.encode(batch).prompt_embeds
        assert torch.equal(embeds[0], embeds[1]) is not differs


def test_wan_is_trained_on_the_velocity_of_its_normalised_latents() -> None:
    base = wan()
    batch = batch_for(base, 1)
    encoded = base.encode(batch)
    video = batch.video[0].float() / 255
    latent = encode_video(base.parts, video)
    assert torch.equal(encoded.latents[0], latent)
    first = encode_first_frame(base.parts, video[0], len(video), silent)
    assert torch.equal(encoded.condition_latents[0, 4:], first)
    mask = encoded.condition_latents[0, :4]
    assert mask[:, 0].eq(1).all() and not mask[:, 1:].any()
    # The first latent frame stands for the first image alone.
    torch.testing.assert_close(latent[:, 0], first[:, 0], atol=1e-5, rtol=1e-5)
    calls: list[dict[str, Any]] = []
    base.parts.transformer.forward = lambda **given: (
        calls.append(given) or (torch.zeros_like(latent)[None],)
    )
    error = base.errors(None, encoded, batch.tracks, (9,), level=0.5)
    _, noise = levels_and_noise(latent.shape, (9,), None, latent)
    torch.testing.assert_close(error[0], (noise[0] - latent).square().mean())
    # The released shift of 3: 3 * 0.5 / (1 + 2 * 0.5).
    torch.testing.assert_close(calls[0]["timestep"], torch.tensor([750.0]))
    noisy = 0.25 * latent + 0.75 * noise[0]
    torch.testing.assert_close(calls[0]["hidden_states"][0, :4], noisy)


def test_animatediff_is_trained_on_the_noise() -> None:
    base = animatediff()
    batch = batch_for(base, 1)
    encoded = base.encode(batch)
    shape = encoded.latents.shape
    error = base.errors(None, encoded, batch.tracks, (9,), level=0.999)
    _, noise = levels_and_noise(shape[1:], (9,), None, encoded.latents)
    condition = base.family.scheduler().alphas_cumprod[999]
    noisy = condition.sqrt() * encoded.latents + (1 - condition).sqrt() * noise
    # The sampler's own prediction for the same clip, noise and time.
    from motion_core.models.protocols import Branch, GenerationRequest

    request = GenerationRequest(batch.video[0, 0].float() / 255, shape[2])
    (predicted,) = base.family.predict(
        noisy, torch.tensor(999), base.family.condition(request), [(Branch(), None)]
    )
    torch.testing.assert_close(error[0], (predicted - noise).square().mean(), rtol=1e-4, atol=0)


def test_sizes_that_a_base_cannot_make_are_refused(base: TrainableBase) -> None:
    base.check_size(Size(64, 32))
    with pytest.raises(ValueError, match="multiples of"):
        base.check_size(Size(60, 32))


def test_a_half_precision_base_trains_a_float32_control() -> None:
    base = wan()
    base.parts.transformer.to(torch.bfloat16)
    batch, control = batch_for(base), base.new_control()
    assert {one.dtype for one in control.parameters()} == {torch.float32}
    with torch.no_grad():
        encoded = base.encode(batch)
    base.errors(control, encoded, batch.tracks, SEEDS).mean().backward()
    assert control.outs[0].weight.grad.any()  # type: ignore[union-attr]


def test_a_family_without_a_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="animatediff and wan; got lite"):
        trainable_base(load_lite_model())


def test_the_base_is_given_the_first_image_and_taught_the_video(base: TrainableBase) -> None:
    batch = batch_for(base)
    plain, other = base.encode(batch), base.encode(batch._replace(firsts=batch.firsts * 0.5))
    assert torch.equal(plain.latents, other.latents)
    given = "image_features" if isinstance(base, AnimateDiffBase) else "condition_latents"
    assert not torch.equal(getattr(plain, given), getattr(other, given))
