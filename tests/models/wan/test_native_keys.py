"""The names of a Track-ControlNet's weights in ComfyUI's own Wan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from motion_core.errors import FormatError
from motion_core.models.wan.native_keys import native_name, read_native_weights
from motion_core.models.wan.track_controlnet import WanTrackControlNet
from motion_core.models.wan.weights import KIND, save_track_controlnet
from motion_core.raster.ids import IdEmbedding

from . import tiny

# Written down from comfy/ldm/wan/model.py, WanAttentionBlock.
SELF = {f"self_attn.{part}.{kind}" for part in "qkvo" for kind in ("weight", "bias")}
NORMS = {"self_attn.norm_q.weight", "self_attn.norm_k.weight"}
CROSS = {name.replace("self", "cross") for name in SELF | NORMS}
REST = {f"{part}.{kind}" for part in ("norm3", "ffn.0", "ffn.2") for kind in ("weight", "bias")}
IMAGE = {f"cross_attn.{part}.{kind}" for part in ("k_img", "v_img") for kind in ("weight", "bias")}


@pytest.mark.parametrize("image_dim", [None, 8])
def test_every_weight_of_a_block_has_its_name(tmp_path: Path, image_dim: int | None) -> None:
    control = WanTrackControlNet(tiny.transformer(image_dim), (0, 2), IdEmbedding(4, 64))
    file = tmp_path / "control.safetensors"
    save_track_controlnet(control, file)
    weights = read_native_weights(file)
    assert (weights.layers, weights.width, weights.heads, weights.hidden) == ((0, 2), 24, 2, 32)
    assert weights.patch == 2 and weights.ids == IdEmbedding(4, 64)
    assert weights.reads_image == (image_dim is not None)
    found = {name[9:] for name in weights.tensors if name.startswith("blocks.1.")}
    wanted = SELF | NORMS | CROSS | REST | {"modulation"}
    if image_dim is not None:
        wanted = wanted | IMAGE | {"cross_attn.norm_k_img.weight"}
    assert found == wanted
    state = control.state_dict()
    for name, tensor in state.items():
        assert torch.equal(weights.tensors[native_name(name)], tensor)
    assert len(weights.tensors) == len(state), "no two weights share a name"


def test_a_file_without_heads_has_those_of_the_released_wan(tmp_path: Path) -> None:
    control = WanTrackControlNet(tiny.transformer(), (0,), IdEmbedding(4, 64))
    file = tmp_path / "control.safetensors"
    save_track_controlnet(control, file)
    tensors = load_file(file)
    config = {"layers": [0], "width": 24, "patch": 2, "ids": 4, "pool": 64}
    save_file(tensors, file, {"kind": KIND, "config": json.dumps(config)})
    assert read_native_weights(file).heads == 1
    save_file(tensors, file, {"kind": KIND, "config": json.dumps({**config, "heads": 5})})
    with pytest.raises(FormatError, match="no blocks of 5 heads"):
        read_native_weights(file)
    save_file(tensors, file, {"kind": "other", "config": "{}"})
    with pytest.raises(FormatError, match="something else"):
        read_native_weights(file)
    with pytest.raises(FileNotFoundError):
        read_native_weights(tmp_path / "none.safetensors")
