"""Backbones: dense SIFT, AlexNet, and vision transformers from folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.suites.backbones import (
    ENSEMBLE,
    AlexNet,
    DenseSift,
    Dift,
    FolderBackbone,
    choose_backbone,
    noise_kept,
)
from motion_core.models.sd15.encoding import encode_images, encode_prompt

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


@pytest.mark.parametrize(
    "steps",
    [
        {"image_mean": [0.5, 0.5]},
        {"image_mean": "0.5"},
        {"image_mean": [0.5, None, 0.5]},
        {"image_mean": [True, 0.5, 0.5]},
        {"image_std": [0.2, 0.0, 0.2]},
        {"image_std": [0.2, 0.2, -0.2]},
        {"image_std": 0.2},
        {"auto_map": {"AutoImageProcessor": "code.py"}},
    ],
)
def test_damaged_preprocessing_is_refused(steps: dict[str, object], tmp_path: Path) -> None:
    folder = tiny_model("dinov2", tmp_path / "net")
    (folder / "preprocessor_config.json").write_text(json.dumps(steps), encoding="utf-8")
    with pytest.raises(FormatError, match=next(iter(steps))):
        FolderBackbone(folder)


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds a bert"):
        FolderBackbone(tiny_model("bert", tmp_path / "net"))
    folder = tiny_model("dinov2", tmp_path / "other")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="there are no weights"):
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


def tiny_diffusion(folder: Path) -> Path:
    """Stable Diffusion in small, with random weights."""
    pytest.importorskip("transformers")
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    down, up = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
    UNet2DConditionModel(
        block_out_channels=(16, 32),
        down_block_types=down,
        up_block_types=up,
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=8,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        latent_channels=4,
    ).save_pretrained(folder / "vae")
    config = CLIPTextConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=8,
    )
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    words = folder / "tokenizer"
    words.mkdir()
    marks = ["<|startoftext|>", "<|endoftext|>"]
    letters = [letter + end for letter in "abcdefgh" for end in ("", "</w>")]
    vocabulary = {word: number for number, word in enumerate([*letters, *marks])}
    (words / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (words / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 8}
    (words / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def test_features_of_stable_diffusion_are_a_mean_over_noises(tmp_path: Path) -> None:
    backbone = choose_backbone(tiny_diffusion(tmp_path / "sd"), None)
    assert isinstance(backbone, Dift) and backbone.name == "DIFT (sd)"
    pictures = torch.stack([texture(0), texture(1)])
    found = backbone.local_features(pictures, "a cab")
    # 64 x 128 pixels, latents of 8 x 16; the last block works at full size.
    assert found.shape == (2, 16, 8, 16)
    alone = backbone.local_features(pictures[1:], "a cab")[0]
    assert torch.allclose(found[1], alone, atol=1e-4)
    assert not torch.equal(found, backbone.local_features(pictures, "a bad"))
    # By hand: the network's second block on the way up, one noise after the other.
    latent = encode_images(backbone.vae, torch.nn.functional.interpolate(
        pictures[:1].movedim(-1, 1), (64, 128), mode="bilinear").movedim(1, -1))  # fmt: skip
    noise = torch.randn(ENSEMBLE, *latent.shape[1:], generator=torch.Generator().manual_seed(0))
    keep = noise_kept(261)
    prompt = encode_prompt(backbone.tokenizer, backbone.encoder, "a cab")
    outputs: list[torch.Tensor] = []
    backbone.unet.up_blocks[1].register_forward_hook(lambda *call: outputs.append(call[-1]))
    with torch.no_grad():
        for one in noise:
            noisy = latent * keep**0.5 + one * (1 - keep) ** 0.5
            backbone.unet(noisy, 261, prompt)
    assert torch.allclose(found[0], torch.cat(outputs).mean(dim=0), atol=1e-5)


def test_the_schedule_is_stable_diffusions() -> None:
    from diffusers import DDIMScheduler

    schedule = DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
    )
    assert noise_kept(261) == pytest.approx(float(schedule.alphas_cumprod[261]), rel=1e-5)
