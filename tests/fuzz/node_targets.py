"""Every node of the pack, with the inputs that its schema allows and those it should refuse.

A press on cancel comes after half a second of processor time, so the rule of two seconds says how
soon a node stops.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from motion_core.formats.host import from_host
from tests.host.fixtures import fill_input_folder
from tests.host.pack import ROOT, pack_module, pack_nodes
from tests.host.runner import StandInHost

from .host_modules import SilentBar, host_with
from .host_values import write_control
from .judge import Finding
from .node_recipes import recipes
from .node_values import socket_values
from .target import Target

CANCEL_AFTER = 0.5
# Beside the inputs of a node whose output the host calls later: what it is called with.
LATER = "latent for the output"


class Refused(Exception):
    """An error that the project itself raised, with the sentence of the original."""


class Cancelled(BaseException):
    """As the host's exception: no Exception."""


def _host() -> StandInHost:
    host = _made_host()
    host.use_folders()
    return host


@functools.cache
def _made_host() -> StandInHost:
    base = Path(tempfile.mkdtemp(prefix="fuzz-nodes"))
    host = StandInHost(base)
    fill_input_folder(host.input_dir)
    write_control(host.models_dir)
    return host


@functools.cache
def _values() -> dict[str, Any]:
    return socket_values(_host().nodes)


def _made(recipe: Any) -> Any:
    """The value of a recipe; see node_values.py."""
    if not isinstance(recipe, Mapping):
        return recipe
    if "text" in recipe:
        return recipe["text"]
    if "value" in recipe:
        kind, _, name = recipe["value"].partition(": ")
        return _values()[kind][name]()
    if "sockets" in recipe:
        return {name: _made(one) for name, one in recipe["sockets"].items()}
    return {name: _made(one) for name, one in recipe["with"].items()} | {"": recipe["choice"]}


def _inputs_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _made(one) for name, one in recipe.items()}
    for name, value in found.items():
        if isinstance(value, dict) and "" in value:
            found[name] = {key: one for key, one in value.items() if key} | {name: value[""]}
    return found


@contextlib.contextmanager
def _cancelled_after(seconds: float) -> Iterator[None]:
    """A host whose user presses cancel after some processor time."""
    until = time.process_time() + seconds

    def throw() -> None:
        if time.process_time() > until:
            raise Cancelled

    with host_with(SilentBar, throw):
        yield


def _is_own(error: BaseException) -> bool:
    """Whether a raise statement of the project made an error."""
    step = error.__traceback__
    assert step is not None
    while step.tb_next is not None:
        step = step.tb_next
    code = step.tb_frame.f_code
    if not code.co_filename.startswith(str(ROOT)) or "site-packages" in code.co_filename:
        return False
    at = {one.offset: one.opname for one in dis.get_instructions(code)}
    return at.get(step.tb_lasti, "") in ("RAISE_VARARGS", "RERAISE")


def _run(name: str, recipe: Mapping[str, Any], folder: Path) -> Any:
    node = _host().nodes[name]
    try:
        with _cancelled_after(CANCEL_AFTER):
            inputs = _inputs_of(recipe)
            latent = inputs.pop(LATER, None)
            return _used(node.execute(**inputs).args, latent)
    except Cancelled:
        return None
    except RuntimeError as error:
        raise error.__cause__ or error from None
    except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
        if not _is_own(error):
            raise
        raise Refused(str(error)) from error
    finally:
        if any(_host().output_dir.iterdir()):
            shutil.rmtree(_host().output_dir)
            _host().output_dir.mkdir()


def _used(outputs: tuple[Any, ...], latent: Any) -> tuple[Any, ...]:
    """The outputs, after what the host does with them later: a NOISE makes noise for a LATENT."""
    for noise in (one for one in outputs if hasattr(one, "generate_noise")):
        tensors = pack_module("nodes.wire_host").nested_tensors
        made = noise.generate_noise(latent)
        for found, like in zip(tensors(made), tensors(latent["samples"]), strict=True):
            if found.shape != like.shape or found.dtype != like.dtype or not found.isfinite().all():
                raise Finding("silent acceptance", "nodes/motion_noise.py", "noise of another kind")
    return outputs


def _check(name: str, result: Any) -> None:
    """The outputs are what their sockets promise."""
    if result is None:
        return
    for output, value in zip(_host().nodes[name].define_schema().outputs, result, strict=True):
        if output.io_type == "IMAGE":
            assert value.ndim == 4 and 0 not in value.shape and value.shape[-1] == 3, value.shape
        if output.io_type == "MASK":
            assert value.ndim == 3 and 0 not in value.shape, f"mask of {tuple(value.shape)}"
        if output.io_type in ("IMAGE", "MASK"):
            assert value.dtype == torch.float32, f"{output.io_type} of {value.dtype}"
            low, high = (float(bound) for bound in torch.aminmax(value))
            assert -1e-4 <= low <= high <= 1.0001, f"{output.io_type} within {low}..{high}"
        if output.io_type == "TRACKS":
            from_host(value)


def _warmed(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same recipe, after the models that its values need are loaded."""
    _host()
    with _cancelled_after(math.inf):
        _inputs_of(recipe)
    return recipe


def _target(name: str, node: Any) -> Target:
    schema = node.define_schema()
    sockets = {kind: list(values) for kind, values in _values().items()}
    is_noise = any(one.io_type == "NOISE" for one in schema.outputs)
    latents = [pack_module("nodes.schema").LatentSocket.Input(LATER)] if is_noise else []
    return Target(
        f"node-{name.removeprefix('MotionPrompting')}",
        recipes([*schema.inputs, *latents], sockets).map(_warmed),
        functools.partial(_run, name),
        check=functools.partial(_check, name),
        refusals=(Refused,),
        examples=25,
        encode=lambda recipe: json.dumps(recipe).encode(),
        decode=json.loads,
    )


TARGETS = [_target(name, node) for name, node in sorted(pack_nodes().items())]
