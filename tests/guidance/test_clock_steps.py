"""What the default clocks of the families become in steps; docs/native.md has the table."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from motion_core.guidance.clocks import FAMILIES, Clock, FollowScale, karras_scale, steps_followed
from motion_core.guidance.noise_schedule import shifted_sigma
from tests.host.pack import ROOT

STEPS = (4, 8, 20, 50)
# ComfyUI's ManualSigmas for the distilled LoRA of LTX-2.3, as follow_ltx.json has them.
LTX_DISTILLED = (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0)
# Row of the table: the family of the clocks, and the shift of the schedule that a run has.
ROWS: dict[str, tuple[str, float | Sequence[float] | FollowScale]] = {
    "shift 3: Wan 2.2 14B, as tuned": ("wan", 3.0),
    "shift 5: Wan with LightX2V": ("wan", 5.0),
    "shift 8: Wan 2.1, Wan 2.2 5B": ("wan", 8.0),
    "shift 2.37: LTX-Video": ("flow", 2.37),
    "shift 6: Mochi": ("flow", 6.0),
    "shift 7: HunyuanVideo": ("flow", 7.0),
    "shift 12: MiniMax-H3": ("flow", 12.0),
    "LTX-2.3 distilled, 8 steps": ("flow", LTX_DISTILLED),
    "SVD, Karras": ("svd", karras_scale(0.002, 700.0)),
}


def schedule(kind: float | Sequence[float] | FollowScale, steps: int) -> list[float]:
    """The sigmas of a run of so many steps."""
    if isinstance(kind, FollowScale):
        return [kind.to_sigma(index / (steps - 1)) for index in range(steps)] + [0.0]
    if isinstance(kind, float):
        return [shifted_sigma(index / steps, kind) for index in range(steps + 1)]
    return list(kind)


def figures(row: str) -> list[str]:
    """The cells of a row: steps that the rest and the mask follow."""
    name, kind = ROWS[row]
    family, cells = FAMILIES[name], []
    for steps in STEPS:
        sigmas = schedule(kind, steps)
        if len(sigmas) != steps + 1:
            cells.append("-")
            continue
        both = [steps_followed(family.scale.clock(one), sigmas) for one in family.cut_and_drag]
        cells.append(f"{both[0]:.1f} / {both[1]:.1f}")
    return cells


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_the_page_is_what_the_clocks_become(row: str) -> None:
    page = (ROOT / "docs" / "native.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", page, re.MULTILINE)
    assert [cell.strip() for cell in line.split("|")] == figures(row)


def test_at_the_schedule_of_the_paper_the_clocks_are_its_steps() -> None:
    assert figures("shift 3: Wan 2.2 14B, as tuned")[-1] == "3.0 / 7.0"


def test_parts_of_steps_count() -> None:
    # A constant weight over a step counts in 1 / sigma: (1 / 0.75 - 1) of (1 / 0.5 - 1).
    assert steps_followed(Clock.switch(0.75), [1.0, 0.5, 0.0]) == pytest.approx(1 / 3)
    assert steps_followed(Clock.switch(0.0), [1.0, 0.5, 0.0]) == 2.0
    assert steps_followed(Clock.switch(float("inf")), [1.0, 0.5, 0.0]) == 0.0
