"""The file of a Track-ControlNet: safetensors, with its config in the header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...model_folder import diffusers_config
from ...model_folder.networks import empty_network
from ...raster.ids import IdEmbedding
from ...weights_io import check_sizes, load_into, load_with_config, save_with_config
from ..sd15.encoding import CELL_PX
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


def _empty(config: dict[str, Any], path: Path) -> AnimateDiffTrackControlNet:
    """The network of a config on the meta device. Sizes are bounded before it is built."""
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    check_sizes(config, ("dim",), path, maximum=1 << 16)
    check_sizes(config, ("pool",), path, maximum=1 << 24)
    check_sizes(config, ("fold",), path, maximum=CELL_PX)
    if not isinstance(config.get("unet"), dict):
        raise FormatError(f"{path} has a config without the sizes of its U-Net.")
    sizes = diffusers_config(config["unet"], UNetMotionModel, path)
    return empty_network(lambda: _network(sizes, config), {}, path)


def _network(sizes: dict[str, Any], config: dict[str, Any]) -> AnimateDiffTrackControlNet:
    codes = IdEmbedding(config["dim"], config["pool"])
    return AnimateDiffTrackControlNet(empty_unet(sizes), codes, config["fold"])
