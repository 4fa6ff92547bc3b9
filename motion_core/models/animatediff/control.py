"""The control of AnimateDiff by a Track-ControlNet."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ...geometry import Size
from ...tracks.model import Tracks
from .control_output import AnimateDiffControlOutput, UNetResiduals
from .family import AnimateDiffCondition
from .track_controlnet import AnimateDiffTrackControlNet


class PreparedVolumeControl:
    """The features of a run's tracks, computed once."""

    motion: str | None = None

    def __init__(self, network: AnimateDiffTrackControlNet, features: Tensor) -> None:
        self._network, self._features = network, features

    def residuals(
        self, timestep: Tensor, prompt_embeds: Tensor, adapter: str | None
    ) -> UNetResiduals:
        """What the tracks add. Raises ValueError for any adapter: there is none."""
        if adapter is not None:
            raise ValueError(f"a Track-ControlNet has no adapters; got {adapter!r}.")
        return self._network(self._features, timestep, prompt_embeds)


class AnimateDiffControl:
    """A TrackControl for AnimateDiffFamily. seed: of the random codes of the tracks."""

    def __init__(self, network: AnimateDiffTrackControlNet, seed: int = 0) -> None:
        self.network, self.seed = network, seed

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: AnimateDiffCondition
    ) -> PreparedVolumeControl:
        """The tracks' features. weights: (N,) 0..1, factors on their codes."""
        height, width = condition.shape[-2:]
        volume = self.network.volume(tracks, Size(width, height), self.seed)
        weighted = replace(volume, rows=volume.rows * weights.to(volume.rows)[:, None])
        return PreparedVolumeControl(self.network, self.network.features(weighted))

    def residuals(
        self,
        prepared: PreparedVolumeControl,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
    ) -> AnimateDiffControlOutput:
        """The same features at every step."""
        return AnimateDiffControlOutput(prepared)
