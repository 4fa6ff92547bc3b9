"""The trackers by name, with the packages and weights that each of them needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import MissingExtraError
from .chain import ChainSettings
from .cotracker import load_cotracker
from .dense_flow import DenseFlow, DisFlow, load_raft
from .lucas_kanade import LucasKanade
from .tapnet import load_tapir, load_tapnext
from .tracker import Tracker

FOLDER = "point_tracking"
NON_COMMERCIAL = "CC-BY-NC 4.0"


@dataclass(frozen=True)
class Request:
    """The arguments that a tracker is made from.

    Attributes:
        file: Its weight file, or None.
        device: Where it runs.
        threshold: Visibility threshold, 0..1, or None for the tracker's own.
    """

    file: Path | None
    device: torch.device
    threshold: float | None


@dataclass(frozen=True)
class TrackerKind:
    """A tracker and its requirements.

    Attributes:
        name: The name that selects it.
        about: A description for users.
        make: Makes the tracker.
        packages: Packages that must be importable.
        files: Names of weight files in a models folder, any of which suffices; empty for none.
        licence: Licence of code and weights where it limits the use of the results, else "".
    """

    name: str
    about: str
    make: Callable[[Request], Tracker]
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    licence: str = ""

    def weights(self, folder: Path | None) -> Path | None:
        """The first of its files that is in the folder, or None."""
        places = [] if folder is None else [folder / name for name in self.files]
        return next((path for path in places if path.is_file()), None)

    def missing(self, folder: Path | None) -> str:
        """What must be installed or downloaded before it can run; "" for nothing."""
        reasons = [
            f"the package {name} is not installed"
            for name in self.packages
            if importlib.util.find_spec(name) is None
        ]
        if self.files and self.weights(folder) is None:
            where = f"models/{FOLDER}" if folder is None else str(folder)
            reasons.append(f"there is no {' or '.join(self.files)} in {where}")
        return " and ".join(reasons)


def _chained(threshold: float | None) -> ChainSettings:
    settings = ChainSettings()
    return settings if threshold is None else replace(settings, keep=threshold)


def _learned(load: Callable[..., Tracker], **options: Any) -> Callable[[Request], Tracker]:
    def make(request: Request) -> Tracker:
        threshold_option = {} if request.threshold is None else {"threshold": request.threshold}
        return load(request.file, request.device, **options, **threshold_option)

    return make


def _cotracker(is_online: bool) -> Callable[[Request], Tracker]:
    def make(request: Request) -> Tracker:
        if request.threshold is not None:
            raise ValueError(
                "CoTracker3 has a fixed visibility threshold; leave the threshold out."
            )
        assert request.file is not None
        return load_cotracker(request.file, request.device, is_online=is_online)

    return make


def _raft(request: Request) -> Tracker:
    assert request.file is not None
    return DenseFlow(load_raft(request.file, request.device), _chained(request.threshold))


KINDS: dict[str, TrackerKind] = {
    kind.name: kind
    for kind in (
        TrackerKind(
            "lucas_kanade",
            "Lucas-Kanade, always available, fast on a CPU",
            lambda request: LucasKanade(settings=_chained(request.threshold)),
        ),
        TrackerKind(
            "flow_dis",
            "chained dense flow by OpenCV's DIS, always available",
            lambda request: DenseFlow(DisFlow(), _chained(request.threshold)),
        ),
        TrackerKind(
            "flow_raft",
            "chained dense flow by RAFT of torchvision",
            _raft,
            ("torchvision",),
            ("raft_large_C_T_SKHT_V2-ff5fadd5.pth", "raft_small_C_T_V2-01064c6d.pth"),
        ),
        TrackerKind(
            "tapir",
            "BootsTAPIR or TAPIR, the paper's own tracker",
            _learned(load_tapir),
            ("tapnet",),
            ("bootstapir_checkpoint_v2.pt", "tapir_checkpoint_panning.pt"),
        ),
        TrackerKind(
            "tapnext",
            "TAPNext or TAPNext++, frame by frame",
            _learned(load_tapnext),
            # Its network imports the other two, which tapnet does not install.
            ("tapnet", "einops", "torchvision"),
            ("tapnextpp_ckpt.pt", "bootstapnext_ckpt.npz"),
        ),
        TrackerKind(
            "cotracker3_offline",
            "CoTracker3, whole clip at once; not for commercial work",
            _cotracker(False),
            ("cotracker",),
            ("scaled_offline.pth",),
            NON_COMMERCIAL,
        ),
        TrackerKind(
            "cotracker3_online",
            "CoTracker3 in windows, for long clips; not for commercial work",
            _cotracker(True),
            ("cotracker",),
            ("scaled_online.pth",),
            NON_COMMERCIAL,
        ),
    )
}


def make_tracker(
    name: str,
    folder: Path | None = None,
    *,
    threshold: float | None = None,
    device: torch.device | str | None = None,
) -> Tracker:
    """Make a tracker by name.

    Args:
        name: A key of KINDS.
        folder: The models folder that holds weights; None for none.
        threshold: Visibility threshold, 0..1: a correlation of patches for lucas_kanade and flow_*,
            a probability for the learned trackers; None for the tracker's own.
        device: Where learned trackers run; None for a GPU if there is one.

    Raises:
        ValueError: The name is unknown or the threshold out of range.
        MissingExtraError: A package or weight file is missing; the message names it.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"there is no tracker {name!r}; there are {', '.join(KINDS)}.")
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise ValueError(f"the visibility threshold must be 0..1; got {threshold}.")
    if reason := kind.missing(folder):
        available = ", ".join(other for other in KINDS if not KINDS[other].missing(folder))
        raise MissingExtraError(
            f"{name} cannot run: {reason}. docs/trackers.md lists packages and weights. Able to "
            f"run: {available}."
        )
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return kind.make(Request(kind.weights(folder), torch.device(chosen), threshold))
