"""The file that holds lite's weights: safetensors, with its config in the header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ...errors import FormatError
from ...weights_io import load_into, parse_config, read_safetensors

KIND = "motion-prompting lite 3"
OLDER_KIND = "motion-prompting lite 2"
# How keys of OLDER_KIND are read: patterns and what replaces them, applied one after another.
# Keys that match a pattern without a replacement are dropped.
RENAMED_KEYS: tuple[tuple[str, str | None], ...] = (
    (r"^control\.reader\..*", None),
    (r"^control\.stem\.", "control.condition_embedding."),
    (r"^control\.zeros\.", "control.zero_convs."),
    (r"^control\.when\.", "control.noise_proj."),
    (r"^base\.eyes\.", "base.image_encoder."),
    (r"^base\.heard\.", "base.estimate_proj."),
    (r"^(base|control)\.encoder\.level\.mix\.", r"\1.encoder.noise_embedding.mlp."),
    (r"^(encoder|base\.image_encoder)\.picture\.", r"\1.backbone."),
    (r"\.near\.", ".local_conv."),
    (r"\.sharpen\.", ".refine."),
    (r"\.around\.(\d\.)?read\.", r".attention.\1qkv."),
    (r"\.around\.(\d\.)?write\.", r".attention.\1out."),
    (r"\.around\.", ".attention."),
    (r"^encoder\.sharpness$", "encoder.logit_scale"),
    (r"^encoder\.reach$", "encoder.log_sigma"),
    (r"^encoder\.ridge$", "encoder.log_ridge"),
    (r"^encoder\.seeing$", "encoder.visibility_coefficients"),
    (r"^encoder\.rumour\.", "encoder.context_proj."),
    (r"^encoder\.accord\.", "encoder.track_transformer."),
    (r"(\.track_transformer)\.tell\.", r"\1.embed."),
    (r"(\.track_transformer)\.say\.", r"\1.value."),
    (r"(\.track_transformer)\.ask\.", r"\1.query."),
    (r"(\.track_transformer)\.voice\.", r"\1.modulation."),
    (r"(\.track_transformer)\.rounds\.", r"\1.layers."),
    (r"(\.layers\.\d)\.before\.", r"\1.norm1."),
    (r"(\.layers\.\d)\.between\.", r"\1.norm2."),
    (r"(\.layers\.\d)\.keys\.", r"\1.key_value."),
    (r"(\.layers\.\d)\.write\.", r"\1.out."),
    (r"(\.layers\.\d)\.think\.", r"\1.mlp."),
    (r"(\.layers\.\d)\.strictness$", r"\1.distance_scale"),
)
# The same for `input` of the control branch. "ids" read the same maps as "tracks", of tracks that
# had gone through the random-ID volume.
RENAMED_INPUTS = {"ids": "tracks"}
# No part of a sane config is larger.
MOST_SIZE = 1024
SHIPPED = Path(__file__).parent / "weights" / "lite.safetensors"


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the config, of a file of lite weights.

    Files of OLDER_KIND are returned with today's keys. Raises FileNotFoundError, and FormatError
    for a file that is truncated, foreign or of another version; each says what to do.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no lite weights at {path}. The pack ships them as {SHIPPED.name} in "
            "motion_core/models/lite/weights; reinstall it, or train your own: python -m "
            "motion_core train --help."
        )
    tensors, metadata = read_safetensors(path)
    kind = metadata.get("kind", "unnamed")
    if kind not in (KIND, OLDER_KIND):
        raise FormatError(
            f"{path} holds weights of something else ({kind!r}, wanted {KIND!r}). Choose a file "
            "of lite weights; one of a newer version needs a newer pack."
        )
    config = _config(path, metadata.get("config", ""))
    return (tensors, config) if kind == KIND else (renamed_keys(tensors), config)


def renamed_keys(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a file of OLDER_KIND under today's keys; unused ones are left out."""
    renamed = {}
    for old, value in tensors.items():
        new = _renamed_key(old)
        if new is not None:
            renamed[new] = value
    return renamed


def _renamed_key(key: str) -> str | None:
    for pattern, replacement in RENAMED_KEYS:
        if replacement is None:
            if re.search(pattern, key):
                return None
        else:
            key = re.sub(pattern, replacement, key, count=1)
    return key


def _config(path: Path, text: str) -> dict[str, Any]:
    """The config with today's names. Sizes are bounded: they decide how much memory is taken."""
    config = parse_config(text, path)
    parts = {name: config[name] for name in ("encoder", "base", "control") if name in config}
    if "encoder" not in parts or not all(isinstance(part, dict) for part in parts.values()):
        raise FormatError(f"{path} has a config without the sizes of its parts; copy it again.")
    if "control" in parts:
        read = parts["control"].get("input")
        if not isinstance(read, str):
            raise FormatError(f"{path} has a control branch that reads {read!r:.60}.")
        parts["control"] = {"input": RENAMED_INPUTS.get(read, read)}
    config |= parts
    sizes = [size for name in ("encoder", "base") for size in parts.get(name, {}).values()]
    flat = [one for size in sizes for one in (size if isinstance(size, list) else [size])]
    if not all(type(one) is int and 1 <= one <= MOST_SIZE for one in flat):
        raise FormatError(
            f"{path} has a config with sizes outside of 1..{MOST_SIZE}: {str(flat)[:200]}."
        )
    return config


def fill_module(module: nn.Module, tensors: dict[str, Tensor], part: str) -> None:
    """Load the tensors called part.* into a module. Raises FormatError if they do not fit."""
    mine = {
        name.removeprefix(f"{part}."): value.float()
        for name, value in tensors.items()
        if name.startswith(f"{part}.")
    }
    try:
        load_into(module, mine, "the file", assign=False)
    except FormatError as error:
        raise FormatError(f"the weights do not fit lite's {part}: {error}") from error
