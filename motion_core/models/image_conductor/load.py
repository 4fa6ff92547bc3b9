"""Loads Image Conductor: its three checkpoints, and Stable Diffusion 1.5 beside them.

The checkpoints hold the U-Net and the control networks. The autoencoder and CLIP are Stable
Diffusion's own, or those of a model personalised from it, whose U-Net can replace the spatial
layers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...weights_io import read_weights
from ..animatediff.checkpoint import Checkpoint, build_branch, build_unet
from ..animatediff.family import AnimateDiff, AnimateDiffFamily
from ..animatediff.load import cast_and_tile
from ..animatediff.settings import AS_RELEASED, STEPS, TEXT_SCALE, AnimateDiffSettings
from ..sd15.checkpoint import load_clip, load_vae, open_checkpoint, unet_weights_like
from ..sd15.lora import LoraFile, merge_loras
from ..track_model import Defaults, Precision, TrackModel, precision
from .checkpoint import CAMERA, OBJECT, Kind, split_checkpoint
from .control import FlowNetwork, ImageConductorControl

_STEMS = {"unet": "unet", "flow": "flow_controlnet", "image": "image_controlnet"}
_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


@dataclass(frozen=True)
class ImageConductorFiles:
    """Where the parts of Image Conductor are.

    Attributes:
        unet, flow, image: The three checkpoints.
        base: Stable Diffusion 1.5 or a model personalised from it: a folder of diffusers with
            vae/, and text_encoder/ and tokenizer/ for prompts, or a single file.
        has_base_look: The base's own U-Net takes the place of all but the motion modules in unet
            (section 3.2 of the paper).
        loras: Merged into the U-Net and CLIP.
        tokenizer: As in AnimateDiffFiles.
    """

    unet: Path
    flow: Path
    image: Path
    base: Path
    has_base_look: bool = False
    loras: tuple[LoraFile, ...] = ()
    tokenizer: Path | None = None


def load_model(
    folder: Path,
    base: Path | None = None,
    has_base_look: bool = False,
    lora: Path | None = None,
    lora_strength: float = 1.0,
    tokenizer: Path | None = None,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
    *,
    motion: str | None = OBJECT,
) -> TrackModel:
    """Image Conductor by the settings of its family; see load_image_conductor.

    `motion` is no setting of the family: training loads the model with None, without a LoRA.
    """
    wanted = precision(dtype)
    files = replace(
        find_files(folder, base),
        has_base_look=has_base_look,
        loras=() if lora is None else (LoraFile(lora, lora_strength),),
        tokenizer=tokenizer,
    )
    model = load_image_conductor(files, motion=motion)
    network = model.network
    assert isinstance(network, torch.nn.ModuleDict)
    network["control"].to(wanted)
    cast_and_tile(network["base"], wanted, vae_tiling)
    return model


def find_files(folder: Path, base: Path | None = None) -> ImageConductorFiles:
    """The files in a folder, under their released names with any suffix of weights.

    Args:
        folder: With the three checkpoints.
        base: See ImageConductorFiles; None for the same folder.

    Raises:
        FileNotFoundError: A checkpoint is missing.
    """
    paths = {kind: _weights_file(folder, stem) for kind, stem in _STEMS.items()}
    return ImageConductorFiles(paths["unet"], paths["flow"], paths["image"], base or folder)


def load_image_conductor(
    files: ImageConductorFiles,
    *,
    motion: str | None = OBJECT,
    settings: AnimateDiffSettings = AS_RELEASED,
) -> TrackModel:
    """Image Conductor ready for sampling.

    Networks keep the dtype of their checkpoints; the rest is float32. Pickles are read as weights
    only.

    Args:
        files: Where the parts are.
        motion: "object", "camera", or None for camera-free guidance; see ImageConductorControl.
            Of a file whose only LoRA is the camera's, "object" takes that one.
        settings: How the U-Net and the autoencoder are called.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken or another model's.
    """
    # Small parts first: what is missing beside the checkpoints is found before they are read.
    base = open_checkpoint(files.base)
    vae = load_vae(base)
    tokenizer, encoder = load_clip(base, files.tokenizer)
    parts = _read(files.unet, "unet")
    if files.has_base_look:
        parts = replace(parts, weights=parts.weights | unet_weights_like(base, parts.weights))
    weights = merge_loras(files.loras, parts.weights, encoder)
    unet = build_unet(replace(parts, weights=weights), str(files.unet))
    flow, lora = build_branch(_read(files.flow, "flow"), str(files.flow))
    if motion == OBJECT and list(lora) == [CAMERA]:
        motion = CAMERA
    image, _ = build_branch(_read(files.image, "image"), str(files.image))
    whole = AnimateDiff(unet, vae, image, encoder)
    control = FlowNetwork(flow, lora)
    network = torch.nn.ModuleDict({"base": whole, "control": control}).eval().requires_grad_(False)
    reads_text = encoder is not None and tokenizer is not None
    return TrackModel(
        "image_conductor",
        AnimateDiffFamily(whole, tokenizer, replace(settings, prediction=base.prediction())),
        ImageConductorControl(control, motion),
        network,
        Defaults(STEPS, TEXT_SCALE if reads_text else 1.0),
        "text" if reads_text else "nothing",
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


def _read(file: Path, kind: Kind) -> Checkpoint:
    return split_checkpoint(read_weights(file), kind, str(file))
