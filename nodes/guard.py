"""Around every node's execute: its inputs are checked, and every failure becomes a sentence.

A person reads the first sentence of an error in the host's dialog; errors of torch and numpy name
shapes and operators of our code there, which help nobody. They reach the log as the cause.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..motion_core.errors import OutOfMemoryError
from ..motion_core.memory import is_out_of_memory
from . import host
from .widgets import checked_inputs

log = logging.getLogger(__name__)

# What the libraries and the interpreter raise where our own code has checked too little. Our own
# errors are of other types, and those of the host (a press on cancel) belong to none of them.
FOREIGN = (RuntimeError, LookupError, ArithmeticError, AttributeError, AssertionError, NameError)
ADVICE = "Use a smaller image or a shorter clip."


def guard(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The same node class, whose execute checks its inputs against the schema and raises readable
    errors only. A class that is guarded already is left as it is."""
    run: Callable[..., io.NodeOutput] = node.execute.__func__  # type: ignore[attr-defined]
    if hasattr(run, "__wrapped__"):
        return node
    signature = inspect.signature(run)

    @functools.wraps(run)
    def execute(cls: type[io.ComfyNode], *args: Any, **widgets: Any) -> io.NodeOutput:
        inputs = node.define_schema().inputs
        values = checked_inputs(inputs, _by_name(signature, args, widgets, inputs))
        return _readable(lambda: run(cls, **values), node, values)

    node.execute = classmethod(execute)  # type: ignore[assignment,method-assign]
    return node


def _by_name(
    signature: inspect.Signature,
    args: tuple[Any, ...],
    widgets: Mapping[str, Any],
    inputs: Sequence[Any],
) -> dict[str, Any]:
    """All arguments of a call by name. Raises TypeError for a missing or an unknown one.

    None for an argument that has a default, or whose input is optional, is left out: the host gives
    it for what an API graph does not connect, and the default is meant.
    """
    try:
        bound = signature.bind(None, *args, **widgets)
    except TypeError as error:
        raise TypeError(f"the inputs of the node are not complete: {error}.") from None
    found: dict[str, Any] = {}
    for name, parameter in list(signature.parameters.items())[1:]:
        value = bound.arguments.get(name)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            others = [entry for entry in inputs if entry.id not in signature.parameters]
            found |= _gathered(value or {}, others)
        elif value is not None or parameter.default is inspect.Parameter.empty:
            found[name] = value
    return found


def _gathered(given: Mapping[str, Any], inputs: Sequence[Any]) -> dict[str, Any]:
    """What `**widgets` of a node receives: what is given, and defaults of the schema.

    Raises TypeError where a required input without a default is missing.
    """
    found = dict(given)
    for entry in inputs:
        if entry.optional and given.get(entry.id) is None:
            found.pop(entry.id, None)
        elif entry.id not in given:
            if getattr(entry, "default", None) is None:
                raise TypeError(f"the inputs of the node are not complete: {entry.id} is missing.")
            found[entry.id] = entry.default
    return found


def _readable(
    run: Callable[[], io.NodeOutput], node: type[io.ComfyNode], values: Mapping[str, Any]
) -> io.NodeOutput:
    try:
        return run()
    except OSError as error:
        if error.errno is None:
            raise
        place = ascii(error.filename)[:200] if error.filename else "a file"
        raise type(error)(f"{place} could not be read or written: {error.strerror}.") from error
    except (OutOfMemoryError, MemoryError, *FOREIGN) as error:
        if isinstance(error, OutOfMemoryError):
            raise
        if not is_out_of_memory(error):
            name = node.__name__
            raise RuntimeError(
                f"{name} cannot work with these inputs: {_summary(values)}. Please report this "
                f"with the log; the cause is there ({type(error).__name__})."
            ) from error
        message = str(error)
    # Outside the handler: the error keeps the tensors of its traceback's frames alive.
    host.free_memory()
    first = message.splitlines()[0] if message else "no details"
    raise OutOfMemoryError(f"memory ran out. {ADVICE} ({first})")


def _summary(values: Mapping[str, Any]) -> str:
    parts = [f"{name} {_short(value)}" for name, value in values.items()]
    return ", ".join(parts)[:400]


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {_short(one)}" for key, one in value.items()) + "}"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    return ascii(value[:24]) if isinstance(value, str) else type(value).__name__
