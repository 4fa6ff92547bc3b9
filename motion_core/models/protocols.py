"""What the sampler asks of a model family, and nothing more.

Three words: a `VideoModel` generates, a `TrackControl` steers it (the Track-ControlNet of Motion
Prompting §4.2, or whatever a family has in its place), and a `Guidance` says which predictions a
step needs and how they become one. A new family implements the first two in a folder of its own;
the loop in `sampling` never learns its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..images import check_image
from ..progress import Progress, silent
from ..tracks.model import Tracks

Condition = TypeVar("Condition")
Prepared = TypeVar("Prepared")
Given = TypeVar("Given", contravariant=True)


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """What is to be filmed.

    image: (H, W, 3) float 0..1, the first frame. frames: T >= 1. prompt, negative: text for
    families that read it. movable: (H, W) bool, what may move, or None for everything.
    last_only: only the last frame is wanted; a family may then save itself the others.
    Raises TypeError, ShapeError or ValueError when any of this does not hold.
    """

    image: Tensor
    frames: int
    prompt: str = ""
    negative: str = ""
    movable: Tensor | None = None
    last_only: bool = False

    def __post_init__(self) -> None:
        check_image(self.image, "GenerationRequest.image")
        if isinstance(self.frames, bool) or not isinstance(self.frames, int) or self.frames < 1:
            raise ValueError(
                f"GenerationRequest.frames must be a whole number from 1; got {self.frames!r}."
            )
        if self.movable is not None:
            _check_movable(self.movable, self.image)

    @property
    def size(self) -> Size:
        """The canvas of the picture."""
        return checked_size(self.image.shape[1], self.image.shape[0])


@dataclass(frozen=True)
class Branch:
    """One prediction a guidance asks for: with or without text, with or without tracks.

    adapter: the name of weights laid over the model for this prediction (a LoRA), or None for the
    bare model, as camera-free guidance needs (Image Conductor, Eq. 5).
    """

    text: bool = True
    control: bool = True
    adapter: str | None = None


class ControlOutput(Protocol):
    """What a control adds to a prediction, in its family's own shape."""

    def scaled(self, strength: float) -> ControlOutput:
        """The same with its influence multiplied; 0 must not change the prediction."""
        ...


@dataclass(frozen=True, eq=False)
class GenerationResult:
    """A finished shot.

    frames: (T, H, W, 3) float 0..1, or the last of them alone where a request wants no more.
    holes: (T, H, W) float 0..1, where the picture shows what the first frame does not, or None
    when the family cannot say. tracks: the tracks as realised through all frames, or None when
    the family has to be measured by a tracker. notes: what a user must know to read the result,
    a sentence each.
    """

    frames: Tensor
    holes: Tensor | None = None
    tracks: Tracks | None = None
    notes: tuple[str, ...] = ()


class VideoModel(Protocol[Condition]):
    """A family that makes video from a first frame."""

    def scheduler(self) -> Any:
        """A fresh diffusers scheduler of the kind the model was trained for."""
        ...

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> Condition:
        """All that does not depend on the noisy latents, computed once per run."""
        ...

    def noise(self, condition: Condition, generator: torch.Generator) -> Tensor:
        """Latents to start from, in float32, before the scheduler scales them."""
        ...

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: Condition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """One prediction per call, in the scheduler's own terms and in the order of the calls.

        A branch without control comes with None.
        """
        ...

    def preview(self, latents: Tensor, condition: Condition) -> Tensor:
        """(h, w, 3) float 0..1, a quick picture of latents in the making."""
        ...

    def decode(
        self, latents: Tensor, condition: Condition, tracks: Tracks, progress: Progress = silent
    ) -> GenerationResult:
        """The video of finished latents; tracks are asked where they went."""
        ...


class TrackControl(Protocol[Given, Prepared]):
    """What makes a family follow tracks."""

    def prepare(self, tracks: Tracks, weights: Tensor, condition: Given) -> Prepared:
        """All that does not depend on the noisy latents, computed once per run.

        weights: (N,) float 0..1, how much each track counts.
        """
        ...

    def residuals(
        self, prepared: Prepared, latents: Tensor, timestep: Tensor, condition: Given
    ) -> ControlOutput:
        """What the tracks add at one step."""
        ...


class Guidance(Protocol):
    """Which predictions a step needs, and how they become one."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The predictions to be made, each once."""
        ...

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """One prediction from those of the branches, in their order."""
        ...


class LatentGuidance(Protocol):
    """What moves the latents before a step's prediction by the gradient of a wish, such as that
    motion be like a reference's (MOFT)."""

    def begin(self, model: VideoModel[Any], condition: Any, steps: int) -> GuidanceStep:
        """Made ready for one run of a model: all that does not depend on the noisy latents.

        Raises TypeError or ValueError for a model whose features it cannot read.
        """
        ...


class GuidanceStep(Protocol):
    """A steering in one run."""

    def __call__(
        self, latents: Tensor, timestep: Tensor, step: int, predict: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The latents to take the step from; the same ones where it has nothing to say.

        predict: what this step would predict of any latents, all branches combined.
        """
        ...


@dataclass(frozen=True, eq=False)
class FeatureTraits:
    """What there is to read inside a model.

    layers: names of layers whose features can be read, the best for motion first; none where the
    weights hold none. components: how many principal components of the features tell directions
    apart. weights: what the features come from. is_eulerian: features stay where they are while
    the picture's content moves through them; False where they travel with the first frame's
    content. shares_attention: whether spatial self-attention can look at another clip's keys.
    """

    layers: tuple[str, ...]
    components: int
    weights: nn.Module
    is_eulerian: bool
    shares_attention: bool


@dataclass(eq=False)
class SharedKeys:
    """What spatial self-attention of one pass looks at, kept for another pass.

    seen: by layer, filled by a pass while is_replaying is False, used by a pass when it is True.
    """

    seen: dict[str, Tensor]
    is_replaying: bool = False


class RunCondition(Protocol):
    """What a condition of a family with features tells of its run."""

    @property
    def request(self) -> GenerationRequest: ...

    @property
    def progress(self) -> Progress: ...


class FeatureTap(Protocol):
    """A VideoModel whose inner features can be read, with gradients (for MOFT).

    Its conditions are FilmedConditions.
    """

    @property
    def traits(self) -> FeatureTraits:
        """What there is to read."""
        ...

    def features(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: Any,
        layer: str,
        keys: SharedKeys | None = None,
    ) -> Tensor:
        """(T, C, h, w) float32 of one prediction with words and without tracks, differentiable in
        the latents. Raises ValueError for a layer that is not in traits.layers."""
        ...

    def encode_video(self, video: Tensor, condition: Any, follow: Callable[[], Tracks]) -> Tensor:
        """Clean latents of a video (T, H, W, 3) 0..1 that the condition is of.

        follow: finds tracks in the video, for a family whose latents are motion.
        """
        ...

    def inverse_scheduler(self) -> Any:
        """A fresh scheduler that leads from clean latents to noise. Its step at one of its
        timesteps leads to that noise level."""
        ...

    def frames_of(self, latents: Tensor) -> Tensor:
        """Which frame each latent belongs to: whole numbers that broadcast with the latents, whose
        last two axes are rows and columns of the picture."""
        ...


def _check_movable(movable: Tensor, image: Tensor) -> None:
    if movable.dtype != torch.bool or movable.shape != image.shape[:2]:
        raise ShapeError(
            f"GenerationRequest.movable must be (H, W) = {tuple(image.shape[:2])} bool; got "
            f"{tuple(movable.shape)} {movable.dtype}."
        )
