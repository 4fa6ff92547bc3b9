"""Values of widgets, checked against the schema of their node.

The host checks the widgets that a person sets. A value that arrives over a link comes unchecked, so
every node checks its inputs again when it runs: ranges, choices, types stand in the schema alone.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from comfy_api.latest import io

from .wire import check_batch, mask_batch
from .wire_host import HOST_CHECKS

# Closer to zero than any unit of this pack makes sense; such numbers overflow when divided by.
LEAST_NUMBER = 1e-9
# Choices among the files of a folder: the schema lists those of an earlier moment.
FILE_CHOICE = "file"
# The socket to which nodes of other packs give a list of texts as well.
TEXT_LIST = "coordinates"


def checked_inputs(inputs: Sequence[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a node's inputs, each checked as its input demands.

    Args:
        inputs: The inputs of the schema.
        values: By the name of the input. A missing one keeps the default of `execute`.

    Returns:
        The same values; whole numbers and fractions as int and float.

    Raises:
        TypeError: A value has another type.
        ValueError: A number is out of range or not finite, a choice unknown, a text unreadable, a
            required value missing, an image, a mask or latents empty.
    """
    found = dict(values)
    for entry in inputs:
        if entry.id in found:
            found[entry.id] = _checked(entry, found[entry.id], entry.id)
    return found


def _checked(entry: Any, value: Any, name: str) -> Any:
    if value is None:
        if entry.optional:
            return None
        raise ValueError(f"{name} is not connected or has no value; it is required.")
    for kind, check in CHECKS:
        if isinstance(entry, kind):
            return check(entry, value, name)
    check_host_value = HOST_CHECKS.get(entry.io_type)
    return value if check_host_value is None else check_host_value(value, name)


def _whole(entry: Any, value: Any, name: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number; got {_described(value)}.")
    return _in_range(entry, operator.index(value), name)


def _fraction(entry: Any, value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; got {_described(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number; got {number}.")
    if 0.0 < abs(number) < LEAST_NUMBER:
        raise ValueError(f"{name} is too close to 0: {number:g}. Use 0, or at least 1e-9.")
    return _in_range(entry, number, name)


def _in_range(entry: Any, number: Any, name: str) -> Any:
    low = -math.inf if entry.min is None else entry.min
    high = math.inf if entry.max is None else entry.max
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}; got {number:g}.")
    return number


def _flag(entry: Any, value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false; got {_described(value)}.")
    return value


def _text(entry: Any, value: Any, name: str) -> Any:
    if entry.id == TEXT_LIST and isinstance(value, (list, tuple)):
        return [_string(one, f"{name}[{place}]") for place, one in enumerate(value)]
    return _string(value, name)


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text; got {_described(value)}.")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(
            f"{name} holds half of a character (a lone surrogate), which no file can store. "
            "Write it again."
        )
    return value


def _choice(entry: Any, value: Any, name: str) -> Any:
    if entry.id == FILE_CHOICE:
        return _text(entry, value, name)
    return _one_of(value, list(entry.options), name)


def _one_of(value: Any, options: Sequence[Any], name: str) -> Any:
    if not isinstance(value, str) or value not in options:
        words = ", ".join(str(option) for option in options)
        raise ValueError(f"{name} must be one of: {words}; got {_described(value)}.")
    return value


def _dynamic(entry: Any, value: Any, name: str) -> dict[str, Any]:
    """A DynamicCombo: {its own name: the choice, the choice's inputs: their values}; widgets that
    are missing have their defaults."""
    options = {option.key: option for option in entry.options}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a choice with its settings; got {_described(value)}.")
    chosen = options[_one_of(value.get(entry.id), list(options), name)]
    found = dict(value)
    for inner in chosen.inputs:
        if inner.id in found:
            found[inner.id] = _checked(inner, found[inner.id], f"{name}.{inner.id}")
        elif (default := _default(inner)) is not None:
            found[inner.id] = default
        elif not inner.optional:
            raise ValueError(f'{name} "{chosen.key}" needs {inner.id}, which has no value.')
    known = {entry.id, *(inner.id for inner in chosen.inputs)}
    unknown = [str(key) for key in found if key not in known]
    if unknown:
        raise ValueError(f'{name} "{chosen.key}" has no input {", ".join(unknown)[:80]}.')
    return found


def _default(entry: Any) -> Any:
    """The default of a widget; None for sockets and for texts that must be given."""
    if isinstance(entry, io.Combo.Input) and entry.default is None:
        return next(iter(entry.options), None)
    return getattr(entry, "default", None)


def _growing(entry: Any, value: Any, name: str) -> dict[str, Any]:
    """An Autogrow: {name of the socket: its value}; sockets in between may be empty."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a set of sockets; got {_described(value)}.")
    template = entry.template
    connected = {key: one for key, one in value.items() if one is not None}
    if len(connected) < template.min:
        raise ValueError(f"{name} needs at least {template.min} connected sockets.")
    return {key: _checked(template.input, one, str(key)) for key, one in connected.items()}


def _image(entry: Any, value: Any, name: str) -> Any:
    check_batch(value)
    return value


def _mask(entry: Any, value: Any, name: str) -> Any:
    return mask_batch(value, name)


CHECKS: tuple[tuple[Any, Callable[[Any, Any, str], Any]], ...] = (
    (io.Int.Input, _whole),
    (io.Float.Input, _fraction),
    (io.Boolean.Input, _flag),
    (io.String.Input, _text),
    (io.Combo.Input, _choice),
    (io.DynamicCombo.Input, _dynamic),
    (io.Autogrow.Input, _growing),
    (io.Image.Input, _image),
    (io.Mask.Input, _mask),
)


def _described(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return f"{value:g}" if isinstance(value, float) else repr(value)[:40]
    if isinstance(value, str):
        return ascii(value if len(value) <= 40 else value[:37] + "...")
    return f"a {type(value).__name__}"
