"""Features of pictures for matching and consistency, from whatever weights are at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FormatError, MissingExtraError
from ...model_folder import (
    channel_values,
    diffusers_network,
    read_config,
    transformers_config,
    transformers_network,
)
from ...models.sd15.encoding import encode_images, encode_prompt
from ...models.sd15.folder import VAE, load_network, load_text_encoder
from ..real.lpips import Lpips

# Distance of pictures (B, H, W, 3) 0..1 to others of the same shape: (B,).
Distance = Callable[[Tensor, Tensor], Tensor]
# Of dense SIFT: spatial bins across a patch, orientations, pixels of a bin.
BINS, ANGLES, BIN_PX, SIFT_SIDE = 4, 8, 4, 256
BATCH = 16
MODEL_CLASSES = {"dinov2": "Dinov2Model", "clip_vision_model": "CLIPVisionModel"}
# Of ImageNet, where a folder has no preprocessor_config.json.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Of DIFT on Stable Diffusion: step, block on the way up, noises, pixels of a cell of the deepest
# level, and the first and last beta of the schedule.
DIFT_STEP, DIFT_BLOCK, ENSEMBLE, UNET_PX, BETAS = 261, 1, 8, 64, (0.00085, 0.012)


class Backbone(Protocol):
    """Features of pictures.

    Attributes:
        name: For reports: figures of different backbones do not compare.
    """

    name: str

    def local_features(self, pictures: Tensor, caption: str = "") -> Tensor:
        """(B, C, h, w) float32 features of pictures (B, H, W, 3) 0..1 on a coarser grid.

        A caption of the pictures changes the features of models of text and pictures.
        """
        ...

    def global_features(self, pictures: Tensor) -> Tensor:
        """(B, C) float32 unit features of pictures (B, H, W, 3) 0..1."""
        ...


class DenseSift:
    """Gradient histograms on a grid (Lowe's descriptor, by kornia); needs no weights."""

    name = "dense SIFT"

    def local_features(self, pictures: Tensor, caption: str = "") -> Tensor:
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

    def local_features(self, pictures: Tensor, caption: str = "") -> Tensor:
        """See Backbone: the third convolution, at an eighth of the resolution."""
        return self.lpips.features(pictures)[2]

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the mean of the last convolution."""
        parts = pictures.split(BATCH)
        found = torch.cat([self.lpips.features(part)[-1].mean(dim=(2, 3)) for part in parts])
        return functional.normalize(found, dim=-1)


class FolderBackbone:
    """A vision transformer from a folder in transformers' layout: DINOv2 or CLIP's image side.

    Args:
        folder: Holds config.json, .safetensors, and preprocessor_config.json if any.

    Raises:
        FileNotFoundError, FormatError: It holds another model, or is incomplete or broken.
        MissingExtraError: transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "config.json"
        config = read_config(path)
        kind = str(config.get("model_type", ""))
        if kind not in MODEL_CLASSES:
            raise FormatError(
                f"{folder} holds a {kind or 'model without a type'}; backbones are "
                f"{', '.join(MODEL_CLASSES)}."
            )
        try:
            import transformers
        except ImportError as missing:
            raise MissingExtraError(
                "a backbone from a folder needs transformers: python -m pip install "
                "'motion-prompting[depth]'."
            ) from missing
        built = transformers_config(config, kind, path)
        network = getattr(transformers, MODEL_CLASSES[kind])
        self.name = f"{kind} ({folder.name})"
        self.model = transformers_network(folder, network, built, torch.float32)
        self.side = int(built.image_size)
        self.patches = (self.side // int(built.patch_size)) ** 2
        steps = folder / "preprocessor_config.json"
        values = read_config(steps) if steps.is_file() else {}
        mean = channel_values(values, "image_mean", MEAN, steps)
        deviation = channel_values(values, "image_std", DEVIATION, steps, positive=True)
        self.mean, self.deviation = (torch.tensor(v).view(3, 1, 1) for v in (mean, deviation))

    def _tokens(self, pictures: Tensor) -> Tensor:
        """(B, L, C): the tokens of the last layer, the class token first."""
        planes = functional.interpolate(
            pictures.float().movedim(-1, 1), (self.side,) * 2, mode="bicubic", antialias=True
        )
        planes = (planes - self.mean) / self.deviation
        with torch.no_grad():
            return torch.cat(
                [self.model(pixel_values=part).last_hidden_state for part in planes.split(BATCH)]
            )

    def local_features(self, pictures: Tensor, caption: str = "") -> Tensor:
        """See Backbone: the patches' tokens."""
        side = int(self.patches**0.5)
        tokens = self._tokens(pictures)[:, -self.patches :]
        return tokens.movedim(1, 2).unflatten(2, (side, side))

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone: the class token."""
        return functional.normalize(self._tokens(pictures)[:, 0], dim=-1)


class Dift:
    """Features of Stable Diffusion (DIFT, Tang et al., NeurIPS 2023), as DragBench takes them.

    The output of the second block on the way up at step 261, averaged over eight noises.

    Args:
        folder: Stable Diffusion in diffusers' layout; DragBench takes 2.1.

    Raises:
        FileNotFoundError, FormatError: A part is missing or broken.
    """

    def __init__(self, folder: Path) -> None:
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        self.name = f"DIFT ({folder.name})"
        self.vae = load_network(folder / "vae", VAE)
        self.tokenizer, self.encoder = load_text_encoder(folder)
        if self.encoder is None:
            raise FileNotFoundError(f"{folder} has no text_encoder; copy the whole folder.")
        self.unet = diffusers_network(folder / "unet", UNet2DConditionModel, torch.float32)

    def local_features(self, pictures: Tensor, caption: str = "") -> Tensor:
        """See Backbone."""
        planes = pictures.float().movedim(-1, 1)
        height, width = (max(1, round(side / UNET_PX)) * UNET_PX for side in planes.shape[-2:])
        fitted = functional.interpolate(planes, (height, width), mode="bilinear")
        with torch.no_grad():
            latents = encode_images(self.vae, fitted.movedim(1, -1))
            prompt = encode_prompt(self.tokenizer, self.encoder, caption)
            return torch.stack([self._of_one(latent, prompt) for latent in latents])

    def _of_one(self, latent: Tensor, prompt: Tensor) -> Tensor:
        """(C, h, w): the noises are the same for every picture."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(ENSEMBLE, *latent.shape, generator=generator)
        keep = noise_kept(DIFT_STEP)
        noisy = latent * keep**0.5 + noise * (1 - keep) ** 0.5
        outputs: list[Tensor] = []
        block = self.unet.up_blocks[DIFT_BLOCK]
        handle = block.register_forward_hook(lambda *call: outputs.append(call[-1]))
        try:
            self.unet(noisy, DIFT_STEP, prompt.expand(ENSEMBLE, -1, -1))
        finally:
            handle.remove()
        return outputs[0].mean(dim=0)

    def global_features(self, pictures: Tensor) -> Tensor:
        """See Backbone."""
        return functional.normalize(self.local_features(pictures).mean(dim=(2, 3)), dim=-1)


def noise_kept(step: int) -> float:
    """The share of a picture's variance that is left at a step of Stable Diffusion's 1000: the
    product of 1 - beta, where the roots of beta rise evenly (scaled linear)."""
    betas = torch.linspace(BETAS[0] ** 0.5, BETAS[1] ** 0.5, 1000, dtype=torch.float64) ** 2
    return float((1 - betas).cumprod(0)[step])


def choose_backbone(folder: Path | None, lpips: Lpips | None) -> Backbone:
    """The best backbone at hand: a folder's (Stable Diffusion or a vision transformer), AlexNet
    where LPIPS has weights, or dense SIFT."""
    if folder is not None:
        return Dift(folder) if (folder / "unet").is_dir() else FolderBackbone(folder)
    return AlexNet(lpips) if lpips is not None else DenseSift()
