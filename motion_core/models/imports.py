"""The import of diffusers in pieces, so that a press on cancel is answered in between."""

from __future__ import annotations

import contextlib
import importlib

from ..progress import Progress, silent

# What diffusers and its schedulers import, in an order in which no piece takes half a second of
# processor time beyond those before it.
PIECES = (
    "sympy",
    "torch.distributed.tensor",
    "torch.distributed.fsdp",
    "torch._inductor.test_operators",
    "torch._dynamo",
    "diffusers",
    "scipy.optimize",
    "scipy.interpolate",
    "scipy.stats",
    "diffusers.schedulers.scheduling_flow_match_euler_discrete",
)


def import_diffusers(progress: Progress = silent) -> None:
    """Import diffusers and what its schedulers need.

    A module that is missing is passed over: parts of torch have other names in other versions, and
    what needs diffusers itself says so.

    Args:
        progress: Called before each piece; it may raise to stop.
    """
    for number, name in enumerate(PIECES):
        progress(number, len(PIECES))
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
