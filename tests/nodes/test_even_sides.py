"""Every output that is a video has even sides, whatever the image: encoders take no odd ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from motion_core.geometry import Size
from motion_core.images import with_even_sides
from tests.host.prompt import WorkflowError
from tests.host.runner import StandInHost

# Outputs of IMAGE that are one image for the eye, and no clip.
STILLS = {
    "CameraPath": {"image"},
    "DrawMotion": {"overlay"},
    "EditByDrag": {"image"},
    "EvaluateMotion": {"image"},
    "MagnifyMotion": {"slice"},
}
# Frames of an input or a file, as they are.
PASSED_ON = {"LoadMotionSignal": {"first_frame", "reference"}, "TrackWindow": {"video"}}
# Outputs that are clips; tests/host/test_odd_sizes.py encodes each of them.
VIDEOS = {
    "CameraTracks": {"render", "depth"},
    "ComposeMotion": {"render", "depth"},
    "DepthMap": {"image"},
    "DraftMotion": {"images"},
    "EstimateDepth": {"image"},
    "JoinWindows": {"images"},
    "MoftSimilarity": {"images"},
    "PreviewTracks": {"images"},
    "SeparateMotion": {"images"},
    "TrackSampler": {"images"},
    "TrackVideo": {"overlay"},
    "TracksToControlVideo": {"images"},
}


def test_every_image_output_is_known_as_a_still_or_a_video(host: StandInHost) -> None:
    known = {**STILLS, **PASSED_ON, **VIDEOS}
    for name, info in host.object_info().items():
        if not name.startswith("MotionPrompting"):
            continue
        images = {
            label
            for label, kind in zip(info["output_name"], info["output"], strict=True)
            if kind == "IMAGE"
        }
        assert images == known.get(name.removeprefix("MotionPrompting"), set()), name


def test_videos_say_what_happens_to_odd_sides(host: StandInHost) -> None:
    for name, outputs in VIDEOS.items():
        info = host.object_info()[f"MotionPrompting{name}"]
        tooltips = dict(zip(info["output_name"], info["output_tooltips"], strict=True))
        inputs = info["input"].get("optional", {})
        for output in outputs - {"depth"}:
            words = tooltips[output] + str(inputs.get("max_side", ""))
            assert "Odd sides lose their last row or column" in words, name


@pytest.mark.parametrize(
    "shape", [(3, 7, 9, 3), (3, 7, 9), (3, 8, 9, 1), (2, 1, 5, 3), (0, 3, 3, 3)]
)
def test_odd_sides_are_cut_at_the_end_alone(shape: tuple[int, ...]) -> None:
    video = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    cut = with_even_sides(video)
    height, width = cut.shape[1:3]
    assert all(side % 2 == 0 or side == 1 for side in (height, width))
    assert shape[1] - height <= 1 and shape[2] - width <= 1
    assert torch.equal(cut, video[:, :height, :width])
    assert Size(shape[2], shape[1]).even() == (width, height)
    assert with_even_sides(cut) is cut


def chain(host: StandInHost, size: tuple[int, int]) -> dict[str, Any]:
    """A draft of an image of a size, drawn on again with the tracks of the whole canvas."""
    from PIL import Image

    Image.new("RGB", size, (90, 120, 30)).save(host.input_dir / "odd.png")
    motion = (
        '{"version": 1, "drawn_on": {"width": 97, "height": 63}, "layers": [{"id": "a", "type": '
        '"drag", "points": [[0, 0.4, 0.5], [1, 0.7, 0.5]]}]}'
    )
    ours = "MotionPrompting"
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "odd.png"}},
        "2": {
            "class_type": f"{ours}DrawMotion",
            "inputs": {
                "width": 64,
                "height": 64,
                "frames": 3,
                "fps": 16.0,
                "motion": motion,
                "image": ["1", 0],
            },
        },
        "3": {
            "class_type": f"{ours}DraftMotion",
            "inputs": {"image": ["1", 0], "tracks": ["2", 0]},
        },
        "4": {
            "class_type": f"{ours}PreviewTracks",
            "inputs": {"image": ["3", 0], "tracks": ["2", 0]},
        },
    }


def test_tracks_of_an_odd_canvas_fit_its_even_video(host: StandInHost) -> None:
    run = host.run(chain(host, (97, 63)))
    assert run.outputs["3"][0].shape[1:3] == run.outputs["4"][0].shape[1:3] == (62, 96)
    assert run.ui["3"]["text"] == (
        "The canvas is 97x63; the video is 96x62. Odd sides lose their last row or column: video "
        "encoders take even sides only.",
    )
    whole = host.run(chain(host, (96, 62)))
    assert whole.ui["3"]["text"] == ("",)


def test_tracks_of_another_canvas_are_still_refused(host: StandInHost) -> None:
    prompt = chain(host, (97, 63))
    small = {"class_type": "ImageScale", "inputs": {"image": ["3", 0], "upscale_method": "area"}}
    small["inputs"] |= {"width": 94, "height": 62, "crop": "disabled"}
    prompt["5"] = small
    prompt["4"]["inputs"]["image"] = ["5", 0]
    with pytest.raises(WorkflowError, match="measured on 97x63 but the image or size given is"):
        host.run(prompt)


def test_a_large_photograph_is_drafted_at_a_working_size(host: StandInHost) -> None:
    prompt = chain(host, (2401, 1200))
    prompt["4"]["inputs"]["tracks"] = ["3", 1]
    run = host.run(prompt)
    assert run.outputs["3"][1]["canvas"] == (1920, 960)
    assert run.outputs["3"][0].shape == (3, 960, 1920, 3)
    assert "the video is 1920x960. Set max_side to 0" in run.ui["3"]["text"][0]
    (note,) = run.ui["2"]["text"]
    assert "The image is 2401x1200. Draft Motion makes its video at 1920x960" in note
