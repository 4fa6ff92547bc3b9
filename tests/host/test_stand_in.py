"""The stand-in host refuses what ComfyUI refuses, so that a green test here means something."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.host.fixtures import PICTURE, TRACK_FILE
from tests.host.pack import use_stub
from tests.host.prompt import WorkflowError, live_inputs, nested
from tests.host.runner import StandInHost
from tests.host.ui_workflow import to_api

use_stub()

GOOD: dict[str, Any] = {
    "1": {"class_type": "LoadImage", "inputs": {"image": PICTURE}},
    "2": {
        "class_type": "MotionPromptingLoadTracks",
        "inputs": {
            "file": TRACK_FILE,
            "image": ["1", 0],
            "width": 0,
            "height": 0,
            "fps": 0.0,
        },
    },
    "3": {
        "class_type": "MotionPromptingRetimeTracks",
        "inputs": {
            "tracks": ["2", 0],
            "action": "loop",
            "action.count": 2,
            "action.ping_pong": True,
        },
    },
    "4": {"class_type": "MotionPromptingTracksInfo", "inputs": {"tracks": ["3", 0], "frames": 17}},
}


def changed(node: str, **inputs: Any) -> dict[str, Any]:
    """GOOD with some inputs of one node replaced, or taken away where None."""
    prompt = copy.deepcopy(GOOD)
    for name, value in inputs.items():
        key = name.replace("__", ".")
        prompt[node]["inputs"].pop(key, None)
        if value is not None:
            prompt[node]["inputs"][key] = value
    return prompt


def test_the_good_workflow_runs(stand_in: StandInHost) -> None:
    run = stand_in.run(GOOD)
    assert "2 tracks, 17 frames" in run.ui["4"]["text"][0]
    assert set(run.seconds) == set(GOOD)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (changed("4", frames=-1), "smaller than the least"),
        (changed("4", frames=10**9), "bigger than the most"),
        (changed("4", frames="17"), "INT expected"),
        (changed("4", frames=17.0), "INT expected"),
        (changed("4", frames=True), "INT expected"),
        (changed("4", tracks=None), "missing inputs"),
        (changed("4", surprise=1), "unknown inputs"),
        (changed("4", tracks=["1", 0]), "wants TRACKS but is linked to IMAGE"),
        (changed("4", tracks=["3", 1]), "no output 1"),
        (changed("4", tracks=["9", 0]), "nowhere"),
        (changed("4", tracks="a value"), "TRACKS needs a link"),
        (changed("3", tracks=["3", 0]), "circle"),
        (changed("3", action="explode"), "unknown inputs"),
        (changed("3", action__count=None), "missing inputs"),
        (changed("3", action__frames=4), "unknown inputs"),
        (changed("3", action__ping_pong=1), "BOOLEAN expected"),
        (changed("1", image="missing.png"), "is not in"),
        ({"1": GOOD["1"]}, "no output node"),
        (GOOD | {"5": {"class_type": "NoSuchNode", "inputs": {}}}, "no node 'NoSuchNode'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_workflow_is_refused(
    stand_in: StandInHost, prompt: dict[str, Any], message: str
) -> None:
    with pytest.raises(WorkflowError, match=message):
        stand_in.run(prompt)


def test_words_unknown_to_comfyui_are_type_errors() -> None:
    from comfy_api.latest import io

    for wrong in (
        lambda: io.Int.Input("a", minimum=0),
        lambda: io.String.Input("a", multi_line=True),
        lambda: io.Image.Input("a", default=1),
        lambda: io.Custom("TRACKS").Output("a", optional=True),
        lambda: io.Schema(node_id="a", color="red"),
        lambda: io.DynamicCombo.Input("a", choices=[]),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_clashing_ids_are_refused() -> None:
    from comfy_api.latest import io

    class Twice(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(node_id="Twice", inputs=[io.Image.Input("a"), io.Mask.Input("a")])

    with pytest.raises(ValueError, match="unique"):
        Twice.GET_SCHEMA()


def test_a_running_node_cannot_keep_state_on_its_class() -> None:
    from comfy_api.latest import io

    class Keeper(io.ComfyNode):
        @classmethod
        def execute(cls) -> io.NodeOutput:
            cls.cache = 1  # type: ignore[attr-defined]
            return io.NodeOutput()

    with pytest.raises(AttributeError, match="locked"):
        Keeper.locked(io.HiddenValues({})).execute()


DESCRIBED = {
    "required": {
        "choice": (
            "COMFY_DYNAMICCOMBO_V3",
            {"options": [{"key": "a", "inputs": {"required": {"n": ("INT", {})}}}]},
        ),
        "many": (
            "COMFY_AUTOGROW_V3",
            {
                "template": {
                    "input": {"required": {"one": ("IMAGE", {})}},
                    "prefix": "one_",
                    "min": 1,
                    "max": 3,
                }
            },
        ),
    }
}


def test_choices_and_lists_unfold_as_in_comfyui() -> None:
    live = live_inputs(DESCRIBED, {"choice": "a"})
    assert set(live.required) == {"choice", "choice.n", "many.one_0"}
    assert set(live.optional) == {"many.one_1", "many.one_2"}
    assert set(live_inputs(DESCRIBED, {"choice": "b"}).required) == {"choice", "many.one_0"}


def test_choices_and_lists_arrive_as_dictionaries() -> None:
    values = {"choice": "a", "choice.n": 4, "many.one_0": "x", "plain": 1}
    assert nested(DESCRIBED, values) == {
        "choice": {"choice": "a", "n": 4},
        "many": {"one_0": "x"},
        "plain": 1,
    }
    assert nested(DESCRIBED, {"choice": "b"}) == {"choice": {"choice": "b"}, "many": {}}


def test_a_drawn_workflow_with_values_too_many_is_refused(stand_in: StandInHost) -> None:
    node = {
        "id": 1,
        "type": "LoadImage",
        "widgets_values": [PICTURE, "image", "more"],
    }
    with pytest.raises(ValueError, match="values left"):
        to_api({"nodes": [node], "links": []}, stand_in.object_info())
