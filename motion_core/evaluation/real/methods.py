"""The methods that are measured on real pictures: motion of every pixel, and frames as drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from ...draft.video import draft_frames
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
# The draft draws these from what they know beyond a field; their densifiers have a grid to choose.
DRAWN_BY_DRAFT = ("layered", "layers")


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a method made of a picture and tracks.

    Attributes:
        field: the motion, on the method's own grid or a finer one.
        displacement: makes the motion of every pixel at the last frame, as it is drawn: (H, W, 2)
            float32 pixels.
        frame: draws frame t as (H, W, 3) float32 0..1.
    """

    field: MotionField
    displacement: Callable[[], FloatArray]
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
        if self.name in DRAWN_BY_DRAFT:
            every_pixel: Any = replace(cast(Any, self.densifier), grid=image_size(image))
            field = every_pixel(image, tracks, progress)
            drawn = draft_frames(image, tracks, method=self.name, progress=progress)
            frames = [frame.numpy() for frame in drawn]
            return Drawing(field, field.displacement[last].numpy, frames.__getitem__)
        field = self.densifier(image, tracks, progress)
        renderer = FieldRenderer(image, field)
        return Drawing(
            field, lambda: renderer.displacement_at(last), lambda frame: renderer.draw(frame)[0]
        )


def _sampled() -> SampledLite:
    lite = load_lite()
    if lite.base is None or lite.control is None:
        raise FormatError(f"{GENERATE} needs weights with a base and a control branch.")
    return SampledLite(lite, GENERATE_STEPS)
