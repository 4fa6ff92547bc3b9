"""Every patch on MODELs of the host's loaders: LoRA, fp8 and GGUF files; see worker.py.

The files are those of a tiny random Wan, written here and read by the host's own loader nodes, or
by those of ComfyUI-GGUF. A run under a patch is compared with the same patch on the plain weights.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .control_checks import control_file, diffusers_wan
from .follow_checks import clock_of, schedule_of
from .native_checks import largest, motion_noise_of, pack, plain_guider, run_guided, tracks_on
from .refine_checks import refining
from .tiny_models import TinyModel, _fill
from .transfer_checks import guided

SIZES = {"dim": 128, "ffn_dim": 128, "num_heads": 1, "num_layers": 2, "in_dim": 16, "out_dim": 16}
TEXT = 4096


def wan_weights(seed: int = 0) -> dict[str, Tensor]:
    """The weights of a tiny Wan 2.1 text-to-video as its file has them."""
    import comfy.ops
    from comfy.ldm.wan.model import WanModel

    network = WanModel(
        **SIZES, model_type="t2v", text_dim=TEXT, operations=comfy.ops.disable_weight_init
    )
    _fill(network, seed)
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def low_rank(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A LoRA of rank 2 for the attention, as its file has it, and the weights with it merged."""
    draw, merged, lora = torch.Generator().manual_seed(31), dict(weights), {}
    for key, value in weights.items():
        if ".self_attn." in key and value.ndim == 2:
            down = torch.randn(2, value.shape[1], generator=draw) / value.shape[1] ** 0.5
            up = torch.randn(value.shape[0], 2, generator=draw) * 0.5
            stem = f"diffusion_model.{key.removesuffix('.weight')}"
            lora |= {f"{stem}.lora_A.weight": down, f"{stem}.lora_B.weight": up}
            merged[key] = value + 0.8 * up @ down
    return lora, merged


def loaded(weights: dict[str, Tensor]) -> Any:
    """The MODEL of plain weights."""
    import comfy.sd

    return comfy.sd.load_diffusion_model_state_dict(dict(weights))


def written(folder: Path, kind: str, name: str, weights: dict[str, Tensor]) -> str:
    """A file that the host's loaders find, by its name."""
    import folder_paths
    from safetensors.torch import save_file

    save_file(weights, folder / name)
    folder_paths.add_model_folder_path(kind, str(folder))
    return name


def with_lora(folder: Path, patcher: Any, lora: dict[str, Tensor]) -> Any:
    """The MODEL under a LoRA, by the host's own node."""
    import nodes

    name = written(folder, "loras", "tiny_lora.safetensors", lora)
    return nodes.LoraLoaderModelOnly().load_lora_model_only(patcher, name, 0.8)[0]


def around(patcher: Any) -> TinyModel:
    """A MODEL with its conditioning."""
    draw = torch.Generator().manual_seed(21)
    text = [[[torch.randn(1, 5, TEXT, generator=draw), {}]] for _ in range(2)]
    return TinyModel(patcher, (1, 16, 3, 4, 6), *text)


# ---- The patches -------------------------------------------------------------------------------


def _plain(model: TinyModel, folder: Path) -> Tensor:
    return run_guided(model, plain_guider(model, model.patcher))


def _follow(model: TinyModel, folder: Path) -> Tensor:
    sigmas = schedule_of(model, 4)
    clock, _, _ = clock_of(model, float(sigmas[1]), float(sigmas[2]))
    patched = pack("nodes.host_model").followed(model.patcher, clock)
    return run_guided(model, plain_guider(model, patched))


def _transfer(model: TinyModel, folder: Path) -> Tensor:
    return run_guided(model, plain_guider(model, guided(model)))


def _refine(model: TinyModel, folder: Path) -> Tensor:
    return run_guided(model, plain_guider(model, refining(model)))


def _noise(model: TinyModel, folder: Path) -> Tensor:
    guider = plain_guider(model, model.patcher)
    return run_guided(model, guider, noise=motion_noise_of((48, 32), 9))


def _controlled(model: TinyModel, folder: Path) -> Any:
    sizes = {"num_attention_heads": 1, "attention_head_dim": 128, "in_channels": 16}
    sizes |= {"text_dim": TEXT, "freq_dim": 256, "ffn_dim": 128}
    file = control_file(folder, diffusers_wan(**sizes), (0, 1))
    patch = pack("nodes.host_wan_control").load_native_controlnet(file)
    node = pack("nodes.apply_track_controlnet").ApplyTrackControlNet
    values = {"tracks": tracks_on(), "strength": 1.0, "start": 0.0, "end": 1.0, "seed": 0}
    return node.execute(model.patcher, patch, **values).args[0]


def _control(model: TinyModel, folder: Path) -> Tensor:
    return run_guided(model, plain_guider(model, _controlled(model, folder)))


def _guidance(model: TinyModel, folder: Path) -> Tensor:
    guider = pack("nodes.host_model_guidance").motion_guider(
        *(_controlled(model, folder), model.positive, model.negative, model.positive, (2.0, 2.5))
    )
    return run_guided(model, guider)


PATCHES: dict[str, Callable[[TinyModel, Path], Tensor]] = {
    "plain": _plain,
    "follow": _follow,
    "motion_transfer": _transfer,
    "refine": _refine,
    "motion_noise": _noise,
    "track_controlnet": _control,
    "motion_guidance": _guidance,
}


def _compared(ours: Any, wanted: Any, base: Any, folder: Path) -> dict[str, Any]:
    """{patch: the difference from the plain weights relative to the range, and the effect}."""
    found = {}
    plain = _plain(around(ours), folder)
    for name, run in PATCHES.items():
        made, expected = run(around(ours), folder), run(around(wanted), folder)
        scale = float(expected.abs().max())
        found[name] = {
            "difference": largest(made, expected) / scale,
            "effect": largest(made, plain) / scale,
            "weights_matter": largest(made, run(around(base), folder)) / scale,
        }
    return found


def lora() -> dict[str, Any]:
    """A LoRA file by LoraLoaderModelOnly against the same weights merged."""
    weights = wan_weights()
    adapter, merged = low_rank(weights)
    base = loaded(weights)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = with_lora(folder, base, adapter)
        return _compared(ours, loaded(merged), base, folder)


def fp8() -> dict[str, Any]:
    """A file that UNETLoader reads as fp8 against its rounded weights in float32."""
    import nodes

    weights = wan_weights()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = written(folder, "diffusion_models", "tiny_wan.safetensors", weights)
        (ours,) = nodes.UNETLoader().load_unet(file, "fp8_e4m3fn")
        network = ours.model.diffusion_model
        rounded = {key: value.float() for key, value in network.state_dict().items()}
        found = _compared(ours, loaded(rounded), loaded(weights), folder)
        return found | {"dtypes": sorted({str(one.dtype) for one in network.parameters()})}


def gguf_pack() -> Any:
    """ComfyUI-GGUF's modules; COMFYUI_GGUF_DIR names its checkout."""
    if "comfyui_gguf" not in sys.modules:
        folder = Path(os.environ["COMFYUI_GGUF_DIR"])
        spec = importlib.util.spec_from_file_location(
            "comfyui_gguf", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["comfyui_gguf"] = module
        spec.loader.exec_module(module)
    return importlib.import_module("comfyui_gguf.nodes")


def write_gguf(path: Path, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A GGUF file in Q8_0, where rows are whole blocks, else float32; returns what it holds."""
    import gguf

    writer, kept = gguf.GGUFWriter(str(path), "wan"), {}
    for key, value in weights.items():
        array = value.float().numpy()
        kind = gguf.GGMLQuantizationType.Q8_0
        if value.ndim != 2 or value.shape[1] % 32:
            writer.add_tensor(key, array)
            kept[key] = value
            continue
        packed = gguf.quants.quantize(array, kind)
        writer.add_tensor(key, packed, raw_dtype=kind)
        kept[key] = torch.from_numpy(gguf.quants.dequantize(packed, kind)).reshape(value.shape)
    for step in ("header", "kv_data", "tensors"):
        getattr(writer, f"write_{step}_to_file")()
    writer.close()
    return kept


def gguf_file(with_adapter: bool) -> dict[str, Any]:
    """A GGUF file by UnetLoaderGGUF against its dequantised weights, alone and under a LoRA."""
    loader = gguf_pack().UnetLoaderGGUF()
    import folder_paths

    weights = wan_weights()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = write_gguf(folder / "tiny_wan.gguf", weights)
        for kind in ("unet_gguf", "unet", "diffusion_models"):
            folder_paths.add_model_folder_path(kind, str(folder))
        folder_paths.folder_names_and_paths["diffusion_models"][1].add(".gguf")
        (ours,) = loader.load_unet("tiny_wan.gguf")
        adapter, merged = low_rank(kept)
        wanted = loaded(kept)
        if with_adapter:
            ours, wanted = with_lora(folder, ours, adapter), loaded(merged)
        found = _compared(ours, wanted, loaded(weights), folder)
        return found | {"patcher": type(ours).__name__}
