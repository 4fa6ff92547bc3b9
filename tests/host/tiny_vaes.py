"""The host's own VAEs, small and with random weights, as its loader would hand them to a graph.

Only for use inside a host; see worker.py. The host's VAE class finds a network by the names of its
weights and gives it the sizes of the released one. Here it finds the same network with fewer
channels: everything around it, from strides to memory estimates, is the host's own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from .tiny_models import _fill

_IMAGE = {
    "double_z": True,
    "z_channels": 4,
    "resolution": 256,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 32,
    "ch_mult": [1, 2, 4, 4],
    "num_res_blocks": 1,
    "attn_resolutions": [],
    "dropout": 0.0,
}
_WAN = {"dim_mult": [1, 2, 4, 4], "num_res_blocks": 2, "temperal_downsample": [False, True, True]}
_LTX = {
    "dims": 3,
    "latent_channels": 128,
    "blocks": [
        ["res_x", 1],
        ["compress_all", 1],
        ["res_x_y", 1],
        ["compress_all", 1],
        ["res_x_y", 1],
        ["compress_all", 1],
        ["res_x", 1],
    ],
    "encoder_base_channels": 8,
    "decoder_base_channels": 8,
    "norm_layer": "pixel_norm",
    "patch_size": 4,
    "latent_log_var": "uniform",
}


def _wan21() -> Any:
    from comfy.ldm.wan.vae import WanVAE

    return WanVAE(dim=8, z_dim=16, **_WAN)


def _wan22() -> Any:
    from comfy.ldm.wan.vae2_2 import WanVAE

    return WanVAE(dim=8, dec_dim=8, z_dim=48, **_WAN)


def _ltx() -> Any:
    from comfy.ldm.lightricks.vae.causal_video_autoencoder import VideoVAE

    network = VideoVAE(config=_LTX)
    statistics = network.per_channel_statistics
    for name, buffer in statistics.named_buffers():
        buffer.fill_(1.0 if "std" in name else 0.0)
    return network


def _hunyuan() -> Any:
    from comfy.sd import AutoencoderKL

    sizes = {**_IMAGE, "z_channels": 16, "conv3d": True, "time_compress": 4}
    return AutoencoderKL(ddconfig=sizes, embed_dim=16)


def _cogvideox() -> Any:
    from comfy.ldm.cogvideo.vae import AutoencoderKLCogVideoX

    return AutoencoderKLCogVideoX(block_out_channels=(32, 32, 32, 32), layers_per_block=1)


def _mochi() -> Any:
    from comfy.ldm.genmo.vae import model

    network = model.VideoVAE.__new__(model.VideoVAE)
    torch.nn.Module.__init__(network)
    both = {"channel_multipliers": [1, 2, 3, 4], "latent_dim": 12, "padding_mode": "replicate"}
    blocks = [3, 3, 4, 1, 1]
    network.encoder = model.Encoder(
        **both,
        in_channels=15,
        base_channels=32,
        num_res_blocks=blocks,
        temporal_reductions=[1, 2, 3],
        spatial_reductions=[2, 2, 2],
        prune_bottlenecks=[False] * 5,
        has_attentions=[False, True, True, True, True],
        affine=True,
        bias=True,
        input_is_conv_1x1=True,
    )
    network.decoder = model.Decoder(
        **both,
        out_channels=3,
        base_channels=32,
        temporal_expansions=[1, 2, 3],
        spatial_expansions=[2, 2, 2],
        num_res_blocks=blocks,
        has_attention=[False] * 5,
        output_norm=False,
        nonlinearity="silu",
        output_nonlinearity="silu",
        causal=True,
    )
    return network


def _svd() -> Any:
    from comfy.sd import AutoencodingEngine

    here = "comfy.ldm.models.autoencoder.DiagonalGaussianRegularizer"
    decoder = {**_IMAGE, "video_kernel_size": [3, 1, 1], "alpha": 0.0}
    modules = "comfy.ldm.modules"
    return AutoencodingEngine(
        regularizer_config={"target": here},
        encoder_config={"target": f"{modules}.diffusionmodules.model.Encoder", "params": _IMAGE},
        decoder_config={"target": f"{modules}.temporal_ae.VideoDecoder", "params": decoder},
    )


@dataclass(frozen=True)
class Network:
    """How the network of a VAE is made small.

    Attributes:
        make: Makes it.
        place: Module and name under which the host's VAE looks up its class.
        metadata: Of the file, where the host takes the sizes from there.
    """

    make: Callable[[], Any]
    place: tuple[str, str]
    metadata: dict[str, str] | None = None


_LTX_FILE = {"config": json.dumps({"vae": _LTX})}
_LTX_PLACE = ("comfy.ldm.lightricks.vae.causal_video_autoencoder", "VideoVAE")
NETWORKS: dict[str, Network] = {
    "wan21_i2v": Network(_wan21, ("comfy.ldm.wan.vae", "WanVAE")),
    "wan22_5b": Network(_wan22, ("comfy.ldm.wan.vae2_2", "WanVAE")),
    "ltxv": Network(_ltx, _LTX_PLACE, _LTX_FILE),
    "ltxav": Network(_ltx, _LTX_PLACE, _LTX_FILE),
    "hunyuan_video": Network(_hunyuan, ("comfy.sd", "AutoencoderKL")),
    "cogvideox": Network(_cogvideox, ("comfy.ldm.cogvideo.vae", "AutoencoderKLCogVideoX")),
    "mochi": Network(_mochi, ("comfy.ldm.genmo.vae.model", "VideoVAE")),
    "svd": Network(_svd, ("comfy.sd", "AutoencodingEngine")),
}


def tiny_vae(name: str, seed: int = 3) -> Any:
    """The host's VAE of a tiny model, by its name in NETWORKS."""
    import comfy.sd

    found = NETWORKS[name]
    network = found.make()
    _fill(network, seed)
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    with _in_place_of(found.place, network):
        vae = comfy.sd.VAE(sd=weights, metadata=found.metadata)
    assert vae.first_stage_model is network, "the host found another network"
    return vae


@contextlib.contextmanager
def _in_place_of(place: tuple[str, str], network: Any) -> Iterator[None]:
    """While it lasts, the class at a place makes this network, whatever sizes it is given."""
    module = importlib.import_module(place[0])
    original = getattr(module, place[1])
    setattr(module, place[1], lambda *_, **__: network)
    try:
        yield
    finally:
        setattr(module, place[1], original)
