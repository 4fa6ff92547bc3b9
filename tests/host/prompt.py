"""Checks an API-format workflow before anything runs, at least as strictly as ComfyUI does.

ComfyUI ignores inputs that no socket has; here they are errors, so that a shipped workflow cannot
outlive the node it was made for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NUMBERS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
DYNAMIC = ("COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3")
Spec = tuple[str, dict[str, Any]]
Described = Mapping[str, Mapping[str, Spec]]


class WorkflowError(Exception):
    """A workflow the host refuses, or a node that failed; one sentence for the user."""


@dataclass(frozen=True)
class LiveInputs:
    """A node's sockets once its dynamic inputs are unfolded for the values it got."""

    required: dict[str, Spec]
    optional: dict[str, Spec]

    def all(self) -> dict[str, Spec]:
        """Both kinds."""
        return self.required | self.optional


def sockets(described: Described) -> Iterator[tuple[str, Spec]]:
    """(name, (type, options)) of everything that takes a link or a value, required first.

    ComfyUI's oldest nodes leave empty options out.
    """
    for kind in ("required", "optional"):
        for name, (io_type, *options) in described.get(kind, {}).items():
            yield name, (io_type, options[0] if options else {})


def is_link(value: Any) -> bool:
    """Whether an input's value is [node id, output slot]."""
    return isinstance(value, list)


def live_inputs(described: Described, values: Mapping[str, Any]) -> LiveInputs:
    """The sockets of a node as `values` unfold them.

    described: the "input" of its object_info. values: the workflow's inputs of that node.
    """
    live = LiveInputs({}, {})
    _unfold(described, values, "", live)
    return live


def _unfold(
    described: Described,
    values: Mapping[str, Any],
    prefix: str,
    live: LiveInputs,
) -> None:
    for kind in ("required", "optional"):
        target = live.required if kind == "required" else live.optional
        for name, (io_type, options) in described.get(kind, {}).items():
            full = prefix + name
            if io_type == "COMFY_DYNAMICCOMBO_V3":
                # A host asks for a choice within a choice only where the prompt has one.
                if prefix and full not in values:
                    continue
                keys = [option["key"] for option in options["options"]]
                target[full] = ("COMBO", {"options": keys})
                for option in options["options"]:
                    if option["key"] == values.get(full):
                        _unfold(option["inputs"], values, full + ".", live)
            elif io_type == "COMFY_AUTOGROW_V3":
                _unfold_autogrow(options["template"], full, live)
            else:
                target[full] = (io_type, options)


def _unfold_autogrow(template: Mapping[str, Any], name: str, live: LiveInputs) -> None:
    kind, inputs = next((k, v) for k, v in template["input"].items() if v)
    spec = next(iter(inputs.values()))
    for index in range(template["max"]):
        is_required = kind == "required" and index < template["min"]
        target = live.required if is_required else live.optional
        target[f"{name}.{template['prefix']}{index}"] = spec


def nested(described: Described, values: Mapping[str, Any]) -> dict[str, Any]:
    """{"a": choice, "a.b": 1} as execute gets it: {"a": {"a": choice, "b": 1}}.

    Choices and growing lists always arrive as dictionaries, empty where nothing was set.
    """
    dynamic = {name for name, (io_type, _) in sockets(described) if io_type in DYNAMIC}
    result: dict[str, Any] = {name: {} for name in dynamic}
    for name, value in values.items():
        head, _, rest = name.partition(".")
        if head in dynamic:
            result[head][rest or head] = value
        else:
            result[name] = value
    return result


def checked_prompt(prompt: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    """The ids of all nodes that output nodes need, in an order that can run.

    Raises WorkflowError for unknown nodes and inputs, missing or mistyped links, values out of
    range, cycles, or a workflow without output nodes.
    """
    for node_id, node in prompt.items():
        if node.get("class_type") not in nodes:
            raise WorkflowError(f"node {node_id}: there is no node {node.get('class_type')!r}.")
    order: list[str] = []
    for node_id, node in prompt.items():
        if nodes[node["class_type"]].GET_SCHEMA().is_output_node:
            _visit(node_id, prompt, nodes, order, ())
    if not order:
        raise WorkflowError("the workflow has no output node, so nothing would run.")
    return order


def _visit(
    node_id: str,
    prompt: Mapping[str, Any],
    nodes: Mapping[str, Any],
    order: list[str],
    trail: tuple[str, ...],
) -> None:
    if node_id in trail:
        raise WorkflowError(f"the links run in a circle: {' -> '.join([*trail, node_id])}.")
    if node_id in order:
        return
    for value in prompt[node_id]["inputs"].values():
        if is_link(value):
            if len(value) != 2 or value[0] not in prompt:
                raise WorkflowError(f"node {node_id}: a link leads to {value}, which is nowhere.")
            _visit(value[0], prompt, nodes, order, (*trail, node_id))
    check_node(node_id, prompt, nodes)
    order.append(node_id)


def check_node(node_id: str, prompt: Mapping[str, Any], nodes: Mapping[str, Any]) -> None:
    """Raises WorkflowError when a node's inputs do not fit its sockets."""
    node = prompt[node_id]
    where = f"node {node_id} ({node['class_type']})"
    node_class = nodes[node["class_type"]]
    values = node["inputs"]
    live = live_inputs(node_class.GET_NODE_INFO_V1()["input"], values)
    missing = [name for name in live.required if name not in values]
    unknown = [name for name in values if name not in live.all()]
    if missing or unknown:
        raise WorkflowError(f"{where}: missing inputs {missing}, unknown inputs {unknown}.")
    own_check = node_class.__dict__.get("validate_inputs")
    own_names = own_check.__func__.__code__.co_varnames if own_check else ()
    for name, value in values.items():
        io_type, options = live.all()[name]
        if is_link(value):
            source = nodes[prompt[value[0]]["class_type"]].GET_NODE_INFO_V1()["output"]
            _check_link(f"{where}, {name}", value[1], source, io_type)
        elif name not in own_names:
            check_value(f"{where}, {name}", value, (io_type, options))
    if own_check:
        answer = node_class.validate_inputs(**{k: v for k, v in values.items() if k in own_names})
        if answer is not True:
            raise WorkflowError(f"{where}: {answer}")


def _check_link(where: str, slot: Any, source: list[str], io_type: str) -> None:
    if not isinstance(slot, int) or not 0 <= slot < len(source):
        raise WorkflowError(f"{where}: the linked node has no output {slot}.")
    # A socket may take several types, "FLOAT,INT".
    if "*" not in (source[slot], io_type) and source[slot] not in io_type.split(","):
        raise WorkflowError(f"{where}: wants {io_type} but is linked to {source[slot]}.")


def check_value(where: str, value: Any, spec: Spec) -> None:
    """Raises WorkflowError when a widget cannot hold this value."""
    io_type, options = spec
    if io_type == "FLOAT,INT":
        io_type = "FLOAT"
    if io_type == "COMBO":
        if value not in options["options"]:
            raise WorkflowError(f"{where}: {value!r} is not in {options['options']}.")
        return
    if io_type not in NUMBERS:
        raise WorkflowError(f"{where}: {io_type} needs a link; got {value!r}.")
    if io_type == "FLOAT" and isinstance(value, int):
        value = float(value)
    if type(value) is not NUMBERS[io_type]:
        raise WorkflowError(f"{where}: {io_type} expected; got {value!r}.")
    if "min" in options and value < options["min"]:
        raise WorkflowError(f"{where}: {value} is smaller than the least, {options['min']}.")
    if "max" in options and value > options["max"]:
        raise WorkflowError(f"{where}: {value} is bigger than the most, {options['max']}.")
