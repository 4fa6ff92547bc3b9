"""The adapters of tapnet and cotracker, against stand-ins that look at the pictures."""

from __future__ import annotations

import sys
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from motion_core.errors import FormatError, MissingExtraError
from motion_core.geometry import Size
from motion_core.trackers import TrackingStopped, make_tracker
from motion_core.trackers.cotracker import CoTracker, load_cotracker
from motion_core.trackers.dense_flow import load_raft
from motion_core.trackers.tapnet import Tapir, TapNext, load_tapir, load_tapnext

from .fakes import (
    CLIP,
    FakeCoTrackerOnlinePredictor,
    FakeCoTrackerPredictor,
    FakeRaft,
    FakeTAPIR,
    FakeTAPNext,
    spot_video,
    spots,
)
from .scenes import Clip, Motion

FAKES = {
    "tapnet.torch.tapir_model": {"TAPIR": FakeTAPIR},
    "tapnet.tapnext.tapnext_torch": {"TAPNext": FakeTAPNext},
    "einops": {},
    "tapnet.tapnext.tapnext_torch_utils": {"restore_model_from_jax_checkpoint": None},
    "torchvision.models.optical_flow": {
        "raft_large": FakeRaft,
        "raft_small": partial(FakeRaft, is_large=False),
    },
    "cotracker.predictor": {
        "CoTrackerPredictor": FakeCoTrackerPredictor,
        "CoTrackerOnlinePredictor": FakeCoTrackerOnlinePredictor,
    },
}
# Name of the tracker, its file, what it holds, which of red, green and blue are in sight.
LEARNED = {
    "tapir": ("bootstapir_checkpoint_v2.pt", FakeTAPIR, [True, False, False]),
    "tapnext": ("tapnextpp_ckpt.pt", FakeTAPNext, [True, True, False]),
    "cotracker3_offline": ("scaled_offline.pth", nn.Identity, [True, True, False]),
    "cotracker3_online": ("scaled_online.pth", nn.Identity, [True, True, False]),
}


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """tapnet and cotracker can be imported."""
    for name, words in FAKES.items():
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            path = ".".join(parts[:count])
            module = ModuleType(path)
            module.__spec__ = ModuleSpec(path, None)
            module.__path__ = []
            monkeypatch.setitem(sys.modules, path, sys.modules.get(path, module))
        vars(sys.modules[name]).update(words)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with a file for each."""
    prefixed = {f"tapnext.{name}": value for name, value in FakeTAPNext().state_dict().items()}
    torch.save({"state_dict": prefixed}, tmp_path / "tapnextpp_ckpt.pt")
    torch.save(FakeTAPIR().state_dict(), tmp_path / "bootstapir_checkpoint_v2.pt")
    for name in ("scaled_offline.pth", "scaled_online.pth"):
        torch.save({"model": nn.Linear(1, 1).state_dict()}, tmp_path / name)
    return tmp_path


def asked(frames: int, at: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Queries for the three spots at each of these frames, and which spot each one is."""
    xy = spots(frames).xy
    rows = [[frame, *xy[frame, colour].tolist()] for frame in at for colour in range(3)]
    return torch.tensor(rows), torch.arange(3).repeat(len(at))


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("frames", [1, 3, 8, 9, 12, 17])
@pytest.mark.parametrize("name", LEARNED)
def test_what_the_network_sees_comes_back_in_our_pixels(
    models: Path, name: str, frames: int
) -> None:
    at = tuple(sorted({0, frames // 2, frames - 1}))
    queries, colour = asked(frames, at)
    found = make_tracker(name, models).track(spot_video(frames), queries)
    wanted = spots(frames).xy[:, colour]
    assert float((found.xy - wanted).abs().max()) < 0.03
    expected = torch.tensor(LEARNED[name][2])[colour].expand(frames, -1).clone()
    expected[queries[:, 0].long(), torch.arange(len(queries))] = True
    assert torch.equal(found.visible, expected)
    assert found.size == CLIP


@pytest.mark.usefixtures("packages")
def test_many_queries_go_in_chunks(models: Path) -> None:
    queries, colour = asked(6, (0, 3, 5))
    small = [
        Tapir(FakeTAPIR(), chunk=2),
        TapNext(FakeTAPNext(), chunk=2),
        CoTracker(FakeCoTrackerPredictor(None), chunk=2),
        CoTracker(FakeCoTrackerOnlinePredictor(None), is_online=True, chunk=2),
    ]
    for tracker in small:
        found = tracker.track(spot_video(6), queries)
        assert float((found.xy - spots(6).xy[:, colour]).abs().max()) < 0.03
    assert small[0].model.chunks == [2, 2, 2, 2, 1]


def test_online_windows_are_no_longer_than_they_may_be() -> None:
    predictor = FakeCoTrackerOnlinePredictor(None)
    CoTracker(predictor, is_online=True).track(spot_video(17), asked(17, (0,))[0])
    assert predictor.windows == [8, 8, 8, 5]


@pytest.mark.usefixtures("packages")
def test_the_threshold_decides_what_is_visible(models: Path) -> None:
    queries, _ = asked(4, (0,))
    for threshold, expected in ((0.44, [True, True, False]), (0.9, [False, False, False])):
        found = make_tracker("tapir", models, threshold=threshold).track(spot_video(4), queries)
        assert found.visible[1:].tolist() == [expected] * 3
    found = make_tracker("tapnext", models, threshold=0.47).track(spot_video(4), queries)
    assert bool(found.visible.all())
    with pytest.raises(ValueError, match="fixed visibility threshold"):
        make_tracker("cotracker3_online", models, threshold=0.5)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", LEARNED)
def test_progress_reaches_its_end_and_can_stop_the_work(models: Path, name: str) -> None:
    calls: list[tuple[int, int]] = []
    queries, _ = asked(9, (0, 4))
    tracker = make_tracker(name, models)
    tracker.track(spot_video(9), queries, lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] > 0
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    with pytest.raises(TrackingStopped):
        tracker.track(spot_video(9), queries, should_stop=lambda: True)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", LEARNED)
def test_no_queries_ask_nothing_of_the_network(models: Path, name: str) -> None:
    found = make_tracker(name, models).track(spot_video(3), torch.zeros(0, 3))
    assert (found.num_frames, found.num_points) == (3, 0)


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("name", LEARNED)
def test_the_weights_of_another_model_are_refused(models: Path, name: str) -> None:
    file = models / LEARNED[name][0]
    torch.save(nn.Linear(3, 3).state_dict(), file)
    with pytest.raises(FormatError, match="another model"):
        make_tracker(name, models)
    file.write_bytes(b"no weights")
    with pytest.raises(FormatError, match="broken or cut short|no file of weights"):
        make_tracker(name, models)


@pytest.mark.usefixtures("packages")
def test_tapir_with_and_without_extra_layers_is_found_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "tapir_checkpoint_panning.pt"
    torch.save(FakeTAPIR(pyramid_level=0, extra_convs=False).state_dict(), file)
    assert not hasattr(load_tapir(file).model, "extra_convs")
    assert make_tracker("tapir", tmp_path).track(spot_video(2), asked(2, (0,))[0]).num_points == 3


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("size", [Size(168, 136), Size(137, 131), Size(150, 110)])
def test_raft_sees_pictures_of_the_sizes_it_can(tmp_path: Path, size: Size) -> None:
    scene = Clip(Motion((9.0, -6.0)), size=size, frames=4)
    queries = torch.tensor([[0.0, 70.5, 30.5], [2.0, 50.5, 40.5]])
    for file, large in (("raft_large_C_T_SKHT_V2-ff5fadd5.pth", True), ("other.pth", False)):
        torch.save(FakeRaft(is_large=large).state_dict(), tmp_path / file)
    tracker = make_tracker("flow_raft", tmp_path)
    found, truth = tracker.track(scene.video(), queries), scene.truth(queries)
    assert bool(found.visible.all())
    assert float((found.xy - truth.xy).norm(dim=-1).max()) < 0.5
    assert hasattr(load_raft(tmp_path / "other.pth").model, "update_block")


def test_a_missing_package_is_named_with_its_licence(models: Path, monkeypatch) -> None:
    for name in ("tapnet", "cotracker"):
        monkeypatch.setitem(sys.modules, name, None)
    for load, says in (
        (load_tapir, "Apache-2.0"),
        (load_tapnext, "Apache-2.0"),
        (load_cotracker, "not for commercial work"),
    ):
        with pytest.raises(MissingExtraError, match=says):
            load(models / "tapnextpp_ckpt.pt")


def test_what_a_network_answers_in_nan_is_hidden_and_logged(caplog) -> None:
    class Broken(FakeTAPNext):
        def forward(self, video, query_points=None, state=None):
            tracks, logits, visible, state = super().forward(video, query_points, state)
            return tracks * float("nan"), logits, visible, state

    found = TapNext(Broken()).track(spot_video(3), asked(3, (0,))[0])
    assert bool(torch.isfinite(found.xy).all())
    assert found.visible.sum(1).tolist() == [3, 0, 0]
    assert "9 of 9 positions" in caplog.text
