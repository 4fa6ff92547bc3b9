"""Lucas-Kanade: the default tracker, which needs no extra package or weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..progress import Progress, silent
from ..tracks import Tracks
from .appearance import Points
from .chain import ChainSettings, Frame, chain_tracks
from .clip import Video
from .tracker import ShouldStop, never


@dataclass(frozen=True)
class LucasKanade:
    """Pyramidal Lucas-Kanade (Bouguet 2000) with a forward-backward check (Kalal et al. 2010).

    Attributes:
        window: Side of the matching window in pixels.
        levels: Pyramid levels above the full picture; each doubles the largest motion.
        return_px: Largest distance in pixels between a point and its position after tracking it
            forwards and back.
        settings: When points are lost and found again.
    """

    window: int = 21
    levels: int = 3
    return_px: float = 1.0
    settings: ChainSettings = field(default_factory=ChainSettings)
    # Followed in about a quarter of a second.
    points_per_step: ClassVar[int | None] = 8192

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """See Tracker."""
        return chain_tracks(self, video, queries, self.settings, progress, should_stop)

    def step(self, before: Frame, after: Frame, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        """See Stepper."""
        import cv2

        options: dict[str, Any] = {"winSize": (self.window, self.window), "maxLevel": self.levels}
        # cv2 counts from the centre of the top-left pixel: 0.5 less than we do.
        start = (points - np.float32(0.5))[:, None]
        moved, good, _ = cv2.calcOpticalFlowPyrLK(
            before.grey, after.grey, start, np.empty(0), **options
        )
        back, good_back, _ = cv2.calcOpticalFlowPyrLK(
            after.grey, before.grey, moved, np.empty(0), **options
        )
        returned = np.linalg.norm(back - start, axis=-1)[:, 0] <= self.return_px
        trusted = (good[:, 0] == 1) & (good_back[:, 0] == 1) & returned
        found = np.asarray(moved[:, 0] + 0.5, np.float32)
        return found, trusted & np.isfinite(moved[:, 0]).all(axis=1)
