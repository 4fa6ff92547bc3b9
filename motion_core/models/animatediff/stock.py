"""Loads AnimateDiff as people have it: a Stable Diffusion 1.5 of any style, a motion module,
SparseCtrl RGB for the first frame, LoRA, and a Track-ControlNet to steer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...errors import FormatError
from ...weights_io import first_names, list_names, read_weights
from ..registry import Defaults, TrackModel
from .base import moving, open_base, unet_of, vae_of, words_of_base
from .base_lora import BaseLora, under_loras
from .branch import SparseBranch
from .checkpoint import (
    Checkpoint,
    build_branch,
    build_unet,
    kind_of,
    renamed,
    split_checkpoint,
)
from .family import AnimateDiff, AnimateDiffFamily
from .folder import weights_in
from .settings import AS_RELEASED, STEPS, TEXT_SCALE, AnimateDiffSettings
from .track_file import load_track_net
from .track_net import TrackNetTracks


@dataclass(frozen=True)
class AnimateDiffFiles:
    """Where the parts lie.

    base: Stable Diffusion 1.5 or a model personalised from it: a folder of diffusers, or a
    .safetensors or .ckpt with U-Net, autoencoder and CLIP in it. motion: a motion module
    (mm_sd_v15_v2, v3_sd15_mm) as released, or a folder of diffusers' MotionAdapter. image:
    SparseCtrl RGB (v3_sd15_sparsectrl_rgb) as released, or a folder of diffusers; without it the
    picture is not seen. tracks: a Track-ControlNet; without it there is no control. loras: laid
    over base and motion module, one after the other. tokenizer: a folder with CLIP's vocabulary,
    which no single file has; None for one called so beside the base, without which prompts
    cannot be read.
    """

    base: Path
    motion: Path
    image: Path | None = None
    tracks: Path | None = None
    loras: tuple[BaseLora, ...] = ()
    tokenizer: Path | None = None


def load_animatediff(
    files: AnimateDiffFiles, *, settings: AnimateDiffSettings = AS_RELEASED, seed: int = 0
) -> TrackModel:
    """AnimateDiff ready for sampling. Nothing is downloaded; pickles are read as weights alone.

    seed: decides which codes tracks get. The U-Net has the precision of the base; the networks for
    picture and tracks keep theirs; autoencoder and CLIP are float32.
    Raises FileNotFoundError or FormatError for what is missing, broken or another model's, with
    the first ten names of weights that do not fit.
    """
    # The small parts first: what is wrong with them is said before the base is read.
    motion = read_motion(files.motion)
    image = None if files.image is None else read_sparse(files.image)
    base = open_base(files.base)
    tokenizer, encoder = words_of_base(base, files.tokenizer)
    vae = vae_of(base)
    weights = under_loras(files.loras, moving(unet_of(base), motion), encoder)
    unet = build_unet(Checkpoint(weights), f"{files.base} with {files.motion}")
    _check_width(encoder, unet, files.base)
    network = AnimateDiff(unet, vae, image, encoder).eval().requires_grad_(False)
    family = AnimateDiffFamily(network, tokenizer, settings)
    reads = encoder is not None and tokenizer is not None
    loaded = TrackModel(
        "animatediff",
        family,
        None,
        nn.ModuleDict({"base": network}),
        Defaults(STEPS, TEXT_SCALE if reads else 1.0),
        "words" if reads else "nothing",
    )
    return loaded if files.tracks is None else with_track_control(loaded, files.tracks, seed)


def with_track_control(model: TrackModel, file: Path, seed: int = 0) -> TrackModel:
    """AnimateDiff steered by the Track-ControlNet in a file, in place of what steered it before.

    seed: decides which codes tracks get. Raises FileNotFoundError, or FormatError for a file that
    is broken, of another kind, or made for another base.
    """
    base: Any = model.model
    control = load_track_net(file).requires_grad_(False)
    unet = base.network.unet
    made, wanted = (_encoder_sizes(one) for one in (control.config, unet.config))
    if made != wanted:
        raise FormatError(
            f"{file} was made for a base with {made}, and this one has {wanted}; choose the "
            "Track-ControlNet of this base."
        )
    network = nn.ModuleDict({"base": base.network, "control": control})
    return replace(model, control=TrackNetTracks(control, seed), network=network)


def read_motion(path: Path) -> dict[str, Tensor]:
    """Weights of a motion module under diffusers' names, from its release or a folder of diffusers.

    Raises FileNotFoundError, or FormatError for what is broken or holds anything else.
    """
    weights = weights_in(path, "MotionAdapter") if path.is_dir() else read_weights(path)
    foreign = [name for name in weights if ".motion_modules." not in name]
    if foreign or not weights:
        told = list_names("weights of another kind", foreign)
        raise FormatError(
            f"{path} is no motion module of AnimateDiff: {told}. Choose mm_sd_v15_v2 or "
            "v3_sd15_mm of guoyww/animatediff."
        )
    return renamed(weights, str(path))


def read_sparse(path: Path) -> SparseBranch:
    """SparseCtrl RGB, from its release or a folder of diffusers.

    Raises FileNotFoundError, or FormatError for what is broken or another network, SparseCtrl for
    scribbles among them.
    """
    folder = path.is_dir()
    weights = weights_in(path, "SparseControlNetModel") if folder else read_weights(path)
    if kind_of(weights) != "image":
        first = first_names(weights)
        raise FormatError(
            f"{path} is not SparseCtrl RGB, which reads a picture's latents: it holds {first}. "
            "Choose v3_sd15_sparsectrl_rgb of guoyww/animatediff."
        )
    branch, _ = build_branch(split_checkpoint(weights, "image", str(path)), str(path))
    return branch


def _check_width(encoder: Any, unet: Any, path: Path) -> None:
    if encoder is None:
        return
    told, wanted = encoder.config.hidden_size, unet.config.cross_attention_dim
    if told != wanted:
        raise FormatError(
            f"{path} describes words by {told} numbers but its U-Net reads {wanted}; choose U-Net "
            "and text encoder of the same release of Stable Diffusion 1.5."
        )


def _encoder_sizes(config: Mapping[str, Any]) -> str:
    widths, layers = tuple(config["block_out_channels"]), config["layers_per_block"]
    return f"widths {widths}, {layers} layers, words of {config['cross_attention_dim']}"
