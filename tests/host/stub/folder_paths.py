"""Stand-in for ComfyUI's folder_paths: the folders and the file counter."""

from __future__ import annotations

import os
from pathlib import Path

models_dir = str(Path("models").absolute())
_folders = {name: str(Path(name).absolute()) for name in ("input", "output", "temp")}


def set_input_directory(folder: str) -> None:
    """Where users put files."""
    _folders["input"] = folder


def set_output_directory(folder: str) -> None:
    """Where nodes save results."""
    _folders["output"] = folder


def set_temp_directory(folder: str) -> None:
    """Where nodes put previews."""
    _folders["temp"] = folder


def get_input_directory() -> str:
    """Where users put files."""
    return _folders["input"]


def get_output_directory() -> str:
    """Where nodes save results."""
    return _folders["output"]


def get_temp_directory() -> str:
    """Where nodes put previews."""
    return _folders["temp"]


def get_folder_paths(kind: str) -> list[str]:
    """Where models of a kind lie; the host's users may add places."""
    return [str(Path(models_dir) / kind)]


def get_annotated_filepath(name: str) -> str:
    """A file of the input folder, as LoadImage names it."""
    return str(Path(get_input_directory()) / name)


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """(folder, name, next counter, subfolder, prefix) for a new file; makes the folder.

    Files are named name_00001_.suffix. Raises Exception outside output_dir, as the host does.
    """
    prefix = filename_prefix.replace("%width%", str(image_width))
    prefix = prefix.replace("%height%", str(image_height))
    subfolder, name = os.path.split(os.path.normpath(prefix))
    folder = str((Path(output_dir) / subfolder).absolute())
    if os.path.commonpath((output_dir, folder)) != output_dir:
        raise Exception("Saving image outside the output folder is not allowed.")
    Path(folder).mkdir(parents=True, exist_ok=True)
    taken = [_counter_of(entry.name, name) for entry in Path(folder).iterdir()]
    return folder, name, max(taken, default=0) + 1, subfolder, prefix


def _counter_of(filename: str, name: str) -> int:
    digits = filename.removeprefix(f"{name}_").split("_")[0].split(".")[0]
    return int(digits) if filename.startswith(f"{name}_") and digits.isdigit() else 0
