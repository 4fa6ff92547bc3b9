"""The index of the templates, their thumbnails, their models and the page that lists them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from tests.host.model_nodes import FILES, GRAPHS
from tests.host.pack import ROOT
from tests.host.tiny_weights import WEIGHTED
from tests.host.workflow_table import INDEX, PAGE, page

MODELS_PAGE = ROOT / "docs" / "models.md"
DEPTH_FOLDER = "Depth-Anything-V2-Small-hf"
FOLDER = ROOT / "workflows"
ENTRIES = json.loads(INDEX.read_text(encoding="utf-8"))
NAMES = [entry["name"] for entry in ENTRIES]
OURS = "MotionPrompting"


def drawn(name: str) -> dict[str, Any]:
    """A workflow as the page opens it."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_the_index_names_every_workflow_once_and_begins_with_the_first_step() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in FOLDER.glob("*.json"))
    assert NAMES[0] == "draw_motion"
    needy = [entry["name"] for entry in ENTRIES if entry.get("needs_models")]
    assert set(needy) == {*GRAPHS, *WEIGHTED}
    assert NAMES[-len(needy) :] == needy, "what runs now comes first"
    titles = [entry["title"] for entry in ENTRIES]
    assert len(set(titles)) == len(titles)
    assert all(entry["description"].endswith(".") for entry in ENTRIES)


@pytest.mark.parametrize("name", NAMES)
def test_thumbnails_are_square_and_move(name: str) -> None:
    path = FOLDER / f"{name}.webp"
    assert path.stat().st_size < 250_000
    with Image.open(path) as image:
        assert image.size == (256, 256) and image.n_frames > 1
        first = image.convert("RGB").tobytes()
        moving = False
        for frame in range(1, image.n_frames):
            image.seek(frame)
            moving = moving or image.convert("RGB").tobytes() != first
    assert moving


@pytest.mark.parametrize("name", [name for name in NAMES if name in GRAPHS])
def test_the_host_can_offer_every_model(name: str) -> None:
    for node in drawn(name)["nodes"]:
        kinds = {folder for (kind, _), folder in FILES.items() if kind == node["type"]}
        if not kinds:
            continue
        models = node["properties"].get("models", [])
        files = [
            value
            for value in node["widgets_values"]
            if isinstance(value, str) and value.endswith(".safetensors")
        ]
        assert [model["name"] for model in models] == files, node["type"]
        for model in models:
            assert model["directory"] in kinds
            assert model["url"].startswith("https://huggingface.co/")
            assert model["url"].endswith(f"/{model['name']}") and "/resolve/" in model["url"]
            assert model.keys() <= {"name", "url", "directory", "hash", "hash_type"}


def listed_files() -> dict[str, tuple[str, str, float]]:
    """Folder, repository and gigabytes of every file in the table of docs/models.md."""
    text = MODELS_PAGE.read_text(encoding="utf-8")
    table = text.split("| file | folder | from | GB |", 1)[1].split("\n\n", 1)[0]
    files: dict[str, tuple[str, str, float]] = {}
    repository = ""
    for row in table.splitlines()[2:]:
        file, folder, source, size = (cell.strip() for cell in row.strip("|").split("|"))
        repository = repository if source == "the same" else source.split("`")[1]
        files[file.split("`")[1]] = (folder.strip("`"), repository, float(size))
    return files


@pytest.mark.parametrize("name", [name for name in NAMES if name in GRAPHS])
def test_the_page_and_the_label_agree_with_the_files(name: str) -> None:
    """The same folder and repository on the page as in the workflow; the label is the sum."""
    listed = listed_files()
    nodes = drawn(name)["nodes"]
    offered = {
        model["name"]: model for node in nodes for model in node["properties"].get("models", [])
    }
    for file, model in offered.items():
        folder, repository, _ = listed[file]
        assert model["directory"] == folder, file
        assert model["url"].startswith(f"https://huggingface.co/{repository}/resolve/"), file
    loaded = set(offered)
    if any(node["type"] == f"{OURS}EstimateDepth" for node in nodes):
        loaded.add(DEPTH_FOLDER)
    (label,) = (entry["gigabytes"] for entry in ENTRIES if entry["name"] == name)
    assert label == round(sum(listed[file][2] for file in loaded))


@pytest.mark.parametrize("name", NAMES)
def test_workflows_open_below_the_menu(name: str) -> None:
    """At a scale at which the canvas shows texts, with the first node under the bars."""
    workflow = drawn(name)
    view = workflow["extra"]["ds"]
    scale, (left, top) = view["scale"], view["offset"]
    corner = [min(node["pos"][axis] for node in workflow["nodes"]) for axis in (0, 1)]
    assert scale >= 0.6
    assert 60 <= (corner[0] + left) * scale <= 140
    assert 90 <= (corner[1] + top - 30) * scale <= 180


def test_the_page_lists_what_the_index_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: python -m tests.host.workflow_table"
