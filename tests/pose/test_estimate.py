"""ViTPose: the real architecture with tiny random weights, and heat maps whose peak is known."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from motion_core.errors import FormatError, MissingExtraError, ShapeError
from motion_core.pose import PoseEstimator, load_pose_estimator
from motion_core.pose.estimate import peaks
from motion_core.pose.skeleton import COCO_17, joint

VIDEO = torch.rand(3, 40, 60, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _own_random_state():
    """Weights of test models are drawn from the global generator, which no test may disturb."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def vitpose(folder: Path, experts: int = 1) -> Path:
    """A ViTPose of two thin layers, as transformers saves it."""
    import transformers

    backbone = transformers.VitPoseBackboneConfig(
        image_size=[64, 48],
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        num_experts=experts,
        part_features=4,
        out_indices=[2],
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17)
    transformers.VitPoseForPoseEstimation(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("experts", [1, 3])
def test_a_real_vitpose_finds_seventeen_joints_and_their_middles(tmp_path: Path, experts) -> None:
    estimator = load_pose_estimator(vitpose(tmp_path, experts))
    steps: list[int] = []
    poses = estimator.estimate(VIDEO, fps=5.0, progress=lambda done, total: steps.append(done))
    assert (poses.num_frames, poses.num_people, poses.fps) == (3, 1, 5.0)
    assert poses.size == (60, 40)
    named = {joint(name) for name in COCO_17}
    rest = [place for place in range(poses.xy.shape[2]) if place not in named | {1, 8}]
    assert poses.confidence[..., rest].max() == 0
    assert steps == [3]


def test_two_boxes_are_two_people() -> None:
    estimator = PoseEstimator(Spot(0.0))
    boxes = [(0, 0, 20, 40), (40, 0, 60, 40)]
    poses = estimator.estimate(VIDEO, boxes)
    assert poses.num_people == 2
    nose = poses.xy[0, :, joint("nose")]
    assert nose[0, 0] < 29
    assert nose[1, 0] > 31
    with pytest.raises(ValueError, match="width and height above 0"):
        estimator.estimate(VIDEO, [(5, 5, 5, 9)])


class Spot(torch.nn.Module):
    """Answers as ViTPose would: every joint is the brightest pixel of its view."""

    config = SimpleNamespace(backbone_config=SimpleNamespace(image_size=[64, 48]))

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.bias = torch.nn.Parameter(torch.tensor(bias))

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        grey = pixel_values.mean(dim=1, keepdim=True)
        low = grey.amin(dim=(2, 3), keepdim=True)
        small = torch.nn.functional.interpolate(
            grey - low, (16, 12), mode="bilinear", align_corners=True
        )
        return SimpleNamespace(heatmaps=small.expand(-1, 17, -1, -1) + self.bias)


def test_a_bright_spot_is_found_where_it_is() -> None:
    """End to end: window, view, heat map and back, in pixels with corners."""
    rows, columns = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
    x, y = 70.3, 55.8
    spot = torch.exp(-((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2) / (2 * 14.0**2))
    video = (0.1 + 0.8 * spot)[None, ..., None].expand(1, -1, -1, 3)
    poses = PoseEstimator(Spot()).estimate(video, [(30, 20, 110, 100)])
    found = poses.xy[0, 0, joint("left_wrist")]
    assert found.tolist() == pytest.approx([x, y], abs=0.5)


def test_peaks_of_gaussians_are_exact() -> None:
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(12.0), indexing="ij")
    wanted = torch.tensor([[4.3, 7.8], [6.0, 2.25]])
    maps = torch.stack(
        [0.8 * torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8) for x, y in wanted]
    )
    found, confidence = peaks(maps[None])
    torch.testing.assert_close(found[0] * torch.tensor([11.0, 15.0]), wanted, atol=1e-3, rtol=0)
    assert confidence.max() <= 0.8
    corner = torch.zeros(1, 1, 16, 12)
    corner[0, 0, 0, 11] = 1.0
    assert peaks(corner)[0].flatten().tolist() == [1.0, 0.0]


def test_an_absent_model_is_named_with_its_folder_and_licence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"ViTPose base \(Apache-2\.0\)") as error:
        load_pose_estimator(tmp_path / "pose")
    assert str(tmp_path / "pose") in str(error.value)
    assert "model.safetensors" in str(error.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [("{", "config.json"), ("[]", "expected a JSON object"), ('{"model_type": "x"}', "'x'")],
)
def test_another_model_is_refused(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(FormatError, match=message):
        load_pose_estimator(tmp_path)


def test_without_transformers_the_extra_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vitpose"}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="transformers"):
        load_pose_estimator(tmp_path)


def test_other_videos_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(T, H, W, 3\)"):
        PoseEstimator(Spot()).estimate(VIDEO[0])
    assert PoseEstimator(Spot()).estimate(VIDEO[:0]).num_frames == 0
