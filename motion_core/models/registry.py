"""The model families that follow tracks, by name.

A family registers itself by one line here: the module that exposes its FAMILY. Nothing is loaded
before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from .track_model import Family, TrackModel, Trait

# In the order in which users choose. Where weights match signatures of several families, the first
# family's counts.
FAMILY_MODULES = [
    ".lite",
    ".image_conductor",
    ".svd",
    ".wan",
    ".animatediff",
]


def families() -> dict[str, Family]:
    """All families by name, in the order of FAMILY_MODULES.

    Raises ValueError for two families of one name.
    """
    found: dict[str, Family] = {}
    for path in FAMILY_MODULES:
        family = import_module(path, __package__).FAMILY
        if family.name in found:
            raise ValueError(f"{path} declares the family {family.name!r} a second time.")
        found[family.name] = family
    return found


def families_with(trait: Trait) -> list[str]:
    """Names of the families with a trait."""
    return [family.name for family in families().values() if trait in family.traits]


def families_with_track_controlnet() -> list[str]:
    """Names of the families that take a Track-ControlNet."""
    return [family.name for family in families().values() if family.with_tracks is not None]


def load_track_model(name: str, **settings: Any) -> TrackModel:
    """A model by the name of its family.

    Args:
        name: Of the family.
        settings: Values of the family's settings by name. lite comes with weights and needs none.

    Raises:
        ValueError: For an unknown family or a required path that is missing.
        FileNotFoundError, FormatError: For weights that are missing, broken or another family's.
    """
    known = families()
    if name not in known:
        raise ValueError(f"there is no model family {name!r}; there are {', '.join(known)}.")
    family = known[name]
    missing = [
        setting.name
        for setting in family.settings
        if setting.is_required and setting.name not in settings
    ]
    if missing:
        raise ValueError(f"{name} needs {' and '.join(missing)}: name the file or folder.")
    return family.load(**settings)


def with_track_controlnet(model: TrackModel, file: Path) -> TrackModel:
    """The model steered by the Track-ControlNet in a file, in place of its present control.

    Raises:
        ValueError: For a family without Track-ControlNet.
        FileNotFoundError, FormatError: For a file that is missing, broken, or made for another
            family or base.
    """
    attach = families()[model.family].with_tracks
    if attach is None:
        raise ValueError(
            f"{model.family} follows tracks by itself and takes no Track-ControlNet; these do: "
            f"{', '.join(families_with_track_controlnet())}."
        )
    return attach(model, file)
