"""Features of a video inside a model, at a low noise level, and their motion part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ShapeError
from ...images import check_video
from ...models.protocols import Branch, FeatureTap, FeatureTraits, GenerationRequest
from ...models.registry import families_with
from ...progress import Progress, silent
from ...tracks.arguments import whole_number
from ...tracks.model import Tracks

# Values of each weight that a fingerprint reads; all of them would take seconds per gigabyte.
SAMPLED = 64
_PLAIN = Branch(control=False)


@dataclass(frozen=True)
class Probe:
    """How features are read.

    Attributes:
        layer: One of the model's FeatureTraits.layers, or None for the first.
        grid: Cells along a side to which features are resized.
        steps, stored: A video is inverted in `steps` steps, and its features are read after
            `stored` of them (25 and 5 in the authors' code).
        share: Fraction of the channels that count as motion, at least one channel (0.04 in the
            paper's ablation).

    Raises:
        TypeError, ValueError: For values out of range.
    """

    layer: str | None = None
    grid: int = 64
    steps: int = 25
    stored: int = 5
    share: float = 0.04

    def __post_init__(self) -> None:
        whole_number("grid", self.grid, least=4, most=512)
        whole_number("steps", self.steps, least=1, most=1000)
        whole_number("stored", self.stored, least=1, most=self.steps)
        if not 0.0 < self.share <= 1.0:
            raise ValueError(
                f"the fraction of channels must be above 0, up to 1; got {self.share}."
            )

    def layer_of(self, traits: FeatureTraits) -> str:
        """The layer to read. Raises ValueError for one that the model does not have."""
        chosen = traits.layers[0] if self.layer is None else self.layer
        if chosen not in traits.layers:
            raise ValueError(f"the model has no layer {chosen!r}; it has {traits.layers}.")
        return chosen


AS_PUBLISHED = Probe()


def tap_of(model: Any) -> FeatureTap:
    """The model as a FeatureTap.

    Raises TypeError for a family without features, ValueError for weights without them.
    """
    traits = getattr(model, "traits", None)
    if not isinstance(traits, FeatureTraits):
        raise TypeError(
            f"{type(model).__name__} has no features that MOFT could read; use a model of one of "
            f"the families {', '.join(families_with('motion_features'))}."
        )
    if not traits.layers:
        raise ValueError(f"these weights have no features that MOFT could read. {traits.advice}")
    return model


def fingerprint(weights: nn.Module) -> str:
    """A hash of names, shapes and a few values of each weight, to tell sets of weights apart."""
    digest = hashlib.sha256()
    for name, value in weights.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
        flat = value.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // SAMPLED)][: SAMPLED + 1]
        digest.update(some.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:32]


def resized(features: Tensor, grid: int) -> Tensor:
    """(T, C, h, w) brought to (T, C, grid, grid), bilinear."""
    if features.shape[-2:] == (grid, grid):
        return features
    return functional.interpolate(features, (grid, grid), mode="bilinear", align_corners=False)


def content_removed(features: Tensor) -> Tensor:
    """Features (T, ...) less their mean over frames: what all frames share is content (§3.2).

    Raises ShapeError for fewer than two frames.
    """
    if features.ndim < 2 or len(features) < 2:
        raise ShapeError(
            f"motion features need two frames or more; got {tuple(features.shape)}. Ask for more "
            "frames."
        )
    return features - features.mean(dim=0, keepdim=True)


@torch.no_grad()
def video_features(
    model: Any,
    video: Tensor,
    probe: Probe,
    follow: Callable[[], Tracks],
    progress: Progress = silent,
) -> Tensor:
    """(T, C, grid, grid) float32 on the CPU: features of a video at an early step of its inversion.

    The inversion (DDIM for diffusion) has an empty prompt and no tracks. T of the features is the
    model's number of frames.

    Args:
        model: A VideoModel with features.
        video: (T, H, W, 3) float 0..1.
        probe: How features are read.
        follow: See FeatureTap.encode_video.
        progress: Callback.

    Raises:
        ShapeError, ValueError: For what is no video of finite values.

    Also raises what tap_of and the model's condition() raise.
    """
    tap = tap_of(model)
    layer = probe.layer_of(tap.traits)
    check_video(video, least_frames=2)
    if not bool(torch.isfinite(video).all()):
        raise ValueError("the video holds NaN or infinite values; an image has none.")
    condition = model.condition(GenerationRequest(video[0], len(video)), progress)
    latents = tap.encode_video(video, condition, follow)
    progress(0, probe.stored + 1)
    # The first use of a scheduler imports its module, which takes a while.
    scheduler = tap.inverse_scheduler()
    scheduler.set_timesteps(probe.steps, device=latents.device)
    walked = scheduler.timesteps[: probe.stored]
    progress(0, len(walked) + 1)
    for step, timestep in enumerate(walked):
        (predicted,) = model.predict(latents, timestep, condition, [(_PLAIN, None)])
        latents = scheduler.step(predicted, timestep, latents, return_dict=False)[0]
        progress(step + 1, len(walked) + 1)
    features = tap.features(latents, walked[-1], condition, layer)
    progress(len(walked) + 1, len(walked) + 1)
    return resized(features, probe.grid).cpu()
