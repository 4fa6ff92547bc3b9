"""Where every weight of a MotionPro checkpoint belongs in diffusers' U-Net and in our adapter."""

from __future__ import annotations

import re

# Layers of a residual block, spatial or temporal.
_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_TOP = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
_BLOCK = re.compile(r"(input_blocks\.(\d+)|output_blocks\.(\d+)|middle_block)\.(\d)\.(.+)")
_ENCODER = re.compile(r"flow_blocks\.(\d+\.\d+)(?:\.op)?\.(weight|bias)")
_SITE = re.compile(
    r"(input|output)_blocks\.(\d+)\.0\.flow_(cond_norm|(?:gamma|beta)_(?:spatial|temporal))\."
    r"(weight|bias)"
)
# Two residual blocks and a resampling per level on the way down, three blocks on the way up.
_PER_LEVEL = 3


def adapter_key(name: str) -> str | None:
    """The name in MotionAdapter of a weight of the released U-Net, or None if it is not its."""
    encoder = _ENCODER.fullmatch(name)
    if encoder:
        return f"encoder.blocks.{encoder[1]}.{encoder[2]}"
    site = _SITE.fullmatch(name)
    if not site:
        return None
    way, block, layer, kind = site.groups()
    side, number = ("down", int(block) - 1) if way == "input" else ("up", int(block))
    if number % _PER_LEVEL:
        return None
    return f"{side}.{number // _PER_LEVEL}.{layer.removeprefix('cond_')}.{kind}"


def unet_key(name: str) -> str | None:
    """The name in diffusers' UNetSpatioTemporalConditionModel of a weight of the released U-Net,
    or None when it has no place there."""
    layer, _, kind = name.rpartition(".")
    if layer in _TOP:
        return f"{_TOP[layer]}.{kind}"
    match = _BLOCK.fullmatch(name)
    if not match:
        return None
    _, down, up, part, rest = match.groups()
    if down is not None:
        return _down(int(down) - 1, part, rest)
    if up is not None:
        return _up(int(up), part, rest)
    return _inside(f"mid_block.{('resnets.0', 'attentions.0', 'resnets.1')[int(part)]}", rest)


def _down(number: int, part: str, rest: str) -> str | None:
    level, place = divmod(number, _PER_LEVEL)
    if rest.startswith("op."):
        return f"down_blocks.{level}.downsamplers.0.conv.{rest[3:]}"
    kind = "resnets" if part == "0" else "attentions"
    return _inside(f"down_blocks.{level}.{kind}.{place}", rest)


def _up(number: int, part: str, rest: str) -> str | None:
    level, place = divmod(number, _PER_LEVEL)
    if rest.startswith("conv."):
        return f"up_blocks.{level}.upsamplers.0.conv.{rest[5:]}"
    kind = "resnets" if part == "0" else "attentions"
    return _inside(f"up_blocks.{level}.{kind}.{place}", rest)


def _inside(block: str, rest: str) -> str | None:
    """A weight within a residual or an attention block."""
    if rest == "time_mixer.mix_factor":
        return f"{block}.{rest}"
    return _residual(block, rest) if ".resnets." in f".{block}" else _attention(block, rest)


def _residual(block: str, rest: str) -> str | None:
    is_temporal = rest.startswith("time_stack.")
    layer, _, kind = rest.removeprefix("time_stack.").rpartition(".")
    if layer not in _RESIDUAL:
        return None
    half = "temporal_res_block" if is_temporal else "spatial_res_block"
    return f"{block}.{half}.{_RESIDUAL[layer]}.{kind}"


def _attention(block: str, rest: str) -> str | None:
    position = re.fullmatch(r"time_pos_embed\.([02])\.(weight|bias)", rest)
    if position:
        return f"{block}.time_pos_embed.linear_{1 + int(position[1]) // 2}.{position[2]}"
    if rest.startswith("time_stack."):
        return f"{block}.temporal_transformer_blocks.{rest[len('time_stack.') :]}"
    known = re.match(r"(norm|proj_in|proj_out)\.|transformer_blocks\.\d+\.", rest)
    return f"{block}.{rest}" if known else None
