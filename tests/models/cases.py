"""Every way to steer a family by tracks, small: for what all of them must do alike."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from motion_core.models.animatediff import track_controlnet
from motion_core.models.animatediff.control import AnimateDiffControl
from motion_core.models.animatediff.family import AnimateDiff, AnimateDiffFamily
from motion_core.models.animatediff.track_controlnet import copy_track_controlnet
from motion_core.models.image_conductor import control as image_conductor_control
from motion_core.models.image_conductor.control import ImageConductorControl
from motion_core.models.lora import LoraWeights
from motion_core.models.protocols import GenerationRequest
from motion_core.models.svd import control as svd_control
from motion_core.models.svd.control import MotionProControl
from motion_core.models.svd.family import SvdFamily
from motion_core.models.svd.motion_encoder import MotionEncoder
from motion_core.models.wan import control as wan_control
from motion_core.models.wan.control import AtiControl, WanControl, WanMoveControl
from motion_core.models.wan.family import WanFamily
from motion_core.models.wan.folder import cast_weights
from motion_core.models.wan.track_controlnet import WanTrackControlNet
from motion_core.models.wan.track_embedding import TrackEmbedding
from motion_core.raster.ids import IdEmbedding
from motion_core.tracks import Tracks

from .animatediff import parts as animatediff
from .svd import parts as svd
from .wan import tiny as wan


@dataclass(frozen=True, eq=False)
class Case:
    """A model under control.

    Attributes:
        model, control, request, tracks: What sampling.sample takes.
        once: What a run calls once however many steps it takes: the module or class, and the name
            of the function in it.
    """

    model: Any
    control: Any
    request: GenerationRequest
    tracks: Tracks
    once: tuple[tuple[Any, str], ...]


def image_conductor(dtype: torch.dtype) -> Case:
    control = deepcopy(animatediff.tiny_conductor()).to(dtype)
    once = ((image_conductor_control, "flow_condition"), (LoraWeights, "merged"))
    return _animatediff(dtype, ImageConductorControl(control), once)


def animatediff_tracks(dtype: torch.dtype) -> Case:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        control = copy_track_controlnet(animatediff.tiny_base().unet, IdEmbedding(8, 256))
    for conv in (*control.controlnet_down_blocks, control.controlnet_mid_block):
        torch.nn.init.eye_(conv.weight.data[:, :, 0, 0])  # type: ignore[union-attr, operator]
    control = control.eval().requires_grad_(False).to(dtype)
    once = ((track_controlnet, "sparse_conv"), (track_controlnet, "random_id_volume"))
    return _animatediff(dtype, AnimateDiffControl(control), once)


def motionpro(dtype: torch.dtype) -> Case:
    network = deepcopy(svd.tiny_network())
    for part in (network.unet, network.adapter, network.lora):
        part.to(dtype)
    once = (
        (svd_control, "region_condition"),
        (MotionEncoder, "forward"),
        (LoraWeights, "merged"),
    )
    model, control = SvdFamily(network, svd.SETTINGS), MotionProControl(network)
    return Case(model, control, GenerationRequest(svd.picture(), svd.FRAMES), svd.drags(), once)


def wan_move(dtype: torch.dtype) -> Case:
    return _wan(dtype, lambda base: WanMoveControl(), (wan_control, "copied_latent"))


def ati(dtype: torch.dtype) -> Case:
    return _wan(dtype, lambda base: AtiControl(), (wan_control, "soft_copied_latent"))


def wan_tracks(dtype: torch.dtype) -> Case:
    def steered(base: Any) -> WanControl:
        control = WanTrackControlNet(base, ids=IdEmbedding(8, 256)).eval().requires_grad_(False)
        for out in control.outs:
            torch.nn.init.eye_(out.weight)  # type: ignore[arg-type]
        return WanControl(control)

    return _wan(dtype, steered, (TrackEmbedding, "forward"))


CASES: dict[str, Callable[[torch.dtype], Case]] = {
    "Image Conductor": image_conductor,
    "AnimateDiff, Track-ControlNet": animatediff_tracks,
    "MotionPro": motionpro,
    "Wan-Move": wan_move,
    "ATI": ati,
    "Wan, Track-ControlNet": wan_tracks,
}


def _animatediff(dtype: torch.dtype, control: Any, once: tuple[tuple[Any, str], ...]) -> Case:
    base = animatediff.tiny_base()
    unet, image = (deepcopy(part).to(dtype) for part in (base.unet, base.image))
    model = AnimateDiffFamily(AnimateDiff(unet, base.vae, image))
    request = GenerationRequest(animatediff.picture(), animatediff.FRAMES)
    return Case(model, control, request, animatediff.drags(), once)


def _wan(dtype: torch.dtype, control: Callable[[Any], Any], once: tuple[Any, str]) -> Case:
    parts = wan.parts()
    base = parts.transformer
    # As loaded: time and norms stay float32.
    base.load_state_dict(
        cast_weights(base.state_dict(), dtype, base._keep_in_fp32_modules), assign=True
    )
    base.requires_grad_(False)
    return Case(WanFamily(parts), control(base), wan.request(), wan.tracks(), (once,))
