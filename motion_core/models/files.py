"""Files of weights, and what to say when they do not fit.

Released weights come as safetensors or as pickles, which are read as weights alone; our own are
safetensors that say in their header what they are.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FormatError

# Names shown of a long list: enough to see what is going on.
LISTED = 10
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name and the header's words of a safetensors file.

    Raises FileNotFoundError, or FormatError for a pickle (never opened: it could run anything)
    and for a file that is truncated or no safetensors.
    """
    with _opened(path) as file:
        told = file.metadata() or {}
        return {name: file.get_tensor(name) for name in file.keys()}, told  # noqa: SIM118


def header_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of a safetensors file, whose tensors are not read.

    Raises what read_safetensors raises.
    """
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a .safetensors file or a pickled one, which is read as weights alone.

    Raises FileNotFoundError, and FormatError for a file that is broken or holds anything but
    weights: such a pickle may run code of its author, so it is refused.
    """
    _check_there(path)
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    return _tensors(_read_pickle(path), path)


def read_own(path: Path, kind: str) -> tuple[dict[str, Tensor], str]:
    """Tensors by name and the config, as text, of a file that save_own wrote.

    Raises what read_safetensors raises, and FormatError for a file of another kind.
    """
    tensors, told = read_safetensors(path)
    if told.get("kind") != kind:
        raise FormatError(
            f"{path} holds weights of something else ({told.get('kind', 'unnamed')!r}, wanted "
            f"{kind!r})."
        )
    return tensors, told.get("config", "")


def save_own(module: nn.Module, path: Path, kind: str, config: Mapping[str, Any]) -> None:
    """Write a module's weights with their kind and config. A reader never sees half a file."""
    from safetensors.torch import save_file

    tensors = {name: value.detach().contiguous() for name, value in module.state_dict().items()}
    part = path.with_name(path.name + ".part")
    try:
        save_file(tensors, part, {"kind": kind, "config": json.dumps(dict(config))})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fill(
    module: nn.Module, tensors: Mapping[str, Tensor], source: str, *, assign: bool = True
) -> None:
    """Give a module its weights, no more and no less.

    source: names them in errors. assign: the module takes the tensors themselves, as one on the
    meta device must; else they are copied to its device and dtype. Raises FormatError that lists
    missing, extra and misshapen names, the first ten of each.
    """
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in tensors.items()}
    misshapen = [
        f"{name} {given[name]} instead of {shape}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]
    faults = [
        few(what, names)
        for what, names in (
            ("missing", wanted.keys() - given.keys()),
            ("too many", given.keys() - wanted.keys()),
            ("of the wrong shape", misshapen),
        )
        if names
    ]
    if faults:
        raise FormatError(f"{source} does not fit the model: {'; '.join(faults)}.")
    module.load_state_dict(dict(tensors), assign=assign)


def check_sizes(config: dict[str, Any], names: Iterable[str], path: Path, most: int) -> None:
    """Sizes decide how much memory is taken. Raises FormatError for one outside of 1..most."""
    for name in names:
        size = config.get(name)
        if type(size) is not int or not 1 <= size <= most:
            raise FormatError(f"{path} has {name} = {size!r} in its config, not 1..{most}.")


def few(what: str, names: Iterable[str]) -> str:
    """How many there are of something, and the first of their names."""
    names = sorted(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{len(names)} {what} ({', '.join(names[:LISTED])}{more})"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file while it is read. Raises what read_safetensors says."""
    from safetensors import SafetensorError, safe_open

    if path.suffix.lower() in PICKLES:
        raise FormatError(
            f"{path} is a pickle, which could run anything when opened; take the .safetensors of "
            "the same release."
        )
    _check_there(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise FormatError(
            f"{path} is truncated or no safetensors file ({error}); copy or download it again."
        ) from error


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; check the path, or download it again.")


def _read_pickle(path: Path) -> Any:
    try:
        mapped = zipfile.is_zipfile(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise FormatError(
            f"{path} is no file of weights alone, and is not opened: a pickle may run code. "
            f"Convert it to safetensors where you trust it. ({str(error).splitlines()[0]})"
        ) from error
    except (RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"{path} is broken or cut short ({error}); copy or download it again."
        ) from error


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The weights among what a training run saved."""
    for key in ("module", "state_dict", "controlnet"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds {type(content).__name__} instead of named weights.")
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}
