"""Every way to steer a family by tracks, small: for what all of them must do alike."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from motion_core.models.animatediff.conductor import ConductorTracks
from motion_core.models.animatediff.family import AnimateDiff, AnimateDiffFamily
from motion_core.models.animatediff.track_net import TrackNetTracks, track_net_of
from motion_core.models.protocols import GenerationRequest
from motion_core.models.svd.family import MotionProTracks, SvdFamily
from motion_core.models.wan.control import ControlTracks, WanControl
from motion_core.models.wan.family import WanFamily
from motion_core.models.wan.folder import _to_floating
from motion_core.models.wan.tracks import AtiTracks, WanMoveTracks
from motion_core.raster.ids import IdEmbedding
from motion_core.tracks import Tracks

from .animatediff import parts as animatediff
from .svd import parts as svd
from .wan import tiny as wan

MODELS = "motion_core.models"


@dataclass(frozen=True, eq=False)
class Case:
    """A model under control. once: what a run does once however many steps it takes, by the place
    where it is called from."""

    model: Any
    control: Any
    request: GenerationRequest
    tracks: Tracks
    once: tuple[str, ...]


def image_conductor(dtype: torch.dtype) -> Case:
    control = deepcopy(animatediff.tiny_conductor()).to(dtype)
    once = (
        f"{MODELS}.animatediff.conductor.flow_condition",
        f"{MODELS}.animatediff.lora.LayerLora.merged",
    )
    return _animatediff(dtype, ConductorTracks(control), once)


def animatediff_tracks(dtype: torch.dtype) -> Case:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        control = track_net_of(animatediff.tiny_base().unet, IdEmbedding(8, 256))
    for conv in (*control.controlnet_down_blocks, control.controlnet_mid_block):
        torch.nn.init.eye_(conv.weight.data[:, :, 0, 0])  # type: ignore[union-attr, operator]
    control = control.eval().requires_grad_(False).to(dtype)
    once = (
        f"{MODELS}.animatediff.track_net.convolve_points",
        f"{MODELS}.animatediff.track_net.random_id_volume",
    )
    return _animatediff(dtype, TrackNetTracks(control), once)


def motionpro(dtype: torch.dtype) -> Case:
    network = deepcopy(svd.tiny_network())
    for part in (network.unet, network.adapter, network.lora):
        part.to(dtype)
    once = (
        f"{MODELS}.svd.family.region_condition",
        f"{MODELS}.svd.encoder.MotionEncoder.forward",
        f"{MODELS}.svd.lora.LoraWeights.merged",
    )
    model, control = SvdFamily(network, svd.SETTINGS), MotionProTracks(network)
    return Case(model, control, GenerationRequest(svd.picture(), svd.FRAMES), svd.drags(), once)


def wan_move(dtype: torch.dtype) -> Case:
    return _wan(dtype, lambda base: WanMoveTracks(), f"{MODELS}.wan.tracks.copied_latent")


def ati(dtype: torch.dtype) -> Case:
    return _wan(dtype, lambda base: AtiTracks(), f"{MODELS}.wan.tracks.soft_copied_latent")


def wan_tracks(dtype: torch.dtype) -> Case:
    def steered(base: Any) -> ControlTracks:
        control = WanControl(base, ids=IdEmbedding(8, 256)).eval().requires_grad_(False)
        for out in control.outs:
            torch.nn.init.eye_(out.weight)  # type: ignore[arg-type]
        return ControlTracks(control)

    return _wan(dtype, steered, f"{MODELS}.wan.embed.TrackEmbedding.forward")


CASES: dict[str, Callable[[torch.dtype], Case]] = {
    "Image Conductor": image_conductor,
    "AnimateDiff, Track-ControlNet": animatediff_tracks,
    "MotionPro": motionpro,
    "Wan-Move": wan_move,
    "ATI": ati,
    "Wan, Track-ControlNet": wan_tracks,
}


def _animatediff(dtype: torch.dtype, control: Any, once: tuple[str, ...]) -> Case:
    base = animatediff.tiny_base()
    unet, image = (deepcopy(part).to(dtype) for part in (base.unet, base.image))
    model = AnimateDiffFamily(AnimateDiff(unet, base.vae, image))
    request = GenerationRequest(animatediff.picture(), animatediff.FRAMES)
    return Case(model, control, request, animatediff.drags(), once)


def _wan(dtype: torch.dtype, control: Callable[[Any], Any], once: str) -> Case:
    parts = wan.parts()
    base = parts.transformer
    # As loaded: time and norms stay float32.
    base.load_state_dict(
        _to_floating(base.state_dict(), dtype, base._keep_in_fp32_modules), assign=True
    )
    base.requires_grad_(False)
    return Case(WanFamily(parts), control(base), wan.request(), wan.tracks(), (once,))
