"""Tiny random models of ComfyUI's own classes, as its loaders would hand them to a graph.

Only for use inside a host; see worker.py. Every model is built from the host's own config
class with small sizes, filled with random weights, and wrapped in the host's ModelPatcher. Beside
it come latents of a matching shape and the conditioning that its nodes would make.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

FRAMES, HEIGHT, WIDTH = 3, 4, 6
WORDS = 5


@dataclass(frozen=True)
class TinyModel:
    """A model and what a sampler needs beside it.

    Attributes:
        patcher: The host's ModelPatcher, a MODEL.
        shape: Of the video latents, (1, C, T, h, w), or (T, C, h, w) where frames are the batch.
        positive, negative: CONDITIONING.
        audio_shape: Of the audio latents of an audio-video model.
    """

    patcher: Any
    shape: tuple[int, ...]
    positive: list[Any]
    negative: list[Any]
    audio_shape: tuple[int, ...] | None = None

    def latents(self, seed: int) -> Tensor:
        """Random video latents in the scale of the VAE."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(self.shape, generator=generator)

    def latent_input(self, samples: Tensor) -> Any:
        """The samples of a LATENT: video alone, or nested with empty audio."""
        if self.audio_shape is None:
            return samples
        from comfy.nested_tensor import NestedTensor

        return NestedTensor([samples, torch.zeros(self.audio_shape)])


@dataclass(frozen=True)
class Recipe:
    """How a tiny model is made.

    Attributes:
        config: Name of the host's config class in comfy.supported_models.
        sizes: The unet_config.
        channels: Of the latents.
        text: Width of the text embeddings.
        is_batch: Frames are the batch.
        conditioning: Values beside the text in the conditioning, from the latents' shape.
        audio_shape: Of the audio latents.
    """

    config: str
    sizes: dict[str, Any]
    channels: int
    text: int
    is_batch: bool = False
    conditioning: Callable[[tuple[int, ...]], dict[str, Any]] = field(default=lambda shape: {})
    audio_shape: tuple[int, ...] | None = None


def _wan_image(shape: tuple[int, ...]) -> dict[str, Any]:
    """What WanImageToVideo adds: latents of the start image, and a mask of the known frame."""
    generator = torch.Generator().manual_seed(11)
    mask = torch.ones(1, 1, *shape[2:])
    mask[:, :, 0] = 0
    image = torch.randn(shape, generator=generator)
    return {"concat_latent_image": image, "concat_mask": mask}


def _wan_camera(shape: tuple[int, ...]) -> dict[str, Any]:
    """What WanCameraImageToVideo adds: latents of the start image, and the camera's embedding."""
    generator = torch.Generator().manual_seed(11)
    frames, height, width = shape[2:]
    return {
        "concat_latent_image": torch.randn(shape, generator=generator),
        "camera_conditions": torch.randn(1, 24, frames, 8 * height, 8 * width, generator=generator),
    }


def _svd_image(shape: tuple[int, ...]) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(11)
    image = torch.randn(1, *shape[1:], generator=generator)
    return {"concat_latent_image": image, "motion_bucket_id": 17, "fps": 6}


def _pooled(shape: tuple[int, ...]) -> dict[str, Any]:
    return {"pooled_output": torch.randn(1, 16, generator=torch.Generator().manual_seed(12))}


_WAN = {
    "dim": 48,
    "ffn_dim": 64,
    "freq_dim": 16,
    "text_dim": 24,
    "num_heads": 2,
    "num_layers": 2,
    "text_len": 8,
    "image_model": "wan2.1",
}
_LTX = {
    "in_channels": 128,
    "cross_attention_dim": 64,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "caption_channels": 24,
    "num_layers": 2,
}
_SVD = {
    "model_channels": 64,
    "in_channels": 8,
    "out_channels": 4,
    "num_res_blocks": [1, 1],
    "channel_mult": (1, 2),
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1] * 4,
    "transformer_depth_middle": 1,
    "context_dim": 24,
    "adm_in_channels": 768,
    "num_classes": "sequential",
    "use_linear_in_transformer": True,
    "image_size": 32,
    "use_spatial_transformer": True,
    "use_temporal_attention": True,
    "legacy": False,
    "use_temporal_resblock": True,
    "extra_ff_mix_layer": True,
    "merge_strategy": "learned",
    "merge_factor": 0.0,
    "video_kernel_size": [3, 1, 1],
}
_HUNYUAN = {
    "image_model": "hunyuan_video",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": [1, 2, 2],
    "vec_in_dim": 16,
    "axes_dim": [4, 6, 6],
    "theta": 256,
    "context_in_dim": 24,
    "hidden_size": 32,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 1,
    "qkv_bias": True,
    "guidance_embed": True,
    "byt5": False,
    "meanflow": False,
    "use_cond_type_embedding": False,
    "vision_in_dim": None,
    "meanflow_sum": False,
}
RECIPES: dict[str, Recipe] = {
    "wan21_i2v": Recipe(
        "WAN21_I2V", {**_WAN, "model_type": "t2v", "in_dim": 36}, 16, 24, conditioning=_wan_image
    ),
    "wan21_t2v": Recipe("WAN21_T2V", {**_WAN, "model_type": "t2v"}, 16, 24),
    "wan21_vace": Recipe(
        "WAN21_Vace",
        {**_WAN, "model_type": "vace", "vace_layers": 1, "vace_in_dim": 96},
        16,
        24,
    ),
    "wan21_camera": Recipe(
        "WAN21_Camera",
        {**_WAN, "model_type": "camera", "in_dim": 32},
        16,
        24,
        conditioning=_wan_camera,
    ),
    "wan22_5b": Recipe(
        "WAN22_T2V", {**_WAN, "model_type": "t2v", "in_dim": 48, "out_dim": 48}, 48, 24
    ),
    "ltxv": Recipe(
        "LTXV",
        {**_LTX, "image_model": "ltxv"},
        128,
        24,
        conditioning=lambda shape: {"attention_mask": torch.ones(1, WORDS).long()},
    ),
    "ltxav": Recipe(
        "LTXAV",
        {
            **_LTX,
            "image_model": "ltxav",
            "audio_in_channels": 128,
            "audio_cross_attention_dim": 32,
            "audio_attention_head_dim": 16,
            "audio_num_attention_heads": 2,
            "caption_channels": 24,
        },
        128,
        48,
        audio_shape=(1, 8, 7, 16),
    ),
    "hunyuan_video": Recipe(
        "HunyuanVideo",
        _HUNYUAN,
        16,
        24,
        conditioning=_pooled,
    ),
    "hunyuan_i2v": Recipe(
        "HunyuanVideoI2V",
        {**_HUNYUAN, "in_channels": 33},
        16,
        24,
        conditioning=lambda shape: _pooled(shape) | _wan_image(shape),
    ),
    "hunyuan_video15": Recipe(
        "HunyuanVideo15",
        {**_HUNYUAN, "in_channels": 65, "out_channels": 32, "guidance_embed": False},
        32,
        24,
        conditioning=lambda shape: _pooled(shape) | _wan_image(shape),
    ),
    "kandinsky5": Recipe(
        "Kandinsky5",
        {
            "image_model": "kandinsky5",
            "in_text_dim": 24,
            "in_text_dim2": 16,
            "time_dim": 16,
            "model_dim": 64,
            "ff_dim": 64,
            "visual_embed_dim": 132,
            "num_text_blocks": 1,
            "num_visual_blocks": 1,
            "axes_dims": (8, 12, 12),
        },
        16,
        24,
        conditioning=_pooled,
    ),
    "cogvideox": Recipe(
        "CogVideoX_T2V",
        {
            "image_model": "cogvideox",
            "num_attention_heads": 2,
            "attention_head_dim": 32,
            "time_embed_dim": 32,
            "text_embed_dim": 24,
            "num_layers": 2,
            "sample_width": WIDTH,
            "sample_height": HEIGHT,
            "sample_frames": 4 * FRAMES - 3,
            "max_text_seq_length": WORDS,
            "use_rotary_positional_embeddings": True,
        },
        16,
        24,
    ),
    "mochi": Recipe(
        "GenmoMochi",
        {
            "image_model": "mochi_preview",
            "depth": 2,
            "patch_size": 2,
            "num_heads": 2,
            "hidden_size_x": 48,
            "hidden_size_y": 24,
            "mlp_ratio_x": 256.0,
            "mlp_ratio_y": 2.0,
            "learn_sigma": False,
            "in_channels": 12,
            "qk_norm": True,
            "qkv_bias": False,
            "out_bias": True,
            "attn_drop": 0.0,
            "patch_embed_bias": True,
            "use_t5": True,
            "posenc_preserve_area": True,
            "timestep_mlp_bias": True,
            "rope_theta": 10000.0,
            "attend_to_padding": False,
            "timestep_scale": 1000.0,
            "t5_feat_dim": 24,
            "t5_token_length": WORDS,
        },
        12,
        24,
        conditioning=lambda shape: {"attention_mask": torch.ones(1, WORDS).long()},
    ),
    "svd": Recipe("SVD_img2vid", _SVD, 4, 24, is_batch=True, conditioning=_svd_image),
    "minimax_h3": Recipe(
        "MiniMaxH3",
        {
            "image_model": "minimax_h3",
            "hidden_size": 64,
            "num_layers": 2,
            "text_dim": 24,
            "token_refiner_num_layers": 1,
            "num_attention_heads": 1,
            "ffn_hidden_size": 48,
            "attention_head_dim": 128,
            "time_embed_hidden_size": 32,
            "time_embed_dim": 24,
            "timestep_input_dim": 16,
            "latents_dim": 24,
            "audio_latents_dim": 32,
        },
        24,
        24,
        audio_shape=(1, 32, 2, 15),
    ),
    "sd15": Recipe(
        "SD15",
        {
            "model_channels": 64,
            "in_channels": 4,
            "out_channels": 4,
            "image_size": 32,
            "num_res_blocks": [1, 1],
            "channel_mult": (1, 2),
            "context_dim": 24,
            "transformer_depth": [1, 1],
            "transformer_depth_output": [1] * 4,
            "legacy": False,
            "transformer_depth_middle": 1,
            "use_spatial_transformer": True,
        },
        4,
        24,
        is_batch=True,
    ),
}


def tiny_model(name: str, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> TinyModel:
    """A fresh model by its name in RECIPES; the same weights for the same seed."""
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models

    recipe = RECIPES[name]
    config = getattr(comfy.supported_models, recipe.config)(dict(recipe.sizes))
    config.set_inference_dtype(dtype, torch.float32 if dtype.itemsize == 1 else None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    _fill(model.diffusion_model, seed)
    device = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.ModelPatcher(model, device, device)
    shape = (1, recipe.channels, FRAMES, HEIGHT, WIDTH)
    if recipe.is_batch:
        shape = (FRAMES, recipe.channels, HEIGHT * 2, WIDTH * 2)
    beside = recipe.conditioning(shape)
    positive, negative = (_text(recipe.text, seed) for seed in (21, 22))
    return TinyModel(patcher, shape, [[positive, beside]], [[negative, beside]], recipe.audio_shape)


def _text(width: int, seed: int) -> Tensor:
    return torch.randn(1, WORDS, width, generator=torch.Generator().manual_seed(seed))


def _fill(network: torch.nn.Module, seed: int) -> None:
    """Random weights that keep activations finite; the host leaves them uninitialised."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            random = torch.randn(weight.shape, generator=generator)
            if weight.ndim >= 2 and weight.numel():
                weight.copy_(random / math.sqrt(weight[0].numel()))
            else:
                is_scale = name.endswith("weight") or "norm" in name and "bias" not in name
                weight.copy_(random * 0.05 + (1.0 if is_scale else 0.0))
