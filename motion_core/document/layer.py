"""The common part of every layer of a MOTION document, and the interface of its types.

A type of layer is one module in `motion_core/document/layers`: its fields, how they are read and
written, how it moves, and the tracks it expands to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from ..geometry import Size
from ..progress import Progress, silent

if TYPE_CHECKING:
    from ..tracks.model import Tracks
    from .dots.footprint import Footprint
    from .fields import Fields

LayerType = TypeVar("LayerType", bound="Layer")


class Handle(NamedTuple):
    """Points by which a layer moves a thing whose outline is not drawn.

    Attributes:
        points: (K, 2) px, where in the picture the layer takes hold.
        shift: (T, 2) px, how far it has carried them in each frame.
        present: (T,) bool, the frames in which the layer is present.
    """

    points: np.ndarray
    shift: np.ndarray
    present: np.ndarray


@dataclass(frozen=True, eq=False)
class ExpansionContext:
    """What all layers of one expansion share.

    Attributes:
        frames: How many frames the tracks have.
        size: The canvas of the tracks.
        drawn_on: The canvas of the drawing.
        fps: Frames per second, kept with the tracks; None for unknown.
        mask: (H, W) bool or numbers, for layers whose area is "mask"; None for none.
        footprints: Where the moving layers are, for layers that they hide.
        dots: How many the layers before have; a layer checks the sum before it takes memory.
        progress: Called between pieces of the work on one layer; it may raise.
    """

    frames: int
    size: Size
    drawn_on: Size
    fps: float | None = None
    mask: Any = None
    footprints: tuple[Footprint, ...] = ()
    dots: int = 0
    progress: Progress = silent


@dataclass(frozen=True)
class Layer(ABC):
    """The fields and operations of any layer. ``color`` and ``locked`` concern the editor alone.

    Attributes:
        kind: The "type" of the layer in JSON.
        is_hidden_by_others: Whether expansion needs the footprints of the moving layers.
    """

    kind: ClassVar[str]
    is_hidden_by_others: ClassVar[bool] = False

    id: str
    name: str = ""
    enabled: bool = True
    color: str | None = None
    locked: bool = False

    @classmethod
    @abstractmethod
    def read(cls: type[LayerType], fields: Fields, common: Mapping[str, Any]) -> LayerType:
        """Read a layer from a JSON object whose common fields are read already.

        Args:
            fields: The remaining fields.
            common: The common fields, as keyword arguments.

        Raises:
            DocumentError: A field is invalid; the message names the layer and the field.
        """

    @abstractmethod
    def own_fields(self) -> dict[str, Any]:
        """The fields of this type as plain JSON values; `read` gives an equal layer for them."""

    @property
    def version(self) -> int:
        """The first version of the document that can hold this layer."""
        return 1

    @abstractmethod
    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> Any:
        """The motion at every frame (a ControlPath or RegionMotion), or None for a still layer."""

    @abstractmethod
    def expand(self, context: ExpansionContext) -> Tracks:
        """The tracks (T, N) of this layer alone; N may be 0.

        Raises:
            ValueError, CanvasError, ShapeError: The layer cannot be expanded; the message names it.
        """

    def footprint(self, context: ExpansionContext) -> Footprint | None:
        """Where the layer is at every frame, so that it can hide pins; None for a layer that hides
        nothing."""
        return None

    def handle(self, context: ExpansionContext) -> Handle | None:
        """Where the layer takes hold of a thing; None for one that draws all of what it moves."""
        return None

    @property
    def holds_the_rest(self) -> bool:
        """Whether the layer holds still what no moving layer covers."""
        return False

    def expansion_note(self) -> str | None:
        """A sentence for people about what expansion leaves out of this layer; None for nothing."""
        return None
