"""Backbones: dense SIFT, AlexNet, and vision transformers from folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.suites.backbones import (
    AlexNet,
    DenseSift,
    FolderBackbone,
    choose_backbone,
)

from .folders import patch_video, texture


def tiny_model(kind: str, folder: Path) -> Path:
    """A folder with a small network of random weights, as transformers writes it."""
    transformers = pytest.importorskip("transformers")
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 28,
        "patch_size": 14,
    }
    classes = {
        "dinov2": ("Dinov2Config", "Dinov2Model"),
        "clip_vision_model": ("CLIPVisionConfig", "CLIPVisionModel"),
        "bert": ("BertConfig", "BertModel"),
    }
    config, model = (getattr(transformers, name) for name in classes[kind])
    torch.manual_seed(0)
    model(config(**sizes)).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.mark.parametrize("kind", ["dinov2", "clip_vision_model"])
def test_transformers_from_a_folder(kind: str, tmp_path: Path) -> None:
    backbone = FolderBackbone(tiny_model(kind, tmp_path / "net"))
    assert backbone.name == f"{kind} (net)"
    frames = patch_video(3, (2, 0))
    found = backbone.global_features(frames)
    assert found.shape == (3, 16)
    assert torch.allclose(found.norm(dim=-1), torch.ones(3), atol=1e-5)
    assert torch.equal(found[0], backbone.global_features(frames[:1])[0])
    assert backbone.local_features(frames).shape == (3, 16, 2, 2)


def test_the_preprocessing_of_the_folder_is_used(tmp_path: Path) -> None:
    folder = tiny_model("dinov2", tmp_path / "net")
    plain = FolderBackbone(folder).global_features(texture(0)[None])
    steps = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(steps), encoding="utf-8")
    assert torch.equal(FolderBackbone(folder).global_features(texture(0)[None]), plain)
    steps["image_mean"] = [0.0, 0.0, 0.0]
    (folder / "preprocessor_config.json").write_text(json.dumps(steps), encoding="utf-8")
    assert not torch.equal(FolderBackbone(folder).global_features(texture(0)[None]), plain)


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds a bert"):
        FolderBackbone(tiny_model("bert", tmp_path / "net"))
    folder = tiny_model("dinov2", tmp_path / "other")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FormatError, match=r"holds no \.safetensors"):
        FolderBackbone(folder)


def test_sift_features_tell_pictures_apart() -> None:
    pictures = torch.stack([texture(0), (texture(0) * 0.9), texture(3)])
    found = DenseSift().global_features(pictures)
    similar = found @ found.T
    assert float(similar[0, 1]) > 0.98 > 0.9 > float(similar[0, 2])


def test_alexnets_features_are_those_under_lpips() -> None:
    class Net:
        def features(self, images):
            planes = images.movedim(-1, 1)
            return [planes * scale for scale in (1.0, 2.0, 3.0, 4.0, 5.0)]

    pictures = torch.stack([texture(0), texture(1)])
    backbone = AlexNet(Net())  # type: ignore[arg-type]
    assert torch.equal(backbone.local_features(pictures), pictures.movedim(-1, 1) * 3)
    mean = pictures.mean(dim=(1, 2))
    assert torch.allclose(
        backbone.global_features(pictures), mean / mean.norm(dim=1, keepdim=True), atol=1e-5
    )


def test_the_best_at_hand_is_chosen(tmp_path: Path) -> None:
    assert choose_backbone(None, None).name == "dense SIFT"
    assert choose_backbone(None, object()).name == "AlexNet (LPIPS)"  # type: ignore[arg-type]
    assert choose_backbone(tiny_model("dinov2", tmp_path / "n"), None).name == "dinov2 (n)"
