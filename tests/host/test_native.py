"""Guidance on the host's own MODEL, in the real host, on tiny random models of its classes."""

from __future__ import annotations

import pytest

from tests.host.tiny_models import RECIPES
from tests.host.worker import HostWorker

pytestmark = pytest.mark.real_host

CHECKS = "tests.host.native_checks:"
CONTROL = "tests.host.control_checks:"
TRANSFER = "tests.host.transfer_checks:"
REFINE = "tests.host.refine_checks:"


def test_motion_guidance_is_its_formula(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "motion_guidance")
    assert found["formula"] < 1e-6 and found["off_is_host"]
    assert found["effect"] > 1e-3 and found["without_text"] > 1e-3
    assert all(found["samplers"])


def test_motion_guidance_of_a_control_on_the_models_blocks(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "uni3c_guidance")
    assert found["scale_0"] < 1e-5, "the model without Uni3C"
    assert found["scale_1"] == 0.0 and found["control"] > 1e-2 and found["effect"] > 1e-2
    assert all("same model with the same LoRAs" in one for one in found["refused"])


@pytest.mark.parametrize("reads_image", [False, True])
def test_hidden_states_equal_those_of_diffusers(worker: HostWorker, reads_image: bool) -> None:
    found = worker.call(CONTROL + "hidden_states_agree", reads_image=reads_image)
    assert max(found["blocks"]) < 2e-5 and found["prediction"] < 2e-5
    assert found["effect"] > 1e-2, "the control acts"


def test_a_track_controlnet_on_the_hosts_own_model(worker: HostWorker) -> None:
    found = worker.call(CONTROL + "track_controlnet")
    assert found["effect"] > 1e-3 and found["again"]
    assert found["clean"] and found["off"] and found["outside"]
    assert found["loaded"] == ["NativeTrackControlNet"], "the host accounts for its memory"
    assert found["guided"] > 1e-3 and found["twice"] > 1e-3
    assert all(found["samplers"])


def test_context_windows_get_the_tracks_of_their_frames(worker: HostWorker) -> None:
    found = worker.call(CONTROL + "context_windows", causal_window_fix=True)
    assert found["windows"] == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8]]
    assert found["by_hand"] < 1e-6 and found["effect"] > 1e-2
    assert found["one_window_for_all"] < 1e-5, "windows are weighed and divided by their weights"
    assert "33 frames of 48x32; the tracks have 9 frames" in found["short"]


@pytest.mark.parametrize("retained", ["", "0"])
def test_context_windows_without_the_hosts_frame_before(worker: HostWorker, retained: str) -> None:
    found = worker.call(CONTROL + "context_windows", causal_window_fix=False, retained=retained)
    assert found["by_hand"] < 1e-6 and found["effect"] > 1e-2


def test_an_interrupted_run_leaves_the_model_clean(worker: HostWorker) -> None:
    found = worker.call(CONTROL + "interrupted")
    assert found == {"stopped": True, "clean": True, "same": True}


def test_what_does_not_belong_is_a_sentence(worker: HostWorker) -> None:
    found = worker.call(CONTROL + "refusals")
    assert "is for Wan; the MODEL is LTXVModel" in found["ltx"]
    assert "9 frames of 48x32; the tracks have 5 frames on 48x32" in found["frames"]
    assert "9 frames of 48x32; the tracks have 9 frames on 64x32" in found["size"]
    assert "start is 0.6 but end is 0.2" in found["window"]
    assert "connect Load Track-ControlNet Patch" in found["other"]
    assert "blocks up to 30" in found["deep"] and "2 blocks" in found["deep"]
    assert "connect untracked" in found["untracked"]


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "minimax_h3"])
def test_every_model_samples_from_noise_that_moves(worker: HostWorker, name: str) -> None:
    found = worker.call(CHECKS + "motion_noise", name=name)
    assert found["finite"] and found["effect"] > 1e-3 and found["white"]


# At the sigmas of CogVideoX and SVD, hundreds to thousands, float32 rounds away shifts of 0.02; the
# definition is compared in float64 in tests/guidance.
@pytest.mark.parametrize("name", ["wan21_t2v", "wan21_i2v", "wan22_5b", "ltxv", "hunyuan_video"])
def test_motion_transfer_equals_its_reference(worker: HostWorker, name: str) -> None:
    found = worker.call(TRANSFER + "transfer_equals_reference", name=name)
    assert found["guided_steps"] >= 2
    assert found["difference"] < 1e-5 and found["effect"] > 1e-3


@pytest.mark.parametrize("name", ["wan21_i2v", "ltxav", "mochi", "cogvideox", "svd"])
def test_motion_transfer_runs_and_leaves_nothing(worker: HostWorker, name: str) -> None:
    found = worker.call(TRANSFER + "transfer_runs", name=name)
    assert found["effect"] > 1e-3 and found["again"] and found["clean"] and found["stopped"]
    assert found["off"] < 1e-5 * found["range"]
    assert all(found["samplers"])


def test_a_clip_that_does_not_fit_is_a_sentence(worker: HostWorker) -> None:
    found = worker.call(TRANSFER + "transfer_refusals")
    assert "(1, 16, 2, 4, 6), but the run (WAN21) makes (1, 16, 3, 4, 6)" in found["length"]
    assert "connect the VAE of the model" in found["channels"]
    assert "start is 0.5 but end is 0.1" in found["window"]


@pytest.mark.parametrize("name", ["wan21_t2v", "wan21_i2v", "ltxv", "hunyuan_video"])
def test_refinement_equals_its_reference(worker: HostWorker, name: str) -> None:
    found = worker.call(REFINE + "refine_equals_reference", name=name)
    assert found["guided_steps"] >= 2
    assert found["difference"] < 1e-5 and found["effect"] > 1e-3


@pytest.mark.parametrize("name", ["wan21_i2v", "wan22_5b", "ltxav", "cogvideox", "svd"])
def test_refinement_runs_and_leaves_nothing(worker: HostWorker, name: str) -> None:
    found = worker.call(REFINE + "refine_runs", name=name)
    assert found["effect"] > 1e-3 and found["again"] and found["clean"] and found["stopped"]
    assert found["off"] and all(found["samplers"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["wan21_i2v", "wan22_5b", "ltxv", "ltxav", "hunyuan_video", "cogvideox", "mochi", "svd"]
)
def test_refinement_through_the_hosts_own_vae(worker: HostWorker, name: str) -> None:
    """Video VAEs that compress time, and SVD's, whose frames are the batch."""
    found = worker.call(REFINE + "vae_moves_along", name=name)
    assert found["shapes"] == [found["render"]] and found["decodings"] >= 2
    assert found["loaded"] and found["finite"] and found["again"]
    assert found["effect"] > 1e-2


@pytest.mark.parametrize(
    "name",
    [
        "wan21_i2v",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("wan22_5b", "hunyuan_video")),
        "ltxv",
    ],
)
def test_refinement_through_the_hosts_own_vae_equals_its_reference(
    worker: HostWorker, name: str
) -> None:
    found = worker.call(REFINE + "refine_equals_reference", name=name, of_host=True)
    assert found["guided_steps"] >= 2
    assert found["difference"] < 1e-5 and found["effect"] > 1e-2


def test_a_render_that_does_not_fit_is_a_sentence(worker: HostWorker) -> None:
    found = worker.call(REFINE + "refine_refusals")
    assert "with the size and number of frames of the video" in found["size"]
    assert "has 2 images but the clip has 3 frames" in found["holes"]
    assert found["one mask for all frames"] == "accepted"
    assert "start is 0.5 but end is 0.1" in found["window"]
