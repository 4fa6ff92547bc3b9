"""Names in diffusers for the weights of AnimateDiff's and Image Conductor's motion modules."""

from __future__ import annotations

import re

# The second positional encoding is a copy of the first.
COPIED = ".attention_blocks.1.pos_encoder.pe"
KEPT = ".attention_blocks.0.pos_encoder.pe"
_RENAMED = (
    (re.compile(r"\.temporal_transformer\."), "."),
    (re.compile(r"\.attention_blocks\.0\.pos_encoder\.pe$"), ".pos_embed.pe"),
    (re.compile(r"\.attention_blocks\.0\."), ".attn1."),
    (re.compile(r"\.attention_blocks\.1\."), ".attn2."),
    (re.compile(r"\.norms\.0\."), ".norm1."),
    (re.compile(r"\.norms\.1\."), ".norm2."),
    (re.compile(r"\.ff_norm\."), ".norm3."),
)


def diffusers_key(name: str) -> str:
    """The name in UNetMotionModel or SparseControlNetModel of a released weight.

    Only motion modules are named differently. A name that ends in COPIED has no counterpart:
    diffusers keeps one positional encoding for both attentions.
    """
    if ".temporal_transformer." not in name:
        return name
    for pattern, place in _RENAMED:
        name = pattern.sub(place, name)
    return name
