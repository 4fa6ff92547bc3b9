"""The camera's workflows on a scene whose geometry is known, and with a random depth model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.formats.realestate import camera_from_realestate
from motion_core.camera.moves import make_path
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.setup import CameraSetup
from motion_core.depth.lens import intrinsics_from_fov
from motion_core.formats import read_tracks, write_tracks
from motion_core.geometry import Size
from motion_core.scene.render import bodies_at, depth_of, render_scene, track
from motion_core.scene.scene import make_scene
from motion_core.tracks import Tracks
from motion_core.video import write_image
from tests.depth.test_estimate import depth_anything
from tests.host.fixtures import fill_input_folder
from tests.host.prompt import WorkflowError
from tests.host.test_model_workflows import our_part
from tests.host.test_workflows import api, node_of

pytestmark = pytest.mark.slow

SIZE = Size(96, 64)
FRAMES, BALL = 5, 2


@pytest.fixture
def lent(host: Any) -> Iterator[Any]:
    """A host whose input folder is afterwards as it was: ComfyUI's serves all tests."""
    yield host
    (host.input_dir / "scene.npy").unlink(missing_ok=True)
    fill_input_folder(host.input_dir)


def put_scene(folder: Path, *, moving: bool = False) -> tuple[Any, CameraPath]:
    """Writes the picture and its exact depth, scene.npy; gives the scene and a still camera."""
    scene = make_scene(0, frames=FRAMES, moving=moving)
    setup = CameraSetup(
        SIZE, intrinsics_from_fov(SIZE, 60.0), torch.tensor([0.0, 0.0, 6.0]).double(), FRAMES
    )
    still = make_path([], setup)
    picture = render_scene(scene, still, samples=1).video[0]
    write_image(folder / "motion_prompting_cat.jpg", picture)
    np.save(folder / "scene.npy", depth_of(scene, still).z.numpy())
    return scene, still


def on_the_scene(name: str) -> dict[str, Any]:
    """A workflow with the scene's depth file for depth and few frames; its tracks are saved."""
    prompt = api(name)
    depth = prompt[node_of(prompt, "MotionPromptingDepthMap")]["inputs"]
    for key in [key for key in depth if key.startswith("source")]:
        del depth[key]
    source = {"file": "scene.npy", "meaning": "auto", "near": 1.0, "far": 10.0}
    source |= {"invert": False, "scale": 1.0}
    depth |= {"source": "file", "fov_deg": 60.0, "remove_flying": False}
    depth |= {f"source.{key}": value for key, value in source.items()}
    for node in prompt.values():
        for key in ("frames", "length"):
            if key in node["inputs"]:
                node["inputs"][key] = FRAMES
    return prompt


def saved(host: Any, prompt: dict[str, Any], tracks: list[Any]) -> tuple[Tracks, CameraPath]:
    """The tracks at a link and the camera path, after a run."""
    inputs = {"tracks": tracks, "filename_prefix": "seen", "format": "motion_npz"}
    camera = {"format": "realestate10k", "filename_prefix": "cam", "frame": 0}
    camera |= {"camera": [node_of(prompt, "MotionPromptingCameraPath"), 0], "target_distance": 1.0}
    prompt = prompt | {
        "save": {"class_type": "MotionPromptingSaveTracks", "inputs": inputs},
        "save_camera": {"class_type": "MotionPromptingSaveCamera", "inputs": camera},
    }
    host.run(prompt)
    text = sorted(host.output_dir.glob("cam_*.txt"))[-1].read_text(encoding="utf-8")
    found = read_tracks(sorted(host.output_dir.glob("seen_*.npz"))[-1])
    return found, camera_from_realestate(text, SIZE)


def f1(visible: torch.Tensor, truth: torch.Tensor) -> float:
    """Harmonic mean of precision and recall of what is called visible."""
    both = float((visible & truth).sum())
    return 2 * both / float(visible.sum() + truth.sum())


def test_the_orbit_gives_the_tracks_of_the_exact_scene(lent: Any) -> None:
    scene, _ = put_scene(lent.input_dir)
    prompt = on_the_scene("camera_orbit")
    node = node_of(prompt, "MotionPromptingCameraTracks")
    prompt[node]["inputs"]["points.spacing"] = 3.0
    found, path = saved(lent, prompt, [node, 0])
    assert (found.size, found.num_frames) == (SIZE, FRAMES)
    truth = track(scene, path, found.xy[0])
    # Grid points lie between pixel centres, where a depth map does not know silhouettes.
    off = (found.xy[:, truth.ids] - truth.xy).norm(dim=-1).amax(dim=0)
    assert float(off.median()) < 1e-2
    assert float((off < 0.05).float().mean()) > 0.9
    assert float((truth.xy[-1] - truth.xy[0]).norm(dim=-1).max()) > 10, "the camera moves"
    assert f1(found.visible[:, truth.ids], truth.visible) > 0.97


def test_an_object_under_a_moving_camera_goes_where_the_scene_says(lent: Any) -> None:
    scene, still = put_scene(lent.input_dir, moving=True)
    prompt = on_the_scene("object_plus_camera")
    ball = _ball_tracks(scene, still)
    write_tracks(lent.input_dir / "motion_prompting_tracks.npz", ball)
    load = {"file": "motion_prompting_tracks.npz", "width": 0, "height": 0, "fps": 0.0}
    prompt["ball"] = {"class_type": "MotionPromptingLoadTracks", "inputs": load}
    node = node_of(prompt, "MotionPromptingComposeMotion")
    compose = prompt[node]["inputs"]
    compose |= {"tracks.tracks_0": ["ball", 0], "mode.depth_offset": ""}
    del compose["masks.mask_0"]
    found, path = saved(lent, prompt, [node, 0])
    truth = track(scene, path, ball.xy[0])
    mine = found.xy[:, : ball.num_points]
    assert torch.equal(found.ids[: ball.num_points], ball.ids)
    off = (mine - truth.xy).norm(dim=-1)
    assert float(off[truth.visible].median()) < 0.05
    turned = (truth.xy[-1] - ball.xy[-1]).norm(dim=-1)
    assert float(turned.mean()) > 5, "the camera matters"


def _ball_tracks(scene: Any, still: CameraPath) -> Tracks:
    grid = pixel_centres(SIZE)[::2, ::2].reshape(-1, 2)
    return track(scene, still, grid[bodies_at(scene, still, grid) == BALL])


def test_uni3c_gets_the_picture_rendered_along_the_path(
    stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    prompt = our_part(api("native_uni3c"))
    path, tracks = (node_of(prompt, f"MotionPrompting{n}") for n in ("CameraPath", "CameraTracks"))
    prompt[path]["inputs"]["frames"] = 3
    with pytest.raises(WorkflowError, match=r"models.depth.*Apache-2.0"):
        stand_in.run(prompt)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        depth_anything(tmp_path / "models" / "depth" / "Depth-Anything-V2-Small-hf")
    run = stand_in.run(prompt)
    found, render, holes, poses = run.outputs[tracks]
    assert render.shape == (3, 480, 832, 3) and holes.shape == (3, 480, 832)
    assert found["canvas"] == (832, 480) and len(poses.splitlines()) == 4
    assert 0.0 < float(holes[-1].mean()) < 0.7
    assert float(render[-1][holes[-1] > 0].amax()) == 0.0, "holes are black"


def test_uni3c_gets_the_size_and_length_of_its_render() -> None:
    prompt = api("native_uni3c")

    def inputs_of(class_type: str) -> dict[str, Any]:
        return prompt[node_of(prompt, class_type)]["inputs"]

    size, video = inputs_of("ImageScale"), inputs_of("WanImageToVideo")
    assert (size["width"], size["height"]) == (video["width"], video["height"])
    assert video["length"] == inputs_of("MotionPromptingCameraPath")["frames"]
    tracks = node_of(prompt, "MotionPromptingCameraTracks")
    assert inputs_of("WanUni3CControlnetApply")["render_video"] == [tracks, 1]
    assert json.dumps(prompt).count('"fps": 16') == 3


@pytest.mark.real_host
def test_a_depth_model_runs_where_a_real_comfyui_puts_it(real: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        depth_anything(real.base / "models" / "depth" / "tiny")
    settings = {"model": "tiny", "near": 1.0, "far": 10.0, "fov_deg": 0.0, "remove_flying": True}
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "motion_prompting_cat.jpg"}},
        "2": {
            "class_type": "MotionPromptingEstimateDepth",
            "inputs": settings | {"image": ["1", 0]},
        },
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 1]}},
    }
    assert len(real.run(prompt).ui["3"]["images"]) == 1
