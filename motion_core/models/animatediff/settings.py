"""How AnimateDiff's networks are called, and its scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...tracks.arguments import whole_number
from ..sd15.checkpoint import PREDICTIONS


@dataclass(frozen=True)
class AnimateDiffSettings:
    """How the U-Net and the autoencoder are called.

    Attributes:
        is_batched: All predictions of a step in one pass of the U-Net: faster, with as many times
            the memory.
        decode_at_once: Frames decoded together; fewer take less memory.
        prediction: What the U-Net predicts, "epsilon" (the noise) or "v_prediction".

    Raises:
        TypeError, ValueError: For values out of range.
    """

    is_batched: bool = True
    decode_at_once: int = 16
    prediction: str = PREDICTIONS[0]

    def __post_init__(self) -> None:
        whole_number("decode_at_once", self.decode_at_once, least=1)
        if self.prediction not in PREDICTIONS:
            raise ValueError(
                f"prediction must be one of: {', '.join(PREDICTIONS)}; got {self.prediction!r}."
            )


AS_RELEASED = AnimateDiffSettings()
# As the authors of AnimateDiff and of Image Conductor sample.
STEPS, TEXT_SCALE = 25, 7.5


def ddim_scheduler(prediction: str = PREDICTIONS[0]) -> Any:
    """DDIM with the noise that AnimateDiff and Image Conductor were trained on.

    prediction: See AnimateDiffSettings.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        steps_offset=1,
        clip_sample=False,
        prediction_type=prediction,  # pyright: ignore[reportArgumentType]
    )
