"""The file of a Track-ControlNet for Wan: safetensors, with its config in the header."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from torch import Tensor

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...weights_io import check_sizes, load_into, load_with_config, save_with_config
from .latents import CELL_PX, FRAME_STRIDE
from .track_controlnet import WanTrackControlNet

KIND = "motion-prompting wan track-controlnet 1"


def save_track_controlnet(control: WanTrackControlNet, path: Path) -> None:
    """Write a Track-ControlNet; a file appears only when it is complete."""
    weight = control.embed.weight
    config = {
        "layers": list(control.layers),
        "width": weight.shape[2],
        "patch": control.embed.patch,
        "ids": control.ids.dim,
        "pool": control.ids.pool,
        "heads": cast(Any, control.blocks[0]).attn1.heads,
    }
    save_with_config(control, path, KIND, config)


def load_track_controlnet(path: Path, transformer: Any) -> WanTrackControlNet:
    """A Track-ControlNet for the base it was made for, with the base's device and dtype.

    Args:
        path: Of the file.
        transformer: The base.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, of another kind, or made for another base.
    """
    tensors, config = load_with_config(path, KIND)
    check_config(config, path)
    # Before memory is taken: the file may not hold as many numbers as its config says.
    _check_embedding(config, tensors, transformer.config, path)
    try:
        ids = IdEmbedding(config["ids"], config["pool"])
        # The base gives the shapes only; every weight comes from the file.
        control = WanTrackControlNet(transformer, tuple(config["layers"]), ids)
    except (ValueError, TypeError) as error:
        raise FormatError(f"{path} was made for another base: {error}") from error
    load_into(control, tensors, str(path), assign=False)
    return control.eval()


def _check_embedding(
    config: dict[str, Any], tensors: dict[str, Tensor], base: Any, path: Path
) -> None:
    """Raises FormatError where the sizes of the config are not the base's or the file's."""
    width, patch = base.num_attention_heads * base.attention_head_dim, base.patch_size[-1]
    if (width, patch) != (config["width"], config["patch"]):
        raise FormatError(
            f"{path} was made for a base with tokens of width {config['width']} over "
            f"{config['patch']} cells; this base has {width} over {patch}. Choose the weights made "
            "for this size of Wan."
        )
    shape = (FRAME_STRIDE * (patch * CELL_PX) ** 2, config["ids"], width)
    weight = tensors.get("embed.weight")
    if weight is not None and tuple(weight.shape) != shape:
        raise FormatError(
            f"{path} does not fit the model: embed.weight is {tuple(weight.shape)}, and its config "
            f"makes it {shape}."
        )
    if weight is None:
        raise FormatError(f"{path} does not fit the model: 1 missing (embed.weight).")


def check_config(config: dict[str, Any], path: Path) -> None:
    """Check the config in a file's header. Raises FormatError where it cannot be used."""
    if not isinstance(config.get("layers"), list):
        raise FormatError(f"{path} has a config without a list of layers.")
    sizes = ("width", "patch", "ids", *(name for name in ("heads",) if name in config))
    check_sizes(config, sizes, path, maximum=1 << 16)
    check_sizes(config, ("pool",), path, maximum=1 << 24)
    if not all(type(layer) is int for layer in config["layers"]):
        raise FormatError(f"{path} has layers that are no numbers: {str(config['layers'])[:100]}.")
