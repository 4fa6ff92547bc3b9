"""Values that arrive over links are checked as widgets are, and failures are sentences."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.host.pack import pack_module, pack_nodes
from tests.host.runner import StandInHost

from .test_nodes import DRAWING, wire

EXPAND = {"motion": DRAWING, "frames": 3, "fps": 16.0}


def test_every_node_is_guarded(host: StandInHost) -> None:
    for name, node in pack_nodes().items():
        assert hasattr(node.execute.__func__, "__wrapped__"), name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 0}, "frames must be from 1 to 4096; got 0"),
        ({"frames": 10**9}, "frames must be from 1 to 4096"),
        ({"frames": 2.5}, "frames must be a whole number; got 2.5"),
        ({"frames": True}, "frames must be a whole number"),
        ({"frames": None}, "frames is not connected"),
        ({"fps": math.nan}, "fps must be a finite number"),
        ({"fps": 10**400}, "fps must be a finite number"),
        ({"fps": 1e-300}, "fps is too close to 0: 1e-300"),
        ({"fps": "16"}, "fps must be a number; got '16'"),
        ({"motion": 3}, "motion must be a text"),
        ({"motion": "\ud800"}, "half of a character"),
        ({"image": torch.zeros(4, 4)}, r"expected an IMAGE batch .* got \(4, 4\)"),
        ({"mask": torch.zeros(0, 4, 4)}, "mask must be a MASK"),
        ({"no_such": 1}, "the inputs of the node are not complete"),
    ],
)
def test_a_spoiled_value_is_named(host: StandInHost, change: dict[str, Any], words: str) -> None:
    node = host.nodes["MotionPromptingExpandMotion"]
    assert node.execute(**EXPAND).args
    with pytest.raises((TypeError, ValueError), match=words):
        node.execute(**EXPAND | change)


def test_no_node_takes_nothing_for_what_it_requires(host: StandInHost) -> None:
    """Also the nodes that gather their settings in one argument."""
    for node in pack_nodes().values():
        inputs = node.define_schema().inputs
        required = [entry.id for entry in inputs if not entry.optional]
        if not required:
            continue
        with pytest.raises(ValueError, match=f"{required[0]} is not connected or has no value"):
            node.execute(**{entry.id: None for entry in inputs})
        with pytest.raises(TypeError, match="the inputs of the node are not complete: "):
            node.execute()


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ({"keep": "all"}, "keep must be one of: random, farthest.*got 'all'"),
        ({}, "keep must be one of"),
        ("random", "keep must be a choice with its settings"),
        ({"keep": "random", "count": 0, "seed": 0}, "keep.count must be from 1"),
        ({"keep": "random", "count": 1, "seed": 0, "size": 3}, '"random" has no input size'),
        ({"keep": "inside mask"}, '"inside mask" needs mask'),
    ],
)
def test_a_spoiled_choice_is_named(host: StandInHost, keep: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        host.nodes["MotionPromptingFilterTracks"].execute(wire(), keep)


def test_missing_settings_have_their_defaults(host: StandInHost) -> None:
    (value,) = host.nodes["MotionPromptingFilterTracks"].execute(wire(), {"keep": "random"}).args
    assert value["track_path"].shape[1] == 3


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (RuntimeError("mat1 and mat2 shapes"), RuntimeError, "SaveCamera cannot work with these"),
        (IndexError("list index out of range"), RuntimeError, r"\(IndexError\)"),
        (ZeroDivisionError(), RuntimeError, "ZeroDivisionError"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError, "smaller"),
        (MemoryError(), MemoryError, "no details"),
        (FileNotFoundError(2, "No such file", "a/b"), FileNotFoundError, "a/b.*could not be read"),
        (ValueError("frames must be 1."), ValueError, "^frames must be 1.$"),
    ],
)
def test_failures_become_sentences(
    host: StandInHost, raised: Exception, kind: type[Exception], words: str
) -> None:
    from comfy_api.latest import io

    class SaveCamera(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(node_id="x", inputs=[io.Int.Input("frames", min=0, max=9)])

        @classmethod
        def execute(cls, frames: int) -> Any:
            raise raised

    node = pack_module("nodes.guard").guard(SaveCamera)
    with pytest.raises(kind, match=words) as found:
        node.execute(3)
    assert found.value is raised or "\n" not in str(found.value)


def test_a_result_that_cannot_fit_is_refused_once(
    host: StandInHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_module("motion_core.memory"), "free_bytes", lambda: 1000)
    with pytest.raises(MemoryError, match="^the video of 5 frames of 96x64 would take .* Use a"):
        host.nodes["MotionPromptingPreviewTracks"].execute(wire())


def test_a_press_on_cancel_passes(host: StandInHost) -> None:
    from comfy_api.latest import io

    class Cancelled(BaseException):
        pass

    class Stopped(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(node_id="x", inputs=[])

        @classmethod
        def execute(cls) -> Any:
            raise Cancelled

    with pytest.raises(Cancelled):
        pack_module("nodes.guard").guard(Stopped).execute()


def test_coordinates_may_come_as_a_list_of_texts(host: StandInHost) -> None:
    """As "Append Strings To List" of another pack gives them: one text for each track."""
    texts = [f'[{{"x": {x}, "y": 5}}, {{"x": {x + 2}, "y": 6}}]' for x in (10, 20, 30)]
    node = host.nodes["MotionPromptingTracksFromCoordinates"]
    (value,) = node.execute(texts, width=96, height=64).args
    assert value["track_path"][:, :, 0].tolist() == [[10, 20, 30], [12, 22, 32]]
    with pytest.raises(TypeError, match=r"coordinates\[1\] must be a text; got 7"):
        node.execute([texts[0], 7], width=96, height=64)
