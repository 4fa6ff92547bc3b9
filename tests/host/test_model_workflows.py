"""The graphs around video models: every node, socket and value exists, and our part runs.

No test has the models. ComfyUI's nodes are known from a committed excerpt of their descriptions,
and from a real ComfyUI where one is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from motion_core.formats import read_tracks
from motion_core.geometry import Size
from tests.host.model_nodes import (
    DRAWN,
    ELSEWHERE,
    FILES,
    GRAPHS,
    OURS,
    DescribedNode,
    excerpt,
    foreign_nodes,
    load_excerpt,
)
from tests.host.pack import ROOT
from tests.host.prompt import WorkflowError, checked_prompt, is_link
from tests.host.test_workflows import FOLDER, api, node_of, video_shape
from tests.host.ui_workflow import to_api, with_older_codec

OUR_PART = {"LoadImage", "ImageScale", "CreateVideo", "SaveVideo"}  # and every node of ours
LATENTS = ("WanMoveTrackToVideo", "WanTrackToVideo", "WanImageToVideo", "EmptyLTXVLatentVideo")


@pytest.fixture
def described(stand_in: Any) -> dict[str, Any]:
    """{node: description}: ours as they are, the others as the excerpt has them."""
    ours = {name: info for name, info in stand_in.object_info().items() if name.startswith(OURS)}
    return load_excerpt() | ours


def check(prompt: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """The ids that would run. Raises WorkflowError where the graph does not fit."""
    return checked_prompt(prompt, {name: DescribedNode(one) for name, one in described.items()})


def our_part(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes that run without a model: ours, what they need, and what shows them."""
    kept: dict[str, Any] = {}
    while True:
        more = {
            key: node
            for key, node in prompt.items()
            if key not in kept
            and (node["class_type"].startswith(OURS) or node["class_type"] in OUR_PART)
            and all(value[0] in kept for value in node["inputs"].values() if is_link(value))
        }
        if not more:
            return kept
        kept |= more


def number(prompt: Mapping[str, Any], class_type: str, name: str) -> Any:
    """A value of the only node of a class."""
    return prompt[node_of(dict(prompt), class_type)]["inputs"][name]


@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_socket_and_value_exists(name: str, described: Any) -> None:
    prompt = api(name)
    assert set(check(prompt, described)) == set(prompt), "every node leads to something saved"


@pytest.mark.parametrize("name", GRAPHS)
def test_both_forms_say_the_same(name: str, described: Any) -> None:
    drawn = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert with_older_codec(to_api(drawn, described)) == api(name)


@pytest.mark.parametrize("name", GRAPHS)
def test_links_and_slots_carry_the_same_type(name: str, described: Any) -> None:
    drawn = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in drawn["nodes"]}
    for _, source, out, target, slot, io_type in drawn["links"]:
        assert nodes[source]["outputs"][out]["type"] == io_type
        assert nodes[target]["inputs"][slot]["type"] == io_type
        assert described[nodes[source]["type"]]["output"][out] == io_type


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("KSampler", "latent_image", ["17", 0]), "wants LATENT but is linked to CONDITIONING"),
        (("KSampler", "sampler_name", "unipc"), "is not in"),
        (("WanMoveTrackToVideo", "track", ["6", 0]), "unknown inputs"),
        (("WanMoveTrackToVideo", "length", 0), "smaller than the least"),
        (("VAEDecode", "samples", ["18", 1]), "has no output 1"),
    ],
)
def test_the_check_sees_mistakes(change: Any, message: str, described: Any) -> None:
    prompt = api("native_wan_move")
    class_type, name, value = change
    prompt[node_of(prompt, class_type)]["inputs"][name] = value
    with pytest.raises(WorkflowError, match=message):
        check(prompt, described)


@pytest.mark.parametrize("name", GRAPHS)
def test_note_and_page_tell_every_model_file(name: str) -> None:
    drawn = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    notes = [node["widgets_values"][0] for node in drawn["nodes"] if "Note" in node["type"]]
    lines = [line for note in notes for line in note.splitlines()]
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    named = 0
    for node in api(name).values():
        for key, value in node["inputs"].items():
            folder = FILES.get((node["class_type"], key))
            if folder:
                named += 1
                assert any(line.startswith(f"**{folder}**") and value in line for line in lines)
                assert f"`{value}`" in page
    assert named >= 3, "a network, a text encoder and a VAE"
    assert any(line.startswith("Licence: ") for line in lines)


@pytest.mark.parametrize("name", DRAWN)
def test_size_and_length_agree_everywhere(name: str) -> None:
    prompt = api(name)
    size = Size(number(prompt, "ImageScale", "width"), number(prompt, "ImageScale", "height"))
    (latent,) = (node["inputs"] for node in prompt.values() if node["class_type"] in LATENTS)
    assert (latent["width"], latent["height"]) == size
    frames = number(prompt, "MotionPromptingDrawMotion", "frames")
    assert latent["length"] == frames == number(prompt, "MotionPromptingTracksInfo", "frames")
    fps = number(prompt, "MotionPromptingDrawMotion", "fps")
    videos = [node for node in prompt.values() if node["class_type"] == "CreateVideo"]
    assert {node["inputs"]["fps"] for node in videos} == {fps}
    if name == "ltx_motion_track":
        assert (frames - 1) % 8 == 0
        assert size.width % 64 == size.height % 64 == 0, "the guide is half the size"
        assert number(prompt, "LTXVEmptyLatentAudio", "frames_number") == frames
        assert number(prompt, "LTXVEmptyLatentAudio", "frame_rate") == fps
        assert number(prompt, "LTXVConditioning", "frame_rate") == fps
    else:
        assert (frames - 1) % 4 == 0
        assert size.width % 16 == size.height % 16 == 0


@pytest.mark.parametrize("name", DRAWN)
def test_our_part_runs_and_finds_nothing_wrong(host: Any, name: str) -> None:
    part = our_part(api(name))
    part = {key: node for key, node in part.items() if node["class_type"] != "SaveVideo"}
    run = host.run(part)
    (text,) = run.ui[node_of(part, "MotionPromptingTracksInfo")]["text"]
    frames = number(part, "MotionPromptingDrawMotion", "frames")
    size = Size(number(part, "ImageScale", "width"), number(part, "ImageScale", "height"))
    assert f"{frames} frames, canvas {size}" in text
    assert "warning" not in text


def test_wan_move_gets_tracks_that_start_in_the_picture(host: Any) -> None:
    prompt = our_part(api("native_wan_move"))
    link = api("native_wan_move")[node_of(api("native_wan_move"), "WanMoveTrackToVideo")]
    save = {"filename_prefix": "wan", "format": "motion_npz", "tracks": link["inputs"]["tracks"]}
    host.run({**prompt, "save": {"class_type": "MotionPromptingSaveTracks", "inputs": save}})
    tracks = read_tracks(sorted(host.output_dir.glob("wan_*.npz"))[-1])
    assert tracks.size == Size(832, 480)
    assert tracks.visible[0].all()
    assert tracks.num_points > 50
    moved = (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1)
    assert moved.max() > 40 and (moved < 1e-3).sum() > 10, "a head turns before still ground"


def test_ati_gets_121_points_that_all_stay_in_the_picture(host: Any) -> None:
    """The text cannot say that a point has left: the example must not need it."""
    prompt = our_part(api("native_ati"))
    words = node_of(prompt, "MotionPromptingTracksToCoordinates")
    read = {"coordinates": [words, 0], "width": 832, "height": 480}
    save = {"filename_prefix": "ati", "format": "motion_npz", "tracks": ["read", 0]}
    prompt["read"] = {"class_type": "MotionPromptingTracksFromCoordinates", "inputs": read}
    prompt["save"] = {"class_type": "MotionPromptingSaveTracks", "inputs": save}
    host.run(prompt)
    tracks = read_tracks(sorted(host.output_dir.glob("ati_*.npz"))[-1])
    assert tracks.num_frames == 121
    assert tracks.num_points > 10
    assert bool(tracks.visible.all())
    inside = (tracks.xy > 0).all() and (tracks.xy < tracks.xy.new_tensor([832, 480])).all()
    assert bool(inside)


def test_ltx_gets_a_control_video_of_its_size(host: Any) -> None:
    prompt = our_part(api("ltx_motion_track"))
    prompt[node_of(prompt, "MotionPromptingDrawMotion")]["inputs"]["frames"] = 9
    run = host.run(prompt)
    (saved,) = run.ui[node_of(prompt, "SaveVideo")]["images"]
    path = Path(host.output_dir) / saved["subfolder"] / saved["filename"]
    assert video_shape(path) == (9, 576, 960, 3)


def test_the_excerpt_holds_what_the_graphs_use_and_no_more() -> None:
    assert set(load_excerpt()) == foreign_nodes()


@pytest.mark.real_host
@pytest.mark.parametrize("name", GRAPHS)
def test_a_real_comfyui_has_every_node_and_socket(real: Any, name: str) -> None:
    """Nodes of another pack, or of a newer core, are asked only where they are."""
    info = real.object_info()
    used = {node["class_type"] for node in api(name).values()}
    elsewhere = used - set(info)
    assert elsewhere <= ELSEWHERE
    ours = {one: info[one] for one in used if one.startswith(OURS)}
    theirs = excerpt(info, used - elsewhere - set(ours))
    missing = {one: load_excerpt()[one] for one in elsewhere}
    assert set(check(api(name), missing | theirs | ours)) == set(api(name))
