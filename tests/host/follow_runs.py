"""Runs of Follow Motion inside a host: identities, samplers, stages, interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .follow_checks import STEPS, clock_of, difference, hard_mask, pack, schedule_of
from .model_checks import sampled, video_of
from .tiny_models import TinyModel, tiny_model
from .tiny_vaes import tiny_vae


def _run(model: TinyModel, patcher: Any, samples: Tensor | None = None, **settings: Any) -> Tensor:
    given = torch.zeros(model.shape) if samples is None else samples
    return video_of(sampled(model, patcher, given, **settings))


def identities(name: str) -> dict[str, Any]:
    """Mask 0 with a free background against a plain run; a full mask to the end against the
    reference; equal clocks against the host's own image-to-image run."""
    model, host = tiny_model(name), pack("nodes.host_model")
    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    reference, mask = model.latents(7), hard_mask(model.shape)
    plain = _run(model, model.patcher)
    region = dual.FollowRegion(torch.zeros_like(mask), clocks.Clock.switch(0.1))
    empty = dual.DualClock(reference, clocks.FREE, (region,))
    whole = dual.DualClock(
        reference, clocks.FREE, (dual.FollowRegion(torch.ones_like(mask), clocks.EXACT),)
    )
    exact = dual.DualClock(reference, clocks.EXACT)
    none_left = _run(model, host.followed(model.patcher, exact))
    found = {
        "empty_mask_equals_plain": torch.equal(
            _run(model, host.followed(model.patcher, empty)), plain
        ),
        "full_mask": difference(_run(model, host.followed(model.patcher, whole)), reference),
        "all_exact": difference(none_left, reference),
    }
    if model.audio_shape is None:
        # The host's own KSampler with denoise 0.5 begins at step 4 of 8.
        middle = float(schedule_of(model, 2 * STEPS)[STEPS])
        equal, _, _ = clock_of(model, middle, middle)
        ours = _run(model, host.followed(model.patcher, equal), steps=2 * STEPS)
        img2img = _run(model, model.patcher, reference, steps=2 * STEPS, start=STEPS)
        found["equal_clocks_against_img2img"] = difference(ours, img2img)
    return found


def samplers(name: str, sampler: str, steps: int) -> dict[str, Any]:
    """One sampler: an exact region stays on the reference, the rest is generated."""
    model, host = tiny_model(name), pack("nodes.host_model")
    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    family = clocks.FAMILIES[pack("nodes.host_latents").family_of(model.patcher)]
    reference, mask = model.latents(7), hard_mask(model.shape)
    weak, strong = (family.scale.clock(one) for one in family.cut_and_drag)
    exact = torch.zeros_like(mask)
    exact[..., : mask.shape[-1] // 2] = 1
    regions = (dual.FollowRegion(mask, strong), dual.FollowRegion(exact, clocks.EXACT))
    patched = host.followed(model.patcher, dual.DualClock(reference, weak, regions))
    out = _run(model, patched, sampler=sampler, steps=steps)
    plain = _run(model, model.patcher, sampler=sampler, steps=steps)
    kept = exact.bool().expand(model.shape)
    return {
        "finite": bool(torch.isfinite(out).all()),
        "exact": difference(out[kept], reference[kept]),
        "generated": difference(out[~kept], reference[~kept]),
        "changed": difference(out[~kept], plain[~kept]),
        "repeats": torch.equal(_run(model, patched, sampler=sampler, steps=steps), out),
    }


def stages(name: str, split: int) -> dict[str, Any]:
    """Two samplers one after the other, as Wan 2.2's pair of experts, against a single run."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    found = {}
    for label, weak, strong in (("strong_early", 1, 2), ("strong_late", 2, 6), ("weak_late", 5, 6)):
        clock, _, _ = clock_of(model, float(sigmas[weak]), float(sigmas[strong]))
        patched = host.followed(model.patcher, clock)
        whole = _run(model, patched, steps=STEPS)
        first = _run(model, patched, steps=STEPS, last=split)
        second = _run(model, patched, first, steps=STEPS, start=split, add_noise=False)
        found[label] = difference(second, whole)
        if strong <= split:
            unpatched = _run(model, model.patcher, first, steps=STEPS, start=split, add_noise=False)
            found["high_noise_only"] = difference(unpatched, whole)
    return found


def kept_frames(name: str) -> dict[str, Any]:
    """Latents whose noise mask keeps the first frame, as image-to-video nodes of LTX make them, and
    the last one."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, reference, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    given = model.latents(30)
    noise_mask = torch.ones(1, 1, model.shape[2], 1, 1)
    ends = [0, -1]
    noise_mask[:, :, ends] = 0
    patched = host.followed(model.patcher, clock)
    out = _run(model, patched, given, steps=STEPS, noise_mask=noise_mask)
    return {
        "kept": difference(out[:, :, ends], given[:, :, ends]),
        "away_from_reference": difference(out[:, :, ends], reference[:, :, ends]),
        "rest_is_sampled": difference(out[:, :, 1:-1], given[:, :, 1:-1]),
    }


def guides(name: str) -> dict[str, Any]:
    """Latents with a guide behind the clip, which their noise mask keeps, as LTX's guides are."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, _, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    given = torch.cat([torch.zeros(model.shape), model.latents(31)[:, :, :1]], 2)
    noise_mask = torch.ones(1, 1, given.shape[2], 1, 1)
    noise_mask[:, :, -1] = 0
    settings: dict[str, Any] = {"steps": STEPS, "noise_mask": noise_mask}
    out = _run(model, host.followed(model.patcher, clock), given, **settings)
    plain = _run(model, model.patcher, given, **settings)
    return {
        "guide": difference(out[:, :, -1], given[:, :, -1]),
        "followed": difference(out[:, :, :-1], plain[:, :, :-1]),
    }


def first_and_last_frame() -> dict[str, Any]:
    """LTX's own guides for the first and the last frame, under Follow Motion, through its nodes."""
    from comfy_extras.nodes_lt import LTXVAddGuide, LTXVCropGuides

    import nodes

    model, vae = tiny_model("ltxv"), tiny_vae("ltxv")
    size = (32 * model.shape[-2], 32 * model.shape[-1], 3)
    generator = torch.Generator().manual_seed(31)
    video = torch.rand(17, *size, generator=generator)
    ends = torch.rand(2, 1, *size, generator=generator)
    made: Any = (model.positive, model.negative, {"samples": torch.zeros(model.shape)})
    for picture, place in zip(ends, (0, -1), strict=True):
        positive, negative, latent = made
        made = LTXVAddGuide.execute(positive, negative, vae, latent, picture, place, 1.0).args
    positive, negative, latent = made
    clocks = {"clocks": "follow", "weak": 0.2, "strong": 0.5}
    node = pack("nodes.follow_motion").FollowMotion
    patched, ours, _ = node.execute(
        model.patcher, vae, video, clocks, 0.0, 0.0, 0, latent=latent
    ).args

    def sample(patcher: Any, given: Any) -> Any:
        fixed = (patcher, 5, STEPS, 2.0, "euler", "simple", positive, negative, given)
        return nodes.common_ksampler(*fixed)[0]

    out, plain = sample(patched, ours), sample(model.patcher, latent)
    cropped = LTXVCropGuides.execute(positive, negative, out).args[2]["samples"]
    encoded = torch.cat([vae.encode(one) for one in ends], 2)
    return {
        "guides": difference(out["samples"][:, :, -2:], encoded),
        "cropped": list(cropped.shape),
        "followed": difference(cropped, plain["samples"][:, :, :-2]),
    }


def interrupted(name: str) -> dict[str, Any]:
    """A run stopped in the middle leaves the MODEL and its clones as they were."""
    import comfy.model_management
    import comfy.sample

    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, _, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    patched = host.followed(model.patcher, clock)
    before, plain = _run(model, patched, steps=STEPS), _run(model, model.patcher, steps=STEPS)
    options = repr(sorted(patched.model_options["transformer_options"]))

    def stop(step: int, *_: Any) -> None:
        if step == 2:
            raise comfy.model_management.InterruptProcessingException

    latents = torch.zeros(model.shape)
    try:
        comfy.sample.sample(
            *(patched, comfy.sample.prepare_noise(latents, 5), STEPS, 2.0, "euler", "simple"),
            *(model.positive, model.negative, latents),
            callback=stop,
        )
        stopped = False
    except comfy.model_management.InterruptProcessingException:
        stopped = True
    return {
        "stopped": stopped,
        "patched_same": torch.equal(_run(model, patched, steps=STEPS), before),
        "plain_same": torch.equal(_run(model, model.patcher, steps=STEPS), plain),
        "options_same": options == repr(sorted(patched.model_options["transformer_options"])),
    }


def stacked(name: str) -> dict[str, Any]:
    """A second Follow Motion replaces the first; a LoRA-like weight patch and a clone stay."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, _, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    other = replace(clock, reference=model.latents(77))
    lora = model.patcher.clone()
    weights = model.patcher.model.diffusion_model.named_parameters()
    changes = {f"diffusion_model.{key}": (torch.full_like(one, 0.02),) for key, one in weights}
    lora.add_patches(changes, 1.0)
    twice = host.followed(host.followed(lora, other), clock)
    once = host.followed(lora, clock)
    with_lora = _run(model, once, steps=STEPS)
    without = _run(model, host.followed(model.patcher, clock), steps=STEPS)
    return {
        "second_replaces_first": torch.equal(_run(model, twice, steps=STEPS), with_lora),
        "weights_patched": difference(with_lora, without),
        "original_wrappers": len(model.patcher.wrappers) + len(lora.wrappers),
    }


def quantised(name: str) -> dict[str, Any]:
    """Weights in fp8 with a subclass of the host's ModelPatcher, as loaders of packed weights use
    them, against the same weights in float32."""
    import comfy.model_patcher

    class PackedPatcher(comfy.model_patcher.ModelPatcher):
        pass

    model, host = tiny_model(name, dtype=torch.float8_e4m3fn), pack("nodes.host_model")
    network = model.patcher.model.diffusion_model
    sigmas = schedule_of(model)
    clock, _, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    packed = PackedPatcher(
        model.patcher.model, model.patcher.load_device, model.patcher.load_device
    )
    patched = host.followed(packed, clock)
    ours = _run(model, patched, steps=STEPS)
    wide = tiny_model(name)
    wide.patcher.model.diffusion_model.load_state_dict(
        {key: value.float() for key, value in network.state_dict().items()}
    )
    wanted = _run(wide, host.followed(wide.patcher, clock), steps=STEPS)
    return {
        "same_patcher_class": type(patched).__name__ == "PackedPatcher",
        "dtypes": sorted({str(one.dtype) for one in network.parameters()}),
        "against_float32": difference(ours, wanted),
    }


def windows(name: str) -> dict[str, Any]:
    """The host's context windows around a followed run."""
    import comfy.context_windows as windows

    model, host = tiny_model(name), pack("nodes.host_model")
    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    reference, mask = model.latents(7), torch.zeros(hard_mask(model.shape).shape)
    mask[..., :2] = 1
    clock = dual.DualClock(
        reference, clocks.Clock.switch(0.97), (dual.FollowRegion(mask, clocks.EXACT),)
    )
    patched = host.followed(model.patcher, clock)
    patched.model_options["context_handler"] = windows.IndexListContextHandler(
        context_schedule=windows.get_matching_context_schedule("standard_static"),
        fuse_method=windows.get_matching_fuse_method("pyramid"),
        context_length=2,
        context_overlap=1,
        dim=2,
    )
    windows.create_prepare_sampling_wrapper(patched)
    out = _run(model, patched, steps=STEPS)
    whole = _run(model, host.followed(model.patcher, clock), steps=STEPS)
    kept = mask.bool().expand(model.shape)
    return {
        "exact": difference(out[kept], reference[kept]),
        "windows_matter": difference(out, whole),
        "finite": bool(torch.isfinite(out).all()),
    }


def refused(name: str, case: str) -> str:
    """The message of a run that must not start."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, _, _ = clock_of(model, float(sigmas[2]), float(sigmas[5]))
    patched, samples, steps = host.followed(model.patcher, clock), torch.zeros(model.shape), STEPS
    if case == "size":
        samples = torch.zeros(*model.shape[:-1], model.shape[-1] + 2)
    if case == "batch":
        samples = torch.zeros(2, *model.shape[1:])
    if case == "one_step":
        steps = 1
    if case == "no_image":
        model = replace(
            model,
            positive=[[model.positive[0][0], {}]],
            negative=[[model.negative[0][0], {}]],
        )
    try:
        _run(model, patched, samples, steps=steps)
    except ValueError as error:
        return str(error)
    return "nothing was refused"


WAN_LATENTS = (1, 16, 21, 60, 104)  # 81 frames at 832x480
WAN_TOKENS, WAN_WEIGHTS = 21 * 30 * 52, 1.3e9


def overhead(name: str, runs: int = 5) -> dict[str, Any]:
    """Processor time per step with and without the patch; the same for a prediction of full size
    that costs nothing itself, beside the matrix products of one pass of Wan 2.1 1.3B at this
    machine's measured speed; and the tensors that the patch holds, in latents."""
    model, host = tiny_model(name), pack("nodes.host_model")
    sigmas = schedule_of(model)
    clock, reference, _ = clock_of(model, math.inf, float(sigmas[6]))
    patched = host.followed(model.patcher, clock)
    square = torch.randn(1024, 1024)
    took = _best(
        {
            "plain": lambda: _run(model, model.patcher, steps=STEPS),
            "patched": lambda: _run(model, patched, steps=STEPS),
            "product": lambda: square @ square,
            "blend": _full_size_prediction(host),
        },
        runs,
    )
    operations_per_s = 2 * 1024**3 / took["product"]
    held = reference.numel() + sum(region.mask.numel() for region in clock.regions)
    return {
        "plain_s": took["plain"] / STEPS,
        "patched_s": took["patched"] / STEPS,
        "large_blend_s": took["blend"],
        "large_step_s": 2 * WAN_WEIGHTS * WAN_TOKENS / operations_per_s,
        "held_latents": held / reference.numel(),
    }


def _best(functions: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The least processor time of several runs of each, in seconds; the functions alternate."""
    best = dict.fromkeys(functions, math.inf)
    for _ in range(runs):
        for name, function in functions.items():
            started = time.process_time()
            function()
            best[name] = min(best[name], time.process_time() - started)
    return best


def _full_size_prediction(host: Any) -> Callable[[], Tensor]:
    """A blended prediction of Wan's latents around a network that returns its input."""
    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    schedule = pack("motion_core.guidance.noise_schedule").FlowSchedule()
    latents, noise = torch.randn(WAN_LATENTS), torch.randn(WAN_LATENTS)
    mask = torch.rand(1, 1, *WAN_LATENTS[2:])
    region = dual.FollowRegion(mask, clocks.Clock.switch(0.5))
    clock = dual.DualClock(torch.randn(WAN_LATENTS), clocks.FREE, (region,))
    run = host._Run(clock, noise, (0.9, 0.8, 0.0), schedule, WAN_LATENTS)
    options = {"transformer_options": {host.FOLLOW_KEY: run}}
    sigma = torch.tensor([0.9])
    return lambda: host._follow_prediction(lambda x, *_: x, latents, sigma, options)
