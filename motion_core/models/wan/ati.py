"""ATI (2505.22944): features of where tracks start are blended in around where they go."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...progress import Progress, silent
from ...tracks.arguments import whole_number
from ...tracks.model import Tracks
from .latents import FRAME_STRIDE, START_IMAGE, KnownFrames, anchor_frames, check_latent

# How many weights of tracks on cells are computed at once.
AT_ONCE = 1 << 24
# Keeps a mean over no visible frame finite, as in the released code.
EPSILON = 1e-5


@dataclass(frozen=True)
class SoftCopy:
    """How far tracks reach. The defaults are those of the released weights.

    Attributes:
        temperature: Of the weight exp(-temperature d^2), d in halves of the short side.
        nearest: How many tracks a cell blends.

    Raises:
        ValueError: For a temperature that is not positive, or fewer than one track.
    """

    temperature: float = 220.0
    nearest: int = 2

    def __post_init__(self) -> None:
        whole_number("nearest", self.nearest, least=1)
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature must be a positive number; got {self.temperature}.")


def soft_copied_latent(
    latent: Tensor,
    tracks: Tracks,
    weights: Tensor | None = None,
    reach: SoftCopy = SoftCopy(),
    progress: Progress = silent,
    known: KnownFrames = START_IMAGE,
) -> tuple[Tensor, Tensor]:
    """The mask (T', H, W) of how much every cell is conditioned, and the blended latent
    (C, T', H, W).

    A cell takes w1 f1 + w2 f2 of the two tracks of largest weight there, f sampled from the first
    known frame in which the track is visible, and keeps 1 - min(w1 + w2, 1) of its value. Known
    frames stay and their mask is 1; the released code reads frame 0 alone. A track that is in no
    known frame is left out. Of tracks of equal weight the earlier one is taken.

    Args:
        latent: (C, T', H, W), of the image followed by empty frames.
        tracks: 4 (T' - 1) + 1 frames; positions are averaged over the visible ones of each group
            of four.
        weights: (N,) 0..1, how much each track counts.
        reach: How far tracks reach.
        progress: Called after every latent frame.
        known: The frames that hold pictures, one for a start image.

    Raises:
        TypeError, ShapeError, ValueError: When latent, tracks, weights and known frames do not fit.
    """
    weight = check_latent(latent, tracks, weights).to(latent.device)
    last = latent.shape[1] - 1
    free = known.free(last + 1) if last else range(0)
    wide = torch.promote_types(latent.dtype, torch.float32)
    tracks = tracks.to(latent.device)
    place = _halves(tracks, wide)
    anchor = anchor_frames(tracks.visible[: FRAME_STRIDE * known.start : FRAME_STRIDE])
    features = _starts(latent.to(wide), place, anchor)
    weight = weight.to(wide) * (anchor >= 0)
    masks = [torch.ones_like(latent[0, 0])]
    frames = [latent[:, 0]]
    for frame in range(last):
        if frame + 1 not in free:
            masks.append(torch.ones_like(latent[0, 0]))
            frames.append(latent[:, frame + 1])
            continue
        group = slice(1 + FRAME_STRIDE * frame, 1 + FRAME_STRIDE * (frame + 1))
        visible = tracks.visible[group].to(wide)
        mean = (place[group] * visible[..., None]).sum(0) / (visible.sum(0)[:, None] + EPSILON)
        counts = visible.sum(0).clamp(max=1) * weight
        was = latent[:, frame + 1].to(wide)
        total, mixed = _mixed(was, mean, counts, features, reach)
        masks.append(total.to(latent.dtype))
        frames.append((mixed + was * (1 - total.clamp(0, 1))).to(latent.dtype))
        progress(frame + 1, last)
    return torch.stack(masks), torch.stack(frames, 1)


def _halves(tracks: Tracks, dtype: torch.dtype) -> Tensor:
    """Positions (T, N, 2) from the middle of the canvas, in halves of its short side."""
    size = torch.tensor(tracks.size, dtype=dtype, device=tracks.device)
    return (tracks.xy.to(dtype) - size / 2) / size.min() * 2


def _starts(latent: Tensor, place: Tensor, anchor: Tensor) -> Tensor:
    """(N, C) features of the frame `anchor` (N,) where every track is then, mixed between cells;
    anything where it is -1."""
    _, frames, height, width = latent.shape
    features = latent.new_zeros(len(anchor), len(latent))
    sides = latent.new_tensor([width, height]) / min(height, width)
    for frame in range(min(int(anchor.max()) + 1, frames) if len(anchor) else 0):
        which = anchor == frame
        where = (place[FRAME_STRIDE * frame, which] / sides).clamp(-1, 1)[None, None]
        picture = latent[None, :, frame]
        features[which] = functional.grid_sample(picture, where, align_corners=False)[0, :, 0].T
    return features


def _mixed(
    was: Tensor, place: Tensor, counts: Tensor, features: Tensor, reach: SoftCopy
) -> tuple[Tensor, Tensor]:
    """The sum of the largest weights (H, W), and the features (C, H, W) weighted by them."""
    _, height, width = was.shape
    totals, mixes = [], []
    for weights in _row_weights(height, width, place, counts, reach.temperature):
        total = weights.new_zeros(len(weights))
        mix = weights.new_zeros(len(weights), was.shape[0])
        for _ in range(min(reach.nearest, len(place))):
            best = weights.argmax(-1, keepdim=True)
            weight = weights.gather(-1, best)
            weights.scatter_(-1, best, -1.0)
            total += weight[:, 0]
            mix += weight * features[best[:, 0]]
        totals.append(total)
        mixes.append(mix)
    mixed = torch.cat(mixes).T.reshape(-1, height, width)
    return torch.cat(totals).view(height, width), mixed


def _row_weights(
    height: int, width: int, place: Tensor, counts: Tensor, temperature: float
) -> Iterator[Tensor]:
    """(cells, N) weights of all tracks, some rows of cells at a time.

    The outermost cells lie on the rim of the canvas, not half a cell inside, as the weights of
    the released model were trained.
    """
    short = min(height, width)
    column = _linspace(width / short, width, place)
    rows = _linspace(height / short, height, place)
    for row in rows.split(max(AT_ONCE // max(width * len(place), 1), 1)):
        across = (place[:, 0] - column[:, None]).square()
        down = (place[:, 1] - row[:, None]).square()
        distance = (across[None] + down[:, None]).flatten(0, 1)
        yield torch.exp(-distance * temperature) * counts


def _linspace(end: float, steps: int, like: Tensor) -> Tensor:
    return torch.linspace(-end, end, steps, dtype=like.dtype, device=like.device)
