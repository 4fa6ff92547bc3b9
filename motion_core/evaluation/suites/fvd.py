"""Fréchet video distance (Unterthiner et al. 2018) on features of I3D, from a local weight file.

The network is I3D on RGB (Carreira and Zisserman, CVPR 2017): Inception v1 inflated to three
dimensions. Its weights are not shipped. A state dict of pytorch-i3d's layout, such as
`i3d_pretrained_400.pt`, is read without running anything of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ShapeError
from ...weights_io import load_into, read_weights

# Features (400,) of a video (T, H, W, 3) 0..1.
VideoFeatures = Callable[[Tensor], Tensor]
SIDE, LEAST_FRAMES, CLASSES = 224, 10, 400
# Channels of the six branches' convolutions of every Inception block: input, 1x1, 3x3 after its
# reduction, the other 3x3 after its reduction, and the projection of the pooled input.
BLOCKS: dict[str, tuple[int, ...]] = {
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}
# Pooling before a block: kernel and stride.
POOLS = {
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}


class Unit3D(nn.Module):
    """Convolution, batch normalisation and ReLU, padded as TensorFlow's "same"."""

    def __init__(
        self, channels: int, out: int, kernel: int = 1, stride: int = 1, is_last: bool = False
    ) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv3d = nn.Conv3d(channels, out, kernel, stride, bias=is_last)
        self.bn = None if is_last else nn.BatchNorm3d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, out, T', H', W')."""
        x = self.conv3d(padded(x, self.kernel, self.stride))
        return x if self.bn is None else functional.relu(self.bn(x))


def padded(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Zeros around (B, C, T, H, W) so that an output has ceil(side / stride) places; the odd one
    comes last."""
    pads: list[int] = []
    for side, width, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        lacks = max((-(-side // step) - 1) * step + width - side, 0)
        pads += [lacks // 2, lacks - lacks // 2]
    return functional.pad(x, pads)


def pooled(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Largest values, padded with zeros as TensorFlow's "same"; inputs are not negative."""
    return functional.max_pool3d(padded(x, kernel, stride), tuple(kernel), tuple(stride))


class Inception(nn.Module):
    """A block of four branches."""

    def __init__(self, channels: int, one: int, r3: int, o3: int, r5: int, o5: int, p: int) -> None:
        super().__init__()
        self.b0 = Unit3D(channels, one)
        self.b1a, self.b1b = Unit3D(channels, r3), Unit3D(r3, o3, 3)
        self.b2a, self.b2b = Unit3D(channels, r5), Unit3D(r5, o5, 3)
        self.b3b = Unit3D(channels, p)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, out, T, H, W)."""
        around = pooled(x, (3, 3, 3), (1, 1, 1))
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(around))
        return torch.cat(branches, dim=1)


class I3D(nn.Module):
    """I3D on RGB with the 400 classes of Kinetics."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit3D(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit3D(64, 64)
        self.Conv3d_2c_3x3 = Unit3D(64, 192, 3)
        for name, channels in BLOCKS.items():
            self.add_module(name, Inception(*channels))
        self.logits = Unit3D(1024, CLASSES, is_last=True)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 400), averaged over time, of (B, 3, T, 224, 224) in -1..1."""
        x = pooled(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in BLOCKS:
            if name in POOLS:
                x = pooled(x, *POOLS[name])
            x = self.get_submodule(name)(x)
        x = functional.avg_pool3d(x, (2, 7, 7), stride=1)
        return self.logits(x).mean(dim=(2, 3, 4))


def load_i3d(path: Path) -> I3DFeatures:
    """I3D with the weights of a file.

    Raises FormatError where the file holds another network.
    """
    model = I3D()
    state = {
        name: value
        for name, value in read_weights(path).items()
        if not name.endswith("num_batches_tracked")
    }
    kept = {name: value for name, value in model.state_dict().items() if name.endswith("tracked")}
    load_into(model, state | kept, f"{path} is not I3D on RGB with 400 classes: it", assign=False)
    return I3DFeatures(model.eval())


class I3DFeatures:
    """The logits of I3D as features of a video; see VideoFeatures."""

    def __init__(self, model: I3D) -> None:
        self.model = model

    def __call__(self, video: Tensor) -> Tensor:
        """(400,) of a video (T, H, W, 3) 0..1."""
        with torch.no_grad():
            return self.model(prepared(video))[0]


def prepared(video: Tensor) -> Tensor:
    """(1, 3, T, 224, 224) in -1..1 of a video (T, H, W, 3) in 0..1: its shorter side at 224 pixels,
    the middle square.

    Raises ShapeError for fewer than 10 frames, which leave I3D no time to average over.
    """
    if video.ndim != 4 or len(video) < LEAST_FRAMES:
        raise ShapeError(
            f"FVD needs videos (T, H, W, 3) of {LEAST_FRAMES} frames or more; got "
            f"{tuple(video.shape)}."
        )
    planes = video.float().movedim(-1, 1)
    height, width = planes.shape[-2:]
    scale = SIDE / min(height, width)
    target = (max(SIDE, round(height * scale)), max(SIDE, round(width * scale)))
    planes = functional.interpolate(planes, target, mode="bilinear", antialias=False)
    top, left = (target[0] - SIDE) // 2, (target[1] - SIDE) // 2
    square = planes[..., top : top + SIDE, left : left + SIDE]
    return (square * 2 - 1).movedim(0, 1)[None]


def frechet_distance(made: Sequence[Tensor], true: Sequence[Tensor]) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets of features (C,).

    |m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^½), where the trace of the root is the sum of the roots of
    the eigenvalues of S1 S2, which are not negative.

    Raises ValueError for fewer than 2 features in a set.
    """
    if min(len(made), len(true)) < 2:
        raise ValueError(f"a covariance needs 2 videos or more; got {len(made)} and {len(true)}.")
    one, two = (torch.stack(list(part)).double().numpy() for part in (made, true))
    apart = one.mean(axis=0) - two.mean(axis=0)
    first, second = (np.cov(part, rowvar=False) for part in (one, two))
    roots = np.sqrt(np.clip(np.linalg.eigvals(first @ second).real, 0, None))
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * roots.sum())
