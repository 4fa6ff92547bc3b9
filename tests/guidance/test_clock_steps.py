"""What the default clocks of the families become in steps; docs/native.md has the table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest

from motion_core.guidance.clocks import FAMILIES, Clock, FollowScale, karras_scale, steps_followed
from motion_core.guidance.noise_schedule import shifted_sigma
from tests.host.pack import ROOT

STEPS = (4, 8, 20, 50)
# Row of the table: the family of the clocks, and the shift of the schedule that a run has.
ROWS: dict[str, tuple[str, float | FollowScale]] = {
    "shift 3: Wan 2.2 14B, as tuned": ("wan", 3.0),
    "shift 5: Wan with LightX2V": ("wan", 5.0),
    "shift 8: Wan 2.1, Wan 2.2 5B": ("wan", 8.0),
    "shift 10.7: LTX-Video": ("ltx", math.exp(2.37)),
    "shift 6: Mochi": ("mochi", 6.0),
    "shift 7: HunyuanVideo": ("hunyuan", 7.0),
    "shift 12: MiniMax-H3": ("minimax", 12.0),
    "shift 10: Kandinsky 5": ("kandinsky", 10.0),
    "SVD, Karras": ("svd", karras_scale(0.002, 700.0)),
}
# Schedules of distilled models, as their authors publish them: steps and shift, or noise levels.
DISTILLED: dict[str, tuple[str, Sequence[float]]] = {
    "LightX2V, Wan 2.1 and 2.2": ("wan", [shifted_sigma(i / 4, 5.0) for i in range(5)]),
    "FastHunyuan": ("hunyuan", [shifted_sigma(i / 6, 17.0) for i in range(7)]),
    "FastH3, MiniMax-H3": ("minimax", [shifted_sigma(i / 4, 12.0) for i in range(5)]),
    # ComfyUI's ManualSigmas for the distilled LoRA of LTX-2.3, as follow_ltx.json has them.
    "LTX-2.3 distilled": (
        "ltx",
        (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0),
    ),
}
FAMILY_NAMES = {
    "wan": "Wan",
    "cogvideox": "CogVideoX",
    "svd": "SVD",
    "ltx": "LTX-Video, LTX-2",
    "hunyuan": "HunyuanVideo",
    "mochi": "Mochi",
    "minimax": "MiniMax-H3",
    "kandinsky": "Kandinsky 5",
    "flow": "any other flow model",
}


def cells_of(title: str) -> list[str]:
    """The cells of a table's row in docs/native.md."""
    page = (ROOT / "docs" / "native.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {re.escape(title)} \|(.*)\|$", page, re.MULTILINE)
    return [cell.strip() for cell in line.split("|")]


def schedule(kind: float | FollowScale, steps: int) -> list[float]:
    """The sigmas of a run of so many steps."""
    if isinstance(kind, FollowScale):
        return [kind.to_sigma(index / (steps - 1)) for index in range(steps)] + [0.0]
    return [shifted_sigma(index / steps, kind) for index in range(steps + 1)]


def followed(family: str, sigmas: Sequence[float]) -> str:
    """The steps that the rest and the mask follow with cut_and_drag."""
    clocks = FAMILIES[family]
    both = [steps_followed(clocks.scale.clock(one), sigmas) for one in clocks.cut_and_drag]
    return f"{both[0]:.1f} / {both[1]:.1f}"


def figures(row: str) -> list[str]:
    """The cells of a row of the table of steps."""
    name, kind = ROWS[row]
    return [followed(name, schedule(kind, steps)) for steps in STEPS]


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_the_page_is_what_the_clocks_become(row: str) -> None:
    assert cells_of(row) == figures(row)


@pytest.mark.parametrize("row", DISTILLED)
def test_the_table_of_distilled_schedules(row: str) -> None:
    family, sigmas = DISTILLED[row]
    levels = ", ".join(f"{one:.3f}" for one in sigmas[:-1])
    assert cells_of(row) == [levels, followed(family, sigmas)]


@pytest.mark.parametrize("row", DISTILLED)
def test_in_distilled_schedules_the_mask_follows_most_of_a_step_and_not_all_of_them(
    row: str,
) -> None:
    family, sigmas = DISTILLED[row]
    rest, mask = (float(one) for one in followed(family, sigmas).split(" / "))
    assert 0.8 <= mask <= 0.6 * (len(sigmas) - 1)
    assert rest < mask


@pytest.mark.parametrize("family", FAMILIES)
def test_the_table_of_defaults(family: str) -> None:
    clocks = FAMILIES[family]
    wanted = []
    for pair in (clocks.cut_and_drag, clocks.camera):
        sigmas = [clocks.scale.sigma(one) for one in pair]
        wanted.append(" / ".join(f"{one:.2f}" for one in pair))
        wanted.append(" / ".join(f"{one:.4g}" for one in sigmas))
    assert cells_of(FAMILY_NAMES[family])[:4] == wanted


@pytest.mark.parametrize("family", FAMILIES)
def test_follow_values_of_noise_levels(family: str) -> None:
    scale = FAMILIES[family].scale
    # CogVideoX has 1000 levels: the value found is that of one of them.
    for follow in (0.02, 0.1, 0.35, 0.8):
        assert scale.follow(scale.sigma(follow)) == pytest.approx(follow, abs=1e-3)
    assert scale.follow(math.inf) == 0.0 and scale.follow(0.0) == 1.0


def test_at_the_schedule_of_the_paper_the_clocks_are_its_steps() -> None:
    assert figures("shift 3: Wan 2.2 14B, as tuned")[-1] == "3.0 / 7.0"


def test_parts_of_steps_count() -> None:
    # A constant weight over a step counts in 1 / sigma: (1 / 0.75 - 1) of (1 / 0.5 - 1).
    assert steps_followed(Clock.switch(0.75), [1.0, 0.5, 0.0]) == pytest.approx(1 / 3)
    assert steps_followed(Clock.switch(0.0), [1.0, 0.5, 0.0]) == 2.0
    assert steps_followed(Clock.switch(float("inf")), [1.0, 0.5, 0.0]) == 0.0
