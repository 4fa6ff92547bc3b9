"""The methods that are measured on real pictures: motion of every pixel, and frames as drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ...draft.densifier import LayeredDensifier
from ...draft.video import LAYERED, LAYERS, draft_frames
from ...errors import FormatError
from ...fields.arrays import FloatArray
from ...fields.densifier import Densifier
from ...fields.motion_field import MotionField
from ...fields.registry import DENSIFIERS, make_densifier
from ...fields.render import FieldRenderer
from ...images import image_array, image_size
from ...layers.analysis import take_apart
from ...layers.deformation import Deformation
from ...layers.densifier import LayersDensifier, field_of
from ...layers.drawing import LayersRenderer
from ...layers.layered_picture import LayeredPicture
from ...layers.motion import LayersInMotion
from ...models.lite.load import load_lite
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..methods import SampledLite

# Lite's sampler: not a densifier of the registry.
GENERATE, GENERATE_STEPS = "lite generate", 4
# The same motion, which bends layers instead of moving cells.
LITE_LAYERS, GENERATE_LAYERS = "lite layers", "lite generate layers"
METHODS = (*DENSIFIERS, GENERATE, LITE_LAYERS, GENERATE_LAYERS)
# A pixel goes with a layer that has at least this opacity there.
LEAST_ALPHA = 0.5


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a method made of a picture and tracks.

    Attributes:
        field: makes the motion, on the method's own grid or a finer one.
        displacement: makes the motion of every pixel at the last frame, as it is drawn: (H, W, 2)
            float32 pixels.
        frame: draws frame t as (H, W, 3) float32 0..1.
    """

    field: Callable[[], MotionField]
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
        self.densifier = _densifier(name)

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> Drawing:
        """Moves a picture (H, W, 3) 0..1 along tracks on it, and prepares its frames."""
        if self.name == LAYERS:
            return _layers(image, tracks, progress)
        if self.name in (LITE_LAYERS, GENERATE_LAYERS):
            return _layers(image, tracks, progress, self.densifier(image, tracks, progress))
        if self.name == LAYERED:
            return _layered(image, tracks, progress)
        last = tracks.num_frames - 1
        field = self.densifier(image, tracks, progress)
        renderer = FieldRenderer(image, field)
        return Drawing(
            lambda: field,
            lambda: renderer.displacement_at(last),
            lambda frame: renderer.draw(frame)[0],
        )


def _layered(image: Tensor, tracks: Tracks, progress: Progress) -> Drawing:
    """The draft with soft layers, as its own compositor draws them."""
    field = LayeredDensifier(image_size(image))(image, tracks, progress)
    frames = [frame.numpy() for frame in draft_frames(image, tracks, method=LAYERED)]
    return Drawing(lambda: field, field.displacement[-1].numpy, frames.__getitem__)


def _layers(
    image: Tensor, tracks: Tracks, progress: Progress, dense: MotionField | None = None
) -> Drawing:
    """Layers as meshes. Their opacity is no motion: every pixel moves with what it mostly shows.

    dense: motion that decides what the tracks leave open.
    """
    frames = tracks.num_frames

    def tick(done: int = 0, total: int = 0) -> None:
        progress(0, frames)

    layered = take_apart(image, tracks, progress=tick)
    renderer = LayersRenderer(image_array(image, tracks.size), layered, tracks, tick, dense)
    motion = renderer.motion

    def displacement() -> FloatArray:
        ends = _first_and_last(motion)
        return field_of(_hard(layered), ends, 2, image_size(image)).displacement[-1].numpy()

    return Drawing(
        lambda: field_of(layered, motion, frames, LayersDensifier().grid),
        displacement,
        lambda frame: renderer.draw(frame)[0],
    )


def _first_and_last(motion: LayersInMotion) -> LayersInMotion:
    """The same motion in two frames: every pixel of a picture is costly to follow."""

    def ends(one: Deformation) -> Deformation:
        return replace(one, positions=one.positions[[0, -1]])

    layers = tuple(ends(one) for one in motion.layers)
    return replace(motion, layers=layers, plate=ends(motion.plate))


def _hard(layered: LayeredPicture) -> LayeredPicture:
    """Layers with an opacity of 0 or 1."""
    layers = [
        replace(layer, alpha=(layer.alpha >= LEAST_ALPHA).astype(np.float32))
        for layer in layered.layers
    ]
    return replace(layered, layers=tuple(layers))


def _densifier(name: str) -> Densifier:
    if name in (GENERATE, GENERATE_LAYERS):
        return _sampled()
    return make_densifier("lite" if name == LITE_LAYERS else name)


def _sampled() -> SampledLite:
    lite = load_lite()
    if lite.base is None or lite.control is None:
        raise FormatError(f"{GENERATE} needs weights with a base and a control branch.")
    return SampledLite(lite, GENERATE_STEPS)
