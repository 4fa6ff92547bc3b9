"""The methods that are measured on real pictures: motion of every pixel, and frames as drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...draft.densifier import LayeredDensifier
from ...draft.video import LAYERED, draft_frames
from ...errors import FormatError
from ...fields.arrays import FloatArray
from ...fields.densifier import Densifier
from ...fields.motion_field import MotionField
from ...fields.registry import DENSIFIERS, make_densifier
from ...fields.render import FieldRenderer
from ...images import image_size
from ...models.lite.load import load_lite
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..methods import SampledLite

# Lite's sampler: not a densifier of the registry.
GENERATE, GENERATE_STEPS = "lite generate", 4
METHODS = (*DENSIFIERS, GENERATE)


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a method made of a picture and tracks.

    Attributes:
        field: the motion, on the method's own grid.
        displacement: (H, W, 2) float32 pixels, the motion of every pixel at the last frame, as it
            is drawn.
        frame: draws frame t as (H, W, 3) float32 0..1.
    """

    field: MotionField
    displacement: FloatArray
    frame: Callable[[int], FloatArray]


class Method:
    """A method by its name.

    Args:
        name: of METHODS.

    Raises:
        ValueError: no method has that name.
        The errors of load_lite for learned methods.
    """

    def __init__(self, name: str) -> None:
        if name not in METHODS:
            raise ValueError(f"methods must be of {', '.join(METHODS)}; got {name!r}.")
        self.name = name
        self.densifier: Densifier = make_densifier(name) if name != GENERATE else _sampled()

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> Drawing:
        """Moves a picture (H, W, 3) 0..1 along tracks on it, and prepares its frames."""
        last = tracks.num_frames - 1
        if self.name == LAYERED:
            field = LayeredDensifier(image_size(image))(image, tracks, progress)
            frames = [frame.numpy() for frame in draft_frames(image, tracks, progress=progress)]
            return Drawing(field, field.displacement[last].numpy(), frames.__getitem__)
        field = self.densifier(image, tracks, progress)
        renderer = FieldRenderer(image, field)
        return Drawing(
            field,
            np.asarray(renderer.displacement_at(last)),
            lambda frame: renderer.draw(frame)[0],
        )


def _sampled() -> SampledLite:
    lite = load_lite()
    if lite.base is None or lite.control is None:
        raise FormatError(f"{GENERATE} needs weights with a base and a control branch.")
    return SampledLite(lite, GENERATE_STEPS)
