"""Stable Diffusion 1.5, or a model personalised from it: a folder of diffusers or a single file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...safe_json import read_json_object
from ...weights_io import count_layers, first_names, list_names, load_into, read_weights
from .folder import VAE, load_network, load_text_encoder, load_tokenizer, load_weights

_UNET, _VAE, _CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
_POSITIONS = "position_ids"
# Channels of an attention head in the CLIP of Stable Diffusion 1.5; weights do not show it.
_HEAD_CHANNELS = 64
# Of the autoencoder of Stable Diffusion 1.5.
_SCALING_FACTOR = 0.18215
# What a U-Net may predict, as diffusers' schedulers name it.
PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True, eq=False)
class Sd15Checkpoint:
    """A folder in diffusers' layout or a single file.

    Attributes:
        path: Of the folder or file.
        weights: Of a single file: all tensors under their original names; None for a folder.
    """

    path: Path
    weights: Mapping[str, Tensor] | None

    def prediction(self) -> str:
        """What the U-Net predicts, as scheduler/scheduler_config.json of a folder says.

        "epsilon" for a file, and for a folder without a scheduler. Raises FormatError for a
        config that is broken or says anything else.
        """
        path = self.path / "scheduler" / "scheduler_config.json"
        if self.weights is not None or not path.is_file():
            return PREDICTIONS[0]
        found = read_json_object(path).get("prediction_type", PREDICTIONS[0])
        if found not in PREDICTIONS:
            raise FormatError(
                f"{path}: prediction_type must be one of {', '.join(PREDICTIONS)}; got {found!r}."
            )
        return str(found)


def open_checkpoint(path: Path) -> Sd15Checkpoint:
    """Opens a folder or reads a single file, from which parts can then be taken.

    Raises:
        FileNotFoundError: When there is neither.
        FormatError: For a file that is broken or of another model.
    """
    if path.is_dir():
        return Sd15Checkpoint(path, None)
    weights = read_weights(path)
    if not any(name.startswith(_CLIP) for name in weights) or f"{_UNET}out.2.bias" not in weights:
        first = first_names(weights)
        raise FormatError(
            f"{path} is no checkpoint of Stable Diffusion 1.5 with U-Net and CLIP: it holds "
            f"{first}. Stable Diffusion 2 and XL do not fit AnimateDiff's motion modules."
        )
    return Sd15Checkpoint(path, weights)


def unet_weights(base: Sd15Checkpoint) -> dict[str, Tensor]:
    """Weights of the U-Net under diffusers' names, in their stored dtype.

    Raises:
        FileNotFoundError: For a folder without a U-Net.
        FormatError: For weights that have no place in diffusers' U-Net (the first ten are listed),
            for an inpainting model, and for Stable Diffusion 2.
    """
    if base.weights is None:
        weights = load_weights(base.path / "unet", "UNet2DConditionModel")
    else:
        weights = _converted_unet(base.weights, base.path)
    conv_in, conv_out = weights.get("conv_in.weight"), weights.get("conv_out.weight")
    if conv_in is not None and conv_out is not None and conv_in.shape[1] != conv_out.shape[0]:
        raise FormatError(
            f"{base.path} reads {conv_in.shape[1]} channels and predicts {conv_out.shape[0]}: a "
            "model for inpainting. Choose the plain one."
        )
    entry = weights.get("down_blocks.0.attentions.0.proj_in.weight")
    if entry is not None and entry.ndim == 2:
        raise FormatError(f"{base.path} is a Stable Diffusion 2 or XL; AnimateDiff needs 1.5.")
    return weights


def with_motion_modules(
    spatial: Mapping[str, Tensor], motion: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Weights of a U-Net and of motion modules together, all in the U-Net's dtype."""
    dtype = next(iter(spatial.values())).dtype
    return dict(spatial) | {name: tensor.to(dtype) for name, tensor in motion.items()}


def unet_weights_like(base: Sd15Checkpoint, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """unet_weights in the dtype of other weights, which they are to replace."""
    dtype = next(iter(like.values())).dtype
    return {name: tensor.to(dtype) for name, tensor in unet_weights(base).items()}


def load_vae(base: Sd15Checkpoint) -> Any:
    """The AutoencoderKL, in float32. Raises as unet_weights does, also for a file without one."""
    if base.weights is None:
        return load_network(base.path / "vae", VAE)
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    stored = _within(base.weights, _VAE)
    if not stored:
        raise FormatError(
            f"{base.path} has no autoencoder in it; choose a release with a VAE baked in, or a "
            "folder in diffusers' layout."
        )
    prefixed = {_VAE + name: tensor for name, tensor in stored.items()}
    try:
        levels = range(count_layers(stored, "encoder.down."))
        blocks = {"down_block_types": levels, "up_block_types": levels}
        weights = convert_ldm_vae_checkpoint(prefixed, blocks)
        _check_all_placed(stored, weights, base.path, "mid.attn_1.")
        config = _vae_config(weights)
        with torch.device("meta"):
            vae = AutoencoderKL(**config)
    except FormatError:
        raise
    except Exception as error:
        # Diffusers raises many kinds of error for sizes that make no network.
        raise _missing("autoencoder", base.path, error) from error
    load_into(vae, _in_float32(weights), f"{base.path} (its autoencoder)")
    return vae.eval().requires_grad_(False)


def load_clip(base: Sd15Checkpoint, tokenizer: Path | None = None) -> tuple[Any, Any]:
    """CLIP's tokenizer and text encoder in float32; None for each that is not there.

    Args:
        base: The checkpoint.
        tokenizer: A folder with CLIP's vocabulary, which no single file contains. None for the
            folder "tokenizer" beside a single file, or in the base's own folder.

    Raises what unet_weights raises.
    """
    if base.weights is None:
        own, encoder = load_text_encoder(base.path)
        return (own if tokenizer is None else load_tokenizer(tokenizer)), encoder
    beside = base.path.parent / "tokenizer"
    folder = tokenizer or (beside if beside.is_dir() else None)
    return (None if folder is None else load_tokenizer(folder)), _clip(base.weights, base.path)


def _clip(weights: Mapping[str, Tensor], path: Path) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    stored = {
        name.removeprefix("text_model."): tensor
        for name, tensor in _within(weights, _CLIP).items()
        if not name.endswith(_POSITIONS)
    }
    try:
        config = _clip_config(stored)
        with torch.device("meta"):
            encoder: Any = CLIPTextModel(CLIPTextConfig(**config))
    except Exception as error:
        raise _missing("CLIP", path, error) from error
    # The prefix of the names changed between versions of transformers.
    prefix = "text_model." if hasattr(encoder, "text_model") else ""
    weights = {prefix + name: tensor for name, tensor in _in_float32(stored).items()}
    load_into(encoder, weights, f"{path} (its CLIP)")
    for module in encoder.modules():
        if _POSITIONS in module._buffers:
            module._buffers[_POSITIONS] = torch.arange(config["max_position_embeddings"])[None]
    return encoder.eval().requires_grad_(False)


def _converted_unet(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    stored = _within(weights, _UNET)
    downsamplers = [n.split(".")[1] for n in stored if n.endswith(".op.weight")]
    if not downsamplers or not all(number.isdecimal() for number in downsamplers):
        raise _missing("U-Net", path, KeyError(f"{_UNET}input_blocks.3.0.op.weight"))
    # The first downsampler comes after the blocks of the first level.
    layers = min(int(number[:9]) for number in downsamplers) - 1
    prefixed = {_UNET + name: tensor for name, tensor in stored.items()}
    try:
        converted = convert_ldm_unet_checkpoint(prefixed, {"layers_per_block": layers})
    except Exception as error:
        raise _missing("U-Net", path, error) from error
    _check_all_placed(stored, converted, path)
    return converted


def _within(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }


def _in_float32(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in weights.items()}


def _check_all_placed(
    stored: Mapping[str, Tensor],
    converted: Mapping[str, Tensor],
    path: Path,
    reshaped: str = "\n",
) -> None:
    """Raises FormatError for weights that diffusers' conversion dropped silently.

    reshaped: part of the names of weights that the conversion replaces by new tensors.
    """
    placed = {id(tensor) for tensor in converted.values()}
    lost = [
        name for name, tensor in stored.items() if id(tensor) not in placed and reshaped not in name
    ]
    if lost:
        raise FormatError(f"{path} does not fit the model: {list_names('too many', lost)}.")


def _missing(part: str, path: Path, error: Exception) -> FormatError:
    return FormatError(
        f"{path} lacks weights of its {part}, among them {str(error)[:200]}; is it cut short?"
    )


def _vae_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of AutoencoderKL. Raises KeyError for weights that are missing."""
    levels = count_layers(weights, "encoder.down_blocks.")
    layers = count_layers(weights, "encoder.down_blocks.0.resnets.")
    widths = [weights[f"encoder.down_blocks.{i}.resnets.0.conv1.bias"] for i in range(levels)]
    return {
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "block_out_channels": tuple(len(width) for width in widths),
        "layers_per_block": layers,
        "latent_channels": weights["post_quant_conv.weight"].shape[1],
        "scaling_factor": _SCALING_FACTOR,
    }


def _clip_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of CLIPTextConfig. Raises KeyError for weights that are missing."""
    vocabulary, width = weights["embeddings.token_embedding.weight"].shape
    layers = count_layers(weights, "encoder.layers.")
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": len(weights["encoder.layers.0.mlp.fc1.bias"]),
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // _HEAD_CHANNELS),
        "max_position_embeddings": len(weights["embeddings.position_embedding.weight"]),
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }
