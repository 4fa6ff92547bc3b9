"""Sockets and widgets of the stand-in host, and the dictionaries the front end reads them from.

Arguments are keyword-only beyond the id; a word that ComfyUI 0.8 does not know is a TypeError here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """The entries that are not None."""
    return {key: value for key, value in values.items() if value is not None}


@dataclass
class Input:
    """A socket that takes a link."""

    id: str
    display_name: str | None = field(default=None, kw_only=True)
    optional: bool = field(default=False, kw_only=True)
    tooltip: str | None = field(default=None, kw_only=True)
    lazy: bool | None = field(default=None, kw_only=True)
    extra_dict: dict[str, Any] | None = field(default=None, kw_only=True)
    io_type: ClassVar[str] = "*"

    def options_dict(self) -> dict[str, Any]:
        """What the front end learns of this input, beside its type."""
        options = {"display_name": self.display_name, "tooltip": self.tooltip, "lazy": self.lazy}
        return without_none(options) | without_none(self.extra_dict or {})

    def described(self) -> tuple[str, dict[str, Any]]:
        """(type, options) as in object_info."""
        return self.io_type, self.options_dict()


@dataclass
class WidgetInput(Input):
    """An input with a widget, so it needs no link."""

    default: Any = field(default=None, kw_only=True)
    socketless: bool | None = field(default=None, kw_only=True)
    force_input: bool | None = field(default=None, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        options = {
            "default": self.default,
            "socketless": self.socketless,
            "forceInput": self.force_input,
        }
        return super().options_dict() | without_none(options)


@dataclass
class Output:
    """A socket that gives a value."""

    id: str | None = None
    display_name: str | None = field(default=None, kw_only=True)
    tooltip: str | None = field(default=None, kw_only=True)
    is_output_list: bool = field(default=False, kw_only=True)
    io_type: ClassVar[str] = "*"


@dataclass
class BooleanInput(WidgetInput):
    """A switch."""

    io_type: ClassVar[str] = "BOOLEAN"
    label_on: str | None = field(default=None, kw_only=True)
    label_off: str | None = field(default=None, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        options = {"label_on": self.label_on, "label_off": self.label_off}
        return super().options_dict() | without_none(options)


class NumberDisplay(str, Enum):
    """How a number widget looks."""

    number = "number"
    slider = "slider"


@dataclass
class IntInput(WidgetInput):
    """A whole number between min and max."""

    io_type: ClassVar[str] = "INT"
    min: float | None = field(default=None, kw_only=True)
    max: float | None = field(default=None, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    display_mode: NumberDisplay | None = field(default=None, kw_only=True)
    control_after_generate: bool | None = field(default=None, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        options = {
            "min": self.min,
            "max": self.max,
            "step": self.step,
            "display": self.display_mode.value if self.display_mode else None,
            "control_after_generate": self.control_after_generate,
        }
        return super().options_dict() | without_none(options)


@dataclass
class FloatInput(WidgetInput):
    """A number between min and max."""

    io_type: ClassVar[str] = "FLOAT"
    min: float | None = field(default=None, kw_only=True)
    max: float | None = field(default=None, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    round: float | None = field(default=None, kw_only=True)
    display_mode: NumberDisplay | None = field(default=None, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        options = {
            "min": self.min,
            "max": self.max,
            "step": self.step,
            "round": self.round,
            "display": self.display_mode,
        }
        return super().options_dict() | without_none(options)


@dataclass
class StringInput(WidgetInput):
    """A line or a page of text."""

    io_type: ClassVar[str] = "STRING"
    multiline: bool = field(default=False, kw_only=True)
    placeholder: str | None = field(default=None, kw_only=True)
    dynamic_prompts: bool | None = field(default=None, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        options = {
            "multiline": self.multiline,
            "placeholder": self.placeholder,
            "dynamicPrompts": self.dynamic_prompts,
        }
        return super().options_dict() | without_none(options)


@dataclass
class ComboInput(WidgetInput):
    """One of a list of words."""

    io_type: ClassVar[str] = "COMBO"
    options: list[str] = field(default_factory=list, kw_only=True)

    def options_dict(self) -> dict[str, Any]:
        return super().options_dict() | {"multiselect": False, "options": list(self.options)}
