"""Chained dense optical flow: DIS of OpenCV, or RAFT of torchvision with weights from a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import MissingExtraError
from ..progress import Progress, silent
from ..tracks import Tracks
from ..weights_io import load_into, read_weights
from .appearance import Points
from .chain import ChainSettings, Frame, as_frame, chain_tracks
from .clip import Video
from .tracker import ShouldStop, never

# RAFT halves its input three times and correlates 16 cells in each direction: its least side.
RAFT_MULTIPLE, RAFT_LEAST = 8, 128
# DIS begins on a strongly reduced picture, which must still contain a patch.
DIS_LEAST = 64
# Sundaram, Brox and Keutzer, ECCV 2010, equation 5, without the part that grows with the motion: in
# a fast pan it lets errors of two pixels pass.
CONSISTENT_PX2 = 0.5


class Flow(Protocol):
    """A source of dense optical flow."""

    def flow(self, before: Frame, after: Frame) -> NDArray[np.float32]:
        """(H, W, 2) float32 displacement (x, y) in pixels of every pixel of `before` to `after`."""
        ...


@dataclass(frozen=True, eq=False)
class DenseFlow:
    """Points moved by dense flow, lost where forward and backward flow disagree.

    Attributes:
        source: Computes the flow.
        settings: When points are lost and found again.
    """

    source: Flow
    settings: ChainSettings = field(default_factory=ChainSettings)
    points_per_step: ClassVar[int | None] = None

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """See Tracker."""
        return chain_tracks(self, video, queries, self.settings, progress, should_stop)

    def step(self, before: Frame, after: Frame, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        """See Stepper."""
        there = _at(self.source.flow(before, after), points)
        back = _at(self.source.flow(after, before), points + there)
        gap = ((there + back) ** 2).sum(axis=1)
        return points + there, (gap <= CONSISTENT_PX2) & np.isfinite(there).all(axis=1)


@dataclass(frozen=True)
class DisFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016), part of OpenCV."""

    def flow(self, before: Frame, after: Frame) -> NDArray[np.float32]:
        """See Flow."""
        import cv2

        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        height, width = before.grey.shape
        spare = [(0, max(0, DIS_LEAST - side)) for side in (height, width)]
        first, second = (np.pad(frame.grey, spare, mode="edge") for frame in (before, after))
        return np.asarray(dis.calc(first, second, np.empty(0)), np.float32)[:height, :width]


@dataclass(frozen=True, eq=False)
class RaftFlow:
    """RAFT (Teed and Deng, ECCV 2020); `model` is torchvision's, in eval mode."""

    model: nn.Module

    def flow(self, before: Frame, after: Frame) -> NDArray[np.float32]:
        """See Flow."""
        device = next(self.model.parameters()).device
        pair = torch.from_numpy(np.stack([before.rgb, after.rgb])).to(device)
        pair = pair.movedim(-1, 1).float() / 127.5 - 1.0
        height, width = pair.shape[-2:]
        right, down = (_padding(side) for side in (width, height))
        padded = nn.functional.pad(pair, (0, right, 0, down), mode="replicate")
        with torch.inference_mode():
            flow = self.model(padded[:1], padded[1:])[-1][0]
        return flow[:, :height, :width].movedim(0, -1).cpu().numpy()


def measured_flow(before: Tensor, after: Tensor, source: Flow | None = None) -> Tensor:
    """(H, W, 2) float32 pixels: the motion of every pixel of a picture to the next.

    Args:
        before: (H, W, 3) float 0..1.
        after: (H, W, 3) float 0..1.
        source: Computes the flow; None takes DIS.
    """
    frames = [as_frame((one.cpu() * 255).round().byte().numpy()) for one in (before, after)]
    return torch.from_numpy((source or DisFlow()).flow(*frames))


def load_raft(path: Path, device: torch.device | str = "cpu") -> RaftFlow:
    """RAFT with the weights of a torchvision file, which determines whether it is large or small.

    Args:
        path: The weight file.
        device: Where the model runs.

    Raises:
        MissingExtraError: torchvision is not installed.
        FormatError: The file holds other weights.
    """
    try:
        from torchvision.models.optical_flow import (  # pyright: ignore[reportMissingImports]
            raft_large,
            raft_small,
        )
    except ImportError as error:
        raise MissingExtraError("RAFT needs torchvision: pip install torchvision.") from error
    state = read_weights(path)
    is_large = any(name.startswith("mask_predictor") for name in state)
    model = (raft_large if is_large else raft_small)(weights=None)
    return RaftFlow(with_weights(model, state, path).to(device))


def with_weights(model: nn.Module, state: dict[str, Tensor], path: Path) -> nn.Module:
    """Load weights into a model and set it to eval mode.

    Args:
        model: The network.
        state: Its state dict.
        path: The file of the weights, for messages.

    Raises:
        FormatError: The weights belong to another model.
    """
    load_into(model, state, f"{path} holds the weights of another model: it", assign=False)
    return model.eval()


def _padding(side: int) -> int:
    whole = max(RAFT_LEAST, -(-side // RAFT_MULTIPLE) * RAFT_MULTIPLE)
    return whole - side


def _at(flow: NDArray[np.float32], points: Points) -> Points:
    """(N, 2) flow at points, bilinear between pixels."""
    import cv2

    # cv2 counts from the centre of the top-left pixel: 0.5 less than we do.
    maps = (points - np.float32(0.5)).astype(np.float32)
    found = [
        cv2.remap(
            np.ascontiguousarray(flow),
            maps[start : start + 30_000, :1],
            maps[start : start + 30_000, 1:],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )[:, 0]
        for start in range(0, len(points), 30_000)
    ]
    return np.concatenate(found).astype(np.float32) if found else np.zeros((0, 2), np.float32)
