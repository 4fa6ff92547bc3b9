"""The interface between the sampler and a model family.

A `VideoModel` generates. A `TrackControl` makes it follow tracks: the Track-ControlNet of Motion
Prompting §4.2, or what a family has in its place. A `Guidance` says which predictions a step needs
and how they are combined. A new family implements the first two in a folder of its own; the loop
in `sampling` does not know the families.
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
Context = TypeVar("Context", contravariant=True)


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """A video to generate.

    Attributes:
        image: (H, W, 3) float 0..1, the first frame.
        frames: T >= 1.
        prompt, negative: Text for families that read it.
        movable: (H, W) bool, what may move, or None for everything.
        last_only: Only the last frame is needed; a family may skip the others.

    Raises:
        TypeError, ShapeError, ValueError: When any of this does not hold.
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
    """One prediction that a guidance needs.

    Attributes:
        text: Whether it is conditioned on the prompt, or on the negative prompt.
        control: Whether it is conditioned on the tracks.
        adapter: Name of a LoRA for this prediction, or None for the bare model, as camera-free
            guidance needs it (Image Conductor, Eq. 5).
    """

    text: bool = True
    control: bool = True
    adapter: str | None = None


class ControlOutput(Protocol):
    """What a control adds to a prediction, in a form of its family's own."""

    def scaled(self, strength: float) -> ControlOutput:
        """The same with its influence multiplied; at 0 the prediction is unchanged."""
        ...


@dataclass(frozen=True, eq=False)
class GenerationResult:
    """A finished video.

    Attributes:
        frames: (T, H, W, 3) float 0..1, or the last frame alone for a request with last_only.
        holes: (T, H, W) float 0..1, areas that the first frame does not show, or None for a family
            that does not know them.
        tracks: The tracks as realised through all frames, or None when a tracker has to measure
            them.
        notes: What a user must know to interpret the result, a sentence each.
    """

    frames: Tensor
    holes: Tensor | None = None
    tracks: Tracks | None = None
    notes: tuple[str, ...] = ()


class VideoModel(Protocol[Condition]):
    """Generates video from a first frame."""

    def scheduler(self) -> Any:
        """A new diffusers scheduler of the kind that the model was trained for."""
        ...

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> Condition:
        """What does not depend on the noisy latents, computed once per run."""
        ...

    def noise(self, condition: Condition, generator: torch.Generator) -> Tensor:
        """Initial latents in float32, before the scheduler scales them."""
        ...

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: Condition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """One prediction per call, of the kind that the scheduler expects, in the order of the
        calls.

        Args:
            latents: As the scheduler scales them for the model.
            timestep: A scalar.
            condition: From condition().
            calls: Branches with what the control adds; None for a branch without control.
        """
        ...

    def preview(self, latents: Tensor, condition: Condition) -> Tensor:
        """(h, w, 3) float 0..1, a quick image of unfinished latents."""
        ...

    def decode(
        self, latents: Tensor, condition: Condition, tracks: Tracks, progress: Progress = silent
    ) -> GenerationResult:
        """The video of finished latents.

        Args:
            latents: From the sampling loop.
            condition: From condition().
            tracks: What the run followed.
            progress: Called per decoded piece.
        """
        ...


class TrackControl(Protocol[Context, Prepared]):
    """Makes a family follow tracks."""

    def prepare(self, tracks: Tracks, weights: Tensor, condition: Context) -> Prepared:
        """What does not depend on the noisy latents, computed once per run.

        Args:
            tracks: (T, N) on the request's canvas.
            weights: (N,) float 0..1, how much each track counts.
            condition: Of the run.
        """
        ...

    def residuals(
        self, prepared: Prepared, latents: Tensor, timestep: Tensor, condition: Context
    ) -> ControlOutput:
        """What the tracks add at one step.

        Args:
            prepared: From prepare().
            latents: As the scheduler scales them for the model.
            timestep: A scalar.
            condition: Of the run.
        """
        ...


class Guidance(Protocol):
    """Which predictions a step needs, and how they are combined."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The predictions that are needed, each once."""
        ...

    def combine(self, predictions: Sequence[Tensor]) -> Tensor:
        """One prediction from those of the branches, in their order."""
        ...


class LatentGuidance(Protocol):
    """Moves the latents before a step's prediction along the gradient of a loss, such as the
    distance to a reference motion (MOFT)."""

    def begin(self, model: VideoModel[Any], condition: Any, steps: int) -> GuidanceStep:
        """Prepares one run of a model with what does not depend on the noisy latents.

        Raises TypeError or ValueError for a model whose features it cannot read.
        """
        ...


class GuidanceStep(Protocol):
    """A latent guidance in one run."""

    def __call__(
        self, latents: Tensor, timestep: Tensor, step: int, predict: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The latents to take the step from; the same tensor where nothing is changed.

        Args:
            latents: Before the step.
            timestep: Of the step.
            step: Its number, from 0.
            predict: The prediction of this step for any latents, all branches combined.
        """
        ...


@dataclass(frozen=True, eq=False)
class FeatureTraits:
    """The features that can be read inside a model.

    Attributes:
        layers: Names of layers, the best for motion first; empty for weights without any.
        components: How many principal components of the features tell directions apart.
        weights: The network that computes the features.
        is_eulerian: Features stay in place while the content moves through them; False where they
            move with the content of the first frame.
        shares_attention: Whether spatial self-attention can use the keys of another clip.
        advice: What to do about weights without layers.
    """

    layers: tuple[str, ...]
    components: int
    weights: nn.Module
    is_eulerian: bool
    shares_attention: bool
    advice: str = "Load other weights."


@dataclass(eq=False)
class SharedKeys:
    """Hidden states that spatial self-attention of one pass uses as keys, kept for another pass.

    Attributes:
        states: By layer. A pass fills it while is_replaying is False and uses it when it is True.
        is_replaying: Whether states are used instead of filled.
    """

    states: dict[str, Tensor]
    is_replaying: bool = False


class RunCondition(Protocol):
    """What the condition of a family with features holds about its run."""

    @property
    def request(self) -> GenerationRequest: ...

    @property
    def progress(self) -> Progress: ...


class FeatureTap(Protocol):
    """A VideoModel whose inner features can be read, with gradients (for MOFT).

    Its conditions are RunConditions.
    """

    @property
    def traits(self) -> FeatureTraits:
        """The features that can be read."""
        ...

    def features(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: Any,
        layer: str,
        keys: SharedKeys | None = None,
    ) -> Tensor:
        """Features of one prediction with text and without tracks, differentiable in the latents.

        Args:
            latents: As the scheduler scales them for the model.
            timestep: A scalar.
            condition: Of the run.
            layer: Of traits.layers.
            keys: Attention keys that frames share; None for each frame's own.

        Returns:
            (T, C, h, w) float32.

        Raises:
            ValueError: The layer is not in traits.layers.
        """
        ...

    def encode_video(self, video: Tensor, condition: Any, follow: Callable[[], Tracks]) -> Tensor:
        """Clean latents of a video.

        Args:
            video: (T, H, W, 3) 0..1.
            condition: For the first frame of the video and its length.
            follow: Tracks the video, for a family whose latents are motion.
        """
        ...

    def inverse_scheduler(self) -> Any:
        """A new scheduler from clean latents to noise. Its step at one of its timesteps leads to
        that noise level."""
        ...

    def frames_of(self, latents: Tensor) -> Tensor:
        """The frame that each latent belongs to: integers that broadcast with the latents, whose
        last two axes are rows and columns of the image."""
        ...


def _check_movable(movable: Tensor, image: Tensor) -> None:
    if movable.dtype != torch.bool or movable.shape != image.shape[:2]:
        raise ShapeError(
            f"GenerationRequest.movable must be (H, W) = {tuple(image.shape[:2])} bool; got "
            f"{tuple(movable.shape)} {movable.dtype}."
        )
