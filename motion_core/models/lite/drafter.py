"""The draft with learned motion: `draft(image, tracks, completion="learned")`."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...draft.completion import register_drafter
from ...fields.render import Stage
from ...progress import Progress
from ...tracks.model import Tracks
from .lite import load_lite


def learned_frames(image: Tensor, tracks: Tracks, progress: Progress) -> Iterator[Tensor]:
    """Frames (H, W, 3) float32 on the image's device, moved by lite's one-step field.

    Everything is checked and computed before the first frame is drawn. Raises what load_lite and
    Lite.field raise.
    """
    stage = Stage(image, load_lite().field(image, tracks))
    total = tracks.num_frames

    def frames() -> Iterator[Tensor]:
        for frame in range(total):
            colours, _ = stage.draw(frame)
            progress(frame + 1, total)
            yield torch.from_numpy(colours).to(image.device)

    return frames()


def register() -> None:
    """Offer `learned` to the draft."""
    register_drafter("learned", learned_frames)
