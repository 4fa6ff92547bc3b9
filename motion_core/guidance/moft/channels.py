"""Which channels of a model's features are motion, and what pans make of them (§3.3)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError, ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from ...weights_io import read_safetensors, write_safetensors
from .features import AS_PUBLISHED, Probe, content_removed, fingerprint, tap_of, video_features
from .pans import SPEED_FRAC, WAYS, pan, still

KIND = "motion-prompting motion channels 1"
# Stills that slide; what they agree on is motion.
STILLS = (11, 12)
# Sets of channels that are kept in memory: each took minutes with a large model, and is small.
KEPT = 16
_known: OrderedDict[str, MotionChannels] = OrderedDict()


@dataclass(frozen=True, eq=False)
class MotionChannels:
    """What is known about motion in one model's features, for clips of one length and size.

    index: (K,) int64, the motion channels. still: (T, K) of a picture that rests, which is not
    zero where the model knows the frames' order. curves: (2, T, K), what pans along x and y add to
    it at T even displacements from -reach to reach, measured from the middle of their way.
    least, most: (K,) over all pans and frames. reach_frac: of the short side. layer, weights: what
    was read; see fingerprint. Raises ShapeError where these do not fit together.
    """

    index: Tensor
    still: Tensor
    curves: Tensor
    least: Tensor
    most: Tensor
    reach_frac: float
    layer: str
    weights: str

    def __post_init__(self) -> None:
        frames, count = len(self.still), len(self.index)
        wanted = {
            "index": (count,),
            "still": (frames, count),
            "curves": (2, frames, count),
            "least": (count,),
            "most": (count,),
        }
        for name, shape in wanted.items():
            got = tuple(getattr(self, name).shape)
            if got != shape or 0 in shape:
                raise ShapeError(f"MotionChannels.{name} must be {shape}, not empty; got {got}.")

    @property
    def frames(self) -> int:
        """T, of the model's features."""
        return len(self.still)


def motion_channels(samples: Tensor, share: float = 0.04, components: int = 1) -> Tensor:
    """(K,) int64, ascending: the channels that weigh most in the first principal components.

    samples: (M, C) features of moving things without their content. share: of the channels that
    are taken from each component, never fewer than one. Raises ShapeError or ValueError.
    """
    if samples.ndim != 2 or 0 in samples.shape:
        raise ShapeError(f"samples must be (M, C), not empty; got {tuple(samples.shape)}.")
    if not bool(torch.isfinite(samples).all()):
        raise ValueError("the features hold NaN or infinite values; use float32 weights.")
    centred = samples.double() - samples.double().mean(dim=0)
    if not bool(centred.abs().max() > 0):
        raise ValueError("the features do not change with motion: there is nothing to learn.")
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[:components]
    count = max(1, round(share * samples.shape[1]))
    return axes.abs().topk(count, dim=1).indices.flatten().unique()


def learn_channels(
    model: Any,
    size: Size,
    frames: int,
    probe: Probe = AS_PUBLISHED,
    progress: Progress = silent,
    file: Path | None = None,
) -> MotionChannels:
    """The motion channels of a model, from synthetic pans at a canvas and a number of frames.

    Computed once per model, canvas, length and probe, and remembered while the program runs; with
    a file, beyond that: it is read where it is there and of the same origin, and written where
    not. Raises what video_features raises, FormatError for a file that is no such file.
    """
    traits = tap_of(model).traits
    weights = fingerprint(traits.weights)
    told = repr((weights, probe.layer_of(traits), probe, tuple(size), frames))
    key = hashlib.sha256(told.encode()).hexdigest()
    if key not in _known:
        read = None if file is None else _read(file, key)
        _known[key] = read or _learned(model, size, frames, probe, progress)
        if len(_known) > KEPT:
            _known.popitem(last=False)
    _known.move_to_end(key)
    if file is not None and not file.exists():
        _write(file, _known[key], key)
    return _known[key]


def centre(features: Tensor) -> Tensor:
    """The middle quarter of the rows and columns of (..., h, w): 16x16 of 64x64."""
    height, width = features.shape[-2:]
    rows, columns = max(1, height // 4), max(1, width // 4)
    top, left = (height - rows) // 2, (width - columns) // 2
    return features[..., top : top + rows, left : left + columns]


def _learned(
    model: Any, size: Size, frames: int, probe: Probe, progress: Progress
) -> MotionChannels:
    traits = tap_of(model).traits
    middles = _pan_features(model, size, frames, probe, progress)
    # Frame 0 of a pan is where its direction shows most: half of its way from the middle.
    moving = torch.cat([middles[way][:, 0] for way in WAYS if way != "still"])
    samples = moving.flatten(2).transpose(1, 2).flatten(0, 1)
    index = motion_channels(samples, probe.share, traits.components)
    seen = {way: some[:, :, index].mean(dim=(0, 3, 4)) for way, some in middles.items()}
    rest = seen["still"]
    curves = [
        ((seen[there] - rest) + (seen[back] - rest).flip(0)) / 2
        for there, back in (("right", "left"), ("down", "up"))
    ]
    everything = torch.cat(list(seen.values()))
    return MotionChannels(
        index=index,
        still=rest,
        curves=torch.stack(curves),
        least=everything.amin(dim=0),
        most=everything.amax(dim=0),
        reach_frac=SPEED_FRAC * (frames - 1) / 2,
        layer=probe.layer_of(traits),
        weights=fingerprint(traits.weights),
    )


def _pan_features(
    model: Any, size: Size, frames: int, probe: Probe, progress: Progress
) -> dict[str, Tensor]:
    """(stills, T, C, h, w) of every way, without content, in the middle of the picture."""
    pictures = [still(size, seed) for seed in STILLS]
    total, found = len(WAYS) * len(pictures), {}
    for name, way in WAYS.items():
        parts = []
        for picture in pictures:
            video, tracks = pan(picture, way, frames)
            done = len(found) * len(pictures) + len(parts)
            told = _Part(progress, done, total)
            features = video_features(model, video, probe, lambda tracks=tracks: tracks, told)
            parts.append(centre(content_removed(features)))
        found[name] = torch.stack(parts)
    return found


@dataclass(frozen=True)
class _Part:
    """A Progress for one of several equal pieces of work."""

    progress: Progress
    piece: int
    pieces: int

    def __call__(self, done: int, total: int) -> None:
        self.progress(self.piece * 100 + done * 100 // max(total, 1), self.pieces * 100)


def _read(file: Path, key: str) -> MotionChannels | None:
    """What the file holds, None where it is not there or of another origin."""
    if not file.exists():
        return None
    tensors, told = read_safetensors(file)
    if told.get("kind") != KIND:
        raise FormatError(f"{file} holds no motion channels; name another file or remove it.")
    if told.get("key") != key:
        raise FormatError(
            f"{file} holds the motion channels of another model, canvas or length; name another "
            "file."
        )
    try:
        reach = float(told["reach_frac"])
        return MotionChannels(
            **tensors, reach_frac=reach, layer=told["layer"], weights=told["weights"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{file} is not whole: {error}. Remove it.") from error


def _write(file: Path, channels: MotionChannels, key: str) -> None:
    """Write the file completely or not at all."""
    names = ("index", "still", "curves", "least", "most")
    tensors = {name: getattr(channels, name) for name in names}
    metadata = {
        "kind": KIND,
        "key": key,
        "reach_frac": repr(channels.reach_frac),
        "layer": channels.layer,
        "weights": channels.weights,
    }
    write_safetensors(file, tensors, metadata)
