"""The video workflows on films whose motion is known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.scene.render import track
from motion_core.tracks import Tracks
from motion_core.video import write_video
from tests.host.fixtures import (
    PICTURE_SIZE,
    VIDEO,
    VIDEO_FPS,
    VIDEO_FRAMES,
    encode_video,
    fill_input_folder,
)
from tests.host.pack import pack_module
from tests.host.samples import PORTRAIT
from tests.host.test_workflows import api, node_of, video_shape
from tests.transfer.test_end_to_end import FPS, amplitudes, rendered

pytestmark = pytest.mark.slow

LARGE = Size(2 * PICTURE_SIZE.width, 2 * PICTURE_SIZE.height)


@pytest.fixture
def lent(host: Any) -> Iterator[Any]:
    """A host whose input folder is afterwards as it was: ComfyUI's serves all tests."""
    yield host
    fill_input_folder(host.input_dir)


def tracks_of(host: Any, prompt: dict[str, Any], *nodes: str) -> list[Tracks]:
    """The first output of some nodes after a run."""
    saves = {
        f"save_{name}": {
            "class_type": "MotionPromptingSaveTracks",
            "inputs": {
                "tracks": [node_of(prompt, f"MotionPrompting{name}"), 0],
                "filename_prefix": name,
                "format": "motion_npz",
            },
        }
        for name in nodes
    }
    host.run(prompt | saves)
    return [read_tracks(sorted(host.output_dir.glob(f"{name}_*.npz"))[-1]) for name in nodes]


def test_a_rendered_scene_is_tracked_and_its_motion_carried_to_a_larger_picture(lent: Any) -> None:
    write_image(lent.input_dir / PORTRAIT, torch.zeros(LARGE.height, LARGE.width, 3))
    found, laid = tracks_of(lent, api("motion_transfer"), "TrackVideo", "TransferMotion")
    assert (found.size, found.fps) == (PICTURE_SIZE, VIDEO_FPS)
    truth = track(*encode_video(), found.xy[0])
    moves = (truth.xy[-1] - truth.xy[0]).norm(dim=-1) > 3
    compared = truth.visible & found.visible[:, truth.ids] & moves
    off = (found.xy[:, truth.ids] - truth.xy).norm(dim=-1)
    assert int(compared[-1].sum()) > 50, "most of the scene is followed to the end"
    assert float(off[compared].median()) < 0.5
    assert laid.size == LARGE
    kept = [found.ids.tolist().index(one) for one in laid.ids.tolist()]
    shown = laid.visible
    assert torch.equal(shown, found.visible[:, kept])
    torch.testing.assert_close(laid.xy[shown], 2 * found.xy[:, kept][shown], atol=1e-3, rtol=0)


def test_a_rendered_vibration_becomes_sixteen_times_as_large(lent: Any) -> None:
    """Half a pixel: of less H.264 itself takes a tenth away. The wall shakes as one, which would
    be taken for the camera, so that is not held still."""
    write_video(lent.input_dir / VIDEO, rendered(0.5), FPS)
    prompt = api("motion_magnify")
    magnify = prompt[node_of(prompt, "MotionPromptingMagnifyMotion")]["inputs"]
    magnify["factor"] = 16.0
    magnify["tracks"] = [node_of(prompt, "MotionPromptingTrackVideo"), 0]
    larger, found = tracks_of(lent, prompt, "MagnifyMotion", "TrackVideo")
    assert found.fps == FPS
    inner = ((found.xy[0] > 15) & (found.xy[0] < torch.tensor(found.size) - 15)).all(dim=-1)
    moved = amplitudes(larger)[inner].median()
    assert float(moved) == pytest.approx(16 * 0.5, rel=0.1)


class Stopped(BaseException):
    """The user pressed cancel."""


def stop_at(monkeypatch: pytest.MonkeyPatch, call: int) -> list[int]:
    """Lets the pack's progress raise at its `call`-th step; gives the count so far as a list."""
    steps = [0]

    def progress() -> Any:
        def show(done: int, total: int) -> None:
            steps[0] += 1
            if steps[0] == call:
                raise Stopped

        return show

    monkeypatch.setattr(pack_module("nodes.host"), "progress", progress)
    return steps


@pytest.mark.parametrize("name", ["motion_transfer", "motion_magnify"])
def test_a_cancelled_run_leaves_whole_files_or_none(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    prompt = api(name)
    stand_in.run(prompt)  # what is kept of an image by its content does not count again
    shutil.rmtree(stand_in.output_dir)
    steps = stop_at(monkeypatch, -1)
    stand_in.run(prompt)
    saved = sum(node["class_type"] == "SaveVideo" for node in prompt.values())
    assert len(list(stand_in.output_dir.rglob("*.*"))) == saved
    shutil.rmtree(stand_in.output_dir)
    for call in (1, steps[0] // 2, steps[0]):
        stop_at(monkeypatch, call)
        with pytest.raises(Stopped):
            stand_in.run(prompt)
        left = [path for path in stand_in.output_dir.rglob("*") if path.is_file()]
        assert len(left) < saved
        for path in left:
            assert video_shape(path)[0] == VIDEO_FRAMES
            path.unlink()
