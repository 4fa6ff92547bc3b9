"""Depth estimators: the real architectures with tiny random weights, and what is done with them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from motion_core.depth.estimate import Preparation, TransformersEstimator, load_estimator
from motion_core.depth.sources import DepthReading
from motion_core.errors import FormatError, MissingExtraError, ShapeError
from motion_core.geometry import Size

PICTURE = torch.rand(50, 70, 3, generator=torch.Generator().manual_seed(0))
VIT = {
    "model_type": "dinov2",
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def depth_anything(folder: Path, kind: str = "relative") -> Path:
    import transformers

    backbone = transformers.Dinov2Config(
        **VIT, image_size=28, patch_size=14, out_indices=[1, 2, 3, 4], reshape_hidden_states=False
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=20 if kind == "metric" else 1,
    )
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    prepared = {"size": {"width": 98, "height": 70}, "ensure_multiple_of": 14}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared), encoding="utf-8")
    return folder


def depth_pro(folder: Path) -> Path:
    import transformers

    vit = {**VIT, "image_size": 32, "patch_size": 16}
    config = transformers.DepthProConfig(
        patch_size=32,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=(0.0, 0.2),
        scaled_images_feature_dims=[8, 8],
        use_fov_model=True,
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
        num_fov_head_layers=0,
    )
    transformers.DepthProForDepthEstimation(config).save_pretrained(folder)
    sides = {"width": 64, "height": 64}
    prepared = {"size": sides, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(prepared), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _own_random_state():
    """Weights of test models are drawn from the global generator, which no test may disturb."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_a_relative_model_gives_relative_depth_on_the_pictures_canvas(tmp_path: Path) -> None:
    estimator = load_estimator(depth_anything(tmp_path), reading=DepthReading(near=2.0, far=20.0))
    depth = estimator.estimate(PICTURE)
    assert depth.size == (70, 50)
    assert depth.kind == "relative"
    assert not depth.is_K_known
    assert float(depth.z.min()) == pytest.approx(2.0, rel=1e-3)
    assert float(depth.z.max()) == pytest.approx(20.0, rel=1e-3)
    # Nearer where the model's own output is larger.
    raw = _raw(estimator, PICTURE)
    assert float(torch.corrcoef(torch.stack([raw, 1 / depth.z.flatten()]))[0, 1]) > 0.99
    assert torch.equal(estimator.estimate(PICTURE).z, depth.z)


def _raw(estimator: TransformersEstimator, picture: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        raw = estimator.model(pixel_values=estimator.preparation(picture)).predicted_depth
    return torch.nn.functional.interpolate(raw[:, None], (50, 70), mode="bilinear").flatten()


def test_a_video_has_one_scale_and_each_frame_its_own_prediction(tmp_path: Path) -> None:
    estimator = load_estimator(depth_anything(tmp_path), reading=DepthReading(near=2.0, far=20.0))
    video = torch.stack([PICTURE, PICTURE.flip(1), PICTURE * 0.3])
    reports = []
    found = estimator.estimate_video(video, progress=lambda *at: reports.append(at))
    assert reports == [(done, 6) for done in range(1, 7)] and found.size == (70, 50)
    raw = torch.stack([_raw(estimator, image) for image in video])
    inverse = torch.stack([1.0 / one.z.flatten() for one in found.maps])
    low, high = (torch.quantile(raw, q) for q in (0.002, 0.998))
    wanted = ((raw - low) / (high - low)).clamp(0, 1) * (1 / 2.0 - 1 / 20.0) + 1 / 20.0
    torch.testing.assert_close(inverse, wanted, atol=1e-5, rtol=0)
    stretched = estimator.estimate(video[2]).z
    assert float(stretched.min()) == pytest.approx(2.0, rel=1e-3)
    assert float((found.maps[2].z - stretched).abs().max()) > 1.0, "no frame is stretched alone"
    alone = estimator.estimate_video(video[:1]).first
    assert torch.equal(alone.z, estimator.estimate(PICTURE).z)
    with pytest.raises(ShapeError, match="the video"):
        estimator.estimate_video(PICTURE)


def test_a_video_of_depth_pro_has_the_lens_of_its_first_frame(tmp_path: Path) -> None:
    estimator = load_estimator(depth_pro(tmp_path))
    found = estimator.estimate_video(torch.stack([PICTURE, PICTURE.flip(0)]), fov_deg=50.0)
    assert torch.equal(found.maps[0].K, found.maps[1].K)
    assert not torch.equal(found.maps[0].z, found.maps[1].z)


def test_a_metric_model_gives_its_own_numbers(tmp_path: Path) -> None:
    estimator = load_estimator(depth_anything(tmp_path, "metric"))
    depth = estimator.estimate(PICTURE, fov_deg=90.0)
    assert depth.kind == "metric"
    assert torch.allclose(depth.z.flatten(), _raw(estimator, PICTURE), atol=1e-5)
    assert float(depth.K[0, 0]) == pytest.approx(35.0)


def test_depth_pro_gives_metric_depth_through_its_field_of_view(tmp_path: Path) -> None:
    estimator = load_estimator(depth_pro(tmp_path))
    with torch.no_grad():
        head = estimator.model.fov_model.head.layers[-1]  # type: ignore[union-attr]
        head.weight.zero_()
        head.bias.fill_(50.0)
    depth = estimator.estimate(PICTURE)
    assert depth.kind == "metric"
    assert depth.is_K_known
    focal = 35.0 / math.tan(math.radians(25.0))
    assert float(depth.K[0, 0]) == pytest.approx(focal, rel=1e-5)
    # Inverse depth is given for a focal length of one picture width.
    wanted = focal / 70.0 / _raw(estimator, PICTURE).clamp(1e-4, 1e4)
    assert torch.allclose(depth.z.flatten(), wanted, rtol=1e-4)
    head.bias.data.fill_(-3.0)
    with pytest.raises(ValueError, match="no usable field of view"):
        estimator.estimate(PICTURE)
    stated = estimator.estimate(PICTURE, fov_deg=60.0)
    assert float(stated.K[0, 0]) == pytest.approx(35.0 / math.tan(math.radians(30.0)))


def test_pictures_are_prepared_as_the_model_was_trained() -> None:
    wants = Preparation(518, 518, 14, keep_aspect=True)
    assert wants.size_for(Size(1920, 1080)) == (924, 518)
    assert wants.size_for(Size(480, 640)) == (518, 686)
    assert Preparation(384, 384, 32).size_for(Size(1920, 1080)) == (384, 384)
    plain = Preparation(70, 50, mean=(0.5,) * 3, deviation=(0.25,) * 3)(PICTURE)
    assert torch.allclose(plain[0].movedim(0, -1), (PICTURE - 0.5) / 0.25)


def test_stored_preparation_is_used(tmp_path: Path) -> None:
    folder = depth_anything(tmp_path)
    stored = {
        "size": {"width": 56, "height": 42},
        "ensure_multiple_of": 14,
        "image_mean": [0, 0, 0],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(stored), encoding="utf-8")
    preparation = load_estimator(folder).preparation
    assert (preparation.width, preparation.height) == (56, 42)
    assert preparation.mean == (0.0, 0.0, 0.0)
    assert preparation.deviation == (0.229, 0.224, 0.225)
    for wrong in (
        {"size": 518},
        {"size": {"width": 10**9}},
        {"size": {"height": 0}},
        {"size": {"height": 42.5}},
        {"ensure_multiple_of": -14},
        {"image_mean": [0.5]},
        {"image_std": [0.2, 0, 0.2]},
    ):
        (folder / "preprocessor_config.json").write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(FormatError, match=r"preprocessor_config\.json has"):
            load_estimator(folder)
    (folder / "preprocessor_config.json").unlink()
    assert load_estimator(folder).preparation == Preparation(518, 518, 14, keep_aspect=True)


@pytest.mark.parametrize("value", [-20, 0, -1e-9, True, "20", [20]])
def test_a_largest_depth_that_is_no_length_is_refused(value: object, tmp_path: Path) -> None:
    folder = depth_anything(tmp_path, "metric")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "max_depth": value}))
    with pytest.raises(FormatError, match="max_depth = .* expected positive numbers"):
        load_estimator(folder)


def test_an_absent_model_is_named_with_its_folder_and_licence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Depth Anything V2 Small \(Apache-2.0\)") as error:
        load_estimator(tmp_path / "depth")
    assert str(tmp_path / "depth") in str(error.value)
    assert "model.safetensors" in str(error.value)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors"):
        load_estimator(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [("{", "config.json"), ("[]", "JSON object"), ('{"model_type": "zoedepth"}', "'zoedepth'")],
)
def test_an_unknown_model_is_refused(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(FormatError, match=message):
        load_estimator(tmp_path)


def test_without_transformers_the_extra_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "dpt"}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"motion-prompting\[depth\]"):
        load_estimator(tmp_path)


def test_other_pictures_are_refused() -> None:
    estimator = TransformersEstimator(torch.nn.Linear(1, 1), Preparation(28, 28))
    with pytest.raises(ShapeError, match=r"\(H, W, 3\)"):
        estimator.estimate(torch.rand(1, 50, 70, 3))


def test_a_flat_prediction_is_still_depth() -> None:
    class Flat(torch.nn.Linear):
        config = SimpleNamespace(to_dict=lambda: {"model_type": "dpt"})

        def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:  # type: ignore[override]
            return SimpleNamespace(predicted_depth=torch.ones(1, 4, 4))

    depth = TransformersEstimator(Flat(1, 1), Preparation(28, 28)).estimate(PICTURE)
    assert float(depth.z.max() / depth.z.min()) < 1.02
