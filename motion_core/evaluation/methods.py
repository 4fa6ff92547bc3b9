"""Everything that answers: classical methods with their settings, the draft, and lite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..draft.densifier import LayeredDensifier
from ..geometry import Size
from ..models.lite import Lite, MotionField, load_lite
from ..models.lite.family import LiteControl, LiteFamily
from ..models.lite.latents import field_of
from ..models.protocols import GenerationRequest, GenerationResult
from ..progress import Progress, silent
from ..sampling import Sampling, sample
from ..tracks.model import Tracks
from .baselines import Method, Question, gaussian, laplacian, nearest, rest, thin_plate
from .id_reader import IdReader, through_ids


def drafted(question: Question) -> Tensor:
    """Displacements (T, G, G, 2) of the draft's layers."""
    grid = Size(question.grid, question.grid)
    return LayeredDensifier(grid)(question.image, question.tracks).displacement


# From a question to a dense motion that also says what is visible.
Answer = Callable[[Question], MotionField]

NO_CONTROL, DRAFT = "no control", "draft"
# Every classical method with the settings it may choose from.
FAMILIES: Mapping[str, Mapping[str, Method]] = {
    NO_CONTROL: {"": rest},
    "nearest track": {"": nearest},
    "gaussian falloff": {f"sigma {s:g}": gaussian(s) for s in (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)},
    "thin plate": {f"smoothing {s:g}": thin_plate(s) for s in (0.0, 1e-3, 1e-2, 1e-1, 1.0)},
    "laplacian": {f"data {d:g}": laplacian(0.0, d) for d in (3.0, 30.0, 300.0)},
    "edge-aware laplacian": {
        f"edge {e:g} data {d:g}": laplacian(e, d)
        for e in (100.0, 300.0, 1000.0, 3000.0, 10000.0)
        for d in (3.0, 30.0)
    },
    DRAFT: {"": drafted},
}


def whole_answer(method: Method) -> Answer:
    """A method that says nothing of visibility, completed: a place is taken to be seen as long as
    it is on the canvas."""

    def answer(question: Question) -> MotionField:
        return as_field(method(question), question)

    return answer


def as_field(displacement: Tensor, question: Question) -> MotionField:
    """Displacements (T, G, G, 2) as a field in which all that stays on the canvas is seen."""
    size, grid = question.tracks.size, question.grid
    surely = torch.ones(grid, grid)
    field = MotionField(displacement, torch.ones(len(displacement), grid, grid), surely, size)
    place = field.centres() + displacement
    inside = ((place >= 0) & (place < place.new_tensor(size))).all(dim=-1)
    return MotionField(displacement, inside.float(), surely, size)


def lite_answers(
    weights: Mapping[str, Path | None], steps: Sequence[int] = ()
) -> dict[str, Answer]:
    """Lite with each of some weights files, under the names given to them; None is what the pack
    ships. The last one also answers when it is told its tracks through the random-ID volume alone.

    steps: of the sampler with base and control, each a method of its own; weights without a control
    branch take none. Raises what load_lite raises.
    """
    loaded = {name: load_lite(path) for name, path in weights.items()}
    answers = {}
    for name, lite in loaded.items():
        answers[name] = lite_answer(lite)
        counts = steps if lite.control is not None else ()
        answers |= {f"{name}, steps {one}": sampled_answer(lite, one) for one in counts}
    for name, lite in list(loaded.items())[-1:]:
        answers[f"{name} by ids"] = lite_answer(lite, by_ids=True)
    return answers


def lite_answer(lite: Lite, *, by_ids: bool = False) -> Answer:
    """What lite's control encoder makes of a question directly.

    by_ids: its tracks are put into the random-ID volume first and read back from it.
    """
    reader = IdReader()

    def answer(question: Question) -> MotionField:
        tracks = through_ids(question.tracks, reader) if by_ids else question.tracks
        return lite.field(question.image, tracks)

    return answer


def sampled_answer(lite: Lite, steps: int) -> Answer:
    """What lite's base and control branch make of a question in so many steps, seed 0."""

    def answer(question: Question) -> MotionField:
        family = _Motion(lite)
        request = GenerationRequest(question.image, question.tracks.num_frames)
        sample(family, LiteControl(lite), request, question.tracks, Sampling(steps))
        assert family.field is not None
        return family.field

    return answer


class _Motion(LiteFamily):
    """Lite that stops before it draws."""

    field: MotionField | None = None

    def decode(
        self, latents: Tensor, condition: Any, tracks: Tracks, progress: Progress = silent
    ) -> GenerationResult:
        request = condition.request
        self.field = field_of(latents, request.size, request.frames)
        return GenerationResult(request.image.expand(request.frames, -1, -1, -1))
