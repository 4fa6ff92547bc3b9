"""Loading lite from a file of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ..track_model import Defaults, TrackModel
from .base import LiteBase
from .control import LiteControl
from .control_encoder import ControlEncoder
from .family import LiteFamily
from .image_encoder import EncoderConfig
from .lite import Lite
from .track_controlnet import LiteTrackControlNet
from .unet import BaseConfig
from .weights import SHIPPED, fill_module, read_weights

# More steps change little; see docs/evaluation.md.
STEPS = 4


def load_model(
    file: Path | None = None, generate: bool = False, layers: bool = False
) -> TrackModel:
    """lite as a model that follows tracks.

    Args:
        file: A file of weights, or None for the one that the pack ships.
        generate: Whether motion is sampled by the base; off, the tracks alone define it.
        layers: Whether the motion bends layers that the tracks cut out, instead of moving cells.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file cannot be read, or has no base to generate with.
    """
    lite = load_lite(file)
    if not generate:
        lite.base = lite.control = None
    elif lite.base is None:
        raise FormatError(
            f"{file} holds lite's encoder alone, which generates nothing. Switch generate off, or "
            "train a base: python -m motion_core train base."
        )
    family = LiteFamily(lite, layers=layers)
    return TrackModel("lite", family, LiteControl(lite), lite, Defaults(steps=STEPS))


def load_lite(path: Path | str | None = None, device: torch.device | str = "cpu") -> Lite:
    """The model from a file of weights, ready to use.

    Args:
        path: A file of weights, or None for the one that the pack ships.
        device: Where the model is put.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is truncated, foreign or of another size; the error says what to do.
    """
    path = SHIPPED if path is None else Path(path)
    tensors, config = read_weights(path)
    try:
        with torch.device("meta"):
            _check_sizes(_build(config), tensors, path)
        lite = _build(config)
    except FormatError:
        raise
    except Exception as error:
        # PyTorch raises many kinds of error for sizes that make no network.
        raise FormatError(
            f"{path} has a config that cannot be read: {str(error)[:200]}."
        ) from error
    for part in ("encoder", "base", "control"):
        module = getattr(lite, part)
        if module is not None:
            fill_module(module, tensors, part)
    return lite.to(device).eval()


def _check_sizes(empty: Lite, tensors: dict[str, Tensor], path: Path) -> None:
    """Raises FormatError for a config that describes more numbers than the file holds."""
    for part, module in empty.named_children():
        described = sum(weight.numel() for weight in module.parameters())
        stored = sum(t.numel() for name, t in tensors.items() if name.startswith(f"{part}."))
        if described > stored:
            raise FormatError(
                f"the weights do not fit lite's {part}: the config of {path} describes "
                f"{described:,} numbers, and {stored:,} are stored."
            )


def base_config(config: dict[str, Any]) -> BaseConfig:
    """The sizes of a base, as json.loads returns them."""
    return BaseConfig(**{**config, "widths": tuple(config["widths"])})


def _build(config: dict[str, Any]) -> Lite:
    """A model of the config's sizes with initial weights."""
    lite = Lite(ControlEncoder(EncoderConfig(**config["encoder"])))
    if "base" in config:
        lite.base = LiteBase(lite.encoder, base_config(config["base"]))
        base, encoder = lite.base.config, lite.encoder.config
        if (base.grid, base.features) != (encoder.grid, encoder.width):
            raise ValueError("base and encoder have grids or features of different size")
    if lite.base is not None and "control" in config:
        lite.control = LiteTrackControlNet(lite.base, lite, config["control"]["input"])
    return lite
