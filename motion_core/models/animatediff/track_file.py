"""The file that holds a Track-ControlNet: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ...weights_io import load_into, load_with_config, save_with_config
from .networks import empty_unet
from .track_net import TrackNet

KIND = "motion-prompting animatediff track-controlnet 1"


def save_track_net(network: TrackNet, path: Path) -> None:
    """Write weights and config. A reader never sees half a file."""
    config = {
        "unet": {name: value for name, value in network.config.items() if name[0] != "_"},
        "dim": network.codes.dim,
        "pool": network.codes.pool,
        "fold": network.fold,
    }
    save_with_config(network, path, KIND, config)


def load_track_net(path: Path) -> TrackNet:
    """The same network, in the dtype it was saved in.

    Raises FileNotFoundError, or FormatError for a file that is broken, of another kind, or whose
    weights are not those its config tells of (the first ten are listed).
    """
    tensors, config = load_with_config(path, KIND)
    network = _empty(config, path)
    load_into(network, tensors, str(path))
    return network.eval()


def _empty(text: str, path: Path) -> TrackNet:
    try:
        config: dict[str, Any] = json.loads(text)
        codes = IdEmbedding(config["dim"], config["pool"])
        unet = empty_unet(config["unet"])
        with torch.device("meta"):
            return TrackNet(unet, codes, config["fold"])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError) as error:
        raise FormatError(f"{path} has a config that makes no network: {error!r}.") from error
