"""Networks from a local folder in diffusers' layout; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..errors import FormatError
from ..safe_json import read_json_object
from ..weights_io import list_names

# Names of files of weights in diffusers and transformers.
STEMS = ("diffusion_pytorch_model", "model")


def network_in(folder: Path, network: Any, advice: str) -> Any:
    """A network in float32, from the half-precision variant where there is no other file.

    Nothing is downloaded, and no pickle is opened.

    Args:
        folder: With config.json and .safetensors.
        network: A class of diffusers or transformers.
        advice: What to do where the folder is missing.

    Raises:
        FileNotFoundError: When the folder is missing.
        FormatError: When it is broken, incomplete or of another class.
    """
    from safetensors import SafetensorError

    check_class(folder, network.__name__, advice)
    whole = any((folder / f"{stem}.safetensors").is_file() for stem in STEMS)
    try:
        part, loading_info = network.from_pretrained(
            str(folder),
            variant=None if whole else "fp16",
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FormatError(
            f"{folder} is broken or incomplete ({error}); copy or download it again."
        ) from error
    if loading_info["missing_keys"]:
        missing = list_names("weights missing", loading_info["missing_keys"])
        raise FormatError(f"{folder} is incomplete: {missing}.")
    return part


def check_class(folder: Path, kind: str, advice: str) -> None:
    """Raises FileNotFoundError or FormatError unless a folder's config names a class."""
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"there is no {kind} in {folder}. {advice}")
    try:
        config = read_json_object(file)
        found = config.get("_class_name") or ", ".join(config.get("architectures") or ["nothing"])
    except (ValueError, AttributeError, TypeError) as error:
        raise FormatError(f"{file} is broken ({error}); copy or download it again.") from error
    if found != kind:
        raise FormatError(f"{folder} holds {found} instead of {kind}.")
