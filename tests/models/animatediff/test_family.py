"""AnimateDiff and Image Conductor through the sampling loop, and what must not change anything."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError, ShapeError
from motion_core.guidance.linear import (
    FULL,
    UNCONDITIONAL,
    LinearGuidance,
    camera_free,
    text_and_motion_guidance,
    text_guidance,
)
from motion_core.models.animatediff.branch import first_frame_condition
from motion_core.models.animatediff.family import (
    NO_TEXT_ENCODER,
    AnimateDiff,
    AnimateDiffCondition,
    AnimateDiffFamily,
)
from motion_core.models.animatediff.settings import AnimateDiffSettings, ddim_scheduler
from motion_core.models.image_conductor.control import FlowNetwork, ImageConductorControl
from motion_core.models.image_conductor.load import find_files, load_image_conductor
from motion_core.models.protocols import Branch, GenerationRequest, GenerationResult
from motion_core.sampling import ControlSchedule, Sampling, Watch, sample
from motion_core.tracks.model import Tracks, empty_tracks

from .originals import tiny, tiny_with_lora, values
from .parts import (
    FRAMES,
    SIZE,
    drags,
    picture,
    save_tokenizer,
    tiny_base,
    tiny_clip,
    tiny_conductor,
    tiny_vae,
)

QUICK = Sampling(1, seed=4)
ALONE = Watch()
TIME = torch.tensor(421)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def made(
    tracks: Tracks,
    settings: Sampling = QUICK,
    *,
    motion: str | None = "object",
    steered: bool = True,
    watch: Watch = ALONE,
) -> GenerationResult:
    control = ImageConductorControl(tiny_conductor(), motion) if steered else None
    family = AnimateDiffFamily(tiny_base())
    return sample(family, control, GenerationRequest(picture(), FRAMES), tracks, settings, watch)


def spoken() -> AnimateDiffCondition:
    """A condition with prompt embeddings, which need no tokenizer here."""
    given = AnimateDiffFamily(tiny_base()).condition(GenerationRequest(picture(), FRAMES))
    shape = tuple(given.prompt_embeds.shape)
    return replace(
        given,
        prompt_embeds=values("wTrue", shape).float(),
        negative_prompt_embeds=values("wFalse", shape).float(),
    )


@cache
def predicted(
    *calls: tuple[Branch, bool], motion: str | None = None, batched: bool = False
) -> list[Tensor]:
    """Predictions of branches, with or without tracks."""
    family = AnimateDiffFamily(tiny_base(), None, AnimateDiffSettings(is_batched=batched))
    control, given = ImageConductorControl(tiny_conductor(), motion), spoken()
    latents = values("latents", given.shape).float()
    with torch.no_grad():
        added = control.residuals(
            control.prepare(drags(), torch.ones(2), given), latents, TIME, given
        )
        asked = [(branch, added if steered else None) for branch, steered in calls]
        return family.predict(latents, TIME, given, asked)


def test_the_noise_is_that_of_the_released_configuration() -> None:
    scheduler = ddim_scheduler()
    scheduler.set_timesteps(25)
    assert scheduler.timesteps[:2].tolist() == [961, 921] and int(scheduler.timesteps[-1]) == 1
    betas = torch.linspace(0.00085, 0.012, 1000)
    torch.testing.assert_close(scheduler.alphas_cumprod, torch.cumprod(1 - betas, 0))
    assert not scheduler.config.clip_sample


def test_a_run_is_its_seeds_alone_and_touches_no_other_random_numbers() -> None:
    settings = Sampling(1, seed=5)
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    first = made(drags(), settings)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(made(drags(), settings).frames, first.frames)
    assert not torch.equal(made(drags(), replace(settings, seed=6)).frames, first.frames)
    assert first.frames.shape == (FRAMES, SIZE.height, SIZE.width, 3)
    assert float(first.frames.min()) >= 0 and float(first.frames.max()) <= 1
    assert first.notes == (NO_TEXT_ENCODER,)


def test_without_control_in_any_way_it_is_the_base_bit_for_bit() -> None:
    base = made(drags(), steered=False).frames
    no_preview = replace(drags(), visible=torch.zeros(FRAMES, 2, dtype=torch.bool))
    off = replace(QUICK, schedule=ControlSchedule(strength=0.0))
    assert torch.equal(made(drags(), off).frames, base)
    assert torch.equal(made(empty_tracks(FRAMES, SIZE)).frames, base)
    assert torch.equal(made(no_preview).frames, base)
    object_moved = made(drags()).frames
    assert not torch.equal(object_moved, base)
    assert not torch.equal(made(drags(), motion="camera").frames, object_moved)


def test_tracks_of_weight_zero_add_nothing() -> None:
    control, given = ImageConductorControl(tiny_conductor()), spoken()
    assert control.prepare(drags(), torch.zeros(2), given) is None
    one = control.prepare(drags(), torch.tensor([1.0, 0.0]), given)
    alone = control.prepare(drags(1), torch.ones(1), given)
    assert one is not None and alone is not None
    with torch.no_grad():
        found = [
            part.residuals(TIME, given.prompt_embeds, None).mid_block_residual
            for part in (one, alone)
        ]
    assert torch.equal(*found)


def test_the_first_frame_is_given_in_frame_0_only() -> None:
    given = first_frame_condition(torch.full((4, 2, 3), 7.0), 3)
    assert given.shape == (3, 5, 2, 3) and not given[1:].any()
    assert (given[0, :4] == 7).all() and (given[0, 4] == 1).all()
    family = AnimateDiffFamily(tiny_base())
    other = family.condition(GenerationRequest(1 - picture(), FRAMES)).image_features
    mine = family.condition(GenerationRequest(picture(), FRAMES)).image_features
    assert mine is not None and other is not None
    assert not torch.equal(mine[0], other[0]) and torch.equal(mine[1:], other[1:])


MOVED = Branch(adapter="object")
ASKED = ((UNCONDITIONAL, True), (FULL, True), (MOVED, True), (FULL, False))


def test_every_branch_gets_its_prompt_its_tracks_and_its_motion() -> None:
    found = predicted(*ASKED)
    for index, one in enumerate(found):
        assert all(not torch.allclose(one, other) for other in found[:index])
    assert torch.equal(predicted((FULL, True), motion="object")[0], found[2])
    assert torch.equal(predicted((MOVED, False))[0], found[3])


def test_predictions_of_one_pass_are_those_of_single_ones() -> None:
    for one, other in zip(predicted(*ASKED), predicted(*ASKED, batched=True), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_camera_free_guidance_is_equation_5() -> None:
    nothing, bare, moved, _ = predicted(*ASKED)
    guidance = camera_free(7.5, 2.0, "object")
    assert guidance.branches == (UNCONDITIONAL, FULL, MOVED)
    wanted = nothing + 7.5 * (bare - nothing) + 2.0 * (moved - bare)
    combined = guidance.combine([nothing, bare, moved])
    torch.testing.assert_close(combined, wanted, rtol=0, atol=1e-4)
    assert camera_free(7.5, 0.0, "object").branches == text_guidance(7.5).branches
    assert camera_free(1.0, 1.0, "object").branches == (MOVED,)


def test_what_branches_share_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"image": 0, "flow": 0, "unet": 0}
    passes = {"image": tiny_base().image, "flow": tiny_conductor().flow, "unet": tiny_base().unet}

    def counted(name: str, run: Any) -> Any:
        def forward(*args: Any, **given: Any) -> Any:
            counts[name] += 1
            return run(*args, **given)

        return forward

    for name, module in passes.items():
        assert module is not None
        monkeypatch.setattr(module, "forward", counted(name, module.forward))
    branches = camera_free(7.5, 2.0, "object").branches
    predicted.__wrapped__(*((branch, True) for branch in branches), batched=True)
    assert counts == {"image": 2, "flow": 3, "unet": 1}


def test_camera_free_guidance_of_a_motion_with_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="Choose no motion for the control"):
        made(drags(), replace(QUICK, guidance=camera_free(2.0, 2.0, "object")))
    with pytest.raises(ValueError, match="no motion 'sky'; there are object, camera"):
        made(drags(), replace(QUICK, guidance=camera_free(2.0, 2.0, "sky")), motion=None)
    with pytest.raises(ValueError, match="no motion 'sky'"):
        ImageConductorControl(tiny_conductor(), "sky")
    with pytest.raises(ValueError, match="none, since the checkpoint has no LoRA"):
        ImageConductorControl(FlowNetwork(tiny_conductor().flow, {}))


@pytest.mark.parametrize(
    ("guidance", "motion"),
    [
        (camera_free(7.5, 1.5, "object"), None),
        (text_and_motion_guidance(2.0, 2.0), "object"),
        (text_guidance(7.5), "camera"),
    ],
)
def test_guidance_runs_in_the_loop(guidance: LinearGuidance, motion: str | None) -> None:
    clip = made(drags(), replace(QUICK, guidance=guidance), motion=motion)
    assert bool(torch.isfinite(clip.frames).all())


def test_networks_of_different_precision_work_together() -> None:
    half = deepcopy(tiny_conductor()).to(torch.float16)
    family, given = AnimateDiffFamily(tiny_base()), spoken()
    latents = values("latents", given.shape).float()
    with torch.no_grad():
        found = []
        for weights in (tiny_conductor(), half):
            control = ImageConductorControl(weights)
            prepared = control.prepare(drags(), torch.ones(2), given)
            added = control.residuals(prepared, latents, TIME, given)
            found.append(family.predict(latents, TIME, given, [(FULL, added), (FULL, None)]))
    (full, free), (rounded, _) = found
    assert rounded.dtype == torch.float32
    assert float((rounded - full).norm()) < 0.2 * float((full - free).norm())


def test_stopping_leaves_the_weights_as_they_were() -> None:
    class Stop(Exception):
        pass

    def stop(*_: Any) -> None:
        raise Stop

    before = {name: value.clone() for name, value in tiny_conductor().state_dict().items()}
    with pytest.raises(Stop):
        made(drags(), watch=Watch(preview=stop))
    with pytest.raises(Stop):
        made(drags(), watch=Watch(stop))
    after = tiny_conductor().state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_what_it_cannot_make_is_refused() -> None:
    family = AnimateDiffFamily(tiny_base())
    with pytest.raises(ShapeError, match="multiples of 8 pixels; got 70x64.*72x64"):
        family.condition(GenerationRequest(torch.zeros(64, 70, 3), FRAMES))
    with pytest.raises(ShapeError, match="makes up to 32 frames.*wants 33"):
        family.condition(GenerationRequest(picture(), 33))
    with pytest.raises(ValueError, match="must lie in 0..1"):
        family.condition(GenerationRequest(picture() * 255, FRAMES))
    with pytest.raises(ValueError, match="no text encoder to read 'a fox'"):
        family.condition(GenerationRequest(picture(), FRAMES, prompt="a fox"))
    with pytest.raises(ValueError, match="decode_at_once"):
        AnimateDiffSettings(decode_at_once=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Image Conductor as released, with Stable Diffusion 1.5 beside it."""
    folder = tmp_path_factory.mktemp("conductor")
    tiny_vae().save_pretrained(folder / "vae")
    tiny_clip().save_pretrained(folder / "text_encoder")
    save_tokenizer(folder / "tokenizer")
    torch.save({"state_dict": tiny("unet", torch.float32)}, folder / "unet.ckpt")
    torch.save({"state_dict": tiny("image", torch.float32)}, folder / "image_controlnet.ckpt")
    flow = {"state_dict": tiny_with_lora(torch.float32), "global_step": 3}
    torch.save(flow, folder / "flow_controlnet.ckpt")
    return folder


def test_released_files_make_the_same_clip_as_their_parts_and_read_prompts(folder: Path) -> None:
    loaded = load_image_conductor(find_files(folder))
    assert loaded.family == "image_conductor" and loaded.control is not None
    assert not any(weight.is_meta for weight in loaded.network.parameters())
    requests = [GenerationRequest(picture(), FRAMES, prompt=text) for text in ("a b c", "x y z")]
    bare, other = (
        sample(loaded.model, loaded.control, request, drags(), QUICK) for request in requests
    )
    assert bare.notes == () and not torch.equal(bare.frames, other.frames)
    base = tiny_base()
    model: Any = loaded.model
    whole = AnimateDiff(base.unet, base.vae, base.image, tiny_clip())
    family = AnimateDiffFamily(whole, model.tokenizer)
    wanted = sample(family, ImageConductorControl(tiny_conductor()), requests[0], drags(), QUICK)
    assert torch.equal(bare.frames, wanted.frames)


def test_files_that_are_missing_or_swapped_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="needs unet.ckpt in"):
        find_files(tmp_path)
    files = find_files(folder)
    swapped = replace(files, unet=files.flow)
    with pytest.raises(FormatError, match="not Image Conductor's unet network: it holds .*flow"):
        load_image_conductor(swapped)
    with pytest.raises(FileNotFoundError, match="stable-diffusion-v1-5"):
        load_image_conductor(replace(files, base=tmp_path))
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "config.json").write_text('{"_class_name": "AutoencoderKLWan"}')
    with pytest.raises(FormatError, match="holds AutoencoderKLWan instead of AutoencoderKL"):
        load_image_conductor(replace(files, base=tmp_path))
    cut = tmp_path / "unet.ckpt"
    cut.write_bytes(files.unet.read_bytes()[:1000])
    with pytest.raises(FormatError, match="unet.ckpt is broken or cut short"):
        load_image_conductor(replace(files, unet=cut))
