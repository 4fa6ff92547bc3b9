"""How Image Conductor's checkpoints are recognised by the names and shapes of their weights."""

from __future__ import annotations

from ..animatediff.signatures import SPARSE_IMAGE, is_motion_unet, sparse_control_channels
from ..signature import Shapes, Signature

# Channels of the flow condition: x and y of every pixel of an 8x8 latent cell.
FLOW_CHANNELS = 2 * 8**2
_LORA = ".lora_A.omcm_weights."


def _is_flow(shapes: Shapes) -> bool:
    """By its channels or, where shapes are not known, by its LoRA, which no other network has."""
    channels = sparse_control_channels(shapes)
    if channels == 0:
        return any(_LORA in name for name in shapes)
    return channels == FLOW_CHANNELS


# This is also what any other U-Net of AnimateDiff that was saved whole looks like.
UNET = Signature("image conductor unet", is_motion_unet)
FLOW = Signature("image conductor flow", _is_flow)
IMAGE = SPARSE_IMAGE
SIGNATURES = (UNET, FLOW, IMAGE)
