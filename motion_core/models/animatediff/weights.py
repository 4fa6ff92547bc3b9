"""The file of a Track-ControlNet: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...weights_io import load_into, load_with_config, save_with_config
from .track_controlnet import AnimateDiffTrackControlNet
from .unet import empty_unet

KIND = "motion-prompting animatediff track-controlnet 1"


def save_track_controlnet(network: AnimateDiffTrackControlNet, path: Path) -> None:
    """Write weights and config. A reader never sees half a file."""
    config = {
        "unet": {name: value for name, value in network.config.items() if name[0] != "_"},
        "dim": network.codes.dim,
        "pool": network.codes.pool,
        "fold": network.fold,
    }
    save_with_config(network, path, KIND, config)


def load_track_controlnet(path: Path) -> AnimateDiffTrackControlNet:
    """The network of a file, in the dtype it was saved in.

    Raises:
        FileNotFoundError: When there is no file.
        FormatError: For a file that is broken, of another kind, or whose weights do not fit its
            config (the first ten are listed).
    """
    tensors, config = load_with_config(path, KIND)
    network = _empty(config, path)
    load_into(network, tensors, str(path))
    return network.eval()


def _empty(text: str, path: Path) -> AnimateDiffTrackControlNet:
    try:
        config: dict[str, Any] = json.loads(text)
        codes = IdEmbedding(config["dim"], config["pool"])
        unet = empty_unet(config["unet"])
        with torch.device("meta"):
            return AnimateDiffTrackControlNet(unet, codes, config["fold"])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError) as error:
        raise FormatError(f"{path} has a config that makes no network: {error!r}.") from error
