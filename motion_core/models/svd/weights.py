"""The file of a motion adapter trained here: safetensors, with its config in the header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...model_folder.networks import empty_network
from ...weights_io import load_into, load_with_config, save_with_config
from .adapter import MotionAdapter

KIND = "motion-prompting svd track-controlnet 1"


def save_track_controlnet(adapter: MotionAdapter, path: Path) -> None:
    """Write an adapter; a file appears only when it is complete."""
    save_with_config(adapter, path, KIND, {"channels": list(adapter.channels)})


def load_track_controlnet(path: Path, unet: Any) -> MotionAdapter:
    """An adapter for the base it was made for, with the base's device and dtype.

    Args:
        path: Of the file.
        unet: Of the base.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, of another kind, or made for another base.
    """
    tensors, config = load_with_config(path, KIND)
    channels, found = list(unet.config.block_out_channels), config.get("channels")
    # Before memory is taken: the base is there already, and the adapter is smaller.
    if found != channels:
        raise FormatError(
            f"{path} was made for a U-Net with levels of {str(found)[:60]} channels; this base has "
            f"{channels}. Choose the base that it was trained on."
        )
    adapter = empty_network(MotionAdapter, {"channels": channels}, path)
    load_into(adapter, tensors, str(path))
    return adapter.to(unet.device, unet.dtype).eval().requires_grad_(False)
