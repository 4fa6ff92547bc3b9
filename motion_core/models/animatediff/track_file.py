"""The file that holds a Track-ControlNet: safetensors, with its config in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from ...errors import FormatError
from ...raster.ids import IdEmbedding
from ..svd.checkpoint import fill
from .networks import empty_unet
from .track_net import TrackNet

KIND = "motion-prompting animatediff track-controlnet 1"


def save_track_net(network: TrackNet, path: Path) -> None:
    """Writes weights and config. A reader never sees half a file."""
    from safetensors.torch import save_file

    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    config = {
        "unet": {name: value for name, value in network.config.items() if name[0] != "_"},
        "dim": network.codes.dim,
        "pool": network.codes.pool,
        "fold": network.fold,
    }
    part = path.with_name(path.name + ".part")
    try:
        save_file(tensors, part, {"kind": KIND, "config": json.dumps(config)})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_track_net(path: Path) -> TrackNet:
    """The same network, in the dtype it was saved in.

    Raises FileNotFoundError, or FormatError for a file that is broken, of another kind, or whose
    weights are not those its config tells of (the first ten are listed).
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(f"there is no Track-ControlNet at {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FormatError(
            f"{path} is broken or no safetensors file ({error}); copy or download it again."
        ) from error
    if told.get("kind") != KIND:
        raise FormatError(
            f"{path} holds {told.get('kind', 'weights that do not say whose they are')!r}; wanted "
            f"{KIND!r}."
        )
    network = _empty(told.get("config", ""), path)
    fill(network, tensors, str(path))
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
