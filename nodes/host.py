"""Services of ComfyUI: progress, interruption, folders, memory and previews on nodes.

No other module uses them. A missing service is skipped (the tests' stand-in host has no progress
bar).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import folder_paths
from comfy_api.latest import io, ui
from torch import Tensor, nn

from ..motion_core.errors import OutOfMemoryError
from ..motion_core.memory import is_out_of_memory
from ..motion_core.progress import silent

if TYPE_CHECKING:
    from ..motion_core.sampling import Watch

log = logging.getLogger(__name__)
Result = TypeVar("Result")

# Our own folder in the host's models.
HOME = "motion_prompting"
# Attribute of a network that holds the host's ModelPatcher for it.
PATCHER_KEY = "_motion_prompting_patcher"
DRIVE = re.compile(r"^[A-Za-z]:")
MAX_NAME = 240
# Bytes of one part of a path: file systems take 255, and a number and a suffix are added.
MAX_PART = 220
PREVIEW_SIDE = 512


class Bar(Protocol):
    """A Progress that may show an image: (format, PIL image, longest side)."""

    def __call__(self, done: int, total: int, picture: Any = None) -> None: ...


def progress() -> Bar:
    """A Progress that moves the running node's bar and stops when the user presses cancel."""
    try:
        from comfy.model_management import throw_exception_if_processing_interrupted
        from comfy.utils import ProgressBar
    except ImportError:
        return _silent
    bar = ProgressBar(1)

    def show(done: int, total: int, picture: Any = None) -> None:
        throw_exception_if_processing_interrupted()
        if picture is None:
            bar.update_absolute(done, total)
        else:
            bar.update_absolute(done, total, picture)

    return show


def _silent(done: int, total: int, picture: Any = None) -> None:
    silent(done, total)


class _PreviewBar:
    """A bar that carries the last image along. The host decides how large previews are."""

    def __init__(self) -> None:
        self._show, self._picture = progress(), None

    def preview(self, step: int, draw: Callable[[], Tensor]) -> None:
        """Draw the clip so far; it is shown with the next move of the bar."""
        self._picture = draw()

    def progress(self, done: int, total: int) -> None:
        """Move the bar; stop when the user presses cancel."""
        from PIL import Image

        picture, self._picture = self._picture, None
        if picture is None:
            self._show(done, total)
            return
        pixels = (picture * 255).round().byte().cpu().numpy()
        self._show(done, total, ("JPEG", Image.fromarray(pixels), PREVIEW_SIDE))


def watch() -> Watch:
    """A Watch that moves the running node's bar, shows previews if the user has enabled them, and
    stops when the user presses cancel."""
    from ..motion_core.sampling import Watch

    try:
        from comfy.cli_args import LatentPreviewMethod, args
    except ImportError:
        return Watch(progress())
    if args.preview_method == LatentPreviewMethod.NoPreviews:
        return Watch(progress())
    shown = _PreviewBar()
    return Watch(shown.progress, shown.preview)


def input_folder() -> Path:
    """The host's input folder."""
    return Path(folder_paths.get_input_directory())


def input_file(name: str) -> Path:
    """A file of the host's input folder. Raises ValueError if it is outside the folder or
    missing."""
    path = inside(input_folder(), name)
    if not path.is_file():
        raise ValueError(f"there is no file {name!r} in ComfyUI's input folder; put it there.")
    return path


def input_files(suffixes: set[str]) -> list[str]:
    """Names of the input folder's files with one of these suffixes, sorted; links out of the
    folder are left out."""
    folder = input_folder().resolve()
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(
        path.name
        for path in found
        if path.suffix.lower() in suffixes
        and path.is_file()
        and path.resolve().is_relative_to(folder)
    )


def made_folder(name: str) -> Path:
    """A folder of the host's input or output folder, in this order. Raises ValueError if it is
    outside of them or missing."""
    for root in (input_folder(), Path(folder_paths.get_output_directory())):
        path = inside(root, name)
        if name.strip() and path.is_dir():
            return path
    raise ValueError(
        f"there is no folder {name!r} in ComfyUI's input or output folder; put it there, or write "
        "its path inside of them, such as motion/signal_00001_."
    )


def new_output_file(prefix: str, suffix: str) -> tuple[Path, dict[str, str]]:
    """A path for a new file prefix_00001_.suffix in the host's output folder, and its entry for
    the frontend. Raises ValueError for a prefix that leads out of the folder."""
    folder = Path(folder_paths.get_output_directory())
    inside(folder, prefix)
    target, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, str(folder))
    path = Path(target) / f"{name}_{counter:05}_{suffix}"
    shown = ui.SavedResult(path.name, subfolder, io.FolderType.output)
    return path, shown


def model_folder(kind: str, name: str) -> Path:
    """A folder of the host's models/`kind`, which need not exist. Raises ValueError for a name
    that leads out of it."""
    return inside(Path(folder_paths.models_dir) / kind, name)


def model_place(name: str, *kinds: str) -> Path:
    """The path of a model's file or folder.

    The search covers the host's models/motion_prompting, then the host's folders of these kinds,
    including those of extra_model_paths.yaml. If nothing is found, the result is the path in
    models/motion_prompting. Raises ValueError for a name that leads out of the folders."""
    places = [model_folder(HOME, name)]
    for kind in kinds:
        places.extend(inside(Path(one), name) for one in folder_paths.get_folder_paths(kind))
    return next((place for place in places if place.exists()), places[0])


def within_memory(run: Callable[[], Result]) -> Result:
    """The result of run(). If memory runs out, the host frees all it can.

    Raises OutOfMemoryError then, which names the settings to lower.
    """
    try:
        return run()
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, OutOfMemoryError) or not is_out_of_memory(error):
            raise
        message = str(error)
    # Outside the handler: the error keeps the tensors of its traceback's frames alive.
    free_memory()
    raise OutOfMemoryError(
        "memory ran out while the model ran. Use a smaller image or a shorter clip, or load "
        "the model with another dtype (float16, bfloat16), with vae_tiling, or with decode_at_once "
        f"1. ({message.splitlines()[0] if message else 'no details'})"
    )


def free_memory() -> None:
    """Unload the host's models and empty its caches, as far as there is a host."""
    try:
        from comfy.model_management import soft_empty_cache, unload_all_models
    except ImportError:
        log.info("no ComfyUI host: no models to unload")
        return
    unload_all_models()
    soft_empty_cache()


def on_device(model: nn.Module) -> nn.Module:
    """The model on the host's compute device.

    The host frees memory first, and may offload the model later. Without the host's memory
    management the model stays where it is."""
    try:
        from comfy.model_management import get_torch_device, load_models_gpu, unet_offload_device
        from comfy.model_patcher import ModelPatcher
    except ImportError:
        return model
    device = get_torch_device()
    patcher = vars(model).get(PATCHER_KEY)
    if patcher is None:
        # The host sets a device attribute on the model, which transformers forbids; so a
        # ModuleList wraps it.
        patcher = ModelPatcher(nn.ModuleList([model]), device, unet_offload_device())
        # The host has only a weak reference: without this one the patcher, and the host's
        # control of the memory, would be gone after the run.
        vars(model)[PATCHER_KEY] = patcher
    # Only the host's own networks can run partially loaded.
    load_models_gpu([patcher], force_full_load=True)
    # Networks may share weights, and the host may have moved them away with another one.
    return model.to(device)


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`, links followed.

    Raises ValueError for names that are empty, absolute, with drive letters or "..", that no file
    system stores, and for links that lead out of the folder or round in a circle.
    """
    plain = name.replace("\\", "/")
    path = _resolved(folder / plain) if _is_plain(plain) else None
    if path is None or not path.is_relative_to(folder.resolve()):
        raise ValueError(
            f"{ascii(name[:80])} does not name a place inside ComfyUI's {folder.name} folder; use "
            'a plain name such as "motion" or "tracks/motion".'
        )
    return path


def _is_plain(name: str) -> bool:
    """Whether a name is relative, stays in its folder and can be stored by file systems."""
    if any(ord(letter) < 32 or "\ud800" <= letter <= "\udfff" for letter in name):
        return False
    parts = PurePosixPath(name).parts
    is_wild = name.startswith("/") or DRIVE.match(name) is not None or ".." in parts
    is_long = len(name) > MAX_NAME or any(len(part.encode()) > MAX_PART for part in parts)
    return bool(name.strip("/ .")) and not is_wild and not is_long


def _resolved(path: Path) -> Path | None:
    """The path with its links followed; None where they lead in a circle."""
    try:
        found = path.resolve()
        # Older versions of Python return a circle as it is.
        found.exists()
    except (OSError, RuntimeError):
        return None
    return None if found.is_symlink() else found


def picture_preview(images: Tensor, node: type[io.ComfyNode]) -> Any:
    """A preview of images (B, H, W, 3) on the node; None for an empty batch."""
    return ui.PreviewImage(images, cls=node) if len(images) else None


def text_preview(text: str) -> Any:
    """A text that `web/node_text.js` shows in the node; an empty one clears it."""
    return ui.PreviewText(text)
