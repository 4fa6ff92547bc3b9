"""MOFT inside real networks, small: AnimateDiff's U-Net of diffusers, and lite's base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.guidance.moft import (
    DragSettings,
    MoftDragGuidance,
    MoftLatentGuidance,
    MoftSettings,
    Probe,
    learn_channels,
    reference_along,
    reference_of_video,
    similarity,
)
from motion_core.guidance.moft.pans import WAYS, pan, still
from motion_core.guidance.moft.reference import straight_path
from motion_core.models.animatediff.family import AnimateDiffFamily
from motion_core.models.lite.family import LiteFamily
from motion_core.models.lite.load import load_lite
from motion_core.models.protocols import GenerationRequest, SharedKeys
from motion_core.models.taps import layer_output
from motion_core.progress import silent
from motion_core.sampling import Sampling, Watch, sample
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks
from motion_core.tracks.seeding import grid_points
from tests.lite import models as lite_parts
from tests.models.animatediff.parts import FRAMES, SIZE, picture, tiny_base

from .parts import channels

LITE, LITE_FRAMES = Size(32, 24), 5
SMALL = Probe(grid=8, steps=4, stored=2)
LAYER = "up_blocks.1"
TIME = torch.tensor(400)
# Weights from the recipe make a network that bends sharply; further away is another slope.
STEP = 1e-9


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def unet() -> AnimateDiffFamily:
    return AnimateDiffFamily(tiny_base())


@pytest.fixture(scope="module")
def lite() -> LiteFamily:
    return LiteFamily(lite_parts.tiny_lite())


@pytest.fixture(scope="module")
def target(unet: AnimateDiffFamily) -> Any:
    known = channels(unet, tuple(range(0, 32, 8)), FRAMES)
    return reference_along(straight_path((1, 0), SIZE, FRAMES), SIZE, known, SMALL)


def pan_to_the_left() -> tuple[Tensor, Tracks]:
    return pan(still(SIZE, 2), WAYS["left"], FRAMES)


def condition(unet: AnimateDiffFamily) -> Any:
    return unet.condition(GenerationRequest(picture(), FRAMES))


def noise(unet: AnimateDiffFamily, seed: int = 0) -> Tensor:
    return unet.noise(condition(unet), torch.Generator().manual_seed(seed))


def hooks(module: torch.nn.Module) -> Iterator[int]:
    for part in module.modules():
        yield len(part._forward_hooks) + len(part._forward_pre_hooks)


def no_tracks(frames: int = FRAMES, size: Size = SIZE) -> Tracks:
    return empty_tracks(frames, size)


def run(
    model: Any,
    request: GenerationRequest,
    *latent_guidance: Any,
    steps: int = 2,
    progress: Any = silent,
) -> Tensor:
    settings = Sampling(steps, seed=3, latent_guidance=latent_guidance)
    tracks = no_tracks(request.frames, request.size)
    return sample(model, None, request, tracks, settings, Watch(progress)).frames


def test_the_tap_gives_what_the_block_gives(unet: AnimateDiffFamily) -> None:
    kept: list[Tensor] = []
    block = unet.network.unet.up_blocks[1]
    handle = block.register_forward_hook(lambda module, given, made: kept.append(made))
    here, given = condition(unet), noise(unet)
    from motion_core.models.protocols import Branch

    whole = unet.predict(given, TIME, here, [(Branch(), None)])
    handle.remove()
    found = unet.features(given, TIME, here, LAYER)
    assert torch.equal(found, kept[0]) and len(found) == FRAMES
    assert torch.equal(unet.predict(given, TIME, here, [(Branch(), None)])[0], whole[0])
    with pytest.raises(ValueError, match=r"layers are .*up_blocks.1.*attic"):
        unet.features(given, TIME, here, "attic")
    with pytest.raises(ValueError, match="no layer"):
        layer_output(unet.network.unet, "", (), {})


def test_layers_after_the_tap_are_not_run(unet: AnimateDiffFamily) -> None:
    ran: list[int] = []
    handle = unet.network.unet.up_blocks[2].register_forward_pre_hook(lambda *_: ran.append(1))
    unet.features(noise(unet), TIME, condition(unet), LAYER)
    handle.remove()
    assert not ran


def test_the_slope_of_a_feature_is_that_of_finite_differences() -> None:
    from copy import deepcopy

    double = AnimateDiffFamily(deepcopy(tiny_base()).double())
    here = condition(double)
    given = noise(double).double().requires_grad_(True)
    # features() ends in float32, too coarse for differences.
    asked = double._arguments(given, TIME, [here.prompt_embeds], [None])
    mean = layer_output(double.network.unet, LAYER, *asked)[1, :4].mean()
    (slope,) = torch.autograd.grad(mean, given)
    way = torch.randn(given.shape, generator=torch.Generator().manual_seed(1)).double()
    ends = []
    for sign in (1, -1):
        asked = double._arguments(
            given.detach() + sign * STEP * way, TIME, [here.prompt_embeds], [None]
        )
        with torch.no_grad():
            ends.append(layer_output(double.network.unet, LAYER, *asked)[1, :4].mean())
    rise = float(ends[0] - ends[1]) / (2 * STEP)
    assert float((slope * way).sum()) == pytest.approx(rise, rel=1e-3)


def test_shared_keys_of_oneself_change_nothing_and_of_another_do(unet: AnimateDiffFamily) -> None:
    here, given = condition(unet), noise(unet)
    plain = unet.features(given, TIME, here, LAYER)
    keys = SharedKeys({})
    assert torch.equal(unet.features(given, TIME, here, LAYER, keys), plain)
    assert keys.states and all(".attentions." in name for name in keys.states)
    keys.is_replaying = True
    assert torch.equal(unet.features(given, TIME, here, LAYER, keys), plain)
    other = unet.features(noise(unet, 1), TIME, here, LAYER, keys)
    assert not torch.equal(other, unet.features(noise(unet, 1), TIME, here, LAYER))
    assert not any(hooks(unet.network.unet))


def test_hooks_are_gone_when_the_network_fails(unet: AnimateDiffFamily) -> None:
    broken = noise(unet)[:, :2]
    with pytest.raises(RuntimeError):
        unet.features(broken, TIME, condition(unet), LAYER, SharedKeys({}))
    assert not any(hooks(unet.network.unet))


def test_inversion_leads_to_noise_that_sampling_leads_back(unet: AnimateDiffFamily) -> None:
    from motion_core.models.protocols import Branch

    video, _ = pan_to_the_left()
    here = unet.condition(GenerationRequest(video[0], FRAMES))
    clean = unet.encode_video(video, here, no_tracks)
    there, back = unet.inverse_scheduler(), unet.scheduler()
    assert there.config.beta_end == back.config.beta_end
    there.set_timesteps(50)
    back.set_timesteps(50)
    assert torch.equal(there.timesteps.flip(0), back.timesteps)
    given = clean
    call = [(Branch(control=False), None)]
    # Constant in the latents, as the network is between steps small enough: the way back is exact.
    predicted = unet.predict(clean, TIME, here, call)[0]
    for timestep in there.timesteps:
        given = there.step(predicted, timestep, given).prev_sample
    assert float((given - clean).abs().mean()) > 0.3
    for timestep in back.timesteps:
        given = back.step(predicted, timestep, given).prev_sample
    torch.testing.assert_close(given, clean, atol=1e-3, rtol=1e-3)


def test_channels_are_learned_from_pans(
    unet: AnimateDiffFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motion_core.guidance.moft.channels.STILLS", (11,))
    size, probe = Size(64, 64), Probe(grid=8, steps=2, stored=1)
    known = learn_channels(unet, size, 2, probe)
    width = unet.network.unet.config.block_out_channels[-2]
    assert len(known.index) == max(1, round(0.04 * width)) and known.layer == LAYER
    assert known.curves.abs().max() > 0


@pytest.mark.slow
def test_guidance_changes_a_clip_repeatably_and_weight_zero_not_a_bit(
    unet: AnimateDiffFamily, target: Any
) -> None:
    request = GenerationRequest(picture(), FRAMES)
    free = run(unet, request)
    assert torch.equal(
        run(unet, request, MoftLatentGuidance(target, None, MoftSettings(weight=0.0))), free
    )
    pulled = MoftLatentGuidance(target, None, MoftSettings(1.0, 0.0, 1.0, 1, is_adaptive=True))
    first = run(unet, request, pulled)
    assert torch.equal(run(unet, request, pulled), first) and not torch.equal(first, free)
    assert not any(hooks(unet.network.unet))
    assert not any(weight.requires_grad for weight in unet.network.parameters())


def test_guided_features_are_nearer_to_the_reference(unet: AnimateDiffFamily, target: Any) -> None:
    from motion_core.guidance.moft.latent_guidance import TappedRun, course_loss

    settings = MoftSettings(1.0, 0.0, 1.0, iterations=2, is_adaptive=True)
    here, given = condition(unet), noise(unet)
    guidance_step = MoftLatentGuidance(target, None, settings).begin(unet, here, 4)
    reader = TappedRun(unet, here, 4, target)

    def loss(latents: Tensor) -> float:
        features = reader.features(latents, TIME, None)
        cells = torch.ones(8, 8, dtype=torch.bool)
        return float(course_loss(features, reader.channels, cells, target.course))

    assert loss(guidance_step(given, TIME, 0, lambda z: torch.zeros_like(z))) < 0.8 * loss(given)


def test_a_drag_runs_through_its_phases(unet: AnimateDiffFamily, target: Any) -> None:
    way = torch.linspace(0, 1, FRAMES)[:, None, None] * torch.tensor([20.0, 0.0])
    tracks = make_tracks(torch.tensor([[20.0, 30.0]]) + way, SIZE)
    when = DragSettings(0.5, 0.25, 1.0)
    settings = MoftSettings(0.5, iterations=1, is_adaptive=True)
    pulled = MoftDragGuidance(tracks, target.channels, SMALL, None, settings, when)
    request = GenerationRequest(picture(), FRAMES)
    assert not torch.equal(run(unet, request, pulled), run(unet, request))


@pytest.mark.parametrize("after", [1, 2])
def test_cancelled_nothing_stays_in_the_network(
    unet: AnimateDiffFamily, target: Any, after: int
) -> None:
    reported: list[int] = []

    def stop(done: int, total: int) -> None:
        reported.append(done)
        if len(reported) == after:
            raise KeyboardInterrupt

    pulled = MoftLatentGuidance(target, None, MoftSettings(1.0, 0.0, 1.0, is_adaptive=True))
    with pytest.raises(KeyboardInterrupt):
        run(unet, GenerationRequest(picture(), FRAMES), pulled, progress=stop)
    assert len(reported) == after and not any(hooks(unet.network.unet))


def test_under_inference_mode_as_in_a_host(unet: AnimateDiffFamily, target: Any) -> None:
    from copy import deepcopy

    pulled = MoftLatentGuidance(target, None, MoftSettings(1.0, 0.0, 1.0, 1, is_adaptive=True))
    request = GenerationRequest(picture(), FRAMES)
    with torch.inference_mode():
        loaded = deepcopy(tiny_base())
        for module in loaded.modules():
            for name, value in list(module._parameters.items()):
                if value is not None:
                    twin = torch.nn.Parameter(value.clone(), requires_grad=False)
                    module._parameters[name] = twin
        assert next(loaded.parameters()).is_inference()
        found = run(AnimateDiffFamily(loaded), request, pulled)
    torch.testing.assert_close(found, run(unet, request, pulled))


def test_half_precision_is_read_in_float32_and_can_be_guided() -> None:
    from copy import deepcopy

    half = AnimateDiffFamily(deepcopy(tiny_base()).to(torch.bfloat16))
    known = channels(half, tuple(range(0, 32, 8)), FRAMES)
    asked = reference_along(straight_path((1, 0), SIZE, FRAMES), SIZE, known, SMALL)
    settings = MoftSettings(1.0, 0.0, 1.0, 1, is_adaptive=True)
    guidance_step = MoftLatentGuidance(asked, None, settings).begin(half, condition(half), 2)
    given = noise(half)
    moved = guidance_step(given, TIME, 1, lambda latents: latents)
    assert moved.dtype == torch.float32 and not torch.equal(moved, given)


def test_lite_under_inference_mode_too(lite: LiteFamily) -> None:
    from copy import deepcopy

    request = GenerationRequest(lite_parts.picture(*LITE), LITE_FRAMES)
    with torch.inference_mode():
        loaded = deepcopy(lite.lite)
        for module in loaded.modules():
            for name, value in list(module._parameters.items()):
                if value is not None:
                    module._parameters[name] = torch.nn.Parameter(value.clone())
        model = LiteFamily(loaded)
        target = lite_target(model)
        found = run(model, request, lite_pull(target))
    assert torch.equal(found, run(lite, request, lite_pull(lite_target(lite))))


def lite_target(model: LiteFamily, way: tuple[float, float] = (1, 0)) -> Any:
    known = learn_channels(model, LITE, LITE_FRAMES, SMALL)
    return reference_along(straight_path(way, LITE, LITE_FRAMES), LITE, known, SMALL)


def lite_pull(target: Any, **words: Any) -> MoftLatentGuidance:
    settings = MoftSettings(1.0, 0.0, 1.0, iterations=4, is_adaptive=True)
    return MoftLatentGuidance(target, words.get("region"), settings)


def realised(model: LiteFamily, *latent_guidance: MoftLatentGuidance) -> Tensor:
    """(2,) mean displacement at the end, pixels."""
    request = GenerationRequest(lite_parts.picture(*LITE), LITE_FRAMES)
    asked = make_tracks(grid_points(LITE, 4.0).expand(LITE_FRAMES, -1, -1), LITE)
    clip = sample(model, None, request, asked, Sampling(4, seed=1, latent_guidance=latent_guidance))
    assert clip.tracks is not None
    return (clip.tracks.xy[-1] - clip.tracks.xy[0]).mean(dim=0)


def test_lites_features_are_its_clean_field(lite: LiteFamily) -> None:
    from motion_core.models.lite.latents import from_latents
    from motion_core.models.protocols import Branch

    here = lite.condition(GenerationRequest(lite_parts.picture(*LITE), LITE_FRAMES))
    given = lite.noise(here, torch.Generator().manual_seed(0))
    level = torch.tensor(600.0)
    (flow,) = lite.predict(given, level, here, [(Branch(), None)])
    moved, passes = from_latents(given - 0.6 * flow)
    found = lite.features(given, level, here, "clean_field")
    torch.testing.assert_close(found[:, :2] * 1.5, moved[0].permute(0, 3, 1, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close((found[:, 2].clamp(-1, 1) + 1) / 2, passes[0], atol=1e-5, rtol=0)
    frames = lite.frames_of(given)
    assert frames.flatten().tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 1, 2, 3, 4]


@pytest.mark.slow
def test_lites_channels_are_the_two_axes_of_motion() -> None:
    """With the weights that are shipped: chance weights may hold motion anywhere."""
    shipped = LiteFamily(load_lite())
    assert learn_channels(shipped, LITE, LITE_FRAMES, SMALL).index.tolist() == [0, 1]


def test_lites_inversion_shrinks_what_noise_would_cover(lite: LiteFamily) -> None:
    there, back = lite.inverse_scheduler(), lite.scheduler()
    there.set_timesteps(6)
    back.set_timesteps(6)
    assert torch.equal(there.timesteps.flip(0), back.timesteps)
    given = torch.ones(2)
    for timestep in there.timesteps:
        (given,) = there.step(None, timestep, given, return_dict=False)
        torch.testing.assert_close(given, (1 - timestep / 1000).expand(2))


def test_lite_without_a_base_says_what_it_needs() -> None:
    bare = LiteFamily(lite_parts.lite_without_base())
    with pytest.raises(ValueError, match="generate"):
        learn_channels(bare, LITE, LITE_FRAMES, SMALL)


def test_lite_reads_videos_of_any_length_and_finds_what_moves_alike(lite: LiteFamily) -> None:
    video, tracks = pan(still(LITE, 2), WAYS["right"], 7)
    made = reference_of_video(lite, video, lambda: tracks, probe=SMALL)
    assert made.course.shape == (LITE_FRAMES, 2)
    heat = similarity(lite, made, video, lambda: tracks)
    assert heat.shape == (LITE_FRAMES, 8, 8)
    strongest = int(made.course.norm(dim=1).argmax())
    assert float(heat[strongest, 3:5, 3:5].mean()) > 0.5
