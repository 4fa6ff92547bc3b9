"""Reads Image Conductor's released checkpoints and refuses files of anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from ...errors import FormatError
from ...weights_io import first_names
from ..animatediff.checkpoint import Checkpoint, split_lora
from ..signature import shapes_of
from .signatures import FLOW, IMAGE, UNET

Kind = Literal["unet", "flow", "image"]
_SIGNATURES = {"unet": UNET, "flow": FLOW, "image": IMAGE}
# Names of the two motions in the released file -> here.
CAMERA, OBJECT = "camera", "object"
ADAPTERS = {"omcm_weights": OBJECT, "cmcm_weights": CAMERA}
_FILES = {
    "flow": "flow_controlnet.ckpt",
    "image": "image_controlnet.ckpt",
    "unet": "unet.ckpt",
}


def kind_of(weights: Mapping[str, Tensor]) -> Kind | None:
    """Which of Image Conductor's networks these weights are, by names and shapes; None for other
    weights."""
    shapes = shapes_of(weights)
    for kind in ("unet", "flow", "image"):
        if _SIGNATURES[kind].matches(shapes):
            return kind
    return None


def split_checkpoint(weights: Mapping[str, Tensor], kind: Kind, source: str) -> Checkpoint:
    """Weights and LoRA of a released checkpoint, under diffusers' names.

    Args:
        weights: Under their released names.
        kind: Which network they must be.
        source: Names the file in errors.

    Raises:
        FormatError: For a file of another kind, for LoRA in any but the flow network, and what
            split_lora raises.
    """
    detected = kind_of(weights)
    if detected != kind:
        names = first_names(weights)
        content = names if detected is None else f"Image Conductor's {detected} network"
        raise FormatError(
            f"{source} is not Image Conductor's {kind} network: it holds {content}. Choose "
            f"{_FILES[kind]} of TencentARC/ImageConductor."
        )
    checkpoint = split_lora(weights, source, allow_lora=kind == "flow")
    lora = {ADAPTERS.get(name, name): pairs for name, pairs in checkpoint.lora.items()}
    return Checkpoint(checkpoint.weights, lora)
