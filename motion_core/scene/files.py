"""A rendered scene as a folder of plain files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from ..atomic_write import atomic_folder, naming
from ..camera.camera_path import CameraPath
from ..camera.files import write_camera
from ..npy_files import npz_bytes
from ..progress import Progress, silent
from ..video import write_video
from .render import SceneRender, render_scene
from .scene import Scene

# The version of the track file that motion_core.formats reads as its own.
TRACKS_VERSION = 1
DEFAULT_FPS = 16.0


def write_scene(
    folder: str | os.PathLike[str],
    scene: Scene | int,
    path: CameraPath,
    *,
    spacing: float = 12.0,
    progress: Progress = silent,
) -> SceneRender:
    """Render a scene along a camera path and write it to a folder.

    The folder holds video.mp4 and frames/0000.png ... (the picture), depth/0000.png ... (16-bit
    inverse depth, near is white), depth.npy (T, H, W) float32, inf where no body is, bodies.npy
    (T, H, W) int8, -1 for none, camera.json, camera.txt, and tracks.npz, which
    motion_core.formats.read_tracks reads. It appears complete or not at all.

    Args:
        folder: Created; it must not exist.
        scene: A scene, or the seed of make_scene.
        path: The camera.
        spacing: Pixels between the tracked points of the first frame.
        progress: Called once per frame.

    Raises:
        FileExistsError: The folder exists.
        ValueError, ShapeError: As in render_scene.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with naming(folder), atomic_folder(folder) as temporary:
        render = render_scene(scene, path, spacing=spacing, progress=progress)
        _write_all(temporary, render)
    return render


def _write_all(folder: Path, render: SceneRender) -> None:
    for name in ("frames", "depth"):
        (folder / name).mkdir()
    nearest = float(render.depth.min())
    for frame in range(len(render.video)):
        picture = (render.video[frame] * 255.0 + 0.5).to(torch.uint8).numpy()
        _write_png(folder / "frames" / f"{frame:04d}.png", picture[..., ::-1])
        nearness = nearest / render.depth[frame].double() * 65535.0 + 0.5
        _write_png(folder / "depth" / f"{frame:04d}.png", nearness.numpy().astype(np.uint16))
    np.save(folder / "depth.npy", render.depth.numpy())
    np.save(folder / "bodies.npy", render.bodies.numpy().astype(np.int8))
    write_camera(folder / "camera.json", render.path)
    write_camera(folder / "camera.txt", render.path)
    _write_tracks(folder / "tracks.npz", render)
    write_video(folder / "video.mp4", render.video, render.path.fps or DEFAULT_FPS)


def _write_png(path: Path, picture: np.ndarray) -> None:
    import cv2

    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(picture))[1].tobytes())


def _write_tracks(path: Path, render: SceneRender) -> None:
    tracks = render.tracks
    arrays: dict[str, np.ndarray | np.generic] = {
        "motion_tracks_version": np.int64(TRACKS_VERSION),
        "xy": tracks.xy.numpy(),
        "visible": tracks.visible.numpy(),
        "ids": tracks.ids.numpy(),
        "size": np.array(tracks.size, dtype=np.int64),
    }
    if tracks.fps is not None:
        arrays["fps"] = np.float64(tracks.fps)
    path.write_bytes(npz_bytes({name: np.asarray(value) for name, value in arrays.items()}))
