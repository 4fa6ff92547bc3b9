"""One sampling loop for every model family."""

from __future__ import annotations

from .loop import Sampling, Watch, sample
from .schedule import ControlSchedule, track_weights

__all__ = ["ControlSchedule", "Sampling", "Watch", "sample", "track_weights"]
