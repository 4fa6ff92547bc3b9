"""How files of Wan are recognised by the names of their weights."""

from __future__ import annotations

from ..signature import Shapes, Signature

# A weight in the original release's names, and the same in diffusers'.
ORIGINAL, DIFFUSERS = "blocks.0.self_attn.q.weight", "blocks.0.attn1.to_q.weight"
# ComfyUI puts one of these before every name.
PREFIXES = ("model.diffusion_model.", "diffusion_model.")


def _is_transformer(shapes: Shapes) -> bool:
    bare = {name.removeprefix(prefix) for name in shapes for prefix in ("", *PREFIXES)}
    return "patch_embedding.weight" in bare and bool(bare & {ORIGINAL, DIFFUSERS})


def _is_track_controlnet(shapes: Shapes) -> bool:
    return {"embed.weight", "outs.0.weight"} <= shapes.keys()


TRANSFORMER = Signature("wan", _is_transformer)
TRACK_CONTROLNET = Signature("wan track-controlnet", _is_track_controlnet)
SIGNATURES = (TRACK_CONTROLNET, TRANSFORMER)
