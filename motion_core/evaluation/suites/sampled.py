"""Videos that a loaded model samples for the cases of a suite."""

from __future__ import annotations

from torch import Tensor

from ...errors import FormatError
from ...guidance.linear import text_guidance
from ...image_files import read_image
from ...models.protocols import GenerationRequest
from ...models.track_model import TrackModel
from ...sampling.loop import Sampling, sample
from .case import SuiteCase, on_canvas


def sampled_case(
    model: TrackModel,
    case: SuiteCase,
    steps: int | None = None,
    seed: int = 0,
    text_scale: float | None = None,
) -> Tensor:
    """(T, H, W, 3) 0..1, the video of a case.

    Args:
        model: With the control that it is sampled under, or without one.
        case: With picture and tracks.
        steps: Of the sampler; None for the model's own number.
        seed: Of the noise.
        text_scale: Of text guidance; None for the model's own.

    Raises:
        FormatError: The case has no picture or no tracks, or they differ in proportions.
        ShapeError, ValueError: The model cannot make the size or length of the case.
    """
    if case.image is None or case.tracks is None:
        raise FormatError(f"case {case.name} needs a picture and tracks to be sampled.")
    image = on_canvas(read_image(case.image)[None], case.size, "the picture")[0]
    caption = case.caption if model.conditioning == "text" else ""
    request = GenerationRequest(image, case.tracks.num_frames, caption)
    defaults = model.defaults
    scale = defaults.text_scale if text_scale is None else text_scale
    settings = Sampling(steps or defaults.steps, seed, text_guidance(scale))
    return sample(model.model, model.control, request, case.tracks, settings).frames.cpu()
