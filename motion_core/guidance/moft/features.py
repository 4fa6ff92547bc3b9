"""Features of a video inside a model, at a little noise, and what of them is motion."""

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
from ...progress import Progress, silent
from ...tracks.arguments import whole_number
from ...tracks.model import Tracks

# Values of each weight that tell it from others; all of them would take seconds per gigabyte.
SAMPLED = 64
_PLAIN = Branch(control=False)


@dataclass(frozen=True)
class Probe:
    """How features are read.

    layer: one of the model's FeatureTraits.layers, or None for the first. grid: cells a side that
    features are brought to. steps, stored: a video is inverted in so many steps, and its features
    are read after `stored` of them (25 and 5 in the authors' code). share: of the channels that
    count as motion, never fewer than one (0.04 in the paper's ablation).
    Raises TypeError or ValueError for values out of range.
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
            raise ValueError(f"the share of channels must be above 0, up to 1; got {self.share}.")

    def layer_of(self, traits: FeatureTraits) -> str:
        """The layer to read. Raises ValueError for one that the model does not have."""
        chosen = traits.layers[0] if self.layer is None else self.layer
        if chosen not in traits.layers:
            raise ValueError(f"the model has no layer {chosen!r}; it has {traits.layers}.")
        return chosen


AS_PUBLISHED = Probe()


def tap_of(model: Any) -> FeatureTap:
    """The model as one whose features can be read.

    Raises TypeError for a family without such features, ValueError for weights without them.
    """
    traits = getattr(model, "traits", None)
    if not isinstance(traits, FeatureTraits):
        raise TypeError(
            f"{type(model).__name__} has no features that MOFT could read; use a model of the "
            "families lite (with generate) or animatediff."
        )
    if not traits.layers:
        raise ValueError(
            "these weights hold nothing that MOFT could read: lite's encoder answers tracks and "
            "knows no motion of its own. Load lite with generate switched on."
        )
    return model


def fingerprint(weights: nn.Module) -> str:
    """What tells one set of weights from another: names, shapes, and a few values of each."""
    told = hashlib.sha256()
    for name, value in weights.state_dict().items():
        told.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
        flat = value.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // SAMPLED)][: SAMPLED + 1]
        told.update(some.float().cpu().numpy().tobytes())
    return told.hexdigest()[:32]


def resized(features: Tensor, grid: int) -> Tensor:
    """(T, C, h, w) brought to (T, C, grid, grid), bilinear."""
    if features.shape[-2:] == (grid, grid):
        return features
    return functional.interpolate(features, (grid, grid), mode="bilinear", align_corners=False)


def content_removed(features: Tensor) -> Tensor:
    """Features (T, ...) less their mean over frames: what all frames share is content (§3.2).

    Raises ShapeError for fewer than two frames, of which nothing would be left.
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

    The inversion (DDIM for diffusion) has an empty prompt and no tracks. video: (T, H, W, 3) float
    0..1. follow: see FeatureTap.filmed. T of the features is the model's number of frames.
    Raises what tap_of raises and what the model says to pictures it cannot make.
    """
    tap = tap_of(model)
    layer = probe.layer_of(tap.traits)
    check_video(video, least_frames=2)
    if not bool(torch.isfinite(video).all()):
        raise ValueError("the video holds NaN or infinite values; a picture has none.")
    condition = model.condition(GenerationRequest(video[0], len(video)), progress)
    latents = tap.encode_video(video, condition, follow)
    scheduler = tap.inverse_scheduler()
    scheduler.set_timesteps(probe.steps, device=latents.device)
    walked = scheduler.timesteps[: probe.stored]
    for step, timestep in enumerate(walked):
        (predicted,) = model.predict(latents, timestep, condition, [(_PLAIN, None)])
        latents = scheduler.step(predicted, timestep, latents, return_dict=False)[0]
        progress(step + 1, len(walked) + 1)
    features = tap.features(latents, walked[-1], condition, layer)
    progress(len(walked) + 1, len(walked) + 1)
    return resized(features, probe.grid).cpu()
