"""Follow Motion and Follow Region on a stand-in MODEL: what is set up, and what is refused.

Runs through ComfyUI's own samplers are in tests/host/test_follow_motion.py.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from tests.host.pack import ROOT, pack_module, pack_nodes
from tests.host.stand_in_models import IMAGE_LATENTS, VIDEO_LATENTS, StandInModel, StandInVae
from tests.nodes.comfy import put_comfy

FRAMES, HEIGHT, WIDTH = 9, 32, 48


@pytest.fixture(autouse=True)
def comfy(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = SimpleNamespace(SAMPLER_SAMPLE="sampler_sample", PREDICT_NOISE="predict_noise")
    put_comfy(monkeypatch, {"patcher_extension": {"WrappersMP": kinds}})


def follow(model: Any = None, vae: Any = None, **inputs: Any) -> Any:
    """(MODEL, LATENT, report) of the node."""
    given = {
        "model": model or StandInModel("WAN21", VIDEO_LATENTS),
        "vae": vae or StandInVae(),
        "reference": torch.zeros(FRAMES, HEIGHT, WIDTH, 3),
        "clocks": {"clocks": "cut_and_drag"},
        "ramp": 0.0,
        "feather": 0.0,
        "exact_frames": 0,
    } | inputs
    return pack_nodes()["MotionPromptingFollowMotion"].execute(**given).args


def clock_in(model: Any) -> Any:
    ((wrapper,),) = (by_key.values() for by_key in [model.wrappers["sampler_sample"]])
    return wrapper[0].clock


def test_the_model_is_a_patched_clone_and_the_latent_is_the_reference() -> None:
    model = StandInModel("WAN21", VIDEO_LATENTS)
    patched, latent, report = follow(model)
    assert patched is not model and not model.wrappers
    assert set(patched.wrappers) == {"sampler_sample", "predict_noise"}
    assert latent["samples"].shape == (1, 16, 3, 4, 6)
    assert "WAN21: 9 frames in 3 latent frames" in report
    clock = clock_in(patched)
    assert clock.start_sigma == pytest.approx(0.9485, abs=1e-4), "no mask: the strong clock rules"
    assert "begins at sigma 0.9485" in report


def test_a_mask_gets_the_strong_clock_and_regions_lie_over_it() -> None:
    region = pack_nodes()["MotionPromptingFollowRegion"].execute
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[..., :24] = 1
    (regions, shown) = region({"area": "mask", "mask": mask}, 0.5, 0.2, 0.0).args
    assert torch.equal(shown, mask)
    white = torch.ones(FRAMES, HEIGHT, WIDTH)
    patched, _, report = follow(mask=white, regions=regions, exact_frames=1)
    clock = clock_in(patched)
    strong, own, exact = clock.regions
    assert clock.background.full == pytest.approx(0.9792, abs=1e-4)
    assert strong.clock.full == pytest.approx(0.9485, abs=1e-4)
    assert (own.clock.full, own.clock.free) == (
        pytest.approx(3 * 0.6 / 2.2),
        pytest.approx(3 * 0.4 / 1.8),
    )
    assert own.mask.shape == (1, 1, 3, 4, 6) and own.mask[..., :3].all() and own.mask.mean() == 0.5
    assert exact.mask[:, :, 0].all() and not exact.mask[:, :, 1:].any()
    assert "region 2 (50.0 % of the clip)" in report and "follows to the end" in report


@pytest.mark.parametrize(
    ("stated", "weak", "strong"),
    [
        ({"clocks": "camera"}, 3 * 0.96 / 2.92, 3 * 0.9 / 2.8),
        ({"clocks": "follow", "weak": 0.0, "strong": 1.0}, float("inf"), 0.0),
        ({"clocks": "sigma", "weak_sigma": 0.9, "strong_sigma": 0.5}, 0.9, 0.5),
    ],
)
def test_the_ways_to_state_clocks(stated: dict[str, Any], weak: float, strong: float) -> None:
    patched, _, report = follow(clocks=stated, mask=torch.ones(1, HEIGHT, WIDTH))
    clock = clock_in(patched)
    assert clock.background.full == pytest.approx(weak)
    assert clock.regions[0].clock.full == pytest.approx(strong)
    assert ("free at once" in report) == (weak == float("inf"))


def test_frames_that_fill_no_latent_are_left_out() -> None:
    patched, latent, report = follow(
        reference=torch.zeros(11, HEIGHT, WIDTH, 3), mask=torch.ones(11, HEIGHT, WIDTH)
    )
    assert latent["samples"].shape[2] == 3
    assert "the last 2 frames of the reference" in report
    assert clock_in(patched).regions[0].mask.all()


def test_a_connected_latent_keeps_its_mask_and_its_other_entries() -> None:
    given = {"samples": torch.zeros(1, 16, 3, 4, 6), "batch_index": [0]}
    _, latent, _ = follow(latent=given)
    assert latent["samples"].all() and latent["batch_index"] == [0]
    held = given | {"noise_mask": torch.ones(1, 1, 3, 1, 1)}
    _, latent, _ = follow(latent=held)
    assert latent is held


def test_regions_around_tracks() -> None:
    xy = torch.tensor([[[8.0, 8.0], [40.0, 24.0]]]).repeat(FRAMES, 1, 1)
    xy[:, 0, 0] += torch.arange(FRAMES)
    host = pack_module("motion_core.formats.host")
    tracks = host.to_host(make_tracks(xy, Size(WIDTH, HEIGHT)))
    region = pack_nodes()["MotionPromptingFollowRegion"].execute
    area = {"area": "tracks", "tracks": tracks, "which": "still", "radius": 3.0}
    regions, mask = region(area, 0.3, 0.0, 0.0).args
    assert mask.shape == (FRAMES, HEIGHT, WIDTH) and mask[0, 24, 40] == 1 and mask[0, 8, 8] == 0
    patched, _, _ = follow(regions=regions)
    assert clock_in(patched).regions[0].mask[0, 0, :, 3, 5].gt(0).all()
    with pytest.raises(ValueError, match="region is empty"):
        still = host.to_host(make_tracks(xy[:, 1:], Size(WIDTH, HEIGHT)))
        region({**area, "tracks": still, "which": "moving"}, 0.3, 0.0, 0.0)


SVD = StandInModel("SVD_img2vid", IMAGE_LATENTS, use_temporal_attention=True)


def test_frames_may_be_the_batch() -> None:
    patched, latent, _ = follow(
        SVD, StandInVae(4, time=1), mask=torch.ones(1, HEIGHT, WIDTH), exact_frames=2
    )
    assert latent["samples"].shape == (FRAMES, 4, 4, 6)
    clock = clock_in(patched)
    assert clock.regions[1].mask.flatten(1).amax(1).tolist() == [1, 1] + [0] * 7
    assert clock.background.full == pytest.approx(
        (700 ** (1 / 7) + 0.32 * (0.002 ** (1 / 7) - 700 ** (1 / 7))) ** 7
    )


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"model": StandInModel("BaseModel", IMAGE_LATENTS)}, "Connect a video model"),
        ({"model": StandInModel("QwenImage", VIDEO_LATENTS)}, "Connect a video model"),
        ({"vae": StandInVae(4)}, "4 channels.*Connect the VAE that belongs to the model"),
        ({"vae": StandInVae(stride=16)}, "Connect the VAE that belongs to the model"),
        ({"reference": torch.zeros(9, 30, 48, 3)}, "multiples of 8.*Upscale Image to 48x32"),
        ({"mask": torch.ones(3, HEIGHT, WIDTH)}, "has 3 frames, the reference 9"),
        ({"mask": torch.ones(1, 64, 64)}, "other proportions.*Draw it on the reference"),
        ({"latent": {"samples": torch.zeros(1, 16, 5, 4, 6)}}, "9 frames and the latent is for 17"),
        ({"latent": {"samples": torch.zeros(1, 16, 3, 8, 6)}}, "width and height"),
        ({"latent": {"samples": torch.zeros(2, 16, 3, 4, 6)}}, "Set batch_size to 1"),
        ({"exact_frames": 10}, "10 of them cannot be kept exact"),
        ({"clocks": {"clocks": "follow", "weak": 0.5, "strong": 0.2}}, "Swap the two"),
        ({"clocks": {"clocks": "sigma", "weak_sigma": 0.2, "strong_sigma": 0.5}}, "Swap the two"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_connect(
    inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        follow(**inputs)


def test_a_foreign_socket_is_refused() -> None:
    with pytest.raises(TypeError, match="connect Follow Region"):
        follow(regions="mask")


def test_the_patch_reads_no_weight() -> None:
    """GGUF and fp8 loaders keep weights in forms of their own."""
    for name in ("host_model.py", "host_latents.py", "follow_request.py"):
        source = (ROOT / "nodes" / name).read_text(encoding="utf-8")
        assert not re.search(r"\.(weight|state_dict|parameters)\b", source), name
