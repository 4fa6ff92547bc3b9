"""Loads AnimateDiff: a Stable Diffusion 1.5 of any style, a motion module, SparseCtrl RGB for the
first frame, LoRA, and a Track-ControlNet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import FormatError
from ...weights_io import first_names, list_names, read_weights
from ..detect import check_kind
from ..sd15.checkpoint import (
    load_clip,
    load_vae,
    open_checkpoint,
    unet_weights,
    with_motion_modules,
)
from ..sd15.folder import load_weights
from ..sd15.lora import LoraFile, merge_loras
from ..signature import shapes_of
from ..track_model import Defaults, Precision, TrackModel, precision
from .branch import SparseBranch
from .checkpoint import Checkpoint, build_branch, build_unet, renamed, split_lora
from .control import AnimateDiffControl
from .family import AnimateDiff, AnimateDiffFamily
from .settings import AS_RELEASED, STEPS, TEXT_SCALE, AnimateDiffSettings
from .signatures import SPARSE_IMAGE, TRACK_CONTROLNET
from .weights import load_track_controlnet


@dataclass(frozen=True)
class AnimateDiffFiles:
    """Where the parts are.

    Attributes:
        base: Stable Diffusion 1.5 or a model personalised from it: a folder of diffusers, or a
            .safetensors or .ckpt with U-Net, autoencoder and CLIP.
        motion: A motion module (mm_sd_v15_v2, v3_sd15_mm) as released, or a folder of diffusers'
            MotionAdapter.
        image: SparseCtrl RGB (v3_sd15_sparsectrl_rgb) as released, or a folder of diffusers;
            without it the image is not used.
        tracks: A Track-ControlNet; without it there is no control.
        loras: Merged into base and motion module, one after the other.
        tokenizer: A folder with CLIP's vocabulary, which no single file contains. None for the
            folder "tokenizer" beside the base, without which prompts cannot be read.
    """

    base: Path
    motion: Path
    image: Path | None = None
    tracks: Path | None = None
    loras: tuple[LoraFile, ...] = ()
    tokenizer: Path | None = None


def load_animatediff(
    files: AnimateDiffFiles, *, settings: AnimateDiffSettings = AS_RELEASED, seed: int = 0
) -> TrackModel:
    """AnimateDiff ready for sampling. Nothing is downloaded; pickles are read as weights only.

    The U-Net has the dtype of the base; the networks for image and tracks keep theirs; autoencoder
    and CLIP are float32.

    Args:
        files: Where the parts are.
        settings: How the U-Net and the autoencoder are called.
        seed: Of the random codes of the tracks.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken or another model's, with the
            first ten names of weights that do not fit.
    """
    # Small parts first: their faults are found before the base is read.
    motion = read_motion_module(files.motion)
    image = None if files.image is None else read_sparse_control(files.image)
    base = open_checkpoint(files.base)
    tokenizer, encoder = load_clip(base, files.tokenizer)
    vae = load_vae(base)
    weights = with_motion_modules(unet_weights(base), motion)
    weights = merge_loras(files.loras, weights, encoder)
    unet = build_unet(Checkpoint(weights), f"{files.base} with {files.motion}")
    _check_width(encoder, unet, files.base)
    network = AnimateDiff(unet, vae, image, encoder).eval().requires_grad_(False)
    family = AnimateDiffFamily(network, tokenizer, replace(settings, prediction=base.prediction()))
    reads_text = encoder is not None and tokenizer is not None
    model = TrackModel(
        "animatediff",
        family,
        None,
        nn.ModuleDict({"base": network}),
        Defaults(STEPS, TEXT_SCALE if reads_text else 1.0),
        "text" if reads_text else "nothing",
    )
    if files.tracks is None:
        return model
    return with_track_controlnet(model, files.tracks, seed)


def load_model(
    base: Path,
    motion: Path,
    image: Path | None = None,
    lora: Path | None = None,
    lora_strength: float = 1.0,
    tokenizer: Path | None = None,
    dtype: Precision = "auto",
    vae_tiling: bool = False,
) -> TrackModel:
    """AnimateDiff by the settings of its family; see load_animatediff."""
    wanted = precision(dtype)
    loras = () if lora is None else (LoraFile(lora, lora_strength),)
    files = AnimateDiffFiles(base, motion, image, loras=loras, tokenizer=tokenizer)
    model = load_animatediff(files)
    network = model.network
    assert isinstance(network, nn.ModuleDict)
    cast_and_tile(network["base"], wanted, vae_tiling)
    return model


def cast_and_tile(network: Any, dtype: torch.dtype | None, is_tiled: bool) -> None:
    """Cast an AnimateDiff's U-Net and SparseCtrl; autoencoder and CLIP keep their dtype.

    Args:
        network: The networks of an AnimateDiff: unet, image (or None) and vae.
        dtype: The new dtype, or None to keep it.
        is_tiled: Whether the autoencoder works in tiles.
    """
    for part in (network.unet, network.image):
        if part is not None:
            part.to(dtype)
    if is_tiled:
        network.vae.enable_tiling()


def with_track_controlnet(model: TrackModel, file: Path, seed: int = 0) -> TrackModel:
    """AnimateDiff steered by the Track-ControlNet in a file, in place of its present control.

    Args:
        model: An AnimateDiff.
        file: Written by weights.save_track_controlnet.
        seed: Of the random codes of the tracks.

    Raises:
        FileNotFoundError: When there is no file.
        FormatError: For a file that is broken, of another kind, or made for another base.
    """
    check_kind(file, TRACK_CONTROLNET)
    base: Any = model.model
    control = load_track_controlnet(file).requires_grad_(False)
    unet = base.network.unet
    found, wanted = (_encoder_sizes(config) for config in (control.config, unet.config))
    if found != wanted:
        raise FormatError(
            f"{file} was made for a base with {found}, and this one has {wanted}; choose the "
            "Track-ControlNet of this base."
        )
    network = nn.ModuleDict({"base": base.network, "control": control})
    return replace(model, control=AnimateDiffControl(control, seed), network=network)


def read_motion_module(path: Path) -> dict[str, Tensor]:
    """Weights of a motion module under diffusers' names, from its release or a folder of diffusers.

    Raises FileNotFoundError, or FormatError for what is broken or holds anything else.
    """
    weights = load_weights(path, "MotionAdapter") if path.is_dir() else read_weights(path)
    foreign = [name for name in weights if ".motion_modules." not in name]
    if foreign or not weights:
        listed = list_names("weights of another kind", foreign)
        raise FormatError(
            f"{path} is no motion module of AnimateDiff: {listed}. Choose mm_sd_v15_v2 or "
            "v3_sd15_mm of guoyww/animatediff."
        )
    return renamed(weights, str(path))


def read_sparse_control(path: Path) -> SparseBranch:
    """SparseCtrl RGB, from its release or a folder of diffusers.

    Raises FileNotFoundError, or FormatError for what is broken or another network, SparseCtrl for
    scribbles among them.
    """
    folder = path.is_dir()
    weights = load_weights(path, "SparseControlNetModel") if folder else read_weights(path)
    if not SPARSE_IMAGE.matches(shapes_of(weights)):
        first = first_names(weights)
        raise FormatError(
            f"{path} is not SparseCtrl RGB, which reads an image's latents: it holds {first}. "
            "Choose v3_sd15_sparsectrl_rgb of guoyww/animatediff."
        )
    branch, _ = build_branch(split_lora(weights, str(path)), str(path))
    return branch


def _check_width(encoder: Any, unet: Any, path: Path) -> None:
    if encoder is None:
        return
    width, wanted = encoder.config.hidden_size, unet.config.cross_attention_dim
    if width != wanted:
        raise FormatError(
            f"the text embeddings of {path} have {width} channels but its U-Net reads {wanted}; "
            "choose U-Net and text encoder of the same release of Stable Diffusion 1.5."
        )


def _encoder_sizes(config: Mapping[str, Any]) -> str:
    widths, layers = tuple(config["block_out_channels"]), config["layers_per_block"]
    context = config["cross_attention_dim"]
    return f"levels of {widths} channels, {layers} layers, text embeddings of {context}"
