"""Which family a file of weights belongs to, told by the names of its weights, never by its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch

from ..errors import FormatError
from ..weights_io import PICKLES, first_names, read_shapes, read_weights
from .animatediff.checkpoint import kind_of
from .svd.checkpoint import is_motionpro
from .wan.folder import ORIGINAL, PREFIXES

LITE = "lite"
# Also any other U-Net of AnimateDiff that was saved whole.
CONDUCTOR_UNET = "image conductor unet"
CONDUCTOR_FLOW = "image conductor flow"
# Image Conductor's network for the first frame and SparseCtrl RGB have the same names and shapes.
SPARSE_IMAGE = "sparsectrl image"
# Either of the two above, where the shapes that tell them apart are not known.
SPARSE = "sparsectrl"
MOTION_MODULE = "animatediff motion module"
STABLE_DIFFUSION = "stable diffusion 1.5"
MOTIONPRO = "motionpro"
WAN = "wan"
ANIMATEDIFF_TRACKS = "animatediff track-controlnet"
WAN_TRACKS = "wan track-controlnet"

_WRAPPER, _BASE, _UPDATE = "module.", ".base_layer.", ".lora_A.omcm_weights."
_EMBEDDING = "controlnet_cond_embedding.weight"
_UNSEEN = torch.empty(0)
_CONDUCTOR = {"unet": CONDUCTOR_UNET, "flow": CONDUCTOR_FLOW, "image": SPARSE_IMAGE}
_SINGLE_FILE = "model.diffusion_model.input_blocks.0.0.weight"
# The text encoder tells version 1 from version 2 and XL.
_CLIP = "cond_stage_model.transformer."
# In the original release's names, and in diffusers'.
_WAN = {ORIGINAL, "blocks.0.attn1.to_q.weight"}


def family_of(names: Iterable[str]) -> str:
    """One of the names above: what weights of these names are.

    names: of all weights. A mapping of them to their tensors (those without memory will do) tells
    Image Conductor's flow network from that of the picture, which names alone do not.
    Raises FormatError with the first ten names for weights of anything else.
    """
    told = names if isinstance(names, Mapping) else {}
    weights = {name: told.get(name, _UNSEEN) for name in names}
    bare = {name.removeprefix(_WRAPPER).replace(_BASE, ".") for name in weights}
    for family, is_its in _SIGNS:
        if is_its(bare):
            return family
    kind = _CONDUCTOR.get(kind_of(weights)) or (None if told else _by_names(bare))
    if kind is not None:
        return kind
    first = first_names(weights)
    raise FormatError(
        "these weights belong to no model that is known here: Image Conductor, AnimateDiff, "
        f"Stable Diffusion 1.5, MotionPro, Wan, lite or a Track-ControlNet. They are {first}."
    )


def what_is(path: Path) -> str:
    """What a file holds, as family_of says it.

    Of a safetensors file only the header is read; a pickle is read as weights alone. Raises
    FileNotFoundError, and FormatError for files that are broken, hostile or of something else.
    """
    if path.suffix.lower() in PICKLES:
        weights = read_weights(path)
    else:
        shapes = read_shapes(path)
        weights = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    try:
        return family_of(weights)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _by_names(names: set[str]) -> str | None:
    """A control network whose channels are not known; only its LoRA may tell it from another."""
    if _EMBEDDING not in names or not any("motion_modules." in name for name in names):
        return None
    return CONDUCTOR_FLOW if any(_UPDATE in name for name in names) else SPARSE


def _is_wan(names: set[str]) -> bool:
    bare = {name.removeprefix(prefix) for name in names for prefix in ("", *PREFIXES)}
    return "patch_embedding.weight" in bare and bool(bare & _WAN)


def _is_motion(names: set[str]) -> bool:
    return bool(names) and all(".motion_modules." in name for name in names)


def _has(*wanted: str) -> Callable[[set[str]], bool]:
    return lambda names: names.issuperset(wanted)


def _is_stable_diffusion(names: set[str]) -> bool:
    return _SINGLE_FILE in names and any(name.startswith(_CLIP) for name in names)


_SIGNS: tuple[tuple[str, Callable[[set[str]], bool]], ...] = (
    (LITE, _has("encoder.affinity.weight")),
    (ANIMATEDIFF_TRACKS, _has("first.weight", "controlnet_mid_block.weight")),
    (WAN_TRACKS, _has("embed.weight", "outs.0.weight")),
    (MOTIONPRO, is_motionpro),
    (WAN, _is_wan),
    (MOTION_MODULE, _is_motion),
    (STABLE_DIFFUSION, _is_stable_diffusion),
)
