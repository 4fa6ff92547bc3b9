"""Re-noise refinement: a camera move keeps what its render shows (WorldForge, CVPR 2026).

At a noise level the model estimates the clean latents. Where the render of the move is valid, their
pixels are replaced by the render's; the result is encoded, noised anew to the same level and
estimated again (intra-step recursive refinement, IRR). Channels of the latents whose motion agrees
least with the render's keep the model's estimate (flow-gated latent fusion, FLF). The step then
goes on along the last direction, pushed away from the first one (dual-path self-corrective
guidance, DSG). `reference.py` defines a run with loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...progress import Progress, silent
from ..noise_schedule import NoiseSchedule, add_noise

# Noised latents to the estimate of the clean ones, at the level of the step.
Estimate = Callable[[Tensor], Tensor]
# Clean latents to pixels (T, H, W, 3) 0..1, and back to latents of the same shape.
Decode = Callable[[Tensor], Tensor]
Encode = Callable[[Tensor], Tensor]
# Two pictures (h, w) to the flow (h, w, 2) between them.
ChannelFlow = Callable[[Tensor, Tensor], Tensor]
# A channel keeps the model's estimate below this many deviations under the mean agreement.
AGREEMENT_DEVIATIONS = 0.625
FEWEST, MOST = 2, 6


@dataclass(frozen=True)
class RefineSettings:
    """The strength of a refinement.

    Attributes:
        resamples: How often a step noises anew; each costs a prediction and a pass of the VAE.
        correction: omega of DSG; 0 goes on along the last direction. 1.8 in the authors' code.

    Raises:
        ValueError: A value out of range.
    """

    resamples: int = 2
    correction: float = 1.8

    def __post_init__(self) -> None:
        if self.resamples < 0 or not (math.isfinite(self.correction) and self.correction >= 0.0):
            raise ValueError(f"refinement needs finite numbers from 0; got {self}.")


@dataclass(frozen=True, eq=False)
class Render:
    """What a camera move shows of the first frame.

    Attributes:
        frames: (T, H, W, 3) float 0..1.
        weights: (T, H, W) float 0..1, how far a pixel is taken from the render; see soft_edges.

    Raises:
        ShapeError: The shapes do not belong together.
    """

    frames: Tensor
    weights: Tensor

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3:
            raise ShapeError(f"a render is (T, H, W, 3); got {tuple(self.frames.shape)}.")
        if self.weights.shape != self.frames.shape[:3]:
            raise ShapeError(
                f"the weights of a render must be {tuple(self.frames.shape[:3])}; got "
                f"{tuple(self.weights.shape)}."
            )

    def over(self, pixels: Tensor) -> Tensor:
        """The pixels (T, H, W, 3), replaced by the render's according to the weights.

        Raises:
            ShapeError: The pixels are of another size or length.
        """
        if pixels.shape != self.frames.shape:
            raise ShapeError(
                f"the model's video is {tuple(pixels.shape)}, the render "
                f"{tuple(self.frames.shape)} (frames, height, width, colours). Render the camera "
                "move with the size and number of frames of the video."
            )
        return torch.lerp(pixels, self.frames.to(pixels), self.weights.to(pixels)[..., None])


def refined(
    noised: Tensor,
    sigma: float,
    estimate: Estimate,
    replace: Callable[[Tensor], Tensor],
    schedule: NoiseSchedule,
    draw: Callable[[], Tensor],
    settings: RefineSettings,
) -> tuple[Tensor, Tensor]:
    """The latents and their estimate after the refinement of one step.

    Args:
        noised: x, any layout.
        sigma: Its noise level, above 0.
        estimate: The model.
        replace: Clean latents to those that show the render; see replacing.
        schedule: Of the noise.
        draw: Fresh noise of the shape of x.
        settings: Strengths.

    Returns:
        x and its estimate; a step of the sampler goes on from both.
    """
    first = last = estimate(noised)
    x = noised
    for _ in range(settings.resamples):
        x = add_noise(schedule, replace(last), draw(), sigma)
        last = estimate(x)
    if settings.resamples == 0:
        return x, last
    worse, good = (noised - first) / sigma, (x - last) / sigma
    return x, x - sigma * corrected(good, worse, settings.correction)


def replacing(
    render: Render,
    decode: Decode,
    encode: Encode,
    kept: Callable[[Tensor, Tensor], list[int]] | None = None,
) -> Callable[[Tensor], Tensor]:
    """A function from clean latents to those that show the render.

    Args:
        render: The camera move.
        decode, encode: Of the autoencoder.
        kept: (estimate, replaced latents) to the channels that keep the estimate; None keeps none.
    """

    def replace(latents: Tensor) -> Tensor:
        shown = encode(render.over(decode(latents)))
        if shown.shape != latents.shape:
            raise ShapeError(
                f"the VAE encodes the video to {tuple(shown.shape)} instead of "
                f"{tuple(latents.shape)}. Connect the VAE of the model."
            )
        channels = [] if kept is None else kept(latents, shown)
        if channels:
            shown = shown.clone()
            shown[:, channels] = latents[:, channels]
        return shown

    return replace


def corrected(good: Tensor, worse: Tensor, correction: float) -> Tensor:
    """v_good + w sin(t) (v_good - (|good| / |worse|) cos(t) v_worse), t the angle between both.

    Args:
        good: The direction of the last estimate.
        worse: That of the first one, same shape.
        correction: w; 0 gives `good`, as do equal directions.
    """
    if correction == 0.0:
        return good
    long, short = good.norm(), worse.norm()
    tiny = torch.finfo(good.dtype).tiny
    cosine = ((good * worse).sum() / (long * short).clamp(min=tiny)).clamp(-1.0, 1.0)
    sine = (1.0 - cosine.square()).sqrt()
    away = good - (long / short.clamp(min=tiny)) * cosine * worse
    return good + correction * sine * away


def kept_channels(estimate: Tensor, shown: Tensor, part: float, flow: ChannelFlow) -> list[int]:
    """The channels that keep the model's estimate.

    None in the first fifth of the guided steps, the one that agrees least in the second, later
    those below the mean agreement by more than 0.625 deviations, 2 to 6 of them.

    Args:
        estimate: (1, C, T, h, w) or (T, C, h, w), the model's clean latents.
        shown: Same shape, the latents of the replaced pixels.
        part: 0..1, how much of the guided steps is over.
        flow: Optical flow of two pictures.
    """
    if part < 0.2:
        return []
    agreement = channel_agreement(estimate, shown, flow)
    order = torch.argsort(agreement, stable=True).tolist()
    if part < 0.4:
        return order[:1]
    limit = agreement.mean() - AGREEMENT_DEVIATIONS * agreement.std(correction=0)
    count = int((agreement < limit).sum())
    most = min(MOST, len(order) // 2)
    return sorted(order[: min(max(count, min(FEWEST, most)), most)])


def channel_agreement(estimate: Tensor, shown: Tensor, flow: ChannelFlow) -> Tensor:
    """(C,) correlation of the flows over time of both latents, by channel; 1 where both rest."""
    clips = [one[0] if one.ndim == 5 else one.transpose(0, 1) for one in (estimate, shown)]
    values = []
    for ours, theirs in zip(*clips, strict=True):
        both = [_flows(one, flow) for one in (ours, theirs)]
        centred = [one - one.mean() for one in both]
        size = centred[0].norm() * centred[1].norm()
        resting = not bool(both[0].any()) and not bool(both[1].any())
        product = float((centred[0] * centred[1]).sum())
        values.append(1.0 if resting else product / max(float(size), 1e-12))
    return torch.tensor(values)


def _flows(clip: Tensor, flow: ChannelFlow) -> Tensor:
    """The flows between successive frames of one channel (T, h, w), one after another."""
    low, high = clip.min(), clip.max()
    pictures = ((clip - low) / (high - low).clamp(min=1e-12)).float()
    steps = [flow(one, other) for one, other in zip(pictures, pictures[1:], strict=False)]
    return torch.stack(steps).flatten() if steps else pictures.new_zeros(1)


def soft_edges(valid: Tensor, width_px: float, progress: Progress = silent) -> Tensor:
    """(T, H, W) weights of a render: 0 outside the valid pixels, rising inside by a quarter sine.

    Args:
        valid: (T, H, W) bool, where the render shows the first frame.
        width_px: The distance from the edge at which the weight is 1; 0 gives hard edges.
        progress: Called per frame.
    """
    import cv2
    import numpy as np

    if width_px <= 0:
        return valid.float()
    weights = torch.empty(valid.shape)
    for frame, mask in enumerate(valid.cpu().numpy().astype(np.uint8)):
        # What lies beyond the frame is no edge; a mask without holes has none.
        far = cv2.distanceTransform(mask, cv2.DIST_L2, 5) if not mask.all() else mask * 1e9
        near = np.clip((np.asarray(far, np.float32) - 0.5) / width_px, 0, 1)
        weights[frame] = torch.from_numpy(np.sin(near * (np.pi / 2)).astype(np.float32))
        progress(frame + 1, len(valid))
    return weights
