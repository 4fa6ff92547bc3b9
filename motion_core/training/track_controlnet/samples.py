"""Clips sampled while a Track-ControlNet is trained, and how far they are from their tracks."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn

from ...evaluation.track_comparison import compare_tracks, retrack
from ...guidance.linear import text_guidance
from ...models.protocols import GenerationRequest
from ...models.track_model import Defaults
from ...sampling.loop import Sampling, sample
from ...tracks.model import Tracks
from ...video import write_video
from ..run import is_first_process
from .bases import TrainableBase
from .clips import ClipSource
from .config import TrackControlNetConfig
from .probe import held_out_batch

SAMPLES = "samples"
FPS = 16.0


def sample_control(
    base: TrainableBase,
    control: nn.Module,
    clips: ClipSource,
    config: TrackControlNetConfig,
    folder: Path,
    step: int,
) -> dict[str, float]:
    """Sample the first `sample_clips` clips with and without their tracks, from the same noise.

    The videos go to `folder`/samples. Tracks are measured by Lucas-Kanade.

    Returns:
        Mean endpoint errors in pixels: `samples/own` with the tracks, and `samples/none` of the
        base alone. A clip of which nothing is found again does not count; without any there is no
        figure.
    """
    found: dict[str, list[float]] = {"own": [], "none": []}
    (folder / SAMPLES).mkdir(parents=True, exist_ok=True)
    for index in range(min(config.sample_clips, sum(clips.counts))):
        batch = held_out_batch(base, clips, index, config)
        tracks = batch.tracks[0]
        request = GenerationRequest(
            batch.video[0, 0].float() / 255, tracks.num_frames, base.readable(batch.captions[0])
        )
        for name, guided in (("own", base.track_control(control)), ("none", None)):
            settings = _settings(base.defaults, index, config.sampler_steps)
            frames = sample(base.model, guided, request, tracks, settings).frames.cpu()
            path = folder / SAMPLES / f"step-{step:06d}-{index}-{name}.mp4"
            if is_first_process():
                write_video(path, frames, tracks.fps or FPS)
            error = endpoint_error(frames, tracks)
            found[name] += [] if math.isnan(error) else [error]
    return {
        f"{SAMPLES}/{name}": sum(errors) / len(errors) for name, errors in found.items() if errors
    }


def _settings(defaults: Defaults, seed: int, steps: int) -> Sampling:
    guidance = text_guidance(defaults.text_scale)
    return Sampling(steps or defaults.steps, seed, guidance)


def endpoint_error(frames: torch.Tensor, tracks: Tracks) -> float:
    """Mean distance in pixels of tracks in a video from where they should be, or NaN."""
    try:
        return compare_tracks(tracks, retrack(frames, tracks)).epe
    except ValueError:
        # No track is visible on the canvas after its start.
        return math.nan
