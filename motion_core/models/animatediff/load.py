"""Loads Image Conductor: its three checkpoints, and Stable Diffusion 1.5 beside them.

The checkpoints hold the U-Net and the control networks; autoencoder and CLIP are Stable
Diffusion's own, or of a model personalised from it, whose look the U-Net can take on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...weights_io import read_weights
from ..registry import Defaults, TrackModel
from .base import open_base, still_of, vae_of, words_of_base
from .base_lora import BaseLora, under_loras
from .checkpoint import Checkpoint, build_branch, build_unet, split_checkpoint
from .conductor import ConductorTracks, ConductorWeights
from .family import AnimateDiff, AnimateDiffFamily
from .settings import AS_RELEASED, STEPS, TEXT_SCALE, AnimateDiffSettings

_STEMS = {"unet": "unet", "flow": "flow_controlnet", "image": "image_controlnet"}
_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class ConductorFiles:
    """Where Image Conductor lies.

    base: Stable Diffusion 1.5 or a model personalised from it: a folder of diffusers with vae/,
    and text_encoder/ and tokenizer/ for prompts, or a single file. has_base_look: the base's own
    U-Net takes the place of all but the motion modules in unet (section 3.2 of the paper). loras:
    laid over the U-Net and CLIP. tokenizer: as in AnimateDiffFiles.
    """

    unet: Path
    flow: Path
    image: Path
    base: Path
    has_base_look: bool = False
    loras: tuple[BaseLora, ...] = ()
    tokenizer: Path | None = None


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
    base = open_base(files.base)
    vae = vae_of(base)
    tokenizer, encoder = words_of_base(base, files.tokenizer)
    parts = _parts(files.unet, "unet")
    if files.has_base_look:
        parts = replace(parts, weights=parts.weights | still_of(base, parts.weights))
    weights = under_loras(files.loras, parts.weights, encoder)
    unet = build_unet(replace(parts, weights=weights), str(files.unet))
    flow, lora = build_branch(_parts(files.flow, "flow"), str(files.flow))
    image, _ = build_branch(_parts(files.image, "image"), str(files.image))
    whole = AnimateDiff(unet, vae, image, encoder)
    steering = ConductorWeights(flow, lora)
    network = torch.nn.ModuleDict({"base": whole, "control": steering}).eval().requires_grad_(False)
    family = AnimateDiffFamily(whole, tokenizer, settings)
    reads = encoder is not None and tokenizer is not None
    return TrackModel(
        "image_conductor",
        family,
        ConductorTracks(steering, motion),
        network,
        Defaults(STEPS, TEXT_SCALE if reads else 1.0),
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
