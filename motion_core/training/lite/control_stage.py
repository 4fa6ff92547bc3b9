"""Stage `control`: flow matching of motion fields with tracks, on a frozen base."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import FormatError
from ...layered_scenes.scene import CANVAS
from ...models.lite.base import LiteControlOutput
from ...models.lite.latents import field_to_latents, from_latents
from ...models.lite.load import load_lite
from ...models.lite.track_controlnet import LiteTrackControlNet, PreparedControl
from ..config import TrainConfig
from .data import Batch
from .flow_matching import flow_matching_loss, noisy_latents


class ControlStage(nn.Module):
    """The control branch with the loss of its frozen base."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        lite = load_lite(Path(config.start) if config.start else None)
        if lite.base is None:
            raise FormatError(
                "control is trained on a base, and these weights hold none. Train stage base, "
                "export it, and pass the file as start."
            )
        lite.requires_grad_(False)
        self.lite, self.base = lite, lite.base
        self.control = LiteTrackControlNet(lite.base, lite, config.input)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch as `loss`, and the mean of the gates as `gate`."""
        target, noisy, tau = noisy_latents(batch, self.base, self.config)
        image_features = self.base.encode_image(batch.images)
        output = self.control_output(batch, image_features.features, noisy, tau)
        prediction = self.base(noisy, tau, image_features, output)
        return {
            "loss": flow_matching_loss(prediction, target, tau, batch.visible),
            "gate": output.gate.detach().mean(),
        }

    def control_output(
        self, batch: Batch, features: Tensor, noisy: Tensor, tau: Tensor
    ) -> LiteControlOutput:
        """The residuals and gates of a batch; zero for a scene without tracks.

        Args:
            batch: B scenes with tracks.
            features: (B, F, G, G) image features.
            noisy: (B, C, G, G) noisy latents.
            tau: (B,) their noise levels.
        """
        fields, attention = self.lite.batch_fields(batch.images, batch.track_batch, CANVAS)
        target = torch.cat([field_to_latents(field, self.config.frames) for field in fields])
        confidence = torch.stack([field.confidence for field in fields])[:, None]
        track_maps = torch.cat([self.control.track_maps(tracks) for tracks in batch.tracks])
        embedding = self.control.embed(track_maps.to(features), target, confidence, features)
        prepared = PreparedControl(embedding, target, attention.is_active())
        return self.control.residuals(prepared, noisy, tau)


def predict_in_one_step(stage: ControlStage, batch: Batch) -> Tensor:
    """(G*G, T, 2) displacements in units, predicted from pure noise for a batch of one scene."""
    base = stage.base
    noise = base.noise(1, torch.Generator().manual_seed(0)).to(batch.images)
    tau = noise.new_ones(1)
    image_features = base.encode_image(batch.images)
    output = stage.control_output(batch, image_features.features, noise, tau)
    displacement, _ = from_latents(base(noise, tau, image_features, output))
    return displacement[0].flatten(1, 2).transpose(0, 1)
