"""Parts of Stable Diffusion 1.5 from a folder in diffusers' layout, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...model_folder import (
    check_class,
    diffusers_network,
    read_tokenizer,
    transformers_config,
    transformers_network,
)
from ...weights_io import read_weights

VAE, CLIP = "AutoencoderKL", "CLIPTextModel"
# Length of a prompt for CLIP in tokens; the first and the last are markers.
TOKENS = 77
_ADVICE = "Name the folder of stable-diffusion-v1-5 in diffusers' layout."
STEM = "diffusion_pytorch_model"
_SUFFIXES = (".safetensors", ".fp16.safetensors", ".bin", ".ckpt")


def load_text_encoder(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and text encoder; None for both where the folder has neither.

    Raises FileNotFoundError or FormatError for what is missing or broken.
    """
    folders = (folder / "tokenizer", folder / "text_encoder")
    if not any(one.is_dir() for one in folders):
        return None, None
    return load_tokenizer(folders[0]), load_network(folders[1], CLIP)


def load_tokenizer(folder: Path) -> Any:
    """CLIP's tokenizer from a folder with its vocabulary. Raises FormatError for a folder that is
    broken or holds none."""
    from transformers import CLIPTokenizer

    tokenizer = read_tokenizer(
        folder, {"CLIPTokenizer": CLIPTokenizer, "CLIPTokenizerFast": CLIPTokenizer}
    )
    # A folder without tokenizer_config.json does not state the length.
    tokenizer.model_max_length = min(tokenizer.model_max_length, TOKENS)
    return tokenizer


def load_network(folder: Path, kind: str) -> Any:
    """A network in float32, of the class that VAE or CLIP names.

    Raises FileNotFoundError or FormatError for a folder that is missing, broken, incomplete, of
    another class, or whose config could run code.
    """
    config = check_class(folder, kind, _ADVICE)
    if kind == VAE:
        return diffusers_network(folder, _class(kind), torch.float32)
    built = transformers_config(config, "clip_text_model", folder / "config.json")
    return transformers_network(folder, _class(kind), built, torch.float32)


def load_weights(folder: Path, kind: str) -> dict[str, Tensor]:
    """All weights of a network of diffusers' class `kind` in a folder, under diffusers' names.

    Raises FileNotFoundError, or FormatError for a folder that is broken or of another class.
    """
    check_class(folder, kind, _ADVICE)
    for suffix in _SUFFIXES:
        if (folder / (STEM + suffix)).is_file():
            return read_weights(folder / (STEM + suffix))
    raise FileNotFoundError(
        f"there is no {STEM}.safetensors in {folder}; copy or download the folder again."
    )


def _class(kind: str) -> Any:
    if kind == CLIP:
        from transformers import CLIPTextModel

        return CLIPTextModel
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return AutoencoderKL
