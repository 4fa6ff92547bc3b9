"""MotionPro through the sampling loop: the authors' numbers, and what must not change anything."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.guidance.linear import FULL, UNCONDITIONAL
from motion_core.models.lora import LoraWeights
from motion_core.models.protocols import Branch, GenerationRequest, GenerationResult
from motion_core.models.svd.adapter import modulated_layers
from motion_core.models.svd.control import MotionProControl
from motion_core.models.svd.control_output import MotionProControlOutput
from motion_core.models.svd.encoding import decode_video, encode_image_clip
from motion_core.models.svd.family import SvdCondition, SvdFamily
from motion_core.models.svd.guidance import FrameGuidance
from motion_core.models.svd.schedule import edm_scheduler
from motion_core.models.svd.settings import ControlSettings, SvdSettings
from motion_core.sampling import ControlSchedule, Sampling, Watch, sample
from motion_core.tracks.model import Tracks, empty_tracks

from .originals import values
from .parts import FRAMES, SETTINGS, SIZE, drags, picture, tiny_clip, tiny_network, tiny_vae

GOLDEN = json.loads((Path(__file__).parent / "parity.json").read_text())
QUICK = Sampling(1, seed=4)
ALONE = Watch()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made(
    tracks: Tracks,
    settings: Sampling = QUICK,
    watch: Watch = ALONE,
    *,
    steered: bool = True,
    **request: Any,
) -> GenerationResult:
    control = MotionProControl(tiny_network()) if steered else None
    wanted = GenerationRequest(picture(), FRAMES, **request)
    return sample(SvdFamily(tiny_network(), SETTINGS), control, wanted, tracks, settings, watch)


@cache
def plain() -> Tensor:
    """Frames of the base alone."""
    return made(drags(), steered=False).frames


@cache
def steered() -> Tensor:
    """Frames that follow the drags."""
    return made(drags()).frames


def conditioned(**request: Any) -> SvdCondition:
    return SvdFamily(tiny_network(), SETTINGS).condition(
        GenerationRequest(picture(), FRAMES, **request)
    )


def test_parity_of_the_noise_levels() -> None:
    scheduler = edm_scheduler()
    scheduler.set_timesteps(25)
    # Theirs were rounded to float32 before they were raised to the seventh power.
    wanted = torch.tensor(GOLDEN["sigmas"])
    torch.testing.assert_close(scheduler.sigmas, wanted.float(), rtol=1e-5, atol=0)
    torch.testing.assert_close(scheduler.timesteps, wanted[:-1].log() / 4, rtol=0, atol=3e-6)
    assert float(scheduler.init_noise_sigma) == pytest.approx((700.0**2 + 1) ** 0.5)


def test_parity_of_whole_sampling_with_guidance_over_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The authors' sampler, denoiser and guider in float64, ours as the product runs it."""
    latents = values("latents", (1, FRAMES, 4, 8, 8)).float()
    small = values("picture", (1, 1, 4, 8, 8)).float().expand(-1, FRAMES, -1, -1, -1)
    drawn = 5 * values("flow", (1, FRAMES, 3, 64, 64)).float()[0]
    embeds = values("words", (1, 1, 24)).float()
    family, control = SvdFamily(tiny_network(), SETTINGS), MotionProControl(tiny_network())
    given = replace(conditioned(), image_latents=small, image_embeds=embeds)
    found: list[Tensor] = []

    def keep(made: Tensor, *_: Any) -> GenerationResult:
        found.append(made)
        return GenerationResult(torch.zeros(FRAMES, *picture().shape))

    monkeypatch.setattr(family, "condition", lambda *_: given)
    monkeypatch.setattr(family, "noise", lambda *_: latents)
    monkeypatch.setattr(family, "decode", keep)
    monkeypatch.setattr("motion_core.models.svd.control.region_condition", lambda *_, **__: drawn)
    settings = Sampling(3, guidance=FrameGuidance())
    sample(family, control, GenerationRequest(picture(), FRAMES), drags(), settings)
    wanted = torch.tensor(GOLDEN["sampled"]).view(1, FRAMES, 4, 8, 8)
    torch.testing.assert_close(found[0], wanted.float(), rtol=0, atol=1e-4)


def test_a_run_is_its_seeds_alone_and_touches_no_other_random_numbers() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    first = made(drags())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.notes == () and torch.equal(first.frames, steered())
    assert not torch.equal(made(drags(), replace(QUICK, seed=6)).frames, first.frames)
    assert first.frames.shape == (FRAMES, 64, 64, 3) and first.frames.dtype == torch.float32
    assert float(first.frames.min()) >= 0 and float(first.frames.max()) <= 1


def test_tracks_are_encoded_and_the_lora_merged_once_per_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, calls = tiny_network(), []
    merged = LoraWeights.merged
    monkeypatch.setattr(
        LoraWeights, "merged", lambda *given: calls.append("merged") or merged(*given)
    )
    handle = network.adapter.encoder.register_forward_hook(lambda *_: calls.append("encoded"))
    try:
        made(drags(), Sampling(2, seed=4, guidance=FrameGuidance()))
    finally:
        handle.remove()
    assert calls == ["encoded", "merged"]


def test_without_control_in_any_way_it_is_the_base_bit_for_bit() -> None:
    base = plain()
    assert not torch.equal(steered(), base)
    off = replace(QUICK, schedule=ControlSchedule(strength=0.0))
    window = replace(QUICK, schedule=ControlSchedule(end_frac=0.0))
    no_preview = replace(drags(), visible=torch.zeros(FRAMES, 2, dtype=torch.bool))
    assert torch.equal(made(drags(), off).frames, base)
    assert torch.equal(made(drags(), window).frames, base)
    assert torch.equal(made(empty_tracks(FRAMES, SIZE)).frames, base)
    assert torch.equal(made(no_preview).frames, base)


def test_tracks_that_weigh_nothing_or_never_start_are_the_base() -> None:
    family, control = SvdFamily(tiny_network(), SETTINGS), MotionProControl(tiny_network())
    given = conditioned()
    late = drags().visible.clone()
    late[0] = False
    idle = [
        control.prepare(drags(), torch.zeros(2), given),
        control.prepare(replace(drags(), visible=late), torch.ones(2), given),
    ]
    latents, time = values("latents", (1, FRAMES, 4, 8, 8)).float(), torch.tensor(0.3)
    with torch.no_grad():
        calls = [(FULL, control.residuals(prepared, latents, time, given)) for prepared in idle]
        alone, *rest = family.predict(latents, time, given, [(FULL, None), *calls])
    assert all(torch.equal(prediction, alone) for prediction in rest)


def test_of_two_tracks_in_one_place_the_heavier_steers() -> None:
    control, given = MotionProControl(tiny_network()), conditioned()
    right = drags(1)
    xy = torch.cat([right.xy, 2 * right.xy[:1] - right.xy], 1)
    both = replace(right, xy=xy, visible=right.visible.expand(-1, 2), ids=torch.arange(2))
    alone = control.prepare(right, torch.ones(1), given)
    heavier = control.prepare(both, torch.tensor([1.0, 0.5]), given)
    lighter = control.prepare(both, torch.tensor([0.5, 1.0]), given)
    assert alone is not None and heavier is not None and lighter is not None
    pairs = [
        (modulations[0][0], modulations[0][1])
        for modulations in (alone.modulations, heavier.modulations, lighter.modulations)
    ]
    assert torch.equal(pairs[0][0], pairs[1][0]) and torch.equal(pairs[0][1], pairs[1][1])
    assert not torch.equal(pairs[0][0], pairs[2][0])


def test_the_brush_is_what_the_request_lets_move() -> None:
    movable = torch.zeros(64, 64, dtype=torch.bool)
    movable[:, 32:] = True
    assert not torch.equal(made(drags(), movable=movable).frames, steered())


def test_the_wordless_branch_knows_the_tracks_but_not_the_picture() -> None:
    family, control = SvdFamily(tiny_network(), SETTINGS), MotionProControl(tiny_network())
    given = conditioned()
    blank = replace(
        given, image_latents=0 * given.image_latents, image_embeds=0 * given.image_embeds
    )
    added = MotionProControlOutput(control.prepare(drags(), torch.ones(2), given))
    latents, time = values("latents", (1, FRAMES, 4, 8, 8)).float(), torch.tensor(0.3)
    with torch.no_grad():
        calls = [(UNCONDITIONAL, added), (UNCONDITIONAL, None), (FULL, added)]
        unconditional, free, full = family.predict(latents, time, given, calls)
        wanted = family.predict(latents, time, blank, [(FULL, added)])[0]
    assert torch.equal(unconditional, wanted)
    assert not torch.equal(unconditional, free) and not torch.equal(unconditional, full)


def test_dense_tracks_say_how_much_moves() -> None:
    dense = MotionProControl(tiny_network(), ControlSettings(is_dense=True))
    prepared = dense.prepare(drags(), torch.ones(2), conditioned())
    assert prepared is not None
    # Two blocks of 64 pixels that go (9, -6) in equal steps: half of it in the mean.
    wanted = 2 * 64 / 64**2 * 0.5 * (9**2 + 6**2) ** 0.5
    assert prepared.motion_bucket == pytest.approx(wanted, rel=1e-5)
    family, given = SvdFamily(tiny_network(), SETTINGS), conditioned()
    latents, time = values("latents", (1, FRAMES, 4, 8, 8)).float(), torch.tensor(0.3)
    calls = [
        (FULL, MotionProControlOutput(replace(prepared, motion_bucket=bucket)))
        for bucket in (None, SETTINGS.motion_bucket, 80.0)
    ]
    with torch.no_grad():
        own, same, other = family.predict(latents, time, given, calls)
    assert torch.equal(own, same) and not torch.equal(own, other)


@pytest.mark.parametrize("when", ["step", "preview", "decode"])
def test_cancelling_leaves_the_network_as_it_was(when: str) -> None:
    class Stop(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    def at_decoding(done: int, total: int) -> None:
        if total == FRAMES and done == 2:
            raise Stop

    watch = Watch(preview=stop) if when == "preview" else Watch(stop)
    settings = Sampling(2, seed=4) if when != "decode" else QUICK
    base = plain()
    with pytest.raises(Stop):
        made(drags(), settings, Watch(at_decoding) if when == "decode" else watch)
    assert all(not layer._forward_hooks for layer in modulated_layers(tiny_network().unet))
    assert torch.equal(made(drags(), steered=False).frames, base)


def test_frames_are_decoded_in_pieces_and_looked_at_alone() -> None:
    latents = values("latents", (1, FRAMES, 4, 8, 8)).float()
    reported: list[tuple[int, int]] = []
    with torch.no_grad():
        whole = decode_video(tiny_vae(), latents, FRAMES)
        alone = decode_video(tiny_vae(), latents, 1, lambda *at: reported.append(at))
        preview = SvdFamily(tiny_network(), SETTINGS).preview(latents, conditioned())
        loud = SvdFamily(tiny_network(), SETTINGS).preview(700 * latents, conditioned())
        toned = decode_video(tiny_vae(), latents[:, -1:] / latents[:, -1].std(), 1)[0]
    assert whole.shape == alone.shape == (FRAMES, 64, 64, 3)
    assert reported == [(1, 3), (2, 3), (3, 3)]
    assert torch.equal(preview, alone[-1]) and preview.shape == (64, 64, 3)
    torch.testing.assert_close(loud, toned, rtol=0, atol=1e-4)


def test_clip_reads_the_image_as_it_was_trained() -> None:
    from transformers import CLIPImageProcessor

    shown = torch.linspace(0, 1, 32 * 32 * 3).view(32, 32, 3)
    processor = CLIPImageProcessor(do_resize=False, do_center_crop=False, do_rescale=False)
    wanted = processor(shown.permute(2, 0, 1), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        got = encode_image_clip(tiny_clip(), shown)
        torch.testing.assert_close(got[:, 0], tiny_clip()(wanted).image_embeds, atol=1e-5, rtol=0)


def test_tracks_that_appear_late_are_noted() -> None:
    visible = torch.ones(FRAMES, 2, dtype=torch.bool)
    visible[0, 1] = False
    clip = made(replace(drags(), visible=visible))
    assert len(clip.notes) == 1 and "1 of the tracks appear later" in clip.notes[0]
    assert "reads no prompt" in made(drags(), prompt="a dog").notes[0]


def test_half_precision_makes_about_the_same_clip() -> None:
    network = copy.deepcopy(tiny_network()).to(torch.bfloat16)
    family, request = SvdFamily(network, SETTINGS), GenerationRequest(picture(), FRAMES)
    clip = sample(family, MotionProControl(network), request, drags(), QUICK)
    assert clip.frames.dtype == torch.float32
    off = (clip.frames - steered()).abs().mean()
    assert 0 < float(off) < 0.05


def test_what_it_cannot_make_is_refused() -> None:
    family = SvdFamily(tiny_network(), SETTINGS)
    with pytest.raises(ShapeError, match="multiples of 64 pixels; got 96x64.*128x64"):
        family.condition(GenerationRequest(torch.zeros(64, 96, 3), FRAMES))
    with pytest.raises(ShapeError, match="makes 3 frames at once; the request wants 16"):
        family.condition(GenerationRequest(picture(), 16))
    with pytest.raises(ValueError, match="must lie in 0..1"):
        family.condition(GenerationRequest(picture() * 255, FRAMES))
    latents = values("latents", (1, FRAMES, 4, 8, 8)).float()
    with pytest.raises(ValueError, match="svd has no adapters; got 'x'"):
        calls = [(Branch(adapter="x"), None)]
        family.predict(latents, torch.tensor(0.3), conditioned(), calls)
    for wrong in ({"frames": 1}, {"motion_bucket": float("nan")}, {"decode_at_once": 0}):
        with pytest.raises(ValueError):
            SvdSettings(**wrong)


def test_guidance_over_frames() -> None:
    guidance = FrameGuidance(1.0, 3.0)
    assert guidance.branches == (UNCONDITIONAL, FULL)
    without, full = torch.zeros(1, 3, 2), torch.ones(1, 3, 2)
    wanted = torch.tensor([1.0, 2.0, 3.0])[None, :, None].expand(1, 3, 2)
    assert torch.equal(guidance.combine([without, full]), wanted)
    assert torch.equal(guidance.combine([full, full]), full)
    assert FrameGuidance(1.0, 1.0).branches == (FULL,)
    assert FrameGuidance(1.0, 1.0).combine([full]) is full
    with pytest.raises(ShapeError, match="needs 2 predictions"):
        guidance.combine([full])
    with pytest.raises(ValueError, match="finite"):
        FrameGuidance(float("nan"))
