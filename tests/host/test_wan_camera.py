"""Camera to Wan Embedding against the function of ComfyUI's own node, on its presets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.plucker import wan_camera_embedding
from motion_core.geometry import Size

pytestmark = [pytest.mark.real_host, pytest.mark.slow]

# Writes the embedding and the camera-to-world rows of every preset of ComfyUI's node.
SCRIPT = """
import sys
launcher, directory, target, width, height, length = sys.argv[1:]
sys.path[:0] = [directory, launcher]
import launch_comfyui
launch_comfyui.stand_in_for_torchaudio()
launch_comfyui.make_torchvision_importable()
sys.argv = ["main.py", "--cpu"]
import comfy.options
comfy.options.enable_args_parsing()
import numpy as np
from comfy_extras.nodes_camera_trajectory import (
    CAMERA_DICT, WanCameraEmbedding, get_camera_motion
)
width, height, length = int(width), int(height), int(length)
values = {}
for number, (name, preset) in enumerate(CAMERA_DICT.items()):
    if not isinstance(preset, dict):
        continue
    embedding = WanCameraEmbedding.execute(name, width, height, length, speed=1.3).args[0]
    values[f"{name}/embedding"] = embedding.numpy()
    rows = get_camera_motion(np.array(preset["angle"]), np.array(preset["T"]), 1.3, length)
    values[f"{name}/rows"] = rows
np.savez(target, **values)
"""


def core_presets(folder: Path, size: Size, length: int) -> dict[str, np.ndarray]:
    """(T, 3, 4) rows and the embedding by preset, from ComfyUI in a process of its own."""
    script, target = folder / "presets.py", folder / "presets.npz"
    script.write_text(SCRIPT, encoding="utf-8")
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    launcher = Path(__file__).parent
    arguments = [launcher, os.environ["COMFYUI_DIR"], target, size.width, size.height, length]
    done = subprocess.run(
        [python, str(script), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(target) as file:
        return dict(file)


@pytest.mark.parametrize("size", [Size(96, 48), Size(96, 64), Size(64, 96)])
def test_every_preset_gives_the_embedding_of_comfyui(tmp_path: Path, size: Size) -> None:
    values = core_presets(tmp_path, size, 9)
    names = [name.removesuffix("/rows") for name in values if name.endswith("/rows")]
    assert len(names) == 9
    # ComfyUI takes fx = fy = 0.5 of a 16:9 image that covers the canvas.
    across, down = max(size.width, size.height * 16 / 9), max(size.height, size.width * 9 / 16)
    K = torch.diag(torch.tensor([0.5 * across, 0.5 * down, 1.0], dtype=torch.float64))
    K[:2, 2] = torch.tensor(size, dtype=torch.float64) / 2
    for name in names:
        world = torch.eye(4, dtype=torch.float64).repeat(9, 1, 1)
        world[:, :3] = torch.from_numpy(values[f"{name}/rows"])
        path = CameraPath(torch.linalg.inv(world), K.expand(9, 3, 3).clone(), size)
        wanted = torch.from_numpy(values[f"{name}/embedding"])
        found = wan_camera_embedding(path)
        assert found.shape == wanted.shape and found.dtype == wanted.dtype
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0, msg=lambda m, n=name: n + m)
