"""What is fuzzed: a strategy of inputs, a call that takes them, and a check of its result."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

from motion_core import errors

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
OWN_ERRORS: tuple[type[BaseException], ...] = tuple(
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, Exception)
)


def nothing_to_check(result: Any) -> None:
    """For targets whose results are right whatever they hold."""


def _as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


# Fields of a Target whose inputs are values of JSON, NaN and infinities included.
AS_JSON: dict[str, Any] = {"encode": _as_json, "decode": json.loads}


def _same_bytes(value: bytes) -> bytes:
    return value


@dataclass(frozen=True)
class Target:
    """One reader, writer or socket under test.

    Attributes:
        name: Unique; also the folder of its seeds.
        inputs: The strategy of inputs, bytes unless `encode` and `decode` say otherwise.
        run: (input, empty folder) -> result. It writes a file if it needs one.
        check: Raises AssertionError for a result that should have been refused.
        refusals: Exceptions that are an answer; any other is a finding.
        examples: How many inputs the suite runs.
        encode, decode: An input as bytes, for `seeds/`, and back.
        imports: Modules that are imported before time is taken.
    """

    name: str
    inputs: SearchStrategy[Any]
    run: Callable[[Any, Path], Any]
    check: Callable[[Any], None] = nothing_to_check
    refusals: tuple[type[BaseException], ...] = OWN_ERRORS
    examples: int = 60
    encode: Callable[[Any], bytes] = _same_bytes
    decode: Callable[[bytes], Any] = _same_bytes
    imports: tuple[str, ...] = ()

    def seeds(self) -> list[Path]:
        """Inputs that once failed."""
        folder = SEEDS / self.name
        return sorted(folder.iterdir()) if folder.is_dir() else []


def file_target(
    name: str,
    inputs: SearchStrategy[bytes],
    file: str,
    read: Callable[[Path], Any],
    **options: Any,
) -> Target:
    """A target whose input is the content of a file.

    Args:
        name: Of the target.
        inputs: Contents.
        file: The name under which a content is written.
        read: The reader.
        options: Further fields of Target.
    """

    def run(content: bytes, folder: Path) -> Any:
        path = folder / file
        path.write_bytes(content)
        return read(path)

    return Target(name, inputs, run, **options)


def text_target(
    name: str, inputs: SearchStrategy[str], parse: Callable[[str], Any], **options: Any
) -> Target:
    """A target whose input is text, half surrogates included."""
    return Target(
        name,
        inputs,
        lambda text, folder: parse(text),
        encode=lambda text: text.encode("utf-8", "surrogatepass"),
        decode=lambda data: data.decode("utf-8", "surrogatepass"),
        **options,
    )


def all_targets() -> list[Target]:
    """The targets of every `*_targets.py` of this folder, in the order of the files' names."""
    found: list[Target] = []
    for file in sorted(HERE.glob("*_targets.py")):
        found.extend(importlib.import_module(f"{__package__}.{file.stem}").TARGETS)
    names = [target.name for target in found]
    assert len(set(names)) == len(names), names
    return found
