"""Image Conductor as the frozen base of a LoRA that is trained on its flow network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.animatediff.control_output import UNetResiduals
from ...models.animatediff.family import AnimateDiffFamily
from ...models.image_conductor.checkpoint import ADAPTERS, CAMERA, OBJECT
from ...models.image_conductor.condition import flow_condition
from ...models.image_conductor.control import FlowNetwork, ImageConductorControl
from ...models.lora import LoraWeights
from ...models.sd15.encoding import CELL_PX
from ...models.track_model import Defaults, TrackModel
from ...tracks.model import Tracks
from ...weights_io import write_safetensors
from ..animatediff.base import AnimateDiffBase, EncodedClips
from .lora import TrainedLora, updatable

MOTIONS = (CAMERA, OBJECT)


class ImageConductorBase(AnimateDiffBase):
    """A TrainableBase whose controls are TrainedLora of one motion.

    The camera's LoRA is trained alone. An object's is trained on top of the camera's, which stays
    as it is (arXiv 2406.15339).

    Args:
        family: The U-Net and the image's branch.
        flow: The flow network, with a LoRA of the camera for an object's to be trained.
        motion: camera or object, whose LoRA is trained.
        rank: Of the LoRA.
        defaults: How it is sampled.

    Raises:
        ValueError: An object's LoRA is asked for, and there is none of the camera.
    """

    def __init__(
        self,
        family: AnimateDiffFamily,
        flow: FlowNetwork,
        motion: str,
        rank: int,
        defaults: Defaults | None = None,
    ) -> None:
        super().__init__(family, defaults)
        self.flow, self.motion, self.rank = flow, motion, rank
        self.network: nn.Module = nn.ModuleDict({"base": family.network, "control": flow})
        self.camera: dict[str, tuple[Tensor, Tensor]] = {}
        if motion == OBJECT:
            if CAMERA not in flow.lora:
                raise ValueError(
                    "an object's LoRA is trained on top of the camera's, and the flow network has "
                    "none. Train it with motion=camera, and put the exported file into the folder "
                    "of the model as flow_controlnet.safetensors."
                )
            self.camera = pairs_of(flow.lora[CAMERA])

    def new_control(self) -> TrainedLora:
        """A LoRA of zeros for all layers of the flow network.

        Under one global seed that of an object starts from other directions than the camera's.
        """
        seed = int(torch.randint(1 << 62, ())) + MOTIONS.index(self.motion)
        return TrainedLora(updatable(self.flow.flow), self.rank, seed)

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """Those of the U-Net.

        The flow network is called with other weights than its own, which would be missing where
        its activations are computed again.
        """
        return super().blocks(nn.Module())

    def track_control(self, control: nn.Module) -> ImageConductorControl:
        """See TrainableBase. As the authors sample: under the LoRA of one motion."""
        lora = cast(TrainedLora, control).frozen()
        return ImageConductorControl(FlowNetwork(self.flow.flow, {self.motion: lora}), self.motion)

    def save(self, control: nn.Module, path: Path) -> None:
        """See TrainableBase. The flow network with the new LoRA and that of the other motion."""
        lora = {name: pairs_of(one) for name, one in self.flow.lora.items()}
        lora[self.motion] = cast(TrainedLora, control).pairs()
        write_safetensors(path, flow_weights(self.flow.flow, lora), {})

    def residuals(
        self,
        control: nn.Module,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        timestep: Tensor,
    ) -> UNetResiduals:
        """See AnimateDiffBase."""
        flow = self.flow.flow
        weights: dict[str, Tensor] = dict(flow.named_parameters())
        if self.camera:
            weights |= cast(LoraWeights, self.flow.lora[CAMERA]).merged(flow)
        merged = weights | cast(TrainedLora, control).added(weights)
        latents = encoded.latents
        size = Size(latents.shape[-1] * CELL_PX, latents.shape[-2] * CELL_PX)
        device = latents.device
        features = [flow.features(flow_condition(one, size).to(device), merged) for one in tracks]
        dtype = flow.controlnet_cond_embedding.weight.dtype
        embeds = encoded.prompt_embeds.to(dtype)
        return flow.with_weights(merged, torch.stack(features).to(dtype), timestep, embeds)


def pairs_of(lora: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Name of the weight -> (down, up) of LoraWeights."""
    found = cast(LoraWeights, lora)
    return dict(zip(found.names, zip(found.down, found.up, strict=True), strict=True))


def flow_weights(
    flow: nn.Module, lora: Mapping[str, Mapping[str, tuple[Tensor, Tensor]]]
) -> dict[str, Tensor]:
    """Weights of a flow network with LoRA by motion, under the names of a released file."""
    released = {motion: adapter for adapter, motion in ADAPTERS.items()}
    tensors = {name: value.detach() for name, value in flow.state_dict().items()}
    for motion, pairs in lora.items():
        adapter = released.get(motion, motion)
        for name, (down, up) in pairs.items():
            layer = name.removesuffix(".weight")
            tensors[f"{layer}.lora_A.{adapter}.weight"] = down.detach()
            tensors[f"{layer}.lora_B.{adapter}.weight"] = up.detach()
    return {name: value.cpu().contiguous() for name, value in tensors.items()}


def trainable(model: TrackModel, motion: str, rank: int) -> ImageConductorBase:
    """The base of a loaded Image Conductor. Raises ValueError as ImageConductorBase."""
    control = cast(ImageConductorControl, model.control)
    family = cast(AnimateDiffFamily, model.model)
    base = ImageConductorBase(family, control.network, motion, rank, model.defaults)
    base.network.requires_grad_(False).eval()
    return base
