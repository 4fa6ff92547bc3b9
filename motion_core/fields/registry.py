"""Every densifier by name. A densifier and torch are imported only when one is made."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .densifier import Densifier


class Entry(NamedTuple):
    """A densifier of the registry.

    Attributes:
        module: its module, relative to this package.
        factory: the name of a function or class there that makes one without arguments.
        summary: a phrase that describes it to users.
    """

    module: str
    factory: str
    summary: str


DENSIFIERS: dict[str, Entry] = {
    "layers": Entry(
        "..layers.densifier",
        "LayersDensifier",
        "cuts out what the tracks move and bends each thing as rigidly as possible",
    ),
    "layered": Entry(
        "..draft.densifier",
        "LayeredDensifier",
        "segments objects along edges of the image and moves each by its own tracks",
    ),
    "lite": Entry(
        "..models.lite.densifier",
        "make_lite_densifier",
        "the one-step estimate of the embedded model, from the image",
    ),
    "nearest": Entry(
        ".interpolation", "NearestTrack", "every pixel moves like the track with the nearest start"
    ),
    "gaussian": Entry(
        ".interpolation",
        "GaussianFalloff",
        "a Gaussian-weighted average of nearby tracks, zero far from all",
    ),
    "thin_plate": Entry(".interpolation", "ThinPlate", "a thin-plate spline through all tracks"),
    "moving_least_squares": Entry(
        ".moving_least_squares",
        "MovingLeastSquares",
        "every pixel moves by the rotation, scale and translation of the tracks around it",
    ),
    "laplacian": Entry(".laplacian", "Laplacian", "as smooth as possible between the tracks"),
    "edge_aware_laplacian": Entry(
        ".laplacian", "make_edge_aware", "the same, but motion may change abruptly at colour edges"
    ),
    "rest": Entry(".interpolation", "Rest", "nothing moves"),
}

# What the draft offers: the default first, and all that move anything.
DRAFT_METHODS = tuple(name for name in DENSIFIERS if name != "rest")


def make_densifier(name: str) -> Densifier:
    """The densifier of that name, with its default settings.

    Raises:
        ValueError: no densifier has that name.
        FileNotFoundError, FormatError: the weights of a learned one cannot be read.
    """
    if name not in DENSIFIERS:
        raise ValueError(f"densifier must be one of: {', '.join(DENSIFIERS)}; got {name!r}.")
    entry = DENSIFIERS[name]
    factory: Callable[[], Densifier] = getattr(
        import_module(entry.module, __package__), entry.factory
    )
    return factory()
