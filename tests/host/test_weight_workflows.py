"""The workflows that sample with the authors' weights, run end to end with small ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.host.pack import ROOT
from tests.host.prompt import WorkflowError
from tests.host.test_workflows import FOLDER, api, node_of, video_shape
from tests.host.tiny_weights import SMALL, WEIGHTED, WRITERS, small

pytestmark = pytest.mark.slow

SAMPLER = "MotionPromptingTrackSampler"


def saved_video(host: Any, run: Any, node_id: str) -> Path:
    """The file that a SaveVideo node wrote."""
    (shown,) = run.ui[node_id]["images"]
    return host.output_dir / shown["subfolder"] / shown["filename"]


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_workflow_runs_end_to_end(host: Any, name: str) -> None:
    WRITERS[name](host.models_dir)
    prompt = small(api(name), name)
    run = host.run(prompt)
    frames, width, height = SMALL[name]
    videos = [key for key, node in prompt.items() if node["class_type"] == "SaveVideo"]
    assert len(videos) == 2
    for node_id in videos:
        assert video_shape(saved_video(host, run, node_id)) == (frames, height, width, 3)


@pytest.mark.parametrize("name", WEIGHTED)
def test_tracks_steer_and_a_run_can_be_repeated(stand_in: Any, name: str) -> None:
    WRITERS[name](stand_in.models_dir)
    prompt = small(api(name), name)
    needed = needed_by(prompt, node_of(prompt, SAMPLER))
    sampler = node_of(prompt, SAMPLER)

    def frames(**changed: Any) -> np.ndarray:
        inputs = needed[sampler]["inputs"] | {"steps": 1} | changed
        # One pass per step where no node says how many.
        inputs |= {} if "guidance" in inputs else {"text_guidance": 1.0}
        asked = needed | {sampler: {**needed[sampler], "inputs": inputs}}
        shown = {"class_type": "PreviewImage", "inputs": {"images": [sampler, 0]}}
        return stand_in.run(asked | {"shown": shown}).outputs[sampler][0].numpy()

    steered = frames()
    assert np.isfinite(steered).all() and 0 <= steered.min() <= steered.max() <= 1
    assert np.array_equal(steered, frames())
    assert not np.array_equal(steered, frames(strength=0.0))


@pytest.mark.parametrize("name", WEIGHTED)
def test_without_the_files_the_first_one_missing_is_named(stand_in: Any, name: str) -> None:
    with pytest.raises(WorkflowError, match=r"(?s)LoadTrackModel.*there|needs .* in .*models"):
        stand_in.run(small(api(name), name))


@pytest.mark.parametrize("name", WEIGHTED)
def test_note_and_page_tell_what_to_download(name: str) -> None:
    drawn = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    notes = "\n".join(
        node["widgets_values"][0] for node in drawn["nodes"] if "Note" in node["type"]
    )
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert "Licence: " in notes and f"`{name}.json`" in page
    places = {"model.folder", "model.base", "model.checkpoint", "file"}
    for node in api(name).values():
        for key, value in node["inputs"].items():
            if key in places and value:
                for part in value.split("/"):
                    assert part in notes and part in page, f"{key}: {part}"


def needed_by(prompt: dict[str, Any], node_id: str) -> dict[str, Any]:
    """A node and all that leads to it."""
    found = {node_id: prompt[node_id]}
    for value in prompt[node_id]["inputs"].values():
        if isinstance(value, list):
            found |= needed_by(prompt, value[0])
    return found
