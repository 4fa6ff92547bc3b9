"""How files of AnimateDiff are recognised by the names and shapes of their weights."""

from __future__ import annotations

from ..signature import Shapes, Signature

# Channels that SparseCtrl RGB reads: the image's latents, and a mask of the frames given.
IMAGE_CHANNELS = 5
_EMBEDDING = "controlnet_cond_embedding.weight"
_MOTION_MODULES = "motion_modules."
_SINGLE_FILE = "model.diffusion_model.input_blocks.0.0.weight"
# The text encoder tells version 1 from version 2 and XL.
_CLIP = "cond_stage_model.transformer."


def has_motion_modules(shapes: Shapes) -> bool:
    """Whether some of the weights are those of motion modules."""
    return any(_MOTION_MODULES in name for name in shapes)


def sparse_control_channels(shapes: Shapes) -> int | None:
    """Channels of the condition that a SparseControlNetModel with motion modules reads.

    0 when the shapes are not known, None for weights of any other network.
    """
    if _EMBEDDING not in shapes or not has_motion_modules(shapes):
        return None
    shape = shapes[_EMBEDDING]
    if shape is None:
        return 0
    return shape[1] if len(shape) == 4 else None


def is_motion_unet(shapes: Shapes) -> bool:
    """Whether these are the weights of a whole U-Net with motion modules."""
    is_unet = "conv_out.weight" in shapes and "conv_in.weight" in shapes
    return is_unet and _EMBEDDING not in shapes and has_motion_modules(shapes)


def _is_stable_diffusion(shapes: Shapes) -> bool:
    return _SINGLE_FILE in shapes and any(name.startswith(_CLIP) for name in shapes)


def _is_motion_module(shapes: Shapes) -> bool:
    return bool(shapes) and all(f".{_MOTION_MODULES}" in name for name in shapes)


def _is_track_controlnet(shapes: Shapes) -> bool:
    return {"first.weight", "controlnet_mid_block.weight"} <= shapes.keys()


TRACK_CONTROLNET = Signature("animatediff track-controlnet", _is_track_controlnet)
MOTION_MODULE = Signature("animatediff motion module", _is_motion_module)
STABLE_DIFFUSION = Signature("stable diffusion 1.5", _is_stable_diffusion)
# Image Conductor's network for the first frame has the same names and shapes.
SPARSE_IMAGE = Signature(
    "sparsectrl image", lambda shapes: sparse_control_channels(shapes) == IMAGE_CHANNELS
)
# Any network of SparseCtrl, where the shapes that tell them apart are not known.
SPARSE = Signature("sparsectrl", lambda shapes: sparse_control_channels(shapes) == 0)
SIGNATURES = (TRACK_CONTROLNET, MOTION_MODULE, STABLE_DIFFUSION, SPARSE_IMAGE, SPARSE)
