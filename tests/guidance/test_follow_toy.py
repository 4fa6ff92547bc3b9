"""The effect of dual-clock denoising on a small video diffusion model trained here.

`python -m bench.follow_toy` prints the figures of docs/native.md with more training and more clips.
"""

from __future__ import annotations

import pytest
import torch

from bench.follow_toy import (
    PAPER,
    RADIUS,
    RED,
    SIZE,
    ToyDenoiser,
    clips,
    control_figures,
    position,
    question,
    region_figures,
    trained,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> ToyDenoiser:
    torch.set_num_threads(1)
    return trained(400)


def test_positions_are_measured_where_the_discs_are() -> None:
    """Discs that lie whole in the picture; of others the visible part is measured."""
    found = clips(64, torch.Generator().manual_seed(3))
    for colour in (0, 1):
        wanted = found.start[:, colour] + found.drift[:, colour]
        is_whole = ((wanted > RADIUS) & (wanted < SIZE - RADIUS)).all(-1)
        error = (position(found.video, colour) - wanted).norm(dim=-1)
        assert is_whole.sum() > 20 and error[is_whole].max() < 0.5
        assert error.max() < RADIUS


def test_the_draft_ends_where_it_is_asked_to() -> None:
    asks = question(16, both=False)
    wanted = asks.start[:, RED] + asks.asked[:, RED]
    assert (position(asks.draft, RED) - wanted).norm(dim=-1).max() < 0.5
    assert torch.equal(asks.draft[:, 1, 0], asks.draft[:, 1, -1]), "the green disc is frozen"


def test_the_asked_motion_is_followed_and_the_rest_left_alone(model: ToyDenoiser) -> None:
    """Against the paper's hard switches: ramps alone change the rest less at the same endpoint, and
    clocks of one's own beat it in both."""
    found = control_figures(model, 96)
    free = found.pop("no control")
    for figures in found.values():
        assert figures["endpoint"].mean <= 0.5 * free["endpoint"].mean
    hard = found.pop(PAPER)
    assert abs(found["two ramps"]["endpoint less"].mean) < 0.05 * hard["endpoint"].mean
    for name in set(found) - {"two ramps, soft mask"}:
        less = found[name]["rest less"]
        assert less.mean > 2 * less.error, name
    both = found["weak 0.05, strong 0.6, ramps"]
    assert both["endpoint less"].mean > 2 * both["endpoint less"].error
    assert both["rest"].mean < 0.8 * hard["rest"].mean


def test_each_region_follows_as_long_as_its_clock_says(model: ToyDenoiser) -> None:
    tight_red, tight_green = region_figures(model, 128).values()
    assert tight_red["red"].mean < 0.7 * tight_green["red"].mean
    assert tight_green["green"].mean < 0.7 * tight_red["green"].mean
