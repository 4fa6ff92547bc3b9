"""A whole evaluation on real pictures: from settings to figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.lite.weights import SHIPPED
from ...progress import Progress, silent
from ...tracks.arguments import whole_number
from ..journal import Journal
from .drag_study import photograph_row
from .lpips import Lpips
from .methods import METHODS, Method
from .natural_drag import FRAMES
from .photographs import LONG_SIDE, photograph_names

# Figures of one method by item.
ByItem = dict[str, dict[str, float]]


@dataclass(frozen=True)
class RealSettings:
    """The settings of an evaluation on real pictures.

    Attributes:
        folder: of the data.
        methods: of METHODS.
        every: every so many photographs are measured, from the first on.
        lpips: the file of LPIPS' weights (see lpips.py), or None.

    Raises:
        ValueError: a value is out of range or unknown.
        FormatError: the folder holds no photographs.
    """

    folder: Path
    methods: tuple[str, ...] = METHODS
    every: int = 1
    lpips: Path | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.methods if name not in METHODS]
        if unknown or not self.methods:
            raise ValueError(f"methods must be of {', '.join(METHODS)}; got {unknown or 'none'}.")
        whole_number("every", self.every, least=1)
        self.photographs()

    def photographs(self) -> list[str]:
        """Names of the photographs to measure."""
        return photograph_names(self.folder)[:: self.every]

    def fingerprint(self) -> dict[str, Any]:
        """The settings that must be the same for a journal to be resumed.

        Methods and the choice of photographs may differ: rows are kept per method and photograph.
        """
        return {
            "weights": _digest(SHIPPED),
            "lpips": None if self.lpips is None else _digest(self.lpips),
            "long side": LONG_SIDE,
            "frames": FRAMES,
        }


@dataclass(frozen=True, eq=False)
class RealEvaluation:
    """The results.

    Attributes:
        settings: of the evaluation.
        photographs: figures by method and photograph.
    """

    settings: RealSettings
    photographs: dict[str, ByItem]


def evaluate_real(
    settings: RealSettings, journal: Journal | None = None, progress: Progress = silent
) -> RealEvaluation:
    """Measures everything that the settings name.

    Args:
        settings: of the evaluation.
        journal: rows that are known already, and where new ones are added; an exception raised by
            progress leaves it intact.
        progress: called per photograph and method.

    Raises:
        FormatError: a file of the data or LPIPS' weights cannot be read.
        The errors of load_lite.
    """
    journal = journal or Journal(None, settings.fingerprint())
    lpips = None if settings.lpips is None else Lpips(settings.lpips)
    methods = {name: Method(name) for name in settings.methods}
    names = settings.photographs()
    found: dict[str, ByItem] = {name: {} for name in methods}
    total, done = len(names) * len(methods), 0
    for name in names:
        measure: Callable[[Method], dict[str, float]] | None = None
        for method_name, method in methods.items():
            key = f"photo/{name}/{method_name}"
            if key not in journal.rows:
                measure = measure or photograph_row(settings.folder, name, lpips)
                journal.add(key, {method_name: measure(method)})
            found[method_name][name] = journal.rows[key][method_name]
            done += 1
            progress(done, total)
    return RealEvaluation(settings, found)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
