"""Values of the sockets of ComfyUI's own models by name: MODEL, VAE, LATENT and the like.

A spoiled one is of another type, lacks what the host's has, or holds NaN, nothing or odd sizes.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from tests.host.stand_in_models import (
    IMAGE_LATENTS,
    VIDEO_LATENTS,
    ModelPatch,
    Nested,
    StandInModel,
    StandInVae,
    wan_model,
)

Thunk = Callable[[], Any]
# As the images of node_values.py make them: four images of 24x16 pixels.
CHANNELS, WIDTH, HEIGHT = 16, 3, 2
CONTROL_FILE = "wan-track-controlnet.safetensors"

WHOLE: dict[str, tuple[str, ...]] = {
    "MODEL": ("wan", "wan i2v", "svd"),
    "VAE": ("video", "image", "wide"),
    "LATENT": ("video", "held", "with sound", "batch of frames"),
    "CONDITIONING": ("prompt", "two prompts", "no embeddings"),
    "MODEL_PATCH": ("control",),
    "CLIP_VISION_OUTPUT": ("embeds",),
    "MOTION_FOLLOW": ("region",),
}


def _model(name: str = "WAN21", latents: Any = VIDEO_LATENTS, **config: Any) -> StandInModel:
    return StandInModel(name, latents, **config)


def _without(value: Any, *names: str) -> Any:
    """A copy of a stand-in without some of its attributes or methods."""
    changed = copy.copy(value)
    for name in names:
        setattr(changed, name, None)
    return changed


def _with(value: Any, **changes: Any) -> Any:
    changed = copy.copy(value)
    vars(changed).update(changes)
    return changed


def _video(frames: int = 1, *, batch: int = 1, **changes: Any) -> dict[str, Any]:
    return {"samples": torch.zeros(batch, CHANNELS, frames, HEIGHT, WIDTH)} | changes


def _mask(frames: int = 1) -> Tensor:
    return torch.ones(1, 1, frames, HEIGHT, WIDTH)


MODELS: dict[str, Thunk] = {
    "wan": wan_model,
    "wan i2v": lambda: wan_model(reads_image=True),
    "svd": lambda: _model("SVD_img2vid", IMAGE_LATENTS, use_temporal_attention=True),
    "image model": lambda: _model("BaseModel", IMAGE_LATENTS),
    "no latent format": lambda: _model(latents=None),
    "wrong latent format": lambda: _model(latents=SimpleNamespace(latent_dimensions="three")),
    "no channels": lambda: _model(latents=SimpleNamespace(latent_dimensions=3)),
    "no stride": lambda: _model(latents=_with(VIDEO_LATENTS, spacial_downscale_ratio=0)),
    "no time stride": lambda: _model(latents=_with(VIDEO_LATENTS, temporal_downscale_ratio=None)),
    "no network": lambda: _with(_model(), model=None),
    "no config": lambda: _with(_model(), model=object()),
    "odd config": lambda: _with(_model(), model=SimpleNamespace(model_config=3)),
    "wrappers are text": lambda: _with(_model(), wrappers="animatediff"),
    "no wrappers": lambda: _without(_model(), "add_wrapper_with_key"),
    "no blocks": lambda: _with(wan_model(), diffusion_model=SimpleNamespace(dim=3)),
    "empty blocks": lambda: _with(
        wan_model(), diffusion_model=SimpleNamespace(dim=24, blocks=[], patch_size=(1, 2, 2))
    ),
    "a class": lambda: StandInModel,
    "text": lambda: "model",
    "dict": dict,
    "tensor": lambda: torch.zeros(2),
    "module": nn.Identity,
}


def _vae(result: Any = None, **sizes: int) -> StandInVae:
    """A VAE, or one whose encode gives something else."""
    found = StandInVae(**sizes)
    if result is not None:
        vars(found)["encode"] = lambda pictures: result(StandInVae.encode(found, pictures))
    return found


VAES: dict[str, Thunk] = {
    "video": _vae,
    "image": lambda: _vae(channels=4, time=1),
    "wide": lambda: _vae(stride=16),
    "no channels": lambda: _without(_vae(lambda latents: latents), "latent_channels"),
    "text channels": lambda: _with(_vae(lambda latents: latents), latent_channels="16"),
    "nothing": lambda: _vae(lambda latents: False),
    "nan": lambda: _vae(lambda latents: latents * torch.nan),
    "dict": lambda: _vae(lambda latents: {"samples": latents}),
    "no axes": lambda: _vae(lambda latents: latents.sum()),
    "half": lambda: _vae(lambda latents: latents.half()),
    "whole numbers": lambda: _vae(lambda latents: latents.long()),
    "empty": lambda: _vae(lambda latents: latents[:, :0]),
    "odd": lambda: _vae(lambda latents: latents[..., :-1]),
    "images": lambda: _vae(lambda latents: latents[:, :, 0]),
    "only decodes": lambda: _without(_vae(), "encode"),
    "text": lambda: "vae",
    "number": lambda: 3,
}
LATENTS: dict[str, Thunk] = {
    "video": _video,
    "held": lambda: _video(noise_mask=_mask()),
    "with sound": lambda: {"samples": Nested([_video()["samples"], torch.zeros(1, 8, 7, 16)])},
    "batch of frames": lambda: {"samples": torch.zeros(4, 4, HEIGHT, WIDTH)},
    "longer": lambda: _video(3),
    "longer, held": lambda: _video(3, noise_mask=_mask(3)),
    "two clips": lambda: _video(batch=2),
    "numbers": lambda: _video(batch=2, batch_index=[0, 5]),
    "odd numbers": lambda: _video(batch_index=["a"]),
    "more numbers": lambda: _video(batch_index=[0, 1, 2]),
    "numbers of another kind": lambda: _video(batch_index=3),
    "huge number": lambda: _video(batch_index=[10**9]),
    "negative number": lambda: _video(batch_index=[-1]),
    "one cell": lambda: {"samples": torch.zeros(1, CHANNELS, 1, 1, 1)},
    "odd": lambda: {"samples": torch.zeros(1, CHANNELS, 2, 5, 7)},
    "half": lambda: {"samples": _video()["samples"].half()},
    "bfloat16": lambda: {"samples": _video()["samples"].bfloat16()},
    "other channels": lambda: {"samples": torch.zeros(1, 48, 1, HEIGHT, WIDTH), "noise_mask": None},
    "nan": lambda: {"samples": _video()["samples"] + torch.nan},
    "nan mask": lambda: _video(noise_mask=_mask() * torch.nan),
    "mask of text": lambda: _video(noise_mask="mask"),
    "mask of another size": lambda: _video(noise_mask=torch.ones(1, 7, 9)),
    "whole numbers": lambda: {"samples": _video()["samples"].long()},
    "empty": lambda: {"samples": torch.zeros(1, CHANNELS, 0, HEIGHT, WIDTH)},
    "no batch": lambda: {"samples": torch.zeros(0, CHANNELS, 1, HEIGHT, WIDTH)},
    "flat": lambda: {"samples": torch.zeros(3, 4)},
    "sound": lambda: {"samples": torch.zeros(1, 64, 100)},
    "nested nothing": lambda: {"samples": Nested([])},
    "nested text": lambda: {"samples": Nested(["a"])},  # type: ignore[list-item]
    "nested sound": lambda: {"samples": Nested([torch.zeros(1, 8, 7, 16)])},
    "no samples": dict,
    "samples are text": lambda: {"samples": "a"},
    "no samples in it": lambda: {"samples": None},
    "tensor": lambda: _video()["samples"],
    "text": lambda: "latent",
}
CONDITIONINGS: dict[str, Thunk] = {
    "prompt": lambda: [[torch.zeros(1, 5, 24), {"pooled_output": torch.zeros(1, 8)}]],
    "two prompts": lambda: [[torch.zeros(1, 5, 24), {}], [torch.zeros(1, 9, 24), {}]],
    "no embeddings": lambda: [[None, {}]],
    "tuples": lambda: ((torch.zeros(1, 5, 24), {}),),
    "empty": list,
    "no options": lambda: [[torch.zeros(1, 5, 24)]],
    "options are a list": lambda: [[torch.zeros(1, 5, 24), []]],
    "embeddings are text": lambda: [["a", {}]],
    "numbers": lambda: [1, 2],
    "tensor": lambda: torch.zeros(1, 5, 24),
    "dict": dict,
    "text": lambda: "prompt",
}
EMBEDS: dict[str, Thunk] = {
    "embeds": lambda: SimpleNamespace(penultimate_hidden_states=torch.zeros(1, 5, 8)),
    "no states": lambda: SimpleNamespace(last_hidden_state=torch.zeros(1, 5, 8)),
    "states are text": lambda: SimpleNamespace(penultimate_hidden_states="a"),
    "tensor": lambda: torch.zeros(1, 5, 8),
    "text": lambda: "embeds",
}


def _patches(nodes: Mapping[str, Any]) -> dict[str, Thunk]:
    @functools.cache
    def control() -> Any:
        return nodes["MotionPromptingLoadTrackControlNetPatch"].execute(CONTROL_FILE).args[0]

    return {
        "control": control,
        "other network": lambda: ModelPatch(nn.Identity()),
        "no network": lambda: ModelPatch(None),  # type: ignore[arg-type]
        "text": lambda: "patch",
    }


def write_control(models: Path) -> None:
    """A small Track-ControlNet for the network of `wan_model`."""
    from motion_core.models.wan.track_controlnet import WanTrackControlNet
    from motion_core.models.wan.weights import save_track_controlnet
    from motion_core.raster.ids import IdEmbedding
    from tests.models.wan import tiny

    home = models / "motion_prompting"
    home.mkdir(parents=True, exist_ok=True)
    control = WanTrackControlNet(tiny.transformer(), (0, 2), IdEmbedding(8, 512))
    save_track_controlnet(control, home / CONTROL_FILE)


def host_values(nodes: Mapping[str, Any]) -> dict[str, dict[str, Thunk]]:
    """Values by socket, for nodes whose models folder holds what write_control wrote."""
    return {
        "MODEL": MODELS,
        "VAE": VAES,
        "LATENT": LATENTS,
        "CONDITIONING": CONDITIONINGS,
        "MODEL_PATCH": _patches(nodes),
        "CLIP_VISION_OUTPUT": EMBEDS,
    }
