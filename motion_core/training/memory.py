"""Training in less memory: checkpointing (arXiv 1604.06174), autocast, and shards (2304.11277)."""

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


def spread(modules: Iterable[nn.Module]) -> bool:
    """Spread the frozen weights of modules over all processes, each of which keeps its part alone.

    A module's weights are brought together for its forward and its backward pass (torch's
    fully_shard, FSDP2). Every process must then call it as often as the others.

    Args:
        modules: Those that contain others come after them.

    Returns:
        Whether there is more than one process; one alone keeps everything.
    """
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    # As Accelerator, which comes later, joins the processes.
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    if state.num_processes == 1:
        return False
    device: Any = state.device
    mesh = init_device_mesh(device.type, (state.num_processes,))
    for module in modules:
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
    return True


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
