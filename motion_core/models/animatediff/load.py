"""Loads Image Conductor: its three checkpoints, and a folder of Stable Diffusion 1.5 beside them.

The checkpoints hold the U-Net and the control networks; autoencoder and CLIP are Stable
Diffusion's own and come from its folder in diffusers' layout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...errors import FormatError
from ..files import read_weights
from ..registry import Defaults, TrackModel
from .checkpoint import Checkpoint, build_branch, build_unet, split_checkpoint
from .conductor import ConductorTracks, ConductorWeights
from .family import AnimateDiff, AnimateDiffFamily
from .settings import AS_RELEASED, AnimateDiffSettings

_STEMS = {"unet": "unet", "flow": "flow_controlnet", "image": "image_controlnet"}
_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_VAE, _CLIP = "AutoencoderKL", "CLIPTextModel"
# As its authors sample.
_STEPS, _TEXT_SCALE = 25, 7.5


@dataclass(frozen=True)
class ConductorFiles:
    """Where Image Conductor lies. base: the folder of Stable Diffusion 1.5 with vae/, and
    text_encoder/ and tokenizer/ for prompts."""

    unet: Path
    flow: Path
    image: Path
    base: Path


def conductor_files(folder: Path, base: Path | None = None) -> ConductorFiles:
    """The files in a folder, under their released names with any suffix of weights.

    base: see ConductorFiles, or None where it is the same folder. Raises FileNotFoundError.
    """
    found = {kind: _weights_file(folder, stem) for kind, stem in _STEMS.items()}
    return ConductorFiles(found["unet"], found["flow"], found["image"], base or folder)


def load_image_conductor(
    files: ConductorFiles,
    *,
    motion: str | None = "object",
    settings: AnimateDiffSettings = AS_RELEASED,
) -> TrackModel:
    """Image Conductor ready for sampling.

    motion: "object", "camera", or None for camera-free guidance; see ConductorTracks. Networks
    keep the precision of their checkpoints; the rest is float32. Pickles are read as weights alone.
    Raises FileNotFoundError or FormatError for what is missing, broken or another model's.
    """
    # The small parts first: what is missing beside the checkpoints is found before they are read.
    vae = _part(files.base / "vae", _VAE)
    tokenizer, encoder = _words(files.base)
    unet = build_unet(_parts(files.unet, "unet"), str(files.unet))
    flow, lora = build_branch(_parts(files.flow, "flow"), str(files.flow))
    image, _ = build_branch(_parts(files.image, "image"), str(files.image))
    base = AnimateDiff(unet, vae, image, encoder)
    weights = ConductorWeights(flow, lora)
    network = torch.nn.ModuleDict({"base": base, "control": weights}).eval().requires_grad_(False)
    family = AnimateDiffFamily(base, tokenizer, settings)
    reads = encoder is not None
    return TrackModel(
        "image_conductor",
        family,
        ConductorTracks(weights, motion),
        network,
        Defaults(_STEPS, _TEXT_SCALE if reads else 1.0),
        "words" if reads else "nothing",
        tuple(lora),
    )


def _weights_file(folder: Path, stem: str) -> Path:
    for suffix in _SUFFIXES:
        file = folder / (stem + suffix)
        if file.is_file():
            return file
    raise FileNotFoundError(
        f"Image Conductor needs {stem}.ckpt in {folder}, and it is not there. Get it from "
        "TencentARC/ImageConductor (which states no licence)."
    )


def _parts(file: Path, kind: str) -> Checkpoint:
    return split_checkpoint(read_weights(file), kind, str(file))


def _words(base: Path) -> tuple[Any, Any]:
    """Tokenizer and text encoder, or neither where the folder has none of the two."""
    folders = (base / "tokenizer", base / "text_encoder")
    if not any(folder.is_dir() for folder in folders):
        return None, None
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(folders[0]), local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise FormatError(
            f"{folders[0]} is broken or incomplete ({error}); copy or download it again."
        ) from error
    return tokenizer, _part(folders[1], _CLIP)


def _part(folder: Path, kind: str) -> Any:
    """A part of a pipeline in diffusers' layout, from this machine alone."""
    from safetensors import SafetensorError

    _check_config(folder, kind)
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
    missing = sorted(told["missing_keys"])
    if missing:
        raise FormatError(f"{folder} lacks {len(missing)} weights: {', '.join(missing[:10])}.")
    return part


def _check_config(folder: Path, kind: str) -> None:
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
    if kind == _CLIP:
        from transformers import CLIPTextModel

        return CLIPTextModel
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return AutoencoderKL
