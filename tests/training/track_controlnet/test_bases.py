"""The losses of the bases: by hand, and with a Track-ControlNet that is new or trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite.load import load_model as load_lite_model
from motion_core.models.wan.parts import encode_first_frame, encode_video
from motion_core.progress import silent
from motion_core.training.svd.base import MEAN, SPREAD, sigma_of
from motion_core.training.track_controlnet.bases import (
    TrainableBase,
    levels_and_noise,
    trainable_base,
)
from motion_core.training.track_controlnet.batches import ClipBatch, StepBatches
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.task import ControlledBase, scheduled
from motion_core.training.wan.base import condition_latents

from ...models.wan import tiny
from .squares import Squares
from .tiny_bases import BASES, animatediff, is_output, side_of, svd, wan

SEEDS = (3, 4)
FIRSTS = ("embed.weight", "first.weight", "encoder.blocks.0.0.weight")


def batch_for(base: TrainableBase, count: int = 2) -> ClipBatch:
    config = TrackControlNetConfig(batch=count, no_text=0.0)
    return StepBatches(config, Squares(4, side_of(base)), base.frames)[0][0]


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
    assert moved and all(map(is_output, moved))
    assert all(one.grad is None for one in base.network.parameters())


def test_every_part_of_a_control_learns_once_its_outputs_are_not_zero(base: TrainableBase) -> None:
    batch, control = batch_for(base), base.new_control()
    with torch.no_grad():
        for name, weight in control.named_parameters():
            if is_output(name):
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
        encoded = base.encode(batch)
    base.errors(control, encoded, batch.tracks, SEEDS).mean().backward()
    still = [name for name, one in control.named_parameters() if one.grad is None]
    assert not still
    first = next(one for name, one in control.named_parameters() if name in FIRSTS)
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
    condition = condition_latents(encoded.tensors["image_latents"])
    assert torch.equal(condition[0, 4:], first)
    mask = condition[0, :4]
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
    base.check_size(Size(2 * base.multiple, base.multiple))
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
    with pytest.raises(ValueError, match="animatediff, motionpro, wan; got lite"):
        trainable_base(load_lite_model())


def test_the_base_is_given_the_first_image_and_taught_the_video(base: TrainableBase) -> None:
    batch = batch_for(base)
    plain, other = base.encode(batch), base.encode(batch._replace(firsts=batch.firsts * 0.5))
    assert torch.equal(plain.latents, other.latents)
    given = "image_latents"
    assert not torch.equal(plain.tensors[given], other.tensors[given])


def test_svd_is_trained_on_the_velocity_of_edm() -> None:
    base = svd()
    batch = batch_for(base, 1)
    encoded = base.encode(batch)
    clean = encoded.latents
    error = base.errors(None, encoded, batch.tracks, (9,), level=0.8)
    _, noise = levels_and_noise(clean.shape[1:], (9,), None, clean)
    sigma = sigma_of(torch.tensor([0.8]))
    # The sampler's own prediction, from which its scheduler computes the clean latents.
    from motion_core.models.protocols import Branch, GenerationRequest

    family = base.family
    condition = family.condition(GenerationRequest(batch.firsts[0], clean.shape[1]))
    noisy = (clean + sigma * noise) / (sigma**2 + 1).sqrt()
    given = (noisy, sigma.log() / 4, condition, [(Branch(), None)])
    (found,) = family.predict(*given)
    target = (noise - sigma * clean) / (sigma**2 + 1).sqrt()
    torch.testing.assert_close(error[0], (found - target).square().mean(), rtol=1e-4, atol=0)
    # The target is what the scheduler reads as the clean latents.
    scheduler = family.scheduler()
    scheduler.set_timesteps(3)
    scheduler.sigmas[0] = sigma[0]
    step = scheduler.step(target, scheduler.timesteps[0], clean + sigma * noise)
    torch.testing.assert_close(step.pred_original_sample, clean, atol=1e-4, rtol=1e-4)


def test_a_clip_of_svd_without_tracks_in_its_first_frame_is_left_alone() -> None:
    base = svd()
    batch = batch_for(base, 2)
    control = base.new_control()
    for name, weight in control.named_parameters():
        if is_output(name):
            torch.nn.init.constant_(weight, 0.02)
    late = replace(batch.tracks[0], visible=batch.tracks[0].visible.clone())
    late.visible[0] = False
    encoded = base.encode(batch)
    errors = base.errors(control, encoded, (late, batch.tracks[1]), SEEDS)
    alone = base.errors(None, encoded, batch.tracks, SEEDS)
    torch.testing.assert_close(errors[0], alone[0], atol=0, rtol=1e-6)
    assert abs(float((errors[1] - alone[1]).detach())) > 1e-5
    errors[0].backward()


def test_levels_of_svd_are_those_of_its_training() -> None:
    levels = (torch.arange(4096) + 0.5) / 4096
    logs = sigma_of(levels).log()
    assert abs(float(logs.mean()) - MEAN) < 0.01 and abs(float(logs.std()) - SPREAD) < 0.02


def test_sampler_levels_are_those_at_which_the_sampler_asks(base: TrainableBase) -> None:
    asked: list[float] = []

    class Asked(Exception):
        pass

    network = next(
        part
        for name, part in base.network.named_modules()
        if type(part).__name__.startswith(("WanTransformer3DModel", "UNet"))
    )

    def note(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        time = named["timestep"] if "timestep" in named else given[1]
        asked.append(float(torch.as_tensor(time).flatten()[0]))
        raise Asked

    batch = batch_for(base, 1)
    encoded = base.encode(batch)
    handle = network.register_forward_pre_hook(note, with_kwargs=True)
    levels = base.sampler_levels(4)
    assert levels.shape == (4,) and (levels.diff() < 0).all() and 0 < levels[-1] < levels[0] <= 1
    for level in levels.tolist():
        with pytest.raises(Asked):
            base.errors(None, encoded, batch.tracks, (1,), level)
    handle.remove()
    scheduler = base.model.scheduler()
    scheduler.set_timesteps(4)
    wanted = scheduler.timesteps.double()
    # Wan's sampler rounds its timesteps down to whole numbers.
    torch.testing.assert_close(torch.tensor(asked).double(), wanted, atol=1.0, rtol=1e-4)


def test_a_schedule_of_few_steps_is_all_that_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    base = wan()
    levels = base.sampler_levels(3).tolist()
    drawn = [scheduled(levels, (seed,))[0] for seed in range(90)]
    assert set(drawn) == set(levels) and all(drawn.count(one) > 15 for one in levels)
    found: list[Any] = []
    errors = base.errors
    monkeypatch.setattr(base, "errors", lambda *given: found.append(given[-1]) or errors(*given))
    batch = batch_for(base)
    for steps, wanted in ((0, None), (3, scheduled(levels, batch.seeds))):
        module = ControlledBase(base, base.new_control(), steps_schedule=steps)
        assert module(batch)["loss"].requires_grad
        assert found.pop() == wanted
    with pytest.raises(ValueError, match="steps_schedule must be 0 or more"):
        TrackControlNetConfig(steps_schedule=-1)
