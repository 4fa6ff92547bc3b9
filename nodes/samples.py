"""The sample image, portrait, clip and tracks on which the templates open."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from ..motion_core.atomic_write import atomic_write

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parents[1] / "samples"
PATTERN = "motion_prompting_*"


def install_samples(folder: Path) -> list[str]:
    """Copy the samples that are missing into ComfyUI's input folder.

    A file that is there stays as it is, whatever it holds. A folder that cannot be written costs
    the samples, not the pack: a log line says why.

    Returns:
        The names of the files that were copied.
    """
    copied = []
    try:
        for sample in sorted(FOLDER.glob(PATTERN)):
            target = folder / sample.name
            if target.exists() or target.is_symlink():
                continue
            with atomic_write(target) as temporary:
                shutil.copyfile(sample, temporary)
            copied.append(sample.name)
    except OSError as error:
        log.warning("Motion Prompting could not copy its samples to the input folder: %s", error)
    return copied
