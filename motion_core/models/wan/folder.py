"""Wan's networks from a folder as diffusers lays it out, on this machine only."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError, MissingExtraError
from ...model_folder import (
    diffusers_config,
    read_config,
    read_network,
    read_tokenizer,
    transformers_config,
    transformers_network,
)
from ...model_folder.networks import empty_network
from ...weights_io import check_sizes, load_into, read_safetensors
from .family import released_scheduler
from .parts import Umt5PromptEncoder, WanParts
from .signatures import ORIGINAL, PREFIXES

PIPELINE = "WanImageToVideoPipeline"
SCHEDULERS = ("UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler")
# Classes of tokenizers by the names in a release; transformers 5 renamed the general one.
TOKENIZERS = {
    "T5TokenizerFast": "T5TokenizerFast",
    "T5Tokenizer": "T5TokenizerFast",
    "PreTrainedTokenizerFast": "PreTrainedTokenizerFast",
    "TokenizersBackend": "PreTrainedTokenizerFast",
}
# Wan's largest has 40 blocks and tokens of 5120.
MOST_LAYERS, MOST_SIZE = 512, 1 << 16

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WanFiles:
    """Where the networks are.

    Attributes:
        folder: A diffusers release of Wan2.1 image-to-video.
        transformer: None for the folder's own, or weights that replace it: a .safetensors file, or
            a folder of its pieces, in the names of diffusers, of the original release (Wan-Move,
            ATI), or of ComfyUI.
        read_text: Whether prompts are read, by a network of 11 GB.
        dtype: Of all networks but the autoencoder, which keeps its stored dtype.
    """

    folder: Path
    transformer: Path | None = None
    read_text: bool = True
    dtype: torch.dtype = torch.bfloat16


def load_wan(files: WanFiles) -> WanParts:
    """The networks, on the CPU, ready to use. Nothing is downloaded and no pickle is opened.

    Raises FileNotFoundError for what is missing; FormatError for a folder of another model, for
    weights that are broken, pickled or do not fit (with the first ten names); MissingExtraError
    when prompts or CLIP are wanted and transformers is not installed.
    """
    _check_pipeline(files.folder)
    transformer = _network(files.folder / "transformer", files.transformer, files.dtype)
    vae = _network(files.folder / "vae", None, None)
    return WanParts(
        transformer,
        vae,
        _scheduler(files.folder / "scheduler"),
        _text(files) if files.read_text else None,
        _image_encoder(files) if transformer.config.image_dim is not None else None,
    )


def original_to_diffusers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights in diffusers' names, whether they come in those, the original's or ComfyUI's."""
    for prefix in PREFIXES:
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    if ORIGINAL not in tensors:
        return tensors
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    return convert_wan_transformer_to_diffusers(tensors)


def _check_pipeline(folder: Path) -> None:
    index = read_config(folder / "model_index.json", "a diffusers release of Wan image-to-video")
    if index.get("_class_name") != PIPELINE:
        raise FormatError(
            f"{folder} holds a {index.get('_class_name')}, not a {PIPELINE}; choose the folder of "
            "an image-to-video Wan, for instance Wan2.1-I2V-14B-480P-Diffusers."
        )
    if index.get("boundary_ratio") is not None or index.get("expand_timesteps"):
        raise FormatError(
            f"{folder} is a Wan 2.2, which runs in two stages or without an image's latent; "
            "Wan-Move, ATI and the Track-ControlNet here steer Wan 2.1 image-to-video."
        )


def _network(folder: Path, weights: Path | None, dtype: torch.dtype | None) -> Any:
    """One of diffusers' networks: config from the folder, weights from there or elsewhere."""
    path = folder / "config.json"
    config = read_config(path, f"the {folder.name} of a diffusers release")
    network = _empty(path, config)
    tensors = original_to_diffusers(_tensors(weights or folder))
    if dtype is not None:
        # Time embeddings and norms lose too much in half precision; diffusers keeps the same ones.
        tensors = cast_weights(tensors, dtype, network._keep_in_fp32_modules or ())
    load_into(network, tensors, f"Wan's {folder.name} ({weights or folder})")
    return network.eval().requires_grad_(False)


def cast_weights(
    tensors: dict[str, Tensor], dtype: torch.dtype, precise: Collection[str] = ()
) -> dict[str, Tensor]:
    """Floating-point tensors in one dtype, but float32 inside modules of the names `precise`."""
    return {
        name: value.to(torch.float32 if set(name.split(".")) & set(precise) else dtype)
        if value.is_floating_point()
        else value
        for name, value in tensors.items()
    }


def _empty(path: Path, config: dict[str, Any]) -> Any:
    """A network without weights, of the class its config names."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    classes = {"transformer": WanTransformer3DModel, "vae": AutoencoderKLWan}
    wanted = classes[path.parent.name]
    if config.get("_class_name") != wanted.__name__:
        raise FormatError(
            f"{path} describes a {config.get('_class_name')}, not Wan's {wanted.__name__}."
        )
    names = ("num_attention_heads", "attention_head_dim", "ffn_dim", "rope_max_seq_len")
    has_blocks = wanted is WanTransformer3DModel
    check_sizes(config, names if has_blocks else ("base_dim", "z_dim"), path, MOST_SIZE)
    check_sizes(config, ("num_layers",) if has_blocks else (), path, MOST_LAYERS)
    network = empty_network(wanted, diffusers_config(config, wanted, path), path)
    if isinstance(network, WanTransformer3DModel):
        # Its tables are computed, not stored.
        network.rope = _rotary_table(type(network.rope), network.config, path)
    return network


def _rotary_table(kind: Any, sizes: Any, path: Path) -> Any:
    patch, length = sizes["patch_size"], sizes["rope_max_seq_len"]
    try:
        return kind(sizes["attention_head_dim"], tuple(patch), length)
    except (TypeError, ValueError, RuntimeError, IndexError, ZeroDivisionError) as error:
        raise FormatError(f"{path} has sizes that make no rotary table: {error}.") from error


def _tensors(source: Path) -> dict[str, Tensor]:
    """All tensors of a file, or of a folder of one file or of pieces with an index."""
    return read_network(source) if source.is_dir() else read_safetensors(source)[0]


def _scheduler(folder: Path) -> Any:
    """The release's scheduler, or the one Wan 2.1 was released with."""
    import diffusers

    path = folder / "scheduler_config.json"
    if not path.is_file():
        logger.info("%s is missing; Wan 2.1's released scheduler is taken.", path)
        return released_scheduler()
    config = read_config(path, "a scheduler")
    name = config.get("_class_name")
    if name not in SCHEDULERS:
        raise FormatError(f"{path} describes a {name}; Wan runs with {' or '.join(SCHEDULERS)}.")
    scheduler = getattr(diffusers, name)
    try:
        return scheduler.from_config(diffusers_config(config, scheduler, path))
    except (TypeError, ValueError, KeyError, NotImplementedError, ImportError) as error:
        raise FormatError(f"{path} has a config that cannot be built: {error}.") from error


def _text(files: WanFiles) -> Umt5PromptEncoder | None:
    folder = files.folder / "text_encoder"
    if not folder.is_dir():
        logger.info("%s is missing; prompts will not be read.", folder)
        return None
    transformers = _transformers("prompts")
    classes = {name: getattr(transformers, taken) for name, taken in TOKENIZERS.items()}
    tokenizer = read_tokenizer(files.folder / "tokenizer", classes)
    encoder = _pretrained(transformers.UMT5EncoderModel, "umt5", folder, files.dtype)
    return Umt5PromptEncoder(encoder, tokenizer)


def _image_encoder(files: WanFiles) -> Any:
    folder = files.folder / "image_encoder"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no {folder}, but this Wan reads the image through CLIP; download it "
            "with the rest of the release."
        )
    network = _transformers("CLIP").CLIPVisionModel
    return _pretrained(network, "clip_vision_model", folder, files.dtype)


def _pretrained(network: Any, kind: str, folder: Path, dtype: torch.dtype) -> Any:
    """One of transformers' networks. Raises FormatError unless every weight is in its place."""
    path = folder / "config.json"
    config = transformers_config(read_config(path), kind, path)
    return transformers_network(folder, network, config, dtype).requires_grad_(False)


def _transformers(what: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            f"{what} need the package transformers: pip install transformers."
        ) from error
    return transformers
