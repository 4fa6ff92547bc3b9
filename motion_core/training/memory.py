"""Training in less memory: gradient checkpointing (arXiv 1604.06174), and autocast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context in which matrix products are computed in a precision, float32 or bfloat16.

    Accelerate's own setting is not used: a process can have one only.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def checkpointed(blocks: Iterable[nn.Module]) -> Iterator[None]:
    """While the context is open, blocks keep their inputs alone for the backward pass.

    The backward pass may come after the context. A block's hooks run once, outside of what is
    computed again, so hooks that are removed before the backward pass, such as those of
    WanTrackControlNet.attached, act as without checkpoints. Diffusers' own flags would compute the
    hooks again, too, and find them removed. Nothing is left in the blocks, which can be copied.

    Args:
        blocks: Different modules that do not contain each other.
    """
    with ExitStack() as stack:
        for block in blocks:
            stack.enter_context(_replaced(block))
        yield


@contextmanager
def _replaced(block: nn.Module) -> Iterator[None]:
    own = vars(block).get("forward")
    vars(block)["forward"] = _recomputed(block.forward)
    try:
        yield
    finally:
        # Most have none of their own, but that of their class.
        del vars(block)["forward"]
        if own is not None:
            vars(block)["forward"] = own


def _recomputed(forward: Any) -> Any:
    def run(*given: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given, **named)
        return checkpoint(forward, *given, use_reentrant=False, **named)

    return run
