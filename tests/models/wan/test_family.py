"""Wan in the sampling loop: diffusers' own pipeline is the oracle, and tracks steer it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.guidance.linear import text_and_motion_guidance, text_guidance
from motion_core.models.protocols import Branch, GenerationResult, Guidance
from motion_core.models.wan.control import AtiControl, WanMoveControl
from motion_core.models.wan.family import WanFamily, released_scheduler
from motion_core.models.wan.parts import Umt5PromptEncoder, WanParts, encode_image
from motion_core.models.wan.wan_move import copied_latent
from motion_core.sampling.loop import Sampling, Watch, sample
from motion_core.sampling.schedule import ControlSchedule
from motion_core.tracks import empty_tracks

from . import tiny

CONTROLS = [WanMoveControl(), AtiControl()]


@pytest.fixture(scope="module")
def family() -> WanFamily:
    return WanFamily(tiny.parts(tiny.Letters()))


def run(family: WanFamily, control: Any, settings: Sampling, **request: Any) -> Tensor:
    return sample(family, control, tiny.request(**request), tiny.tracks(), settings).frames


def pipeline_of(parts: WanParts, **more: Any) -> Any:
    from diffusers.pipelines.wan.pipeline_wan_i2v import WanImageToVideoPipeline

    scheduler = type(parts.scheduler).from_config(parts.scheduler.config)
    given = {"tokenizer": None, "text_encoder": None, **more}
    pipeline = WanImageToVideoPipeline(
        vae=parts.vae,
        transformer=parts.transformer,
        scheduler=scheduler,
        **given,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("image_dim", [None, 8])
def test_without_control_a_clip_is_that_of_diffusers_pipeline(image_dim: int | None) -> None:
    parts = WanParts(
        tiny.transformer(image_dim),
        tiny.vae(),
        released_scheduler(),
        tiny.Letters(),
        None if image_dim is None else tiny.clip(),
    )
    family, request = WanFamily(parts), tiny.request(prompt="a red ball", negative="blurry")
    settings = Sampling(steps=4, seed=3, guidance=text_guidance(3.0))
    ours = sample(family, None, request, tiny.tracks(), settings).frames
    letters, pipeline = tiny.Letters(), pipeline_of(parts)
    # How CLIP's square is cut is the one thing in which Wan's own code and diffusers differ.
    pipeline.encode_image = lambda image, device: encode_image(parts, request.image)
    with torch.no_grad():
        wanted = pipeline(
            image=request.image.permute(2, 0, 1)[None],
            prompt_embeds=letters.encode(request.prompt),
            negative_prompt_embeds=letters.encode(request.negative),
            height=tiny.SIDE,
            width=tiny.SIDE,
            num_frames=tiny.FRAMES,
            num_inference_steps=4,
            guidance_scale=3.0,
            latents=torch.randn(1, 4, 2, 4, 4, generator=torch.Generator().manual_seed(3)),
            output_type="pt",
        ).frames[0]
    # Guidance is summed in another order; a twentieth of a grey level is above what that does.
    torch.testing.assert_close(ours, wanted.permute(0, 2, 3, 1), atol=2e-4, rtol=0)


def test_prompts_are_read_as_diffusers_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    known = {"<pad>": 0, "a": 1, "ball": 2, "rolls": 3, "&": 4, "<unk>": 5}
    split = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    split.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=split, pad_token="<pad>")
    sizes = {"d_model": 16, "d_ff": 8, "d_kv": 4, "num_heads": 2, "num_layers": 1}
    encoder = UMT5EncoderModel(UMT5Config(vocab_size=8, **sizes)).eval()
    parts = tiny.parts()
    # Theirs mends broken Unicode first, with a package that need not be there.
    cleaned = "diffusers.pipelines.wan.pipeline_wan_i2v.prompt_clean"
    monkeypatch.setattr(cleaned, lambda text: " ".join(text.split()))
    pipeline = pipeline_of(parts, tokenizer=tokenizer, text_encoder=encoder)
    with torch.no_grad():
        for prompt in ("a ball rolls", "", "a " * 600, "  a\n ball &amp; ball "):
            ours = Umt5PromptEncoder(encoder, tokenizer).encode(prompt)
            clean = prompt.replace("&amp;", "&")
            wanted = pipeline._get_t5_prompt_embeds(clean, device=torch.device("cpu"))
            torch.testing.assert_close(ours, wanted)
    assert ours[0, :5].abs().sum() > 0 and not ours[0, 5:].any()


@pytest.mark.parametrize("control", CONTROLS)
def test_tracks_steer_and_nothing_else_does(family: WanFamily, control: Any) -> None:
    settings = Sampling(steps=2, seed=1)
    base = run(family, None, settings)
    steered = run(family, control, settings)
    assert not torch.equal(steered, base)
    assert torch.equal(run(family, control, settings), steered)
    assert not torch.equal(run(family, control, Sampling(steps=2, seed=2)), steered)
    off = Sampling(steps=2, seed=1, schedule=ControlSchedule(strength=0.0))
    assert torch.equal(run(family, control, off), base)
    none = empty_tracks(tiny.FRAMES, tiny.tracks().size)
    assert torch.equal(sample(family, control, tiny.request(), none, settings).frames, base)
    half = run(family, control, Sampling(2, 1, schedule=ControlSchedule(strength=0.5)))
    assert not torch.equal(half, base) and not torch.equal(half, steered)
    assert torch.equal(run(family, None, settings), base)


def test_strength_is_the_share_of_a_copy(family: WanFamily) -> None:
    request, tracks = tiny.request(), tiny.tracks()
    condition = family.condition(request)
    whole = WanMoveControl().prepare(tracks, torch.ones(5), condition)
    part = WanMoveControl().prepare(tracks, torch.full((5,), 0.3), condition)
    plain = condition.condition_latents
    torch.testing.assert_close(whole.scaled(0.3).edited_latents(plain), part.edited_latents(plain))
    assert torch.equal(whole.scaled(0.0).edited_latents(plain), plain)
    assert torch.equal(
        whole.edited_latents(plain)[0, 4:], copied_latent(condition.image_latent, tracks)
    )
    assert torch.equal(whole.edited_latents(plain)[:, :4], plain[:, :4])
    assert plain[0, :4, 0].eq(1).all() and plain[0, :4, 1:].eq(0).all()


class Counted(WanFamily):
    """Remembers with which condition each prediction was made."""

    asked: list[tuple[bool, bool]]

    def predict(self, latents: Tensor, timestep: Tensor, condition: Any, calls: Any) -> Any:
        self.asked += [(branch.text, residuals is not None) for branch, residuals in calls]
        return super().predict(latents, timestep, condition, calls)


@pytest.mark.parametrize(
    ("guidance", "asked"),
    [
        (text_guidance(5.0), [(False, True), (True, True)]),
        (text_and_motion_guidance(5.0, 2.0), [(False, True), (True, False), (True, True)]),
    ],
)
def test_tracks_in_both_branches_or_motion_guidance_of_its_own(
    guidance: Guidance, asked: list[tuple[bool, bool]]
) -> None:
    family = Counted(tiny.parts(tiny.Letters()))
    family.asked = []
    settings = Sampling(steps=1, guidance=guidance)
    guided = run(family, WanMoveControl(), settings, prompt="ball")
    assert family.asked == asked
    same = Sampling(steps=1, guidance=text_and_motion_guidance(5.0, 1.0))
    plain = Sampling(steps=1, guidance=text_guidance(5.0))
    with_text = run(family, WanMoveControl(), plain, prompt="ball")
    assert torch.equal(run(family, WanMoveControl(), same, prompt="ball"), with_text)
    assert (len(asked) == 3) != torch.equal(guided, with_text)


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", [1, 3, 5, 7])
def test_a_run_stops_at_any_moment_and_leaves_nothing_behind(family: WanFamily, at: int) -> None:
    settings, calls = Sampling(steps=2), []
    before = run(family, WanMoveControl(), settings)

    def stop(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == at:
            raise Stop

    with pytest.raises(Stop):
        sample(family, AtiControl(), tiny.request(), tiny.tracks(), settings, Watch(progress=stop))
    assert not family.parts.vae.encoder._forward_hooks
    assert not family.parts.vae.decoder._forward_hooks
    assert not any(held is not None for held in family.parts.vae._feat_map)
    assert torch.equal(run(family, WanMoveControl(), settings), before)


def test_previews_are_rough_pictures_of_the_clip(family: WanFamily) -> None:
    condition = family.condition(tiny.request())
    drawn = family.preview(condition.condition_latents[:, 4:, :1], condition)
    small = condition.request.image.view(4, 8, 4, 8, 3).mean((1, 3))
    assert drawn.shape == (4, 4, 3)
    flat = (small - small.mean((0, 1))).square().mean()
    assert (drawn - small).square().mean() < flat
    looked: list[Tensor] = []
    watch = Watch(preview=lambda step, draw: looked.append(draw()))
    sample(family, None, tiny.request(), tiny.tracks(), Sampling(steps=2), watch)
    assert len(looked) == 2 and all(one.min() >= 0 and one.max() <= 1 for one in looked)


def test_a_single_frame_and_a_wide_picture_are_fine(family: WanFamily) -> None:
    tracks = tiny.tracks(frames=1)
    clip = sample(family, WanMoveControl(), tiny.request(frames=1), tracks, Sampling(steps=1))
    assert clip.frames.shape == (1, 32, 32, 3)
    wide = tiny.request(image=tiny.picture(16, 48))
    none = empty_tracks(tiny.FRAMES, wide.size)
    clip = sample(family, AtiControl(), wide, none, Sampling(steps=1))
    assert clip.frames.shape == (5, 16, 48, 3)


def test_flow_shift_is_the_release_s_or_the_user_s(family: WanFamily) -> None:
    assert family.scheduler().config.flow_shift == 3.0
    assert family.scheduler() is not family.scheduler()
    ours = WanFamily(family.parts, flow_shift=5.0).scheduler()
    ours.set_timesteps(4)
    # sigma' = s sigma / (1 + (s - 1) sigma), at the second of four even steps.
    even = torch.linspace(1, 1 / 1000, 5)[1]
    assert abs(float(ours.sigmas[1]) - float(5 * even / (1 + 4 * even))) < 2e-3


def test_what_wan_cannot_do_is_refused_before_any_work(family: WanFamily) -> None:
    with pytest.raises(ValueError, match=r"4k\+1 frames.*got 8\. Use 5 or 9"):
        family.condition(tiny.request(frames=8))
    with pytest.raises(ValueError, match=r"multiples of 16; got 40x32.*to 32x32"):
        family.condition(tiny.request(image=tiny.picture(32, 40)))
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1"):
        family.condition(tiny.request(image=tiny.picture() * 255))
    condition = family.condition(tiny.request())
    noise = torch.zeros(1, 4, 2, 4, 4)
    with pytest.raises(ValueError, match="no adapters; got 'cam'"):
        family.predict(noise, torch.tensor(500), condition, [(Branch(adapter="cam"), None)])

    class Foreign:
        def scaled(self, strength: float) -> Foreign:
            return self

    with pytest.raises(TypeError, match="control of its own; got Foreign"):
        family.predict(noise, torch.tensor(500), condition, [(Branch(), Foreign())])


def test_networks_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(FormatError, match="reads 12 channels, but .* 36"):
        wide = tiny.vae()
        wide.register_to_config(z_dim=16)
        WanParts(tiny.transformer(), wide, released_scheduler())
    with pytest.raises(FormatError, match="image_encoder"):
        WanParts(tiny.transformer(image_dim=8), tiny.vae(), released_scheduler())


def test_what_is_not_read_is_noted() -> None:
    def clip(**request: Any) -> GenerationResult:
        settings = Sampling(steps=1)
        return sample(wordless, None, tiny.request(**request), tiny.tracks(), settings)

    wordless = WanFamily(tiny.parts())
    assert clip().notes == ()
    notes = clip(prompt="a ball", movable=torch.ones(32, 32, dtype=torch.bool)).notes
    assert "prompt was not read" in notes[0] and "mask" in notes[1]
    assert torch.equal(clip(prompt="a ball").frames, clip().frames)
