"""Weights and operations of a step against counts by hand, on a small Wan."""

from __future__ import annotations

import pytest
import torch

from motion_core.geometry import Size
from motion_core.training.estimate import Estimate, estimate, measure, wan_step

HEADS, HEAD, FFN, TEXT, BLOCKS = 4, 16, 96, 24, 16
WIDTH = HEADS * HEAD
SIZE, FRAMES = Size(64, 32), 9
# Tokens of 3 latent frames, and of the prompt.
TOKENS, WORDS = 3 * 2 * 4, 512


@pytest.fixture(scope="module")
def found() -> Estimate:
    with torch.device("meta"):
        return measure(
            wan_step(
                SIZE,
                FRAMES,
                num_attention_heads=HEADS,
                attention_head_dim=HEAD,
                ffn_dim=FFN,
                text_dim=TEXT,
                num_layers=BLOCKS,
                image_dim=None,
                added_kv_proj_dim=None,
            )
        )


def block_flops() -> int:
    """Two operations per weight and token, and the two products of each attention."""
    own = 2 * TOKENS * 4 * WIDTH**2 + 4 * TOKENS**2 * WIDTH
    prompt = 2 * (TOKENS + WORDS) * 2 * WIDTH**2 + 4 * TOKENS * WORDS * WIDTH
    return own + prompt + 2 * TOKENS * 2 * WIDTH * FFN


def test_operations_are_those_counted_by_hand(found: Estimate) -> None:
    copies = 8
    assert found.block_flops == (BLOCKS + copies) * block_flops()
    outs = copies * 2 * TOKENS * WIDTH**2
    # Patches in and out, and prompt, time and its six modulations.
    cells = TOKENS * 4
    ends = 2 * cells * 36 * WIDTH + 2 * cells * 16 * WIDTH
    text = 2 * WORDS * (TEXT * WIDTH + WIDTH**2)
    time = 2 * (256 * WIDTH + WIDTH**2 + 6 * WIDTH**2)
    assert found.forward_flops == found.block_flops + outs + ends + text + time
    # Backward: through activations once more, and to the branch's weights; what the base makes of
    # the prompt alone, much of it here, needs none.
    assert 1.5 * found.forward_flops < found.step_flops < 3 * found.forward_flops
    assert found.flops_of() == found.step_flops + found.block_flops


def test_weights_and_bytes_are_those_counted_by_hand(found: Estimate) -> None:
    attention = 4 * (WIDTH**2 + WIDTH) + 2 * WIDTH
    # Two attentions, the feed-forward layers, one normalisation with weights, six modulations.
    block = 2 * attention + 2 * WIDTH * FFN + FFN + WIDTH + 2 * WIDTH + 6 * WIDTH
    ends = 4 * 36 * WIDTH + WIDTH + 4 * 16 * WIDTH + 4 * 16 + 2 * WIDTH
    text = TEXT * WIDTH + WIDTH + WIDTH**2 + WIDTH
    time = 256 * WIDTH + WIDTH + WIDTH**2 + WIDTH + 6 * (WIDTH**2 + WIDTH)
    assert found.base_weights == BLOCKS * block + ends + text + time
    assert found.base_bytes == 2 * found.base_weights
    embed = 4 * 16**2 * 64 * WIDTH
    assert found.control_weights == 8 * (block + WIDTH**2 + WIDTH) + embed
    branch = 3 * 4 * found.control_weights
    kept = found.checkpointed_bytes
    adamw = found.base_bytes // 8 + branch + 8 * found.control_weights + kept
    assert found.bytes_of("adamw", True, 8) == adamw
    assert found.bytes_of() == found.base_bytes + branch + 4 * found.factored + kept


def test_checkpointing_keeps_the_inputs_of_blocks_and_one_block(found: Estimate) -> None:
    inputs = (BLOCKS + 8) * TOKENS * WIDTH * 2
    assert inputs < found.checkpointed_bytes < 0.5 * found.kept_bytes


def test_families_without_an_estimate_are_refused() -> None:
    with pytest.raises(ValueError, match="animatediff, motionpro, wan; got lite"):
        estimate("lite", SIZE, FRAMES)
