"""The file of a Track-ControlNet for Wan: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...weights_io import check_sizes, load_into, load_with_config, save_with_config
from .track_controlnet import WanTrackControlNet

KIND = "motion-prompting wan track-controlnet 1"


def save_track_controlnet(control: WanTrackControlNet, path: Path) -> None:
    """Write a Track-ControlNet; a file appears only when it is complete."""
    weight, first = control.embed.weight, control.blocks[0]
    config = {
        "layers": list(control.layers),
        "width": weight.shape[2],
        "patch": control.embed.patch,
        "ids": control.ids.dim,
        "pool": control.ids.pool,
        "heads": first.attn1.heads,
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
    tensors, text = load_with_config(path, KIND)
    config = read_config(path, text)
    try:
        ids = IdEmbedding(config["ids"], config["pool"])
        # The base gives the shapes only; every weight comes from the file.
        control = WanTrackControlNet(transformer, tuple(config["layers"]), ids)
    except (ValueError, TypeError) as error:
        raise FormatError(f"{path} was made for another base: {error}") from error
    shape = (control.embed.weight.shape[2], control.embed.patch)
    if shape != (config["width"], config["patch"]):
        raise FormatError(
            f"{path} was made for a base with tokens of width {config['width']} over "
            f"{config['patch']} cells; this base has {shape[0]} over {shape[1]}. Choose the "
            "weights made for this size of Wan."
        )
    load_into(control, tensors, str(path), assign=False)
    return control.eval()


def read_config(path: Path, text: str) -> dict[str, Any]:
    """The config in a file's header, checked. Raises FormatError where it cannot be used."""
    try:
        config = json.loads(text)
    except ValueError as error:
        raise FormatError(f"{path} has a config that cannot be read: {error}.") from error
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise FormatError(f"{path} has a config without a list of layers.")
    sizes = ("width", "patch", "ids", *(name for name in ("heads",) if name in config))
    check_sizes(config, sizes, path, maximum=1 << 16)
    check_sizes(config, ("pool",), path, maximum=1 << 24)
    if not all(type(layer) is int for layer in config["layers"]):
        raise FormatError(f"{path} has layers that are no numbers: {config['layers']}.")
    return config
