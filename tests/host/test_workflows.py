"""Every shipped workflow runs, on the stand-in host and on a real ComfyUI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion_core.formats import read_tracks
from tests.host.fixtures import PICTURE_SIZE, TRACK_FILE
from tests.host.model_nodes import GRAPHS
from tests.host.pack import ROOT
from tests.host.prompt import WorkflowError, sockets
from tests.host.samples import SAMPLES
from tests.host.tiny_weights import WEIGHTED
from tests.host.ui_workflow import to_api, with_older_codec

FOLDER = ROOT / "workflows"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
# The others: test_model_workflows.py and test_weight_workflows.py.
RUNNABLE = [name for name in NAMES if name not in (*GRAPHS, *WEIGHTED)]


def api(name: str) -> dict[str, Any]:
    """The API form of a shipped workflow."""
    return json.loads((FOLDER / "api" / f"{name}.json").read_text(encoding="utf-8"))


def node_of(prompt: dict[str, Any], class_type: str) -> str:
    """The id of the only node of a class."""
    (node_id,) = (key for key, node in prompt.items() if node["class_type"] == class_type)
    return node_id


def video_shape(path: Path) -> tuple[int, ...]:
    """(T, H, W, 3) of a video file."""
    import av

    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    return np.stack(frames).shape


def test_there_are_workflows() -> None:
    plain = {"drag", "draw_motion", "track_toolbox", "wan_move_tracks", "load_tracks"}
    assert plain <= set(RUNNABLE)
    assert set(GRAPHS) <= set(NAMES)
    for name in NAMES:
        assert (FOLDER / f"{name}.jpg").stat().st_size < 60_000, name


@pytest.mark.parametrize("name", NAMES)
def test_every_workflow_opens_on_samples(name: str) -> None:
    loaders = {"LoadImage": "image", "LoadVideo": "file", "MotionPromptingLoadTracks": "file"}
    for node in api(name).values():
        if node["class_type"] in loaders:
            assert (SAMPLES / node["inputs"][loaders[node["class_type"]]]).is_file()
        if node["class_type"] == "MotionPromptingLoadMotionSignal":
            assert (SAMPLES / node["inputs"]["folder"]).is_dir()


@pytest.mark.parametrize("name", (*RUNNABLE, *WEIGHTED))
def test_both_forms_say_the_same(host: Any, name: str) -> None:
    drawn = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert with_older_codec(to_api(drawn, host.object_info())) == api(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNABLE)
def test_every_workflow_runs(host: Any, name: str) -> None:
    prompt = api(name)
    run = host.run(prompt)
    shows = {node_id for node_id in prompt if prompt[node_id]["class_type"] == "SaveVideo"}
    assert shows <= set(run.ui)
    for node_id in shows:
        (saved,) = run.ui[node_id]["images"]
        shape = video_shape(host.output_dir / saved["subfolder"] / saved["filename"])
        assert shape[1:] == (PICTURE_SIZE.height, PICTURE_SIZE.width, 3)


def test_the_drag_arrives_in_files_and_words(host: Any) -> None:
    prompt = api("drag")
    run = host.run(prompt)
    frames = prompt[node_of(prompt, "MotionPromptingExpandMotion")]["inputs"]["frames"]
    (saved,) = run.ui[node_of(prompt, "MotionPromptingSaveTracks")]["tracks"]
    tracks = read_tracks(host.output_dir / saved["subfolder"] / saved["filename"])
    assert (tracks.size, tracks.num_frames, tracks.fps) == (PICTURE_SIZE, frames, 16.0)
    (text,) = run.ui[node_of(prompt, "MotionPromptingTracksInfo")]["text"]
    assert f"{tracks.num_points} tracks, {frames} frames, canvas {PICTURE_SIZE}, 16 fps" in text
    moved = (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1)
    assert moved.max() > 0.05 * PICTURE_SIZE.width, "the drag moves"
    assert (moved < 1e-4).sum() > 5, "the pins do not"


def test_our_tracks_go_through_the_hosts_own_nodes_and_come_back(host: Any) -> None:
    prompt = api("wan_move_tracks")
    back = {
        "class_type": "MotionPromptingSaveTracks",
        "inputs": {
            "tracks": [node_of(prompt, "WanMoveConcatTrack"), 0],
            "filename_prefix": "back",
            "format": "motion_npz",
            "canvas_image": [node_of(prompt, "LoadImage"), 0],
        },
    }
    sent = {**back, "inputs": {**back["inputs"], "filename_prefix": "sent"}}
    sent["inputs"]["tracks"] = [node_of(prompt, "MotionPromptingFilterTracks"), 0]
    host.run({**prompt, "back": back, "sent": sent})
    ours, theirs = (
        read_tracks(sorted(host.output_dir.glob(f"{name}_*.npz"))[-1]) for name in ("sent", "back")
    )
    assert theirs.num_points == 2 * ours.num_points
    visible = ours.visible
    np.testing.assert_allclose(
        theirs.xy[:, : ours.num_points][visible], ours.xy[visible], atol=1e-3
    )
    mirrored = ours.xy.clone()
    mirrored[..., 0] = PICTURE_SIZE.width - mirrored[..., 0]
    np.testing.assert_allclose(
        theirs.xy[:, ours.num_points :][visible], mirrored[visible], atol=1e-3
    )
    (text,) = host.run(prompt).ui[node_of(prompt, "MotionPromptingTracksInfo")]["text"]
    assert "came without a canvas" in text


def small_prompt(**expand: Any) -> dict[str, Any]:
    """Load Image -> Expand Motion -> Draft Motion -> Preview Image."""
    prompt = api("drag")
    motion = prompt[node_of(prompt, "MotionPromptingExpandMotion")]["inputs"]["motion"]
    inputs = {"motion": motion, "frames": 3, "fps": 16.0, "width": 0, "height": 0} | expand
    draft = {"image": ["1", 0], "tracks": ["2", 0]}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "motion_prompting_cat.jpg"}},
        "2": {"class_type": "MotionPromptingExpandMotion", "inputs": inputs},
        "3": {"class_type": "MotionPromptingDraftMotion", "inputs": draft},
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    }


@pytest.mark.parametrize(
    ("expand", "message"),
    [
        ({"width": 50, "height": 40}, r"measured on 50x40 but .* 96x64.*Transform Tracks"),
        ({"width": 50}, "width and height belong together"),
        ({"motion": "{"}, r"MOTION|JSON|document"),
        ({"motion": '{"version": 9, "layers": []}'}, "version"),
        ({"frames": 0}, "(?i)smaller than"),
        ({"frames": 100_000_000}, "(?i)bigger than"),
    ],
    ids=["canvas", "half a size", "broken JSON", "future version", "no frames", "many frames"],
)
def test_mistakes_are_reported_in_one_sentence(host: Any, expand: dict, message: str) -> None:
    with pytest.raises(WorkflowError, match=message) as caught:
        host.run(small_prompt(**expand))
    assert "Traceback" not in str(caught.value)


def test_the_small_prompt_itself_is_right(host: Any) -> None:
    run = host.run(small_prompt(width=PICTURE_SIZE.width, height=PICTURE_SIZE.height))
    assert len(run.ui["4"]["images"]) == 3


def test_files_outside_the_input_folder_stay_unread(host: Any) -> None:
    (host.input_dir.parent / "outside.npz").write_bytes((host.input_dir / TRACK_FILE).read_bytes())
    load = {"file": "../outside.npz", "width": 0, "height": 0, "fps": 0.0}
    prompt = {
        "1": {"class_type": "MotionPromptingLoadTracks", "inputs": load},
        "2": {"class_type": "MotionPromptingTracksInfo", "inputs": {"tracks": ["1", 0]}},
    }
    with pytest.raises(WorkflowError, match="inside ComfyUI's input folder"):
        host.run(prompt)


@pytest.mark.parametrize("prefix", ["../escaped", "/tmp/escaped", "C:\\escaped"])
def test_files_outside_the_output_folder_stay_unwritten(host: Any, prefix: str) -> None:
    save = {"tracks": ["1", 0], "filename_prefix": prefix, "format": "motion_npz"}
    prompt = {
        "1": small_prompt(width=64, height=48)["2"],
        "2": {"class_type": "MotionPromptingSaveTracks", "inputs": save},
    }
    with pytest.raises(WorkflowError, match="inside ComfyUI's output folder"):
        host.run(prompt)
    assert not list(host.output_dir.parent.glob("escaped*"))


@pytest.mark.real_host
def test_the_stand_in_describes_our_nodes_as_comfyui_does(stand_in: Any, real: Any) -> None:
    ours, theirs = json.loads(json.dumps(stand_in.object_info())), real.object_info()
    for name in (name for name in ours if name.startswith("MotionPrompting")):
        words = set(ours[name]) & set(theirs[name]) - {"python_module"}
        assert {"input", "input_order", "output", "output_tooltips", "category"} <= words
        assert {word: theirs[name][word] for word in words} == {
            word: ours[name][word] for word in words
        }


@pytest.mark.real_host
def test_the_stand_in_does_not_invent_sockets(stand_in: Any, real: Any) -> None:
    ours, theirs = stand_in.object_info(), real.object_info()
    for name in (name for name in ours if not name.startswith("MotionPrompting")):
        known = dict(sockets(theirs[name]["input"]))
        for socket, (io_type, _) in sockets(ours[name]["input"]):
            theirs_type = known[socket][0]
            grown = io_type == "COMBO" and theirs_type == "COMFY_DYNAMICCOMBO_V3"
            same = theirs_type == io_type or isinstance(theirs_type, list)
            assert same or grown, f"{name}.{socket}"
        count = len(ours[name]["output"])
        assert ours[name]["output"] == theirs[name]["output"][:count], name


@pytest.mark.real_host
def test_comfyui_offers_workflows_help_and_words(real: Any) -> None:
    assert sorted(real.get("/workflow_templates")["motion-prompting"]) == NAMES
    for name in NAMES:
        path = f"/api/workflow_templates/motion-prompting/{name}.json"
        assert real.get(path)["nodes"], name
    page = real.get("/extensions/motion-prompting/docs/MotionPromptingDraftMotion.md")
    assert page.startswith("# Draft Motion")
    words = real.get("/i18n")["en"]["nodeDefs"]["MotionPromptingDraftMotion"]
    assert words["display_name"] == "Draft Motion"
