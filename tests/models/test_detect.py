"""Every kind of file is recognised by the names of its weights."""

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from motion_core import weights_io
from motion_core.errors import FormatError
from motion_core.models import detect
from motion_core.models.animatediff import signatures as animatediff
from motion_core.models.animatediff.track_controlnet import copy_track_controlnet
from motion_core.models.image_conductor import signatures as conductor
from motion_core.models.lite.weights import SHIPPED
from motion_core.models.signature import Signature
from motion_core.models.svd import signatures as svd
from motion_core.models.svd.adapter import MotionAdapter
from motion_core.models.wan import signatures as wan
from motion_core.models.wan.track_controlnet import WanTrackControlNet

from .animatediff.originals import RANK, Shapes, released, tiny_with_lora, with_lora
from .animatediff.parts import tiny_base
from .svd.originals import tiny_checkpoint
from .wan import tiny

CLIP_OF_SD = "cond_stage_model.transformer.text_model.embeddings.position_ids"
SD = ("model.diffusion_model.input_blocks.0.0.weight", CLIP_OF_SD)


def without_memory(shapes: Shapes) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


@cache
def known() -> dict[str, tuple[Signature, dict[str, Tensor]]]:
    """Case -> what it is, and its weights."""
    wan_names = tiny.transformer().state_dict()
    original = dict.fromkeys(("patch_embedding.weight", "blocks.0.self_attn.q.weight"), Tensor())
    motion = {name: shape for name, shape in released("unet").items() if "motion_mod" in name}
    flow = without_memory(with_lora(released("flow"), RANK))
    return {
        "unet.ckpt": (conductor.UNET, without_memory(released("unet"))),
        "flow_controlnet.ckpt": (conductor.FLOW, flow),
        "flow, merged": (conductor.FLOW, without_memory(released("flow"))),
        "image_controlnet.ckpt": (animatediff.SPARSE_IMAGE, without_memory(released("image"))),
        "v3_sd15_mm": (animatediff.MOTION_MODULE, without_memory(motion)),
        "module.": (
            animatediff.MOTION_MODULE,
            {f"module.{name}": value for name, value in without_memory(motion).items()},
        ),
        "dreamshaper": (animatediff.STABLE_DIFFUSION, dict.fromkeys(SD, Tensor())),
        "MotionPro": (svd.SIGNATURES[0], tiny_checkpoint(lora=True, dtype=torch.float32)),
        "tracks on SVD": (svd.TRACK_CONTROLNET, MotionAdapter((32, 32)).state_dict()),
        "wan, diffusers": (wan.TRANSFORMER, wan_names),
        "wan, original": (wan.TRANSFORMER, original),
        "wan, ComfyUI": (
            wan.TRANSFORMER,
            {f"model.diffusion_model.{name}": value for name, value in original.items()},
        ),
        "tracks on AnimateDiff": (
            animatediff.TRACK_CONTROLNET,
            copy_track_controlnet(tiny_base().unet).state_dict(),
        ),
        "tracks on Wan": (
            wan.TRACK_CONTROLNET,
            WanTrackControlNet(tiny.transformer()).state_dict(),
        ),
    }


@pytest.mark.parametrize("case", known())
def test_every_family_is_known_by_its_weights(case: str) -> None:
    signature, weights = known()[case]
    assert detect.detect_kind(weights) == signature.kind


@pytest.mark.parametrize("case", known())
def test_names_alone_do_but_for_one_pair(case: str) -> None:
    signature, weights = known()[case]
    twins = {"flow, merged", "image_controlnet.ckpt"}
    expected = animatediff.SPARSE if case in twins else signature
    assert detect.detect_kind(iter(weights)) == expected.kind


@pytest.mark.parametrize(
    "names",
    [
        # Stable Diffusion 2, XL and Video, a LoRA of Wan, and a text encoder alone.
        [SD[0], "cond_stage_model.model.token_embedding.weight"],
        [SD[0], "conditioner.embedders.0.transformer.text_model.embeddings.position_ids"],
        [SD[0], "model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.bias"],
        ["diffusion_model.blocks.0.self_attn.q.lora_A.weight"],
        [CLIP_OF_SD],
    ],
)
def test_other_models_are_refused_by_their_names(names: list[str]) -> None:
    with pytest.raises(FormatError, match=r"known here: .*They are .*" + min(names)):
        detect.detect_kind(names)


def test_ten_names_are_shown_and_an_empty_file_is_named_as_such() -> None:
    with pytest.raises(FormatError) as caught:
        detect.detect_kind(f"layer.{n:02}.weight" for n in range(30))
    assert str(caught.value).count(".weight") == 10
    with pytest.raises(FormatError, match="no weights at all"):
        detect.detect_kind([])
    with pytest.raises(FormatError, match="They are controlnet_cond_embedding.weight"):
        detect.detect_kind({"controlnet_cond_embedding.weight": torch.zeros(1)})


def test_files_are_recognised_without_their_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = tiny_with_lora(torch.float16)
    torch.save({"state_dict": flow}, tmp_path / "a.ckpt")
    save_file(flow, tmp_path / "unet.safetensors")
    torch.save({"controlnet": {"x": torch.zeros(1)}}, tmp_path / "b.ckpt")
    whole = (tmp_path / "unet.safetensors").read_bytes()
    assert detect.detect_file(tmp_path / "a.ckpt") == conductor.FLOW.kind
    assert detect.detect_file(SHIPPED) == "lite"
    monkeypatch.setattr(weights_io, "read_safetensors", None)
    assert detect.detect_file(tmp_path / "unet.safetensors") == conductor.FLOW.kind
    with pytest.raises(FormatError, match=r"b\.ckpt: .*They are x\."):
        detect.detect_file(tmp_path / "b.ckpt")
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="truncated"):
        detect.detect_file(tmp_path / "cut.safetensors")
    with pytest.raises(FileNotFoundError, match="gone"):
        detect.detect_file(tmp_path / "gone.safetensors")


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["HOSTILE"],)


def test_a_pickle_that_runs_code_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTILE", str(tmp_path / "run"))
    for name in ("x.ckpt", "x.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps({"x": Hostile()}))
        with pytest.raises(FormatError, match="not opened|no safetensors"):
            detect.detect_file(tmp_path / name)
    assert not (tmp_path / "run").exists()
