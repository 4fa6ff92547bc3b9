"""The methods that are compared: classical ones with their settings, the draft, and lite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ..draft.densifier import LayeredDensifier
from ..fields.densifier import Densifier
from ..fields.interpolation import GaussianFalloff, NearestTrack, Rest, ThinPlate
from ..fields.laplacian import Laplacian
from ..fields.motion_field import MotionField
from ..fields.moving_least_squares import MovingLeastSquares
from ..models.lite.control import LiteControl
from ..models.lite.densifier import LiteDensifier
from ..models.lite.family import LiteFamily
from ..models.lite.latents import field_from_latents
from ..models.lite.lite import Lite
from ..models.lite.load import load_lite
from ..models.protocols import GenerationRequest, GenerationResult
from ..progress import Progress, silent
from ..sampling import Sampling, sample
from ..tracks.model import Tracks
from .id_reader import IdReader, through_ids

NO_CONTROL, DRAFT = "no control", "draft"
# Every method without learned weights, with the settings it may choose from.
FAMILIES: Mapping[str, Mapping[str, Densifier]] = {
    NO_CONTROL: {"": Rest()},
    "nearest track": {"": NearestTrack()},
    "gaussian falloff": {
        f"sigma {s:g}": GaussianFalloff(sigma_frac=s) for s in (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
    },
    "thin plate": {
        f"smoothing {s:g}": ThinPlate(smoothing=s) for s in (0.0, 1e-3, 1e-2, 1e-1, 1.0)
    },
    "moving least squares": {
        f"falloff {a:g}": MovingLeastSquares(falloff=a) for a in (0.5, 1.0, 1.5, 2.0, 3.0)
    },
    "laplacian": {f"data {d:g}": Laplacian(data_weight=d) for d in (3.0, 30.0, 300.0)},
    "edge-aware laplacian": {
        f"edge {e:g} data {d:g}": Laplacian(edge_weight=e, data_weight=d)
        for e in (100.0, 300.0, 1000.0, 3000.0, 10000.0)
        for d in (3.0, 30.0)
    },
    DRAFT: {"": LayeredDensifier()},
}


def lite_densifiers(
    weights: Mapping[str, Path | None], steps: Sequence[int] = ()
) -> dict[str, Densifier]:
    """Densifiers of lite, for each weights file; the last one also with tracks read back from ids.

    Args:
        weights: files by the names of the methods; None is the shipped file.
        steps: numbers of sampler steps with base and control, each a method of its own; they do
            not apply to weights without a control branch.

    Raises:
        The errors of load_lite.
    """
    loaded = {name: load_lite(path) for name, path in weights.items()}
    densifiers: dict[str, Densifier] = {}
    for name, lite in loaded.items():
        densifiers[name] = LiteDensifier(lite)
        counts = steps if lite.control is not None else ()
        densifiers |= {f"{name}, steps {count}": SampledLite(lite, count) for count in counts}
    for name, lite in list(loaded.items())[-1:]:
        densifiers[f"{name} by ids"] = LiteByIds(lite)
    return densifiers


class LiteByIds:
    """A Densifier: lite's control encoder, with tracks read back from the random-ID volume."""

    def __init__(self, lite: Lite) -> None:
        self.lite = lite
        self.reader = IdReader()

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier."""
        return self.lite.field(image, through_ids(tracks, self.reader), progress=progress)


class SampledLite:
    """A Densifier: the motion that lite's base and control branch sample with seed 0.

    Args:
        lite: with a base and a control branch.
        steps: of the sampler.
    """

    def __init__(self, lite: Lite, steps: int) -> None:
        self.lite, self.steps = lite, steps

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier."""
        family = _FieldFamily(self.lite)
        request = GenerationRequest(image, tracks.num_frames)
        sample(family, LiteControl(self.lite), request, tracks, Sampling(self.steps))
        assert family.field is not None
        return family.field


class _FieldFamily(LiteFamily):
    """Lite that keeps the field instead of drawing a video."""

    field: MotionField | None = None

    def decode(
        self, latents: Tensor, condition: Any, tracks: Tracks, progress: Progress = silent
    ) -> GenerationResult:
        request = condition.request
        self.field = field_from_latents(latents, request.size, request.frames)
        return GenerationResult(request.image.expand(request.frames, -1, -1, -1))
