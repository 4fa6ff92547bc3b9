"""comfy_api.latest.ui of the stand-in host: what a node shows on its own face."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import folder_paths

from .io import FolderType


class SavedResult(dict):
    """Where the page finds a file: name, subfolder, and which of the host's folders."""

    def __init__(self, filename: str, subfolder: str, type: FolderType) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=type.value)


class PreviewImage:
    """Images written to the temp folder as PNG files for the page to fetch."""

    def __init__(self, image: Any, animated: bool = False, cls: type | None = None) -> None:
        from PIL import Image

        prefix = f"ComfyUI_temp_{secrets.token_hex(3)}"
        folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            prefix, folder_paths.get_temp_directory()
        )
        self.animated = animated
        self.values = []
        for offset, picture in enumerate(image):
            filename = f"{name}_{counter + offset:05}_.png"
            pixels = (picture.float().clamp(0, 1) * 255).byte().cpu().numpy()
            Image.fromarray(pixels).save(Path(folder) / filename)
            self.values.append(SavedResult(filename, subfolder, FolderType.temp))

    def as_dict(self) -> dict[str, Any]:
        """As the host sends it."""
        return {"images": self.values, "animated": (self.animated,)}


class PreviewText:
    """Text shown on the node."""

    def __init__(self, value: str) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        """As the host sends it."""
        return {"text": (self.value,)}
