"""Long clips and tracks in Wan's conditioning, in the real host, on a tiny Wan and its own VAE."""

from __future__ import annotations

import pytest

from tests.host.worker import HostWorker

pytestmark = pytest.mark.real_host

CHECKS = "tests.host.long_checks:"


def test_wan_move_equals_the_hosts_own_node(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "equals_host_wan_move")
    assert found["same_latents"] < 1e-6 and found["same_run"] < 1e-5
    assert found["effect"] > 0.1
    assert found["untracked"] == found["without_is_plain"] == 0
    assert found["true_guidance"] < 1e-5 and found["differs"] > 1e-3
    assert found["host_negative_has_tracks"], "the host edits the latents of both in place"


def test_ati_equals_the_hosts_own_node(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "equals_host_ati")
    assert found["same_latents"] < 1e-5 and found["same_mask"] < 1e-5
    assert found["same_run"] < 1e-5 and found["effect"] > 0.05


@pytest.mark.parametrize("latents", [False, True])
@pytest.mark.parametrize("follow", ["wan_move", "ati"])
def test_a_clip_of_three_windows(worker: HostWorker, follow: str, latents: bool) -> None:
    found = worker.call(CHECKS + "long_clip", follow=follow, latents=latents, end=latents)
    assert found["windows"] == 3 and found["overlaps"] == [1, 5, 5]
    assert found["shape"] == [17, 32, 48, 3] and found["finite"]
    # Track 3 is born in frame 6 and is in the overlap of windows 1 (frames 4..8) and 2; track 4
    # ends in frame 8, the first of window 2.
    assert found["tracks"] == [[0, 1, 2, 4], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    assert found["kept"] == [0, 0, 0], "tracks change nothing that is known"
    assert found["carried"] == ([0, 0] if latents else [])
    assert ("and the last one" in found["report"]) == latents


@pytest.mark.parametrize(
    "name",
    [
        "wan21_t2v",
        "wan22_5b",
        "ltxv",
        "hunyuan_video",
        pytest.param("ltxav", marks=pytest.mark.slow),
    ],
)
def test_latents_go_on_in_any_model(worker: HostWorker, name: str) -> None:
    found = worker.call(CHECKS + "continues", name=name)
    assert found["alone"] < 1e-5 and found["follow"] < 1e-5
    assert found["made"] > 1e-3 and found["followed"] > 1e-3


def test_the_hosts_context_windows_get_their_part_of_the_tracks(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "context_windows")
    assert found["shape"] == [1, 16, 9, 4, 6] and found["finite"]
    assert len(found["windows"]) == 2 and {len(one) for one in found["windows"]} <= {5, 6}
    assert found["difference"] < 1e-5


def test_what_does_not_fit_is_a_sentence(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "refusals")
    assert "start_images has 3 images" in found["count"] and "Track Window" in found["count"]
    assert "multiples of 16" in found["size"] or "Transform Tracks" in found["size"]
    assert "Use 9 or 13" in found["length"]
    assert "3 of 3 latent frames are known" in found["all_known"]
    assert "Connect the VAE of Wan 2.1" in found["vae"]
    assert "Connect the sampler's latents of the window before" in found["previous"]
    assert "Put Upscale Image to 48x32" in found["end"]
    assert "17 frames make 3 windows, 0 to 2" in found["window"]
    assert "Connect the video of the whole clip" in found["video"]
    assert "one size" in found["latents"] and "share fewer" in found["shared"]
    assert "Connect latents of one video model" in found["batch"]
