"""How AnimateDiff's networks are called, and its scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...tracks.arguments import whole_number


@dataclass(frozen=True)
class AnimateDiffSettings:
    """How the U-Net and the autoencoder are called.

    Attributes:
        is_batched: All predictions of a step in one pass of the U-Net: faster, with as many times
            the memory.
        decode_at_once: Frames decoded together; fewer take less memory.

    Raises:
        TypeError, ValueError: For values out of range.
    """

    is_batched: bool = True
    decode_at_once: int = 16

    def __post_init__(self) -> None:
        whole_number("decode_at_once", self.decode_at_once, least=1)


AS_RELEASED = AnimateDiffSettings()
# As the authors of AnimateDiff and of Image Conductor sample.
STEPS, TEXT_SCALE = 25, 7.5


def ddim_scheduler() -> Any:
    """DDIM with the noise that AnimateDiff and Image Conductor were trained on."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        steps_offset=1,
        clip_sample=False,
    )
