"""The log of a run as scalars of TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class ScalarLog:
    """Writes lines of `log.jsonl` to the subfolder `tensorboard` of a run.

    Args:
        folder: Of the run.
        step: Steps taken; what an earlier part of the run wrote of later ones is not shown.

    Raises:
        ValueError: The package tensorboard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError(
                "tensorboard=true needs the package tensorboard: python -m pip install "
                '"motion-prompting[tensorboard]".'
            ) from error
        # A purge hides the given step as well.
        self._writer = SummaryWriter(str(folder / FOLDER), purge_step=step + 1 if step else None)

    def add(self, line: dict[str, Any]) -> None:
        """Every number of a line under its name, those of a probe under probe/. Raises OSError."""
        values = {name: value for name, value in line.items() if name not in ("step", "probe")}
        values |= {f"probe/{name}": value for name, value in line.get("probe", {}).items()}
        for name, value in values.items():
            self._writer.add_scalar(name, value, line["step"])
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()
