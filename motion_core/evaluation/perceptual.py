"""LPIPS, where its weights are on this machine; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import math
import os
from pathlib import Path

import torch
from torch import Tensor

# The network under LPIPS as torchvision names its file. LPIPS' own layer comes with torchmetrics.
NET, FILE = "alex", "alexnet-owt-7be5be79.pth"


def weights_folder() -> Path:
    """Where PyTorch keeps weights that were downloaded once."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch") / "hub" / "checkpoints"


class Perceptual:
    """Learned perceptual distance (Zhang et al., CVPR 2018), or NaN where it cannot be measured.

    Attributes:
        missing: why it cannot be measured, "" if it can.
    """

    def __init__(self, net: str = NET, file: str = FILE) -> None:
        self.net = net
        lacks = [
            f"{name} is not installed"
            for name in ("torchmetrics", "torchvision")
            if importlib.util.find_spec(name) is None
        ]
        if not (weights_folder() / file).is_file():
            lacks.append(f"there is no {file} in {weights_folder()}")
        self.missing = " and ".join(lacks)

    def __call__(self, video: Tensor, truth: Tensor) -> float:
        """Mean distance of videos (T, H, W, 3) in 0..1, frame by frame; 0 for equal ones."""
        if self.missing:
            return math.nan
        from torchmetrics.functional.image import learned_perceptual_image_patch_similarity

        first, second = (frames.float().movedim(-1, 1).clamp(0, 1) for frames in (video, truth))
        with torch.no_grad():
            far = learned_perceptual_image_patch_similarity(
                first,
                second,
                net_type=self.net,  # type: ignore[arg-type]
                normalize=True,
            )
        return float(far)
