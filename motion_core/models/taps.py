"""Reads a layer inside a network with gradients, leaving nothing behind in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .protocols import SharedKeys


class _Reached(Exception):
    """The layer has answered; what comes after it need not be computed."""


def layer_output(
    network: nn.Module,
    layer: str,
    given: tuple[Any, ...],
    words: Mapping[str, Any],
    keys: tuple[Iterable[str], SharedKeys] | None = None,
) -> Tensor:
    """What a submodule makes of a call of the network, whose remaining layers are not run.

    given, words: arguments of the call. keys: names of self-attention layers, and what they
    remember (see SharedKeys). Hooks are gone when this returns or raises. Of a tuple the first
    tensor counts. Raises ValueError for a layer that the network has not or never asks.
    """
    modules = dict(network.named_modules())
    if layer not in modules or not layer:
        raise ValueError(f"the network has no layer {layer!r}.")
    found: list[Tensor] = []

    def keep(_module: nn.Module, _given: Any, made: Any) -> None:
        found.append(made[0] if isinstance(made, tuple) else made)
        raise _Reached

    with ExitStack() as hooks:
        if keys is not None:
            hooks.enter_context(_shared(modules, *keys))
        handle = modules[layer].register_forward_hook(keep)
        hooks.callback(handle.remove)
        try:
            with_gradients(network, given, words)
        except _Reached:
            return found[0]
    raise ValueError(f"the network does not ask its layer {layer!r}.")


def with_gradients(network: nn.Module, given: tuple[Any, ...], words: Mapping[str, Any]) -> Any:
    """Calls a network so that gradients reach its arguments.

    A host may load weights under inference_mode; such tensors cannot take part in a backward pass,
    so twins that share their memory stand in for the time of the call.
    """
    state = [*network.named_parameters(), *network.named_buffers()]
    twins = {name: _twin(value) for name, value in state if value.is_inference()}
    if not twins:
        return network(*given, **words)
    return torch.func.functional_call(network, twins, given, dict(words))


@contextmanager
def _shared(
    modules: Mapping[str, nn.Module], names: Iterable[str], keys: SharedKeys
) -> Iterator[None]:
    """Self-attention that remembers what it looked at, or looks at what is remembered."""

    def hook(name: str) -> Any:
        def before(_module: nn.Module, given: tuple[Any, ...], words: dict[str, Any]) -> Any:
            if keys.is_replaying:
                # Keys and values of an attention come from these, its queries from `given`.
                return given, {**words, "encoder_hidden_states": keys.seen[name]}
            keys.seen[name] = given[0].detach()
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
