"""Which channels of a model's features are motion, and their values during pans (§3.3)."""

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
# Seeds of the still images that are panned; what they have in common is motion.
STILLS = (11, 12)
# Sets of channels that are kept in memory: each took minutes with a large model, and is small.
KEPT = 16
_known: OrderedDict[str, MotionChannels] = OrderedDict()


@dataclass(frozen=True, eq=False)
class MotionChannels:
    """Motion in one model's features, for videos of one length and size.

    Attributes:
        index: (K,) int64, the motion channels.
        still: (T, K) of a static video, not zero where the model encodes the frames' order.
        curves: (2, T, K), what pans along x and y add to `still` at T even displacements from
            -reach to reach, measured from the middle of their way.
        least, most: (K,) over all pans and frames.
        reach_frac: Largest displacement, of the short side.
        layer: That was read.
        weights: Their fingerprint.

    Raises:
        ShapeError: When these do not fit together.
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
        shapes = {
            "index": (count,),
            "still": (frames, count),
            "curves": (2, frames, count),
            "least": (count,),
            "most": (count,),
        }
        for name, shape in shapes.items():
            got = tuple(getattr(self, name).shape)
            if got != shape or 0 in shape:
                raise ShapeError(f"MotionChannels.{name} must be {shape}, not empty; got {got}.")

    @property
    def frames(self) -> int:
        """T, of the model's features."""
        return len(self.still)


def motion_channels(samples: Tensor, share: float = 0.04, components: int = 1) -> Tensor:
    """(K,) int64, ascending: the channels of largest weight in the first principal components.

    Args:
        samples: (M, C) features of moving content, less their mean over frames.
        share: Fraction of the channels taken from each component, at least one channel.
        components: Number of principal components.

    Raises:
        ShapeError, ValueError: For samples of another shape, or that are constant or not finite.
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

    Computed once per model, canvas, length and probe, and cached while the program runs.

    Args:
        model: A VideoModel with features.
        size: Of the canvas.
        frames: Of the pans.
        probe: How features are read.
        progress: Callback.
        file: Read when it exists, written when it does not.

    Raises:
        FormatError: For a file of another kind or origin.

    Also raises what video_features raises.
    """
    traits = tap_of(model).traits
    weights = fingerprint(traits.weights)
    origin = repr((weights, probe.layer_of(traits), probe, tuple(size), frames))
    key = hashlib.sha256(origin.encode()).hexdigest()
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
    means = {way: some[:, :, index].mean(dim=(0, 3, 4)) for way, some in middles.items()}
    rest = means["still"]
    curves = [
        ((means[there] - rest) + (means[back] - rest).flip(0)) / 2
        for there, back in (("right", "left"), ("down", "up"))
    ]
    everything = torch.cat(list(means.values()))
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
    """(stills, T, C, h, w) of every pan, without content, in the middle of the image."""
    pictures = [still(size, seed) for seed in STILLS]
    total, features_of = len(WAYS) * len(pictures), {}
    for name, way in WAYS.items():
        parts = []
        for picture in pictures:
            video, tracks = pan(picture, way, frames)
            done = len(features_of) * len(pictures) + len(parts)
            part = _Part(progress, done, total)
            features = video_features(model, video, probe, lambda tracks=tracks: tracks, part)
            parts.append(centre(content_removed(features)))
        features_of[name] = torch.stack(parts)
    return features_of


@dataclass(frozen=True)
class _Part:
    """A Progress for one of several equal pieces of work."""

    progress: Progress
    piece: int
    pieces: int

    def __call__(self, done: int, total: int) -> None:
        self.progress(self.piece * 100 + done * 100 // max(total, 1), self.pieces * 100)


def _read(file: Path, key: str) -> MotionChannels | None:
    """The channels in a file, None when there is no file."""
    if not file.exists():
        return None
    tensors, metadata = read_safetensors(file)
    if metadata.get("kind") != KIND:
        raise FormatError(f"{file} holds no motion channels; name another file or remove it.")
    if metadata.get("key") != key:
        raise FormatError(
            f"{file} holds the motion channels of another model, canvas or length; name another "
            "file."
        )
    try:
        reach = float(metadata["reach_frac"])
        return MotionChannels(
            **tensors, reach_frac=reach, layer=metadata["layer"], weights=metadata["weights"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{file} is incomplete: {error}. Remove it.") from error


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
