"""Features of pictures for matching and consistency, from whatever weights are at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FormatError, MissingExtraError
from ...safe_json import read_json_object
from ..real.lpips import Lpips

# Distance of pictures (B, H, W, 3) 0..1 to others of the same shape: (B,).
Distance = Callable[[Tensor, Tensor], Tensor]
# Of dense SIFT: spatial bins across a patch, orientations, pixels of a bin.
BINS, ANGLES, BIN_PX, SIFT_SIDE = 4, 8, 4, 256
BATCH = 16
MODEL_KINDS = ("dinov2", "vit", "clip", "clip_vision_model", "siglip", "siglip_vision_model")


class Backbone(Protocol):
    """Features of pictures.

    Attributes:
        name: For reports: figures of different backbones do not compare.
    """

    name: str

    def local_features(self, pictures: Tensor) -> Tensor:
        """(B, C, h, w) float32 features of pictures (B, H, W, 3) 0..1 on a coarser grid."""
        ...

    def global_features(self, pictures: Tensor) -> Tensor:
        """(B, C) float32 unit features of pictures (B, H, W, 3) 0..1."""
        ...


class DenseSift:
    """Gradient histograms on a grid (Lowe's descriptor, by kornia); needs no weights."""

    name = "dense SIFT"

    def local_features(self, pictures: Tensor) -> Tensor:
        """See Backbone."""
        from kornia.feature import DenseSIFTDescriptor

        grey = pictures.float().mean(dim=-1)[:, None]
        descriptor = DenseSIFTDescriptor(
            num_ang_bins=ANGLES, num_spatial_bins=BINS, spatial_bin_size=BIN_PX
        )
        with torch.no_grad():
            features = descriptor(grey)
        return functional.interpolate(features, grey.shape[-2:], mode="bilinear")

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone."""
        small = functional.interpolate(pictures.float().movedim(-1, 1), (64, 64), mode="area")
        local = self.local_features(small.movedim(1, -1))
        return functional.normalize(functional.avg_pool2d(local, 16).flatten(1), dim=-1)


class AlexNet:
    """The features under LPIPS; weights as in real/lpips.py."""

    name = "AlexNet (LPIPS)"

    def __init__(self, lpips: Lpips) -> None:
        self.lpips = lpips

    def local_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the third convolution, at an eighth of the resolution."""
        return self.lpips.features(pictures)[2]

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the mean of the last convolution."""
        parts = pictures.split(BATCH)
        found = torch.cat([self.lpips.features(part)[-1].mean(dim=(2, 3)) for part in parts])
        return functional.normalize(found, dim=-1)


class FolderBackbone:
    """A vision transformer from a folder in transformers' layout: DINOv2, ViT/DINO or CLIP.

    Args:
        folder: Holds config.json, preprocessor_config.json if any, and safetensors.

    Raises:
        FormatError: It holds another model, or weights that are not safetensors.
        MissingExtraError: transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        config = read_json_object(folder / "config.json")
        kind = str(config.get("model_type", ""))
        if kind not in MODEL_KINDS:
            raise FormatError(
                f"{folder} holds a {kind or 'model without a type'}; backbones are "
                f"{', '.join(MODEL_KINDS)}."
            )
        if not list(folder.glob("*.safetensors")):
            raise FormatError(f"{folder} holds no .safetensors; convert its weights first.")
        self.name = f"{kind} ({folder.name})"
        self.model, self.side, self.mean, self.deviation = _loaded(folder, kind)

    def _tokens(self, pictures: Tensor) -> Tensor:
        """(B, L, C): the tokens of the last layer, the class token first."""
        planes = pictures.float().movedim(-1, 1)
        planes = functional.interpolate(
            planes, (self.side, self.side), mode="bicubic", antialias=True
        )
        planes = (planes - self.mean) / self.deviation
        with torch.no_grad():
            return torch.cat(
                [self.model(pixel_values=part).last_hidden_state for part in planes.split(BATCH)]
            )

    def local_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the patches' tokens."""
        tokens = self._tokens(pictures)
        patches = int((tokens.shape[1] - 1) ** 0.5) ** 2
        side = int(patches**0.5)
        return tokens[:, -patches:].movedim(1, 2).unflatten(2, (side, side))

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the class token."""
        return functional.normalize(self._tokens(pictures)[:, 0], dim=-1)


def _loaded(folder: Path, kind: str) -> tuple[Any, int, Tensor, Tensor]:
    try:
        from transformers import AutoModel, CLIPVisionModel, SiglipVisionModel
    except ImportError as missing:
        raise MissingExtraError(
            "a backbone from a folder needs transformers: python -m pip install "
            "'motion-prompting[depth]'."
        ) from missing
    vision = {"clip": CLIPVisionModel, "siglip": SiglipVisionModel}
    model_class = next((vision[name] for name in vision if kind.startswith(name)), AutoModel)
    model = model_class.from_pretrained(
        str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False
    ).eval()
    side = int(getattr(model.config, "image_size", 224))
    steps = folder / "preprocessor_config.json"
    values = read_json_object(steps) if steps.is_file() else {}
    default = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    mean, deviation = (
        torch.tensor(values.get(name, fallback)).view(3, 1, 1)
        for name, fallback in zip(("image_mean", "image_std"), default, strict=True)
    )
    return model, side, mean, deviation


def choose_backbone(folder: Path | None, lpips: Lpips | None) -> Backbone:
    """The best backbone at hand: a folder's, AlexNet where LPIPS has weights, or dense SIFT."""
    if folder is not None:
        return FolderBackbone(folder)
    return AlexNet(lpips) if lpips is not None else DenseSift()
