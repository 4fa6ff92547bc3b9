"""Follow Motion in a real ComfyUI, through its own KSampler, on tiny models of its own classes."""

from __future__ import annotations

import pytest

from tests.host.tiny_models import RECIPES
from tests.host.worker import HostWorker

pytestmark = pytest.mark.real_host

CHECKS, RUNS = "tests.host.follow_checks:", "tests.host.follow_runs:"
VIDEO = [name for name in RECIPES if name != "sd15"]
BLENDING = {"wan21_i2v", "wan21_t2v", "cogvideox", "mochi", "svd"}
# Their inpainting is that of the base class, too; they are wrapped like every class not listed.
EITHER = {"wan21_vace", "wan21_camera", "kandinsky5"}
AUDIO = {"ltxav", "minimax_h3"}
# SVD's latents reach 700 times the noise, and float32 rounds in proportion.
TOLERANCE = {"svd": 3e-6}
# The host's UniPC stops at sigma 0.001 instead of 0.
UNFINISHED = {"uni_pc": 1e-2}


@pytest.mark.parametrize("name", VIDEO)
def test_a_run_equals_the_papers_loop(worker: HostWorker, name: str) -> None:
    found = worker.call(CHECKS + "equals_loop", name=name)
    assert found["form"] == ("blend" if name in BLENDING else "wrap")
    assert found["wrap"] <= TOLERANCE.get(name, 1e-6)
    if name in BLENDING | EITHER:
        assert found["blend"] <= TOLERANCE.get(name, 1e-6)
    elif name not in AUDIO:
        assert found["blend"] > 1e-3, "the host's own blend is another algorithm here"
    assert found["leak"] == 0.0, "a run of the unpatched model stays bit for bit"
    assert found["effect"] > 0.05


@pytest.mark.parametrize(
    "name", ["ltxv", "hunyuan_video15", "mochi", "minimax_h3", "kandinsky5", "cogvideox"]
)
def test_follow_is_a_share_of_the_hosts_own_schedule(worker: HostWorker, name: str) -> None:
    # CogVideoX has 1000 levels; the host interpolates between them.
    allowed = 3e-3 if name == "cogvideox" else 1e-4
    assert max(worker.call(CHECKS + "scale_of_family", name=name)) < allowed


@pytest.mark.parametrize("name", VIDEO)
def test_identities(worker: HostWorker, name: str) -> None:
    found = worker.call(RUNS + "identities", name=name)
    assert found["empty_mask_equals_plain"] is True
    assert found["full_mask"] <= 1e-6 and found["all_exact"] <= 1e-6
    assert found.get("equal_clocks_against_img2img", 0.0) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
@pytest.mark.parametrize("sampler", ["euler", "uni_pc", "dpmpp_2m", "lcm"])
@pytest.mark.parametrize("steps", [4, 8, 30])
def test_samplers(worker: HostWorker, name: str, sampler: str, steps: int) -> None:
    found = worker.call(RUNS + "samplers", name=name, sampler=sampler, steps=steps)
    assert found["finite"] and found["repeats"]
    assert found["exact"] <= UNFINISHED.get(sampler, 1e-6)
    assert found["generated"] > 0.1, "the rest is the model's own"
    assert found["changed"] > 1e-3, "and begins from the reference"


@pytest.mark.parametrize("name", ["wan21_i2v", "hunyuan_video"])
def test_two_samplers_in_a_row_equal_one(worker: HostWorker, name: str) -> None:
    found = worker.call(RUNS + "stages", name=name, split=4)
    assert set(found) == {"strong_early", "strong_late", "weak_late", "high_noise_only"}
    assert max(found.values()) <= 2e-6


@pytest.mark.parametrize("name", ["ltxv", "wan22_5b", "hunyuan_video", "hunyuan_i2v"])
def test_frames_that_the_latents_keep_stay(worker: HostWorker, name: str) -> None:
    found = worker.call(RUNS + "kept_frames", name=name)
    assert found["kept"] <= 1e-6
    assert found["away_from_reference"] > 0.5 and found["rest_is_sampled"] > 0.1


def test_guides_behind_the_clip_stay(worker: HostWorker) -> None:
    found = worker.call(RUNS + "guides", name="ltxv")
    assert found["guide"] <= 1e-6 and found["followed"] > 0.05


def test_ltx_guides_for_the_first_and_last_frame_stay(worker: HostWorker) -> None:
    found = worker.call(RUNS + "first_and_last_frame")
    assert found["cropped"] == [1, 128, 3, 4, 6]
    assert found["guides"] <= 1e-6 and found["followed"] > 0.05


@pytest.mark.parametrize("name", ["wan21_t2v", "ltxv"])
def test_an_interrupted_run_leaves_nothing(worker: HostWorker, name: str) -> None:
    assert all(worker.call(RUNS + "interrupted", name=name).values())


def test_patches_stack(worker: HostWorker) -> None:
    found = worker.call(RUNS + "stacked", name="wan21_t2v")
    assert found["second_replaces_first"] and found["original_wrappers"] == 0
    assert found["weights_patched"] > 1e-3


@pytest.mark.parametrize("name", ["wan21_t2v", "ltxv"])
def test_quantised_weights_behave_like_wide_ones(worker: HostWorker, name: str) -> None:
    found = worker.call(RUNS + "quantised", name=name)
    assert "torch.float8_e4m3fn" in found["dtypes"] and found["same_patcher_class"]
    assert found["against_float32"] <= 1e-6


@pytest.mark.parametrize("name", ["wan21_t2v", "ltxv"])
def test_context_windows(worker: HostWorker, name: str) -> None:
    found = worker.call(RUNS + "windows", name=name)
    assert found["finite"] and found["exact"] <= 1e-6 and found["windows_matter"] > 1e-3


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("size", "Connect Follow Motion's latent output"),
        ("batch", "batch size 1"),
        ("one_step", "Use at least 2 steps"),
        ("no_image", "Connect its image-to-video node"),
    ],
)
def test_runs_that_cannot_work_are_refused(worker: HostWorker, case: str, message: str) -> None:
    assert message in worker.call(RUNS + "refused", name="wan21_i2v", case=case)
