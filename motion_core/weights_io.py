"""Weights on disk: read, checked, loaded into modules and written.

Released weights are safetensors or pickles; of a pickle only tensors are read. Files that this
project writes are safetensors whose metadata holds their kind and config.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .atomic_write import atomic_write
from .errors import FormatError, first_line
from .safe_json import parse_json

# How many names of a long list a message shows.
MAX_LISTED = 10
# No network here has a tenth as many layers, or as many weights.
MAX_LAYERS = 512
MAX_TENSORS = 20_000
# Tied weights are stored once; all names together may hold this many times the file.
MOST_SHARED = 4
# File endings of pickles.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name and the metadata of a safetensors file.

    Raises FileNotFoundError, or FormatError for a pickle (never opened: it could run code) and
    for a file that is truncated or not safetensors.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of a safetensors file; its tensors are not read.

    Raises what read_safetensors raises.
    """
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a .safetensors file or a pickle, of which only tensors are read.

    Raises FileNotFoundError, and FormatError for a file that is broken or a pickle that holds
    other objects: loading those could run code.
    """
    _check_there(path)
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    return _tensors(_read_pickle(path), path)


def load_with_config(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name and the config of a file that save_with_config wrote.

    Raises what read_safetensors raises, and FormatError for a file of another kind or whose
    config is no JSON object.
    """
    tensors, metadata = read_safetensors(path)
    found = metadata.get("kind")
    if found != kind:
        raise FormatError(
            f"{path} holds weights of something else ({found or 'unnamed'!r}, wanted {kind!r})."
        )
    # A network without settings needs no config.
    return tensors, parse_config(metadata.get("config", "{}"), path)


def parse_config(text: str, path: Path) -> dict[str, Any]:
    """The object in the config of a weight file. path: the file, which errors name.

    Raises FormatError for text that is not JSON, is nested too deeply or holds endless numbers, and
    for anything but an object.
    """
    try:
        config = parse_json(text)
    except FormatError as error:
        raise FormatError(f"{path} has a config that cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise FormatError(f"{path} has a config that is no object {{...}} but {config!r:.60}.")
    return config


def save_with_config(module: nn.Module, path: Path, kind: str, config: Mapping[str, Any]) -> None:
    """Write a module's weights with their kind and config as metadata.

    Args:
        module: Its state dict is written.
        path: The safetensors file.
        kind: Which sort of weights they are; load_with_config asks for it.
        config: Stored as JSON.

    Raises:
        What write_safetensors raises.
    """
    metadata = {"kind": kind, "config": json.dumps(dict(config))}
    write_safetensors(path, module.state_dict(), metadata)


def write_safetensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str], *, durable: bool = False
) -> None:
    """Write a safetensors file completely or not at all.

    Args:
        path: The file to write. Its folder is created if it does not exist.
        tensors: Tensors by name, on any device.
        metadata: Text by key, stored in the file's header.
        durable: Flush the file to the disk before it replaces an older one.

    Raises:
        OSError: The file cannot be written; an older one stays intact.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_write(path, durable=durable) as temporary:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:
            raise OSError(f"{path} could not be written: {error}") from error


def load_into(
    module: nn.Module, tensors: Mapping[str, Tensor], source: str, *, assign: bool = True
) -> None:
    """Load weights into a module whose names and shapes they must match exactly.

    Args:
        module: Receives the weights.
        tensors: Weights by name.
        source: Names the weights in errors.
        assign: The module takes the tensors themselves, as a module on the meta device needs.
            Otherwise they are copied to its device and dtype.

    Raises:
        FormatError: Lists missing, extra and misshapen names, the first ten of each.
    """
    check_fit(module, tensors, source)
    try:
        module.load_state_dict(dict(tensors), assign=assign)
    except RuntimeError as error:
        # A parameter cannot take whole numbers.
        raise FormatError(f"{source} does not fit the model: {first_line(error)}.") from error


def check_fit(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Check that names and shapes of weights are those of a module, which may be on meta.

    Raises FormatError as load_into does.
    """
    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    misshapen = [
        f"{name} {shapes[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    faults = [
        list_names(fault, names)
        for fault, names in (
            ("missing", expected.keys() - shapes.keys()),
            ("too many", shapes.keys() - expected.keys()),
            ("of the wrong shape", misshapen),
        )
        if names
    ]
    if faults:
        raise FormatError(f"{source} does not fit the model: {'; '.join(faults)}.")


def check_sizes(config: dict[str, Any], names: Iterable[str], path: Path, maximum: int) -> None:
    """Check the sizes in a config, which decide how much memory a module takes.

    Args:
        config: A config as read from `path`, which errors name.
        names: Keys of the config whose values must be integers in 1..maximum.

    Raises:
        FormatError: A value is missing, not an integer, or out of range.
    """
    for name in names:
        size = config.get(name)
        if type(size) is not int or not 1 <= size <= maximum:
            raise FormatError(f"{path} has {name} = {size!r} in its config, not 1..{maximum}.")


def count_layers(names: Iterable[str], prefix: str) -> int:
    """How many layers there are below a prefix, numbered from 0: "blocks." of "blocks.1.bias".

    Raises ValueError for numbers that leave one out, and for more than 512 layers: each is a
    module, which takes memory even without its weights.
    """
    numbers = {name[len(prefix) :].split(".")[0] for name in names if name.startswith(prefix)}
    count = len(numbers)
    if count > MAX_LAYERS:
        raise ValueError(f"{count:,} layers {prefix}N, at most {MAX_LAYERS} are built")
    if numbers != {str(number) for number in range(count)}:
        raise ValueError(f"the layers {prefix}N are not numbered 0..{count - 1}")
    return count


def list_names(what: str, names: Iterable[str], most: int = MAX_LISTED) -> str:
    """How many names there are and the first `most`: "12 missing (a, b, ... and 2 more)"."""
    names = sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} {what} ({', '.join(names[:most])}{more})"


def first_names(weights: Iterable[str]) -> str:
    """The first ten names of weights, for messages about a file of an unknown kind."""
    return ", ".join(sorted(weights)[:MAX_LISTED]) or "no weights at all"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open safetensors file. Raises what read_safetensors raises."""
    from safetensors import safe_open

    if path.suffix.lower() in PICKLES:
        raise FormatError(
            f"{path} is a pickle, which could run anything when opened; take the .safetensors of "
            "the same release."
        )
    _check_there(path)
    try:
        with safe_open(path, framework="pt") as file:
            _check_count(len(file.keys()), path)
            yield file
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(
            f"{path} is truncated or no safetensors file ({_first_line(error)}); copy or download "
            "it again."
        ) from error


def _check_there(path: Path) -> None:
    try:
        is_file = path.is_file()
    except OSError:  # a name too long for the system
        is_file = False
    if not is_file:
        raise FileNotFoundError(
            f"there is no file {str(path)[:300]}; check the path, or download it again."
        )


def _check_count(count: int, path: Path) -> None:
    if count > MAX_TENSORS:
        raise FormatError(
            f"{path} holds {count:,} weights; at most {MAX_TENSORS:,} are read, as no model here "
            "has a tenth of them."
        )


def _read_pickle(path: Path) -> Any:
    try:
        mapped = zipfile.is_zipfile(path)
        if mapped:
            _check_zip(path)
        _check_bytes(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise FormatError(
            f"{path} is no file of weights alone, and is not opened: a pickle may run code. "
            f"Convert it to safetensors where you trust it. ({_first_line(error)})"
        ) from error
    except FormatError:
        raise
    except Exception as error:
        # Torch lets whatever its unpickler stumbles on through, about twenty kinds of error.
        raise FormatError(
            f"{path} is broken or cut short ({_first_line(error)}); copy or download it again."
        ) from error


def _check_zip(path: Path) -> None:
    """Raises FormatError for members that unpack to more than the file holds."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > path.stat().st_size:
        raise FormatError(
            f"{path} would unpack to {unpacked:,} bytes from {path.stat().st_size:,}; torch stores "
            "weights unpacked. Save it again with torch.save."
        )


def _check_bytes(path: Path) -> None:
    """Raises FormatError for a pickle that asks for a buffer of any size it likes."""
    if not path.stat().st_size:
        raise FormatError(f"{path} is empty or cut short; copy or download it again.")
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        if content.find(b"bytearray\n") >= 0:
            raise FormatError(
                f"{path} is no file of weights alone, and is not opened: a pickle may run code. "
                "Convert it to safetensors where you trust it. (it builds a bytearray)"
            )


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The weights in a pickle, which may lie below a key that training tools use."""
    for key in ("module", "state_dict", "controlnet", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds {type(content).__name__} instead of named weights.")
    _check_count(len(content), path)
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    _check_extent(tensors, path)
    return tensors


def _check_extent(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raises FormatError for tensors that are larger than the numbers stored for them."""
    total = 0
    for name, value in tensors.items():
        is_plain = value.layout == torch.strided and value.device.type == "cpu"
        if not is_plain or value.is_quantized or value.nbytes > value.untyped_storage().nbytes():
            raise FormatError(
                f"{path} holds {name[:100]!r}, a tensor {tuple(value.shape)} without as many "
                "stored numbers; save the file again, or convert it to safetensors."
            )
        total += value.nbytes
    if total > MOST_SHARED * path.stat().st_size:
        raise FormatError(
            f"{path} holds tensors of {total:,} bytes in a file of {path.stat().st_size:,}; save "
            "it again, or convert it to safetensors."
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
