"""Every densifier by name. A densifier is imported when it is made, and torch with it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .densifier import Densifier


class Entry(NamedTuple):
    """Where a densifier is made, and what a person chooses by.

    Attributes:
        module: its module, relative to this package.
        factory: the name of a function or class there that makes one without arguments.
        summary: what it does, as a phrase.
    """

    module: str
    factory: str
    summary: str


DENSIFIERS: dict[str, Entry] = {
    "layered": Entry(
        "..draft.densifier",
        "LayeredDensifier",
        "cuts things out along the picture's edges and moves each by its own tracks",
    ),
    "lite": Entry(
        "..models.lite.densifier",
        "make_lite_densifier",
        "the embedded model's one-step estimate, which reads the picture",
    ),
    "nearest": Entry(
        ".interpolation", "NearestTrack", "every place moves as the track that starts nearest"
    ),
    "gaussian": Entry(
        ".interpolation", "GaussianFalloff", "tracks move what is near and leave what is far"
    ),
    "thin_plate": Entry(".interpolation", "ThinPlate", "the smoothest surface through all tracks"),
    "moving_least_squares": Entry(
        ".moving_least_squares",
        "MovingLeastSquares",
        "every place moves by the rotation, zoom and shift of the tracks around it",
    ),
    "laplacian": Entry(
        ".laplacian", "Laplacian", "tracks hold their places and the rest is as even as possible"
    ),
    "edge_aware_laplacian": Entry(
        ".laplacian", "make_edge_aware", "the same, but motion may break along edges of colour"
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
