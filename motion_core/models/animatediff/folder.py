"""Parts of Stable Diffusion 1.5 from a folder in diffusers' layout, on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ..files import few, read_weights

VAE, CLIP = "AutoencoderKL", "CLIPTextModel"
# How many words CLIP reads, of which the first and the last are not the prompt's.
TOKENS = 77
STEM = "diffusion_pytorch_model"
_ENDS = (".safetensors", ".fp16.safetensors", ".bin", ".ckpt")


def words_in(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and text encoder, or neither where the folder has none of the two.

    Raises FileNotFoundError or FormatError for what is missing or broken.
    """
    folders = (folder / "tokenizer", folder / "text_encoder")
    if not any(one.is_dir() for one in folders):
        return None, None
    return tokenizer_in(folders[0]), part_in(folders[1], CLIP)


def tokenizer_in(folder: Path) -> Any:
    """CLIP's tokenizer of a folder with its vocabulary. Raises FormatError for one that is broken
    or none."""
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise FormatError(
            f"{folder} is broken or incomplete ({error}); copy or download it again."
        ) from error
    # A folder without its config says nothing of the length.
    tokenizer.model_max_length = min(tokenizer.model_max_length, TOKENS)
    return tokenizer


def part_in(folder: Path, kind: str) -> Any:
    """A network in float32, of the class that VAE or CLIP names.

    Raises FileNotFoundError, or FormatError for a folder that is broken or of another class.
    """
    from safetensors import SafetensorError

    check_class(folder, kind)
    try:
        part, told = _class(kind).from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FormatError(
            f"{folder} is broken or incomplete ({error}); copy or download it again."
        ) from error
    missing = told["missing_keys"]
    if missing:
        raise FormatError(f"{folder} is incomplete: {few('weights missing', missing)}.")
    return part


def weights_in(folder: Path, kind: str) -> dict[str, Tensor]:
    """All weights that a folder holds of a network of a class, under diffusers' names.

    Raises FileNotFoundError, or FormatError for a folder that is broken or of another class.
    """
    check_class(folder, kind)
    for end in _ENDS:
        if (folder / (STEM + end)).is_file():
            return read_weights(folder / (STEM + end))
    raise FileNotFoundError(
        f"there is no {STEM}.safetensors in {folder}; copy or download the folder again."
    )


def check_class(folder: Path, kind: str) -> None:
    """Raises FileNotFoundError or FormatError unless a folder's config names a class."""
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"AnimateDiff needs {kind} in {folder}, and there is none. Name the folder of "
            "stable-diffusion-v1-5 in diffusers' layout."
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        found = config.get("_class_name") or ", ".join(config.get("architectures") or ["nothing"])
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(f"{file} is broken ({error}); copy or download it again.") from error
    if found != kind:
        raise FormatError(f"{folder} holds {found} instead of {kind}.")


def _class(kind: str) -> Any:
    if kind == CLIP:
        from transformers import CLIPTextModel

        return CLIPTextModel
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return AutoencoderKL
