"""Values of ComfyUI's own sockets, such as MODEL, VAE, LATENT and CONDITIONING, checked.

Graphs bring them from nodes of other packs, and so may bring anything. `widgets.py` passes every
value of these sockets through its check here before a node runs. `wire.py` holds the checks of the
other sockets. The checks read no weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..motion_core.errors import ShapeError

# What this pack calls; a MODEL of an older ComfyUI has no wrappers.
MODEL_METHODS = (
    "clone",
    "get_model_object",
    "add_wrapper_with_key",
    "remove_wrappers_with_key",
    "get_additional_models_with_key",
)
# Entries of a batch; noise is drawn for all of them up to the last one that is used.
MOST_ENTRIES = 4096
VAE_METHODS = ("encode", "decode")


def check_model(value: Any, name: str) -> Any:
    """A MODEL: ComfyUI's ModelPatcher, or one that stands in for it. Raises TypeError."""
    missing = [one for one in MODEL_METHODS if not callable(getattr(value, one, None))]
    if len(missing) == len(MODEL_METHODS) or getattr(value, "model", None) is None:
        raise TypeError(
            f"{name}: expected a MODEL; got {_described(value)}. Connect a loader of a model, such "
            "as Load Diffusion Model."
        )
    if missing:
        raise TypeError(
            f"{name}: this MODEL ({_described(value)}) lacks {', '.join(missing)}. Update ComfyUI, "
            "or the pack whose node made it."
        )
    return value


def check_vae(value: Any, name: str) -> Any:
    """A VAE: encodes images and decodes latents. Raises TypeError."""
    if not all(callable(getattr(value, one, None)) for one in VAE_METHODS):
        raise TypeError(f"{name}: expected a VAE; got {_described(value)}. Connect Load VAE.")
    return value


def check_latent(value: Any, name: str) -> Any:
    """A LATENT: a dict whose samples are latents, or video and sound nested in one.

    Raises:
        TypeError: It is no such dict.
        ShapeError: Samples or noise mask have another number of axes, or nothing in them.
        ValueError: They hold NaN or infinite numbers.
    """
    if not isinstance(value, Mapping) or "samples" not in value:
        raise TypeError(
            f"{name}: expected a LATENT; got {_described(value)}. Connect the node that makes the "
            "model's empty latents."
        )
    parts = nested_tensors(value["samples"])
    if not parts:
        raise ShapeError(f"{name}: the LATENT nests no samples. Connect another node's.")
    for part in parts:
        check_latents(part, f"{name}'s samples")
    for part in nested_tensors(value.get("noise_mask")):
        if part is not None:
            check_latents(part, f"{name}'s noise mask", axes=(2, 3, 4, 5))
    return value


def batch_numbers(latent: Mapping[str, Any]) -> list[int] | None:
    """The numbers of a LATENT's entries in the batch that they are from, where it states them.

    Raises:
        ValueError: They are not one whole number for each entry, or beyond MOST_ENTRIES.
    """
    stated = latent.get("batch_index")
    if stated is None:
        return None
    flat = stated.flatten().tolist() if isinstance(stated, Tensor) else stated
    numbers = list(flat) if isinstance(flat, (list, tuple)) else [None]
    batch = len(nested_tensors(latent["samples"])[0])
    if len(numbers) != batch or not all(map(_is_entry, numbers)):
        raise ValueError(
            f"the latent's batch_index must be {batch} whole numbers from 0 to {MOST_ENTRIES - 1}; "
            f"got {ascii(stated)[:80]}. Take the latents from Latent From Batch."
        )
    return [int(one) for one in numbers]


def _is_entry(number: Any) -> bool:
    is_whole = hasattr(number, "__index__") and not isinstance(number, bool)
    return is_whole and 0 <= int(number) < MOST_ENTRIES


def nested_tensors(samples: Any) -> list[Any]:
    """The tensors of a LATENT's entry: those nested in it, or the one that it is."""
    return list(samples.unbind()) if getattr(samples, "is_nested", False) else [samples]


def check_latents(value: Any, name: str, axes: tuple[int, ...] = (3, 4, 5)) -> Tensor:
    """Latents: finite floating point numbers with 3 to 5 axes, none of them empty.

    Raises TypeError, ShapeError or ValueError, which begin with the name.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise TypeError(f"{name}: expected latents; got {_described(value)}.")
    if value.ndim not in axes or 0 in value.shape:
        raise ShapeError(
            f"{name}: expected latents (B, C, h, w) or (B, C, T, h, w) with at least one number; "
            f"got {tuple(value.shape)}."
        )
    if not all(math.isfinite(float(bound)) for bound in torch.aminmax(value.detach())):
        raise ValueError(
            f"{name}: NaN or infinite numbers. A model or VAE upstream has failed: check its "
            "weights, or load it in another precision."
        )
    return value


def check_conditioning(value: Any, name: str) -> Any:
    """A CONDITIONING: a list of [embeddings, {...}]. Raises TypeError, ValueError if empty."""
    if not isinstance(value, (list, tuple)) or not all(map(_is_prompt, value)):
        raise TypeError(
            f"{name}: expected a CONDITIONING; got {_described(value)}. Connect a prompt's node, "
            "such as CLIP Text Encode."
        )
    if not value:
        raise ValueError(f"{name}: this CONDITIONING is empty. Connect a prompt.")
    return value


def _is_prompt(entry: Any) -> bool:
    is_pair = isinstance(entry, (list, tuple)) and len(entry) == 2
    return is_pair and (entry[0] is None or isinstance(entry[0], Tensor)) and type(entry[1]) is dict


def check_model_patch(value: Any, name: str) -> Any:
    """A MODEL_PATCH: ComfyUI's patcher around a network. Raises TypeError."""
    if getattr(value, "model", None) is None:
        raise TypeError(
            f"{name}: expected a MODEL_PATCH; got {_described(value)}. Connect Load "
            "Track-ControlNet Patch."
        )
    return value


def check_image_embeds(value: Any, name: str) -> Any:
    """A CLIP_VISION_OUTPUT: the host's, with hidden states. Raises TypeError."""
    if not isinstance(getattr(value, "penultimate_hidden_states", None), Tensor):
        raise TypeError(
            f"{name}: expected a CLIP_VISION_OUTPUT; got {_described(value)}. Connect CLIP Vision "
            "Encode."
        )
    return value


HOST_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "MODEL": check_model,
    "VAE": check_vae,
    "LATENT": check_latent,
    "CONDITIONING": check_conditioning,
    "MODEL_PATCH": check_model_patch,
    "CLIP_VISION_OUTPUT": check_image_embeds,
}


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype}"
    return f"a {type(value).__name__}"
