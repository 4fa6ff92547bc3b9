"""A Track-ControlNet under the names of ComfyUI's own Wan, which nests its blocks otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...weights_io import load_with_config
from .weights import KIND, check_config

# Parts of a block: diffusers' name, ComfyUI's name.
BLOCK_NAMES = (
    ("attn1.to_out.0.", "self_attn.o."),
    ("attn1.to_", "self_attn."),
    ("attn1.", "self_attn."),
    ("attn2.to_out.0.", "cross_attn.o."),
    ("attn2.to_", "cross_attn."),
    ("attn2.add_k_proj.", "cross_attn.k_img."),
    ("attn2.add_v_proj.", "cross_attn.v_img."),
    ("attn2.norm_added_k.", "cross_attn.norm_k_img."),
    ("attn2.", "cross_attn."),
    ("norm2.", "norm3."),
    ("ffn.net.0.proj.", "ffn.0."),
    ("ffn.net.2.", "ffn.2."),
    ("scale_shift_table", "modulation"),
)
# Of every released Wan, where a file does not state its heads.
HEAD_WIDTH = 128


@dataclass(frozen=True, eq=False)
class NativeWeights:
    """A Track-ControlNet for ComfyUI's own Wan.

    Attributes:
        tensors: By the names of ComfyUI.
        layers: Blocks of the base that were copied, ascending.
        width: Of a token.
        heads: Of attention.
        hidden: Width of the feed-forward layers.
        patch: Latent cells along the side of a token.
        reads_image: Whether the blocks attend to image embeddings beside the text.
        ids: The codes of tracks.
    """

    tensors: dict[str, Tensor]
    layers: tuple[int, ...]
    width: int
    heads: int
    hidden: int
    patch: int
    reads_image: bool
    ids: IdEmbedding


def native_name(name: str) -> str:
    """The name in ComfyUI of a weight of a Track-ControlNet, which is diffusers'."""
    if not name.startswith("blocks."):
        return name
    blocks, number, rest = name.split(".", 2)
    for theirs, ours in BLOCK_NAMES:
        if rest.startswith(theirs):
            return f"{blocks}.{number}.{ours}{rest[len(theirs) :]}"
    return name


def read_native_weights(path: Path) -> NativeWeights:
    """The weights in a file that save_track_controlnet wrote.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken or of another kind.
    """
    tensors, config = load_with_config(path, KIND)
    check_config(config, path)
    renamed = {native_name(name): tensor for name, tensor in tensors.items()}
    bias, width = renamed.get("blocks.0.ffn.0.bias"), config["width"]
    heads = config.get("heads", max(width // HEAD_WIDTH, 1))
    if bias is None or not config["layers"] or width % heads:
        raise FormatError(f"{path} holds no blocks of {heads} heads; export the file anew.")
    return NativeWeights(
        renamed,
        tuple(config["layers"]),
        width,
        heads,
        len(bias),
        config["patch"],
        "blocks.0.cross_attn.k_img.weight" in renamed,
        IdEmbedding(config["ids"], config["pool"]),
    )
