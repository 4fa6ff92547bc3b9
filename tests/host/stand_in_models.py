"""Stand-ins for ComfyUI's own MODEL, VAE, latents and the modules of its package comfy.

They hold as much as the pack's nodes need to set up a run. Runs through ComfyUI's own samplers and
networks are in tests/host/follow_checks.py and its neighbours.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

VIDEO_LATENTS = SimpleNamespace(
    latent_channels=16, latent_dimensions=3, spacial_downscale_ratio=8, temporal_downscale_ratio=4
)
IMAGE_LATENTS = SimpleNamespace(latent_channels=4, latent_dimensions=2)
# Sizes of the networks in tests/models/wan/tiny.py.
WAN_WIDTH, WAN_HEADS, WAN_BLOCKS = 24, 2, 3


class StandInModel:
    """As much of a ModelPatcher as a patch needs."""

    def __init__(self, name: str, latents: Any, **config: Any) -> None:
        network = type(name, (), {})()
        network.model_config = SimpleNamespace(unet_config=config)
        self.model, self.latents = network, latents
        self.wrappers: dict[str, dict[str, list[Any]]] = {}
        self.additional_models: dict[str, list[Any]] = {}
        self.diffusion_model: Any = nn.Identity()
        self.model_options: dict[str, Any] = {"transformer_options": {}}
        self.patches_uuid = "no patches"

    def is_clone(self, other: Any) -> bool:
        """Whether another patcher is of the same network."""
        return hasattr(other, "model") and self.model is other.model

    def get_model_object(self, name: str) -> Any:
        """The latent format or the network; AttributeError for others, as in the host."""
        found = {"latent_format": self.latents, "diffusion_model": self.diffusion_model}
        if name not in found:
            raise AttributeError(name)
        return found[name]

    def clone(self) -> StandInModel:
        """The same model with wrappers of its own."""
        copy = StandInModel("copy", self.latents)
        copy.model, copy.diffusion_model = self.model, self.diffusion_model
        copy.additional_models = dict(self.additional_models)
        copy.model_options, copy.patches_uuid = self.model_options, self.patches_uuid
        return copy

    def remove_wrappers_with_key(self, kind: str, key: str) -> None:
        """Remove all wrappers of a kind and key."""
        self.wrappers.get(kind, {}).pop(key, None)

    def add_wrapper_with_key(self, kind: str, key: str, wrapper: Any) -> None:
        """Add a wrapper behind those of the same kind and key."""
        self.wrappers.setdefault(kind, {}).setdefault(key, []).append(wrapper)

    def get_wrappers(self, kind: str, key: str) -> list[Any]:
        """The wrappers of a kind and key."""
        return self.wrappers.get(kind, {}).get(key, [])

    def get_additional_models_with_key(self, key: str) -> list[Any]:
        """Models that the host loads with this one."""
        return self.additional_models.get(key, [])

    def set_additional_models(self, key: str, models: list[Any]) -> None:
        """Replace the models that the host loads with this one."""
        self.additional_models[key] = models


class StandInVae:
    """Latents that are images made smaller, in the layout of a video VAE."""

    def __init__(self, channels: int = 16, stride: int = 8, time: int = 4) -> None:
        self.latent_channels, self.stride, self.time = channels, stride, time

    def encode(self, pictures: Tensor) -> Tensor:
        """(1, C, T, h, w) of ones."""
        frames = (len(pictures) - 1) // self.time + 1
        height, width = (side // self.stride for side in pictures.shape[1:3])
        return torch.ones(1, self.latent_channels, frames, height, width)

    def decode(self, latents: Tensor) -> Tensor:
        """(F, H, W, 3) of grey."""
        frames = (latents.shape[2] - 1) * self.time + 1
        height, width = (side * self.stride for side in latents.shape[-2:])
        return torch.full((frames, height, width, 3), 0.5)


class Nested:
    """Several tensors in one, as the host packs video and sound."""

    is_nested = True

    def __init__(self, tensors: list[Tensor]) -> None:
        self.tensors = list(tensors)

    def unbind(self) -> list[Tensor]:
        """The tensors."""
        return self.tensors


class WanAttentionBlock(nn.Module):
    """The names and sizes of the weights in a block of the host's Wan; it does not run."""

    def __init__(self, kind: str, width: int, hidden: int, heads: int, **settings: Any) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = nn.Module(), nn.Module()
        names = ["q", "k", "v", "o"]
        for attention in (self.self_attn, self.cross_attn):
            extra = ["k_img", "v_img"] if kind.startswith("i2v") else []
            used = names + (extra if attention is self.cross_attn else [])
            for name in used:
                attention.add_module(name, nn.Linear(width, width))
            for name in ("norm_q", "norm_k", *(["norm_k_img"] if "k_img" in used else [])):
                attention.add_module(name, nn.RMSNorm(width))
        self.norm3 = nn.LayerNorm(width)
        self.ffn = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.modulation = nn.Parameter(torch.zeros(1, 6, width))


class ModelPatch:
    """The host's patcher of weights beside a model: a MODEL_PATCH."""

    def __init__(self, model: nn.Module, *devices: Any) -> None:
        self.model = model

    def is_dynamic(self) -> bool:
        """Whether weights are loaded on demand."""
        return False


class WanLatents:
    """The host's scale of Wan's latents; here none."""

    def process_in(self, latent: Tensor) -> Tensor:
        """To the model's scale."""
        return latent

    def process_out(self, latent: Tensor) -> Tensor:
        """To the VAE's scale."""
        return latent


class CFGGuider:
    """A GUIDER that keeps what it is given, converted as the host converts it."""

    def __init__(self, model: Any) -> None:
        self.model_patcher, self.original_conds, self.cfg = model, {}, 1.0

    def inner_set_conds(self, conds: dict[str, Any]) -> None:
        """Take conditioning by name."""
        for name, entries in conds.items():
            self.original_conds[name] = [{**one[1], "cross_attn": one[0]} for one in entries]

    def set_cfg(self, cfg: float) -> None:
        """Take the guidance scale."""
        self.cfg = cfg


def wan_model(reads_image: bool = False) -> StandInModel:
    """A MODEL whose network has the sizes of Wan's."""
    found = StandInModel("WAN21", VIDEO_LATENTS)
    attention = SimpleNamespace(k_img=None) if reads_image else SimpleNamespace()
    found.diffusion_model = SimpleNamespace(
        dim=WAN_WIDTH,
        num_heads=WAN_HEADS,
        patch_size=(1, 2, 2),
        blocks=[SimpleNamespace(cross_attn=attention)] * WAN_BLOCKS,
    )
    return found


def comfy_parts() -> dict[str, dict[str, Any]]:
    """What the nodes on the host's models import, by the module of comfy that holds it."""
    place = torch.device("cpu")
    kinds = ("SAMPLER_SAMPLE", "PREDICT_NOISE", "DIFFUSION_MODEL")
    return {
        "patcher_extension": {
            "WrappersMP": SimpleNamespace(**{kind: kind.lower() for kind in kinds})
        },
        "samplers": {"CFGGuider": CFGGuider},
        "latent_formats": {"Wan21": WanLatents},
        "model_patcher": {"CoreModelPatcher": ModelPatch},
        "model_management": {
            "get_torch_device": lambda: place,
            "unet_offload_device": lambda: place,
        },
        "ops": {"manual_cast": nn},
        "utils": {"weight_dtype": lambda tensors: torch.float32},
        "ldm": {},
        "ldm.wan": {},
        "ldm.wan.model": {"WanAttentionBlock": WanAttentionBlock},
    }
