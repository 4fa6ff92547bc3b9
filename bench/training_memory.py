"""Memory and operations of training a Track-ControlNet, computed and not run; for docs/scale.md.

python -m bench.training_memory
"""

from __future__ import annotations

import sys

from motion_core.geometry import Size
from motion_core.training.estimate import Estimate, estimate

CASES = (
    ("animatediff", Size(512, 512), 16),
    ("motionpro", Size(512, 320), 16),
    ("wan", Size(480, 272), 33),
    ("wan", Size(832, 480), 33),
    ("wan", Size(832, 480), 81),
)
GB = 1e9
# Operations per second of an H100 in bfloat16 (dense), and the part of them that is assumed.
H100, REACHED = 989e12, 0.4


def line(family: str, size: Size, frames: int, found: Estimate) -> str:
    """One row of the table."""
    seconds = found.flops_of() / H100 / REACHED
    cells = [
        f"{family} {size}x{frames}",
        f"{found.base_weights / GB:.2f}",
        f"{found.control_weights / GB:.2f}",
        f"{found.forward_flops / 1e12:.1f}",
        f"{found.flops_of() / 1e12:.1f}",
        f"{seconds:.2f}",
        *(
            f"{found.bytes_of(optimizer, checkpointing, processes) / GB:.0f}"
            for optimizer, checkpointing, processes in (
                ("adafactor", False, 1),
                ("adafactor", True, 1),
                ("adamw", True, 1),
                ("adafactor", True, 8),
            )
        ),
    ]
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Write the table."""
    for family, size, frames in CASES:
        sys.stdout.write(line(family, size, frames, estimate(family, size, frames)))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
