"""Stable Diffusion 1.5, or a model personalised from it: a folder of diffusers or a single file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...weights_io import first_names, list_names, load_into, read_weights
from .folder import VAE, part_in, tokenizer_in, weights_in, words_in

_UNET, _VAE, _CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
_POSITIONS = "position_ids"
# Of an attention head in the CLIP of Stable Diffusion 1.5, which no weight tells.
_HEAD = 64
_SCALING = 0.18215


@dataclass(frozen=True, eq=False)
class Base:
    """Where it lies; for a single file also all of its weights, under their names there."""

    path: Path
    weights: Mapping[str, Tensor] | None


def open_base(path: Path) -> Base:
    """A base whose parts can be taken.

    Raises FileNotFoundError, and FormatError for a file that is broken or of another model.
    """
    if path.is_dir():
        return Base(path, None)
    weights = read_weights(path)
    if not any(name.startswith(_CLIP) for name in weights) or f"{_UNET}out.2.bias" not in weights:
        first = first_names(weights)
        raise FormatError(
            f"{path} is no checkpoint of Stable Diffusion 1.5 with U-Net and CLIP: it holds "
            f"{first}. Stable Diffusion 2 and XL do not fit AnimateDiff's motion modules."
        )
    return Base(path, weights)


def unet_of(base: Base) -> dict[str, Tensor]:
    """Weights of the U-Net under diffusers' names, as stored.

    Raises FileNotFoundError, or FormatError for weights that have no place there (the first ten),
    for an inpainting model, and for Stable Diffusion 2.
    """
    if base.weights is None:
        weights = weights_in(base.path / "unet", "UNet2DConditionModel")
    else:
        weights = _converted_unet(base.weights, base.path)
    given, made = weights.get("conv_in.weight"), weights.get("conv_out.weight")
    if given is not None and made is not None and given.shape[1] != made.shape[0]:
        raise FormatError(
            f"{base.path} reads {given.shape[1]} channels and makes {made.shape[0]}: a model for "
            "inpainting. Choose the plain one."
        )
    entry = weights.get("down_blocks.0.attentions.0.proj_in.weight")
    if entry is not None and entry.ndim == 2:
        raise FormatError(f"{base.path} is a Stable Diffusion 2 or XL; AnimateDiff needs 1.5.")
    return weights


def moving(still: Mapping[str, Tensor], motion: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a U-Net with motion modules between its layers, all in its own precision."""
    kind = next(iter(still.values())).dtype
    return dict(still) | {name: tensor.to(kind) for name, tensor in motion.items()}


def still_of(base: Base, moves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The base's U-Net in the precision of another, whose look it is to change. Raises as unet_of
    does."""
    kind = next(iter(moves.values())).dtype
    return {name: tensor.to(kind) for name, tensor in unet_of(base).items()}


def vae_of(base: Base) -> Any:
    """The AutoencoderKL, in float32. Raises as unet_of does, also where a file has none."""
    if base.weights is None:
        return part_in(base.path / "vae", VAE)
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    mine = _within(base.weights, _VAE)
    if not mine:
        raise FormatError(
            f"{base.path} has no autoencoder in it; choose a release with a VAE baked in, or a "
            "folder in diffusers' layout."
        )
    levels = {name.split(".")[2] for name in mine if name.startswith("encoder.down.")}
    blocks = {"down_block_types": levels, "up_block_types": levels}
    weights = convert_ldm_vae_checkpoint({_VAE + name: one for name, one in mine.items()}, blocks)
    _check_all_placed(mine, weights, base.path, "mid.attn_1.")
    try:
        config = _vae_config(weights)
        with torch.device("meta"):
            vae = AutoencoderKL(**config)
    except (KeyError, ValueError, IndexError) as error:
        raise _lacking("autoencoder", base.path, error) from error
    load_into(vae, _full(weights), f"{base.path} (its autoencoder)")
    return vae.eval().requires_grad_(False)


def words_of_base(base: Base, tokenizer: Path | None = None) -> tuple[Any, Any]:
    """Tokenizer and CLIP in float32; None for what there is none of.

    tokenizer: a folder with CLIP's vocabulary, which no single file has; None for one that is
    called so beside the file, or in the base's own folder. Raises as unet_of does.
    """
    if base.weights is None:
        own, encoder = words_in(base.path)
        return (own if tokenizer is None else tokenizer_in(tokenizer)), encoder
    beside = base.path.parent / "tokenizer"
    folder = tokenizer or (beside if beside.is_dir() else None)
    return (None if folder is None else tokenizer_in(folder)), _clip(base.weights, base.path)


def _clip(weights: Mapping[str, Tensor], path: Path) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    mine = {
        name.removeprefix("text_model."): tensor
        for name, tensor in _within(weights, _CLIP).items()
        if not name.endswith(_POSITIONS)
    }
    try:
        told = _clip_config(mine)
        with torch.device("meta"):
            encoder: Any = CLIPTextModel(CLIPTextConfig(**told))
    except (KeyError, ValueError, IndexError) as error:
        raise _lacking("CLIP", path, error) from error
    # Where they stand in the network changed between versions of transformers.
    prefix = "text_model." if hasattr(encoder, "text_model") else ""
    load_into(
        encoder, {prefix + name: one for name, one in _full(mine).items()}, f"{path} (its CLIP)"
    )
    for module in encoder.modules():
        if _POSITIONS in module._buffers:
            module._buffers[_POSITIONS] = torch.arange(told["max_position_embeddings"])[None]
    return encoder.eval().requires_grad_(False)


def _converted_unet(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    mine = _within(weights, _UNET)
    halved = [int(n.split(".")[1]) for n in mine if n.endswith(".op.weight")]
    if not halved:
        raise _lacking("U-Net", path, KeyError(f"{_UNET}input_blocks.3.0.op.weight"))
    # The first halving comes after the blocks of the first level.
    config = {"layers_per_block": min(halved) - 1}
    found = convert_ldm_unet_checkpoint({_UNET + name: one for name, one in mine.items()}, config)
    _check_all_placed(mine, found, path)
    return found


def _within(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def _full(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in weights.items()}


def _check_all_placed(
    given: Mapping[str, Tensor], made: Mapping[str, Tensor], path: Path, reshaped: str = "\n"
) -> None:
    """Diffusers passes over names that it does not know."""
    placed = {id(tensor) for tensor in made.values()}
    lost = [name for name, one in given.items() if id(one) not in placed and reshaped not in name]
    if lost:
        raise FormatError(f"{path} does not fit the model: {list_names('too many', lost)}.")


def _lacking(part: str, path: Path, error: Exception) -> FormatError:
    return FormatError(f"{path} lacks weights of its {part}, among them {error}; is it cut short?")


def _vae_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of AutoencoderKL. Raises KeyError for weights that are missing."""
    down = [name.split(".") for name in weights if name.startswith("encoder.down_blocks.")]
    levels = 1 + max((int(name[2]) for name in down), default=-1)
    layers = 1 + max((int(name[4]) for name in down if name[3] == "resnets"), default=-1)
    widths = [weights[f"encoder.down_blocks.{i}.resnets.0.conv1.bias"] for i in range(levels)]
    return {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": tuple(len(width) for width in widths),
        "layers_per_block": layers,
        "latent_channels": weights["post_quant_conv.weight"].shape[1],
        "scaling_factor": _SCALING,
    }


def _clip_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of CLIPTextConfig. Raises KeyError for weights that are missing."""
    words, width = weights["embeddings.token_embedding.weight"].shape
    layers = {name.split(".")[2] for name in weights if name.startswith("encoder.layers.")}
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": len(weights["encoder.layers.0.mlp.fc1.bias"]),
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, width // _HEAD),
        "max_position_embeddings": len(weights["embeddings.position_embedding.weight"]),
        "bos_token_id": words - 2,
        "eos_token_id": words - 1,
    }
