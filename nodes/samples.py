"""The sample image, portrait, clip, tracks and motion signal on which the templates open."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..motion_core.atomic_write import atomic_folder, atomic_write

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parents[1] / "samples"
PATTERN = "motion_prompting_*"


def install_samples(folder: Path) -> list[str]:
    """Copy the samples that are missing into ComfyUI's input folder.

    A file or folder that is there stays as it is, whatever it holds. An input folder that cannot be
    written costs the samples, not the pack: a log line says why.

    Returns:
        The names of the files and folders that were copied.
    """
    copied = []
    try:
        for sample in sorted(FOLDER.glob(PATTERN)):
            target = folder / sample.name
            if target.exists() or target.is_symlink():
                continue
            _copy(sample, target)
            copied.append(sample.name)
    except OSError as error:
        log.warning("Motion Prompting could not copy its samples to the input folder: %s", error)
    return copied


def _copy(sample: Path, target: Path) -> None:
    """Copy a file or a folder of files completely or not at all."""
    if not sample.is_dir():
        with atomic_write(target) as temporary:
            shutil.copyfile(sample, temporary)
        return
    with atomic_folder(target) as temporary:
        for part in sorted(sample.iterdir()):
            shutil.copyfile(part, temporary / part.name)
