"""Reads a layer inside a network with gradients; no hook stays in the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .protocols import SharedKeys


class _Reached(Exception):
    """The layer has been computed; the layers after it are not needed."""


def layer_output(
    network: nn.Module,
    layer: str,
    positional: tuple[Any, ...],
    keyword: Mapping[str, Any],
    keys: tuple[Iterable[str], SharedKeys] | None = None,
) -> Tensor:
    """The output of a submodule during a call of the network; later layers are not run.

    All hooks are removed when this returns or raises. Of a tuple the first tensor is returned.

    Args:
        network: The network.
        layer: Name of the submodule.
        positional, keyword: Arguments of the call.
        keys: Names of self-attention layers, and what they record or replay; see SharedKeys.

    Raises:
        ValueError: For a layer that the network does not have or does not call.
    """
    modules = dict(network.named_modules())
    if layer not in modules or not layer:
        raise ValueError(f"the network has no layer {layer!r}.")
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        found.append(output[0] if isinstance(output, tuple) else output)
        raise _Reached

    with ExitStack() as hooks:
        if keys is not None:
            hooks.enter_context(_shared(modules, *keys))
        handle = modules[layer].register_forward_hook(keep)
        hooks.callback(handle.remove)
        try:
            with_gradients(network, positional, keyword)
        except _Reached:
            return found[0]
    raise ValueError(f"the network does not call its layer {layer!r}.")


def with_gradients(
    network: nn.Module, positional: tuple[Any, ...], keyword: Mapping[str, Any]
) -> Any:
    """Calls a network so that gradients reach its arguments.

    A host may load weights under inference_mode. Such tensors cannot take part in a backward pass,
    so tensors on the same memory replace them during the call.
    """
    state = [*network.named_parameters(), *network.named_buffers()]
    twins = {name: _twin(value) for name, value in state if value.is_inference()}
    if not twins:
        return network(*positional, **keyword)
    return torch.func.functional_call(network, twins, positional, dict(keyword))


@contextmanager
def _shared(
    modules: Mapping[str, nn.Module], names: Iterable[str], keys: SharedKeys
) -> Iterator[None]:
    """Self-attention that records its hidden states, or attends to recorded ones."""

    def hook(name: str) -> Any:
        def before(_module: nn.Module, positional: tuple[Any, ...], keyword: dict[str, Any]) -> Any:
            if keys.is_replaying:
                # Keys and values come from these, queries from the positional argument.
                return positional, {**keyword, "encoder_hidden_states": keys.states[name]}
            keys.states[name] = positional[0].detach()
            return None

        return before

    handles = []
    try:
        for name in names:
            module = modules[name]
            handles.append(module.register_forward_pre_hook(hook(name), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _twin(value: Tensor) -> Tensor:
    """A tensor on the same memory that autograd accepts."""
    with torch.inference_mode(False):
        twin = torch.empty(0, dtype=value.dtype, device=value.device)
        storage = value.untyped_storage()
        return twin.set_(storage, value.storage_offset(), value.size(), value.stride())
