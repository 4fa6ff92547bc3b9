"""comfy_api.latest.io of the stand-in host: types, dynamic inputs, the schema, the node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from . import inputs as _inputs
from .inputs import Input, NumberDisplay, Output, WidgetInput

__all__ = [
    "Autogrow",
    "Boolean",
    "Combo",
    "ComfyNode",
    "Custom",
    "DynamicCombo",
    "Float",
    "FolderType",
    "Hidden",
    "Image",
    "Input",
    "Int",
    "Mask",
    "NodeOutput",
    "NumberDisplay",
    "Output",
    "Schema",
    "String",
    "Video",
    "WidgetInput",
]


def Custom(io_type: str, base: type[Input] = Input) -> Any:
    """A socket type by its name: has .Input and .Output."""
    input_class = type("Input", (base,), {"io_type": io_type})
    output_class = type("Output", (Output,), {"io_type": io_type})
    return type(io_type, (), {"io_type": io_type, "Input": input_class, "Output": output_class})


Image = Custom("IMAGE")
Mask = Custom("MASK")
Video = Custom("VIDEO")
Boolean = Custom("BOOLEAN", _inputs.BooleanInput)
Int = Custom("INT", _inputs.IntInput)
Float = Custom("FLOAT", _inputs.FloatInput)
String = Custom("STRING", _inputs.StringInput)
Combo = Custom("COMBO", _inputs.ComboInput)


class FolderType(str, Enum):
    """Which of the host's folders a file lies in."""

    input = "input"
    output = "output"
    temp = "temp"


class Hidden(str, Enum):
    """What a node may ask of the host beside its inputs."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"


def described_inputs(inputs: list[Input]) -> dict[str, Any]:
    """{"required": {id: (type, options)}, "optional": {...}} as in object_info."""
    described: dict[str, dict[str, Any]] = {"required": {}}
    for one in inputs:
        kind = "optional" if one.optional else "required"
        described.setdefault(kind, {})[one.id] = one.described()
    return described


class Autogrow:
    """A list of inputs that grows while links are added; arrives as {name: value}."""

    io_type = "COMFY_AUTOGROW_V3"

    @dataclass
    class TemplatePrefix:
        """Inputs named prefix0, prefix1, ..., the first `min` of them required."""

        input: Input
        prefix: str
        min: int = 1
        max: int = 10

        def as_dict(self) -> dict[str, Any]:
            """As in object_info."""
            return {
                "input": described_inputs([self.input]),
                "prefix": self.prefix,
                "min": self.min,
                "max": self.max,
            }

    @dataclass
    class Input(Input):
        """The list as one input of the schema."""

        io_type: ClassVar[str] = "COMFY_AUTOGROW_V3"
        template: Autogrow.TemplatePrefix | None = field(default=None, kw_only=True)

        def options_dict(self) -> dict[str, Any]:
            assert self.template is not None
            return super().options_dict() | {"template": self.template.as_dict()}


class DynamicCombo:
    """A choice that brings its own inputs; arrives as {id: choice, input: value, ...}."""

    io_type = "COMFY_DYNAMICCOMBO_V3"

    @dataclass
    class Option:
        """One choice and the inputs it brings."""

        key: str
        inputs: list[Input]

        def as_dict(self) -> dict[str, Any]:
            """As in object_info."""
            return {"key": self.key, "inputs": described_inputs(self.inputs)}

    @dataclass
    class Input(Input):
        """The choice as one input of the schema."""

        io_type: ClassVar[str] = "COMFY_DYNAMICCOMBO_V3"
        options: list[DynamicCombo.Option] = field(default_factory=list, kw_only=True)

        def options_dict(self) -> dict[str, Any]:
            return super().options_dict() | {"options": [one.as_dict() for one in self.options]}


@dataclass(kw_only=True)
class Schema:
    """What a node says about itself. search_aliases is newer than ComfyUI 0.8."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    search_aliases: list[str] = field(default_factory=list)
    is_output_node: bool = False

    def check(self) -> None:
        """Raises ValueError for ids that clash, as the host does when it loads a pack."""
        for name, sockets in (("Input", self.inputs), ("Output", self.outputs)):
            counts = Counter(one.id for one in sockets if one.id is not None)
            twice = [key for key, count in counts.items() if count > 1]
            if twice:
                raise ValueError(f"{name} ids must be unique, but {twice} are not.")

    def hidden_inputs(self) -> list[Hidden]:
        """Output nodes get the prompt and the PNG information without asking."""
        extra = [Hidden.prompt, Hidden.extra_pnginfo] if self.is_output_node else []
        return [*self.hidden, *(entry for entry in extra if entry not in self.hidden)]


class HiddenValues:
    """What the host hands a node beside its inputs; None for what its schema does not list."""

    def __init__(self, values: dict[Hidden, Any]) -> None:
        self._values = {hidden.name: value for hidden, value in values.items()}

    def __getattr__(self, name: str) -> Any:
        return self.__dict__.get("_values", {}).get(name)


class _Lockable(type):
    """Class attributes of a running node cannot be set, as in the real host."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if cls.__dict__.get("_is_locked"):
            raise AttributeError(f"{cls.__name__} is locked while it runs; cannot set {name!r}.")
        super().__setattr__(name, value)


class ComfyNode(metaclass=_Lockable):
    """A node: override define_schema and execute, and validate_inputs where needed."""

    hidden: HiddenValues | None = None

    @classmethod
    def define_schema(cls) -> Schema:
        """The node's schema."""
        raise NotImplementedError

    @classmethod
    def execute(cls, **inputs: Any) -> NodeOutput:
        """The node's work."""
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        """The schema, checked."""
        schema = cls.define_schema()
        schema.check()
        return schema

    @classmethod
    def locked(cls, hidden: HiddenValues) -> type[ComfyNode]:
        """The class that execute sees: a copy that cannot be written to."""
        return _Lockable(cls.__name__, (cls,), {"hidden": hidden, "_is_locked": True})

    @classmethod
    def GET_NODE_INFO_V1(cls) -> dict[str, Any]:
        """The node as object_info shows it to the front end."""
        schema = cls.GET_SCHEMA()
        described = described_inputs(schema.inputs)
        hidden = {entry.name: (entry.value,) for entry in schema.hidden_inputs()}
        described |= {"hidden": hidden} if hidden else {}
        order = {kind: list(inputs) for kind, inputs in described.items()}
        return {
            "input": described,
            "input_order": order,
            "is_input_list": False,
            "output": [one.io_type for one in schema.outputs],
            "output_is_list": [one.is_output_list for one in schema.outputs],
            "output_name": [one.display_name or one.id or one.io_type for one in schema.outputs],
            "output_tooltips": [one.tooltip for one in schema.outputs],
            "name": schema.node_id,
            "display_name": schema.display_name,
            "description": schema.description,
            "python_module": "custom_nodes.motion-prompting",
            "category": schema.category,
            "output_node": schema.is_output_node,
            "search_aliases": schema.search_aliases or None,
        }


class NodeOutput:
    """What execute returns: one value per output, and something for the page to show."""

    def __init__(self, *args: Any, ui: Any = None) -> None:
        self.args = args
        self.ui = ui
