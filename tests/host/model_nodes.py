"""The nodes around video models, as ComfyUI and ComfyUI-LTXVideo describe them.

Graphs for models that no test can run are held to this excerpt: names and types of inputs and
outputs, nothing else. A running ComfyUI writes it:

    COMFYUI_DIR=... python -m tests.host.model_nodes LTXVIDEO_DIR LTXVIDEO_VERSION

WanUni3CControlnetApply is newer (ComfyUI 0.29) than the rest and was written down by hand from its
published description; a host that has it will rewrite it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .pack import ROOT

EXCERPT = Path(__file__).with_name("model_nodes.json")
DRAWN = (
    *("native_wan_move", "native_ati", "ltx_motion_track"),
    *("warped_noise", "track_controlnet_native", "motion_transfer_native"),
)
FOLLOW = ("follow_any", "follow_wan22", "follow_ltx")
LONG = ("long_clip_tracks",)
SIGNAL = ("follow_signal",)
GRAPHS = (
    *DRAWN,
    *FOLLOW,
    *LONG,
    *SIGNAL,
    *("native_uni3c", "crossview_ltx", "camera_wan_fun", "camera_refine"),
    "cameraman_ltx",
)
# Nodes that a host may lack, and whose descriptions then stay as they are.
ELSEWHERE = {"LTXICLoRALoaderModelOnly", "LTXAddVideoICLoRAGuide", "WanUni3CControlnetApply"}
OURS = "MotionPrompting"
# Inputs that name a file: the choices differ on every machine. The folder is inside models/.
FILES = {
    ("CLIPLoader", "clip_name"): "text_encoders",
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("CheckpointLoaderSimple", "ckpt_name"): "checkpoints",
    ("LoadMoGeModel", "model_name"): "geometry_estimation",
    ("LTXAVTextEncoderLoader", "ckpt_name"): "checkpoints",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
    ("LTXICLoRALoaderModelOnly", "lora_name"): "loras",
    ("LTXVAudioVAELoader", "ckpt_name"): "checkpoints",
    ("LoraLoaderModelOnly", "lora_name"): "loras",
    ("ModelPatchLoader", "name"): "model_patches",
    ("UNETLoader", "unet_name"): "diffusion_models",
    ("VAELoader", "vae_name"): "vae",
}
KEPT = ("min", "max", "forceInput", "control_after_generate", "image_upload", "video_upload")


class DescribedNode:
    """A node known only from its description, with the face that checked_prompt asks for."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info = info

    def GET_NODE_INFO_V1(self) -> Mapping[str, Any]:
        """The description, as object_info has it."""
        return self._info

    def GET_SCHEMA(self) -> SimpleNamespace:
        """The little of a schema that a check needs."""
        return SimpleNamespace(is_output_node=self._info["output_node"])


def load_excerpt() -> dict[str, dict[str, Any]]:
    """{node: description} of the committed excerpt."""
    return json.loads(EXCERPT.read_text(encoding="utf-8"))["nodes"]


def excerpt(object_info: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """{node: description} of what a host says about these nodes, cut down to names and types.

    Raises KeyError for a node that the host does not have.
    """
    return {name: _cut(name, object_info[name]) for name in sorted(names)}


def foreign_nodes() -> set[str]:
    """Every node in the model graphs that is not ours."""
    found = set()
    for name in GRAPHS:
        prompt = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text("utf-8"))
        found |= {node["class_type"] for node in prompt.values()}
    return {name for name in found if not name.startswith(OURS)}


def _cut(node: str, info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "input": _cut_inputs(node, info["input"]),
        "output": info["output"],
        "output_name": info["output_name"],
        "output_node": info["output_node"],
    }


def _cut_inputs(node: str, described: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: {name: _cut_input((node, name), spec) for name, spec in sockets.items()}
        for kind, sockets in described.items()
        if kind in ("required", "optional")
    }


def _cut_input(place: tuple[str, str], spec: list[Any]) -> list[Any]:
    """[type, options]; ComfyUI's oldest nodes give a list of choices as their type."""
    io_type, *options = spec
    stated = options[0] if options else {}
    kept = {key: stated[key] for key in KEPT if key in stated}
    if place in FILES or stated.get("image_upload") or stated.get("video_upload"):
        return ["STRING", kept]
    if isinstance(io_type, list):
        return ["COMBO", kept | {"options": io_type}]
    if io_type == "COMFY_DYNAMICCOMBO_V3":
        options = [
            {"key": one["key"], "inputs": _cut_inputs(place[0], one["inputs"])}
            for one in stated["options"]
        ]
        return [io_type, kept | {"options": options}]
    return [io_type, kept | ({"options": stated["options"]} if io_type == "COMBO" else {})]


def main() -> None:
    """Rewrites the excerpt from a ComfyUI started with the LTXVideo pack beside ours."""
    from .fixtures import fill_input_folder
    from .real import RealHost

    pack, version = Path(sys.argv[1]).resolve(), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        host = RealHost(Path(folder))
        fill_input_folder(host.input_dir)
        (host.base / "custom_nodes" / "ComfyUI-LTXVideo").symlink_to(pack)
        with host:
            core = host.get("/system_stats")["system"]["comfyui_version"]
            info, wanted = host.object_info(), foreign_nodes()
            missing = (wanted - set(info)) & ELSEWHERE
            nodes = excerpt(info, wanted - missing)
            nodes |= {name: load_excerpt()[name] for name in missing}
    sources = {"ComfyUI": core, "ComfyUI-LTXVideo": version}
    text = json.dumps({"sources": sources, "nodes": dict(sorted(nodes.items()))}, indent=1) + "\n"
    EXCERPT.write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {len(nodes)} nodes to {EXCERPT}\n")


if __name__ == "__main__":
    main()
