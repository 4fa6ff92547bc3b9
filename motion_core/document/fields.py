"""Reading one JSON object field by field; every error names the object and the field."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, NoReturn

from ..errors import DocumentError

MAX_POINTS = 20_000
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_REQUIRED: Any = object()


class Span(NamedTuple):
    """The range of numbers that a field accepts, ends included, and their unit."""

    low: float
    high: float
    meaning: str


class Fields:
    """The fields of one JSON object, taken one at a time; `finish` refuses the rest.

    Every method raises DocumentError, naming object and field, when a value is invalid.

    Args:
        value: The object.
        where: The object in messages, such as `layer 2 ("ear", drag, id "a")`.
        prefix: Prefix of a field's name in messages, such as "brush.".
    """

    def __init__(self, value: object, where: str, prefix: str = "") -> None:
        self.where = where
        self._prefix = prefix
        self._known: list[str] = []
        if not isinstance(value, dict):
            name = f'"{prefix.rstrip(".")}" ' if prefix else ""
            raise DocumentError(f"{where}: {name}must be an object {{...}}; got {describe(value)}.")
        self._left: dict[Any, Any] = dict(value)

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """The raw value of a field, or `default` where it is absent; without one it is required."""
        self._known.append(name)
        if name in self._left:
            return self._left.pop(name)
        if default is _REQUIRED:
            raise DocumentError(f'{self.where}: "{self._prefix}{name}" is missing.')
        return default

    def refuse(self, name: str, rule: str, got: object) -> NoReturn:
        """Raise the error for an invalid field.

        Args:
            name: The field.
            rule: What is expected, such as "must be a number".
            got: The value.

        Raises:
            DocumentError: Always.
        """
        raise DocumentError(f'{self.where}: "{self._prefix}{name}" {rule}; got {describe(got)}.')

    def number(self, name: str, span: Span, default: Any = _REQUIRED) -> float:
        """A finite number within a span."""
        return self._number(name, self.take(name, default), span)

    def numbers(self, name: str, value: object, spans: tuple[Span, ...], form: str) -> list[float]:
        """A list of as many numbers as there are spans; `form` shows it, such as "[x, y]"."""
        if not isinstance(value, (list, tuple)) or len(value) != len(spans):
            self.refuse(name, f"must be {form}", value)
        return [
            self._number(f"{name}[{index}]", entry, span)
            for index, (entry, span) in enumerate(zip(value, spans, strict=True))
        ]

    def entries(
        self, name: str, default: Any = _REQUIRED, *, least: int = 0, most: int = MAX_POINTS
    ) -> list[Any]:
        """A list of `least` to `most` entries, still raw."""
        return self.entries_of(name, self.take(name, default), least=least, most=most)

    def entries_of(
        self, name: str, value: object, *, least: int = 0, most: int = MAX_POINTS
    ) -> list[Any]:
        """The same for a value that is already taken."""
        if not isinstance(value, (list, tuple)):
            self.refuse(name, "must be a list", value)
        if not least <= len(value) <= most:
            self.refuse(name, f"must have {least} to {most:,} entries", value)
        return list(value)

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self.take(name, default)
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false", value)
        return value

    def text(self, name: str, longest: int, default: Any = _REQUIRED, *, least: int = 0) -> str:
        """A string of `least` to `longest` characters that can be written as UTF-8."""
        value = self.take(name, default)
        if not isinstance(value, str) or not least <= len(value) <= longest:
            self.refuse(name, f"must be a text of {least} to {longest} characters", value)
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.refuse(name, "must be a text of whole characters, without half ones", value)
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: Any = _REQUIRED) -> Any:
        """One of a few words."""
        value = self.take(name, default)
        if not isinstance(value, str) or value not in choices:
            self.refuse(name, "must be one of " + ", ".join(f'"{c}"' for c in choices), value)
        return value

    def color(self, name: str) -> str | None:
        """A color as #rrggbb, or null."""
        value = self.take(name, None)
        if value is None or (isinstance(value, str) and _COLOR.fullmatch(value)):
            return value
        return self.refuse(name, 'must be a color such as "#ff8800", or null', value)

    def finish(self) -> None:
        """Refuse fields that were not taken."""
        if not self._left:
            return
        unknown = describe(next(iter(self._left)))
        inside = f' in "{self._prefix.rstrip(".")}"' if self._prefix else ""
        known = ", ".join(self._known)
        raise DocumentError(f"{self.where}: unknown field {unknown}{inside}; known: {known}.")

    def _number(self, name: str, value: object, span: Span) -> float:
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and span.low <= value <= span.high
        ):
            return float(value)
        rule = f"must be a number from {span.low:g} to {span.high:g} ({span.meaning})"
        return self.refuse(name, rule, value)


def describe(value: object) -> str:
    """A value of any size or depth in a few words, for messages."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:37] + "..."
        return '"' + "".join(map(_printable, short)) + '"'
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a whole number of more than 18 digits"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def _printable(character: str) -> str:
    is_safe = character.isprintable()
    return character if is_safe else character.encode("unicode_escape").decode("ascii")
