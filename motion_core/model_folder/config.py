"""Configs of model folders, read as data and checked key by key."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..safe_json import read_json_object
from .keys import (
    KINDS,
    LARGEST,
    LAYER_COUNTS,
    MOST_BLOCKS,
    MOST_LAYERS,
    MOST_PATCHES,
    POSITIVE,
    REFUSED,
    TABLE_SIZES,
)

MOST_TEXT, MOST_ENTRIES = 1024, 4096

logger = logging.getLogger(__name__)


def read_config(path: Path, what: str = "a folder of diffusers or transformers") -> dict[str, Any]:
    """The JSON object in a file of a model folder, without keys that run or fetch anything.

    Args:
        path: The file.
        what: What has such a file, for the error where it is missing.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is no JSON object, is too large or nested too deeply, or sets a key
            that could run code or download something.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}, where {what} has one.")
    try:
        content = read_json_object(path)
    except FormatError as error:
        raise FormatError(
            f"{str(error)[:500]} The file is broken; copy or download it again."
        ) from error
    _refuse_keys(content, path)
    return content


def check_class(folder: Path, kind: str, advice: str) -> dict[str, Any]:
    """The config of a folder that must name a class.

    Raises:
        FileNotFoundError: There is no config; the message ends with `advice`.
        FormatError: It is broken, or names another class.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"there is no {kind} in {folder}. {advice}")
    config = read_config(file)
    listed = config.get("architectures") or ["nothing"]
    named = ", ".join(map(str, listed)) if isinstance(listed, list) else str(listed)
    found = config.get("_class_name") or named
    if found != kind:
        raise FormatError(f"{folder} holds {found!s:.100} instead of {kind}.")
    return config


def transformers_config(config: dict[str, Any], kind: str, path: Path) -> Any:
    """A config of transformers from the allowed keys of a file.

    Args:
        config: As read_config returns it.
        kind: A model type, which decides the class; the file's own `model_type` does not.
        path: The file, for errors.

    Raises:
        FormatError: A value is no plain value, is out of range, or makes no config.
    """
    import transformers

    known = KINDS[kind]
    values = {name: config[name] for name in known.keys if name in config}
    for name, value in values.items():
        _check_value(name, value, path)
    _check_layers(values, path)
    _check_patches(values, path)
    if "num_labels" in known.keys and isinstance(config.get("id2label"), dict):
        values["num_labels"] = len(config["id2label"])
    for name, kinds in known.children.items():
        child = config.get(name)
        if child is not None:
            values[name] = _child(child, kinds, name, path)
    _log_dropped(config.keys() - values.keys(), path)
    return _built(lambda: getattr(transformers, known.config_class)(**values), path)


def diffusers_config(config: dict[str, Any], network: Any, path: Path) -> dict[str, Any]:
    """The arguments of a class of diffusers in a config; other keys are dropped.

    Raises FormatError for a value that is no plain value, or out of range.
    """
    known = network._get_init_keys(network) - {"self", "args", "kwargs"}
    values = {name: value for name, value in config.items() if name in known}
    for name, value in values.items():
        _check_value(name, value, path)
    _check_layers(values, path)
    _log_dropped(config.keys() - values.keys(), path)
    return values


def _child(config: Any, kinds: tuple[str, ...], name: str, path: Path) -> Any:
    if not isinstance(config, dict):
        raise FormatError(f"{path} has {name} = {config!r:.60}, not an object.")
    kind = config.get("model_type", kinds[0])
    if kind not in kinds:
        raise FormatError(
            f"{path} has a {name} of the kind {kind!r:.60}; supported are {', '.join(kinds)}."
        )
    return transformers_config(config, kind, path)


def _built(build: Callable[[], Any], path: Path) -> Any:
    try:
        return build()
    except Exception as error:
        raise FormatError(
            f"{path} has a config that cannot be built: {str(error)[:300]}; copy or download it "
            "again."
        ) from error


def _refuse_keys(value: Any, path: Path) -> None:
    if isinstance(value, list):
        for entry in value:
            _refuse_keys(entry, path)
    if not isinstance(value, dict):
        return
    for name, entry in value.items():
        if name in REFUSED and entry:
            raise FormatError(
                f"{path} sets {name!r}, which can run code of the folder or download from "
                "elsewhere. It is refused. Take the model from its authors' own release, or remove "
                "the key if you know that the model needs none of it."
            )
        _refuse_keys(entry, path)


def _check_value(name: str, value: Any, path: Path) -> None:
    """Raises FormatError unless a value is plain and within the limits of its key."""
    if isinstance(value, list) and name not in POSITIVE:
        if len(value) > MOST_ENTRIES:
            raise FormatError(f"{path} has a list of {len(value)} entries in {name}.")
        for entry in value:
            _check_value(name, entry, path)
        return
    most = TABLE_SIZES.get(name, LARGEST)
    if name in LAYER_COUNTS:
        most = MOST_LAYERS
    is_plain = value is None or isinstance(value, bool | int | float | str)
    if (
        not is_plain
        or (isinstance(value, str) and len(value) > MOST_TEXT)
        or (isinstance(value, float) and not math.isfinite(value))
        or (isinstance(value, int | float) and abs(value) > most)
        or (name in TABLE_SIZES and not _is_size(value))
        or (name in POSITIVE and not _is_positive(value))
    ):
        kind = "positive numbers" if name in POSITIVE else "plain values and numbers"
        raise FormatError(
            f"{path} has {name} = {value!r:.60} in its config; expected {kind} up to {most}."
        )


def _check_layers(values: dict[str, Any], path: Path) -> None:
    """Raises FormatError where the layers of all levels together are too many to be built."""
    levels = max(len(value) for value in [[0], *values.values()] if isinstance(value, list))
    counts = [_numbers(value) for name, value in values.items() if name in LAYER_COUNTS]
    total = levels * math.prod(max([1.0, *count]) for count in counts)
    if total > MOST_BLOCKS:
        raise FormatError(
            f"{path} describes {total:,.0f} layers in {levels} levels; at most {MOST_BLOCKS:,} are "
            "built."
        )


def _is_size(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 1)


def _is_positive(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and value is not True and value > 0)


def _check_patches(values: dict[str, Any], path: Path) -> None:
    sides, patches = (_numbers(values.get(name)) for name in ("image_size", "patch_size"))
    if sides and patches and max(sides) > MOST_PATCHES * min(patches):
        raise FormatError(
            f"{path} cuts {max(sides)} pixels into patches of {min(patches)}; at most "
            f"{MOST_PATCHES} patches along a side are read."
        )


def _numbers(value: Any) -> list[float]:
    listed = value if isinstance(value, list) else [value]
    return [entry for entry in listed if isinstance(entry, int | float)]


def _log_dropped(names: Any, path: Path) -> None:
    if names:
        logger.debug("%s: keys that are not used here: %s", path, ", ".join(sorted(names)))
