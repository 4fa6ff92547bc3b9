"""The single door to ComfyUI: progress, interruption, folders and pictures on a node's face.

Where a service is missing (the tests' stand-in host has no progress bar), work goes on without it.
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

from ..motion_core.progress import silent

if TYPE_CHECKING:
    from ..motion_core.sampling import Watch

log = logging.getLogger(__name__)
Made = TypeVar("Made")

# Our own folder in the host's models.
HOME = "motion_prompting"
# Where a network keeps what the host moves it with.
HELD = "_motion_prompting_patcher"
# Parts of torch's out-of-memory messages on CUDA, MPS and the CPU.
NO_ROOM = ("out of memory", "can't allocate memory", "not enough memory")
DRIVE = re.compile(r"^[A-Za-z]:")
MAX_NAME = 240
PREVIEW_SIDE = 512


class Bar(Protocol):
    """A Progress that may show a picture: (format, PIL image, longest side)."""

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


class _Shown:
    """A bar that carries the last picture along. The host decides how large previews are."""

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
    """A Watch that moves the running node's bar, shows the clip in the making where the user has
    live previews on, and stops when the user presses cancel."""
    from ..motion_core.sampling import Watch

    try:
        from comfy.cli_args import LatentPreviewMethod, args
    except ImportError:
        return Watch(progress())
    if args.preview_method == LatentPreviewMethod.NoPreviews:
        return Watch(progress())
    shown = _Shown()
    return Watch(shown.progress, shown.preview)


def input_file(name: str) -> Path:
    """A file of the host's input folder. Raises ValueError for a name that leads out of it, or
    to nothing."""
    path = inside(Path(folder_paths.get_input_directory()), name)
    if not path.is_file():
        raise ValueError(f"there is no file {name!r} in ComfyUI's input folder; put it there.")
    return path


def input_files(suffixes: set[str]) -> list[str]:
    """Names of the input folder's files with one of these suffixes, sorted; links out of the
    folder are left out."""
    folder = Path(folder_paths.get_input_directory()).resolve()
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(
        path.name
        for path in found
        if path.suffix.lower() in suffixes
        and path.is_file()
        and path.resolve().is_relative_to(folder)
    )


def new_output_file(prefix: str, suffix: str) -> tuple[Path, dict[str, str]]:
    """A path for a new file prefix_00001_.suffix in the host's output folder, and how the page
    finds it. Raises ValueError for a prefix that leads out of the folder."""
    folder = Path(folder_paths.get_output_directory())
    inside(folder, prefix)
    target, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, str(folder))
    path = Path(target) / f"{name}_{counter:05}_{suffix}"
    shown = ui.SavedResult(path.name, subfolder, io.FolderType.output)
    return path, shown


def model_folder(kind: str, name: str) -> Path:
    """A folder of the host's models/`kind`, which may not be there yet. Raises ValueError for a
    name that leads out of it."""
    return inside(Path(folder_paths.models_dir) / kind, name)


def model_place(name: str, *kinds: str) -> Path:
    """A model's file or folder: in the host's models/motion_prompting or, where that has none, in
    its folders of these kinds, which the user may have put elsewhere. Where none has it, its place
    in the first. Raises ValueError for a name that leads out of them."""
    places = [model_folder(HOME, name)]
    for kind in kinds:
        places.extend(inside(Path(one), name) for one in folder_paths.get_folder_paths(kind))
    return next((place for place in places if place.exists()), places[0])


def within_memory(run: Callable[[], Made]) -> Made:
    """What run() makes. Where memory runs out, all that the host can free is freed.

    Raises MemoryError then, which names the settings to lower.
    """
    try:
        return run()
    except (RuntimeError, MemoryError) as error:
        message = str(error)
        if not isinstance(error, MemoryError) and not any(word in message for word in NO_ROOM):
            raise
    # Behind the handler: while an error is held, so are the tensors of the frames it came through.
    _free_memory()
    raise MemoryError(
        "memory ran out while the model ran. Make the picture smaller or the clip shorter, or load "
        "the model with another dtype (float16, bfloat16), with vae_tiling, or with decode_at_once "
        f"1. ({message.splitlines()[0] if message else 'no details'})"
    )


def _free_memory() -> None:
    try:
        from comfy.model_management import soft_empty_cache, unload_all_models
    except ImportError:
        log.info("there is no host whose models could be moved out of memory")
        return
    unload_all_models()
    soft_empty_cache()


def on_device(model: nn.Module) -> nn.Module:
    """The model where the host computes: it makes room first, and may move the model away again
    when others need it. Without a host's memory management the model stays where it is."""
    try:
        from comfy.model_management import get_torch_device, load_models_gpu, unet_offload_device
        from comfy.model_patcher import ModelPatcher
    except ImportError:
        return model
    device = get_torch_device()
    patcher = vars(model).get(HELD)
    if patcher is None:
        # The host writes down a model's device on the model, where transformers forbids it; a
        # list around it takes the note.
        patcher = ModelPatcher(nn.ModuleList([model]), device, unet_offload_device())
        # The host knows it weakly: without a place to live it, and the host's hand on the memory,
        # would be gone after the run.
        vars(model)[HELD] = patcher
    # In part, as the host would otherwise load it, only networks of its own can run.
    load_models_gpu([patcher], force_full_load=True)
    # Networks may share weights, and the host may have moved them away with another one.
    return model.to(device)


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`, links followed.

    Raises ValueError for names that are empty, absolute, with drive letters or "..", and for links
    that lead out of the folder.
    """
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    is_wild = (
        not plain.strip("/ .")
        or len(plain) > MAX_NAME
        or plain.startswith("/")
        or DRIVE.match(plain) is not None
        or ".." in parts
        or any(ord(letter) < 32 for letter in plain)
    )
    path = folder if is_wild else (folder / plain).resolve()
    if is_wild or not path.is_relative_to(folder.resolve()):
        raise ValueError(
            f"{name[:80]!r} does not name a place inside ComfyUI's {folder.name} folder; use a "
            'plain name such as "motion" or "tracks/motion".'
        )
    return path


def picture_preview(images: Tensor, node: type[io.ComfyNode]) -> Any:
    """Pictures (B, H, W, 3) shown on the node's face; nothing where there are none."""
    return ui.PreviewImage(images, cls=node) if len(images) else None


def text_preview(text: str, node: type[io.ComfyNode]) -> Any:
    """Text shown on the node's face; the node's schema asks for its unique_id."""
    try:
        from server import PromptServer
    except ImportError:
        return ui.PreviewText(text)
    PromptServer.instance.send_progress_text(text, node.hidden.unique_id)
    return ui.PreviewText(text)
