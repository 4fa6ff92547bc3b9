"""Small motion made large (Motion Prompting, section 4.5 and appendix E)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress, silent
from ..tracks.arguments import number_from_zero
from ..tracks.model import Tracks
from ..tracks.smooth import smooth_time
from ..tracks.start import fill_gaps, first_visible, start_and_displacement
from .frequency_band import FrequencyBand
from .neighbours import smooth_space
from .separate import CameraModel, separate_motion


@dataclass(frozen=True)
class MagnifySettings:
    """How motion is smoothed and magnified.

    The paper shows factors 8, 16 and 32 and does not give the widths of its smoothing.

    Attributes:
        factor: Magnification of displacements; 1 only smooths.
        space_sigma: Standard deviation in pixels of the average over neighbouring tracks; 0 for
            none.
        time_sigma: Standard deviation in frames of the smoothing of each track; 0 for none. The
            residual is smoothed and added back once: a vibration of f cycles per frame keeps
            1 - (1 - g)^2 of its amplitude, g = exp(-2 (pi f sigma)^2).
        band: The frequencies that are magnified; motion outside of it keeps its size.
        camera: "homography" or "similarity" to remove the camera's motion first, None to keep it.

    Raises:
        TypeError: A value is not a number.
        ValueError: A value is not finite or below 0.
    """

    factor: float = 16.0
    space_sigma: float = 24.0
    time_sigma: float = 1.0
    band: FrequencyBand = FrequencyBand()
    camera: CameraModel | None = None

    def __post_init__(self) -> None:
        for name in ("factor", "space_sigma", "time_sigma"):
            number_from_zero(name, getattr(self, name))


def magnify_motion(
    tracks: Tracks, settings: MagnifySettings | None = None, *, progress: Progress = silent
) -> Tracks:
    """Multiply the displacements of tracks (Motion Prompting, appendix E).

    The camera motion is removed if `camera` is set. Displacements are averaged over space, then
    smoothed in time so that slow vibrations keep their size; the band's part of them is multiplied.
    Every point keeps its first visible position; ids, fps and ``visible`` stay.

    Args:
        tracks: (T, N).
        settings: Factor, smoothing, band and camera model.
        progress: Called as the work goes on.

    Raises:
        ValueError: A band is set and the frame rate unknown, or the camera's motion cannot be
            estimated.
    """
    settings = settings or MagnifySettings()
    base = tracks
    if settings.camera is not None:
        base = separate_motion(tracks, settings.camera, progress=progress).stabilised
    calm = smooth_space(base, settings.space_sigma, progress=progress)
    calm = _twice_smoothed(calm, settings.time_sigma, progress)
    start, _ = start_and_displacement(base)
    _, moved = start_and_displacement(calm)
    enlarged = moved + (settings.factor - 1.0) * _in_band(moved, tracks, settings.band)
    xy = (start + enlarged).to(torch.float32)
    return replace(base, xy=torch.where(tracks.visible[..., None], xy, base.xy))


def _twice_smoothed(tracks: Tracks, sigma: float, progress: Progress) -> Tracks:
    """Tracks smoothed in time, plus their residual smoothed (Tukey's twicing).

    A Gaussian alone would attenuate the vibration that is to be magnified.
    """
    once = smooth_time(tracks, sigma, progress=progress)
    twice = smooth_time(once, sigma, progress=progress)
    both = 2.0 * once.xy - twice.xy
    return replace(tracks, xy=torch.where(tracks.visible[..., None], both, tracks.xy))


def _in_band(moved: Tensor, tracks: Tracks, band: FrequencyBand) -> Tensor:
    """The band's part of displacements (T, N, 2), 0 at each track's first visible frame."""
    if band.is_open or not moved.numel():
        return moved
    # Bridged, so that a gap does not make the filter ring.
    whole = fill_gaps(moved, tracks.visible).cpu().numpy()
    part = band.filtered(whole.reshape(len(whole), -1), tracks.fps).reshape(whole.shape)
    part = torch.from_numpy(np.ascontiguousarray(part)).to(moved.device)
    first, _ = first_visible(tracks.visible)
    return part - part[first, torch.arange(tracks.num_points, device=moved.device)]
