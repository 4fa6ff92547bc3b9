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
from motion_core.image_files import write_image
from motion_core.scene.render import bodies_at, depth_of, render_scene, track
from motion_core.scene.scene import make_scene
from motion_core.tracks import Tracks
from motion_core.video import read_video, write_video
from tests.depth.test_estimate import depth_anything
from tests.host.fixtures import PICTURE_SIZE, VIDEO, VIDEO_FPS, VIDEO_FRAMES, fill_input_folder
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
    found, render, holes, poses, valid, moved = run.outputs[tracks]
    assert render.shape == (3, 480, 832, 3) and holes.shape == (3, 480, 832)
    assert found["canvas"] == (832, 480) and len(poses.splitlines()) == 4
    assert 0.0 < float(holes[-1].mean()) < 0.7
    assert float(render[-1][holes[-1] > 0].amax()) == 0.0, "holes are black"
    assert torch.equal(valid, 1.0 - holes) and moved.shape == render.shape


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


def test_crossview_gets_a_warped_video_with_magenta_holes(lent: Any) -> None:
    """The workflow's own nodes, with a grey video in place of MoGe's depth."""
    prompt = api("crossview_ltx")
    ours = ("DepthMap", "CameraPath", "CameraTracks")
    depth, path, tracks = (node_of(prompt, f"MotionPrompting{name}") for name in ours)
    shown = prompt[tracks]["inputs"]["image"][0]
    frames = node_of(prompt, "GetVideoComponents")
    kept = {key: prompt[key] for key in (node_of(prompt, "LoadVideo"), frames, depth, path, tracks)}
    ramp = torch.linspace(0.2, 0.9, PICTURE_SIZE.width).expand(PICTURE_SIZE.height, -1)
    near = ramp[None, ..., None].repeat(VIDEO_FRAMES, 1, 1, 3)
    near[:, 20:50, 30:60] = 1.0
    write_video(lent.input_dir / "grey.mp4", near, VIDEO_FPS)
    kept["grey"] = {"class_type": "LoadVideo", "inputs": {"file": "grey.mp4"}}
    kept["parts"] = {"class_type": "GetVideoComponents", "inputs": {"video": ["grey", 0]}}
    source = {"depth_image": ["parts", 0], "meaning": "inverse", "near": 1.0, "far": 6.0}
    source |= {"index": 0, "invert": False, "scale": 1.0}
    given = {key: one for key, one in kept[depth]["inputs"].items() if "source" not in key}
    given |= {f"source.{key}": one for key, one in source.items()} | {"source": "depth image"}
    kept[depth] = prompt[depth] | {"inputs": given | {"image": [frames, 0]}}
    kept[path]["inputs"]["frames"] = VIDEO_FRAMES
    kept[tracks]["inputs"]["image"] = [frames, 0]
    assert shown == prompt[depth]["inputs"]["image"][0], "depth and warp show one video"
    video = {"fps": VIDEO_FPS, "images": [tracks, 1]}
    kept["video"] = {"class_type": "CreateVideo", "inputs": video}
    save = {"filename_prefix": "warp", "format": "auto", "codec": "auto", "video": ["video", 0]}
    kept["save"] = {"class_type": "SaveVideo", "inputs": save}
    try:
        (saved,) = lent.run(kept).ui["save"]["images"]
    finally:
        (lent.input_dir / "grey.mp4").unlink()
    warp, _ = read_video(lent.output_dir / saved["subfolder"] / saved["filename"])
    original, _ = read_video(lent.input_dir / VIDEO)
    assert warp.shape == original.shape
    off = (warp[0].float() - original[0].float()).abs().mean() / 255
    assert float(off) < 0.05, "the path begins at the source's own view"
    red, green, blue = (warp[-1][..., channel].float() / 255 for channel in range(3))
    magenta = (red > 0.8) & (green < 0.2) & (blue > 0.8)
    assert 0.02 < float(magenta.float().mean()) < 0.6


def test_wan_fun_gets_the_embedding_of_the_path(
    stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    prompt = our_part(api("camera_wan_fun"))
    path, node = (
        node_of(prompt, f"MotionPrompting{n}") for n in ("CameraPath", "CameraToWanEmbedding")
    )
    prompt[path]["inputs"]["frames"] = 5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        depth_anything(tmp_path / "models" / "depth" / "Depth-Anything-V2-Small-hf")
    camera = stand_in.run(prompt).outputs[path][0]
    settings = {"camera": camera, "travel_scale": 1.0, "lens": {"lens": "path"}}
    embedding, *size = stand_in.nodes[prompt[node]["class_type"]].execute(**settings).args
    assert embedding.shape == (1, 24, 2, 480, 832) and size == [832, 480, 5]
    assert not embedding[0, :12, 0].any(), "the first camera is the origin"
    assert bool(embedding[0, :12, 1].any())


def test_the_new_graphs_agree_on_size_and_length() -> None:
    crossview, fun = api("crossview_ltx"), api("camera_wan_fun")

    def inputs_of(prompt: dict[str, Any], class_type: str) -> dict[str, Any]:
        return prompt[node_of(prompt, class_type)]["inputs"]

    scale, latent = (inputs_of(crossview, one) for one in ("ImageScale", "EmptyLTXVLatentVideo"))
    assert (scale["width"], scale["height"]) == (latent["width"], latent["height"])
    assert scale["width"] % 32 == scale["height"] % 32 == 0 and (latent["length"] - 1) % 8 == 0
    lengths = {
        inputs_of(crossview, "ImageFromBatch")["length"],
        inputs_of(crossview, "MotionPromptingCameraPath")["frames"],
        inputs_of(crossview, "LTXVEmptyLatentAudio")["frames_number"],
    }
    assert lengths == {latent["length"]}
    camera = inputs_of(crossview, "MotionPromptingCameraTracks")
    assert camera["hole_color"] == "magenta"
    guides = [
        node["inputs"]
        for node in crossview.values()
        if node["class_type"] == "LTXAddVideoICLoRAGuide"
    ]
    tracks = node_of(crossview, "MotionPromptingCameraTracks")
    assert [one["image"] for one in guides] == [[tracks, 1], camera["image"]], "warp, then source"
    assert {one["latent_downscale_factor"] for one in guides} == {1}
    node = node_of(fun, "MotionPromptingCameraToWanEmbedding")
    video = inputs_of(fun, "WanCameraImageToVideo")
    wanted = ("camera_conditions", "width", "height", "length")
    assert [video[name] for name in wanted] == [[node, slot] for slot in range(4)]
