"""What every node promises: words, help, a workflow that shows it, a short execute, a stable id."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.host.pack import ROOT, pack_module, pack_nodes
from tests.host.prompt import sockets
from tests.host.runner import StandInHost
from tests.host.words import WORDS, all_words

# Ids never change once shipped: workflows in the wild name them.
NODE_IDS = {
    "MotionPromptingApplyTrackControlNet",
    "MotionPromptingCameraFreeGuidance",
    "MotionPromptingCameraPath",
    "MotionPromptingCameraToWanEmbedding",
    "MotionPromptingCameraTracks",
    "MotionPromptingCombineTracks",
    "MotionPromptingComposeMotion",
    "MotionPromptingContinueLatents",
    "MotionPromptingDepthMap",
    "MotionPromptingDraftMotion",
    "MotionPromptingDrawMotion",
    "MotionPromptingEditByDrag",
    "MotionPromptingEstimateDepth",
    "MotionPromptingEvaluateMotion",
    "MotionPromptingExpandMotion",
    "MotionPromptingFilterTracks",
    "MotionPromptingFollowMotion",
    "MotionPromptingFollowRegion",
    "MotionPromptingImageConductorLora",
    "MotionPromptingJoinWindows",
    "MotionPromptingLoadMotionSignal",
    "MotionPromptingLoadTrackControlNet",
    "MotionPromptingLoadTrackControlNetPatch",
    "MotionPromptingLoadTrackModel",
    "MotionPromptingLoadTracks",
    "MotionPromptingMagnifyMotion",
    "MotionPromptingMotionGuidance",
    "MotionPromptingMotionMask",
    "MotionPromptingMotionNoise",
    "MotionPromptingMotionTransferGuidance",
    "MotionPromptingMoftGuidance",
    "MotionPromptingMoftReference",
    "MotionPromptingMoftSimilarity",
    "MotionPromptingPoseMotion",
    "MotionPromptingPreviewTracks",
    "MotionPromptingRefineAlongReference",
    "MotionPromptingRetimeTracks",
    "MotionPromptingSaveCamera",
    "MotionPromptingSaveMotionSignal",
    "MotionPromptingSaveTracks",
    "MotionPromptingSeparateMotion",
    "MotionPromptingTrackSampler",
    "MotionPromptingTrackVideo",
    "MotionPromptingTrackWindow",
    "MotionPromptingTracksFromCoordinates",
    "MotionPromptingTracksInfo",
    "MotionPromptingTracksToControlVideo",
    "MotionPromptingTracksToCoordinates",
    "MotionPromptingTracksToWan",
    "MotionPromptingTransferMotion",
    "MotionPromptingTransformTracks",
}
HEAVY = ("diffusers", "transformers", "cv2", "kornia", "av", "PIL", "scipy", "torchvision")
MAX_EXECUTE_LINES = 25
MAX_IMPORT_RATIO = 1.15


def described_inputs(described: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict]]:
    """(name, options) of every input, those of choices and lists too."""
    for name, (_, options) in sockets(described):
        yield prefix + name, options
        for option in options.get("options", ()):
            if isinstance(option, Mapping):
                yield from described_inputs(option["inputs"], f"{prefix}{name}.")
        if "template" in options:
            yield from described_inputs(options["template"]["input"], f"{prefix}{name}.")


def test_ids_are_the_known_ones() -> None:
    modules = [node.__module__ for node in pack_module("nodes").NODES]
    assert set(pack_nodes()) == NODE_IDS
    assert len(modules) == len(NODE_IDS), "no id is used twice"


@pytest.mark.parametrize("name", sorted(NODE_IDS))
def test_every_socket_explains_itself(host: StandInHost, name: str) -> None:
    info = host.object_info()[name]
    for socket, options in described_inputs(info["input"]):
        assert len(options.get("tooltip", "")) > 12, f"{name}.{socket} has no tooltip"
        assert options["tooltip"].endswith("."), f"{name}.{socket}: a tooltip is a sentence"
    assert all(info["output_tooltips"]), f"{name}: an output has no tooltip"
    assert len(info["description"]) > 40
    assert info["category"].split("/")[0] == "Motion Prompting"
    assert len(info["search_aliases"]) >= 3


@pytest.mark.parametrize("name", sorted(NODE_IDS))
def test_numbers_have_bounds_and_defaults_within(host: StandInHost, name: str) -> None:
    for socket, options in described_inputs(host.object_info()[name]["input"]):
        if isinstance(options.get("default"), (int, float)) and "label_on" not in options:
            if isinstance(options["default"], bool):
                continue
            assert options["min"] <= options["default"] <= options["max"], f"{name}.{socket}"


@pytest.mark.parametrize("name", sorted(NODE_IDS))
def test_every_node_has_a_help_page_that_names_its_inputs(host: StandInHost, name: str) -> None:
    page = (ROOT / "web" / "docs" / f"{name}.md").read_text(encoding="utf-8")
    info = host.object_info()[name]
    assert page.startswith(f"# {info['display_name']}\n")
    for socket, options in described_inputs(info["input"]):
        word = socket.split(".")[-1]
        assert f"**{word}**" in page, f"the page does not explain {socket}"
        for option in options.get("options", ()):
            key = option["key"] if isinstance(option, Mapping) else None
            assert key is None or f"*{key}*" in page, f"the page does not explain {socket}={key}"
    for output in info["output_name"]:
        assert f"**{output}**" in page


def test_no_help_page_without_a_node() -> None:
    assert {path.stem for path in (ROOT / "web" / "docs").glob("*.md")} == NODE_IDS


def test_the_english_words_are_those_of_the_schemas() -> None:
    assert json.loads(WORDS.read_text(encoding="utf-8")) == all_words(), (
        "run python -m tests.host.words"
    )


def test_every_node_appears_in_a_workflow_with_a_thumbnail() -> None:
    shown = set()
    for path in (ROOT / "workflows").glob("*.json"):
        shown |= {node["type"] for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]}
        assert path.with_suffix(".jpg").exists(), f"{path.name} has no thumbnail"
        assert (path.parent / "api" / path.name).exists()
    assert shown >= NODE_IDS


def test_execute_is_a_sentence() -> None:
    for path in sorted((ROOT / "nodes").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "execute":
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= MAX_EXECUTE_LINES, f"{path.name}: execute has {length} lines"


def test_the_pack_has_one_way_in() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "NODE_CLASS_MAPPINGS" not in names, "ComfyUI would never call comfy_entrypoint"
    assert not [node for node in tree.body if isinstance(node, ast.Import)]


def test_hosts_without_search_aliases_still_get_every_schema(
    host: StandInHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from comfy_api.latest import io

    newer = io.Schema

    def older(**words: Any) -> Any:
        return newer(**words)

    older.__signature__ = _signature_without(newer, "search_aliases")  # type: ignore[attr-defined]
    monkeypatch.setattr(io, "Schema", older)
    assert all(info["search_aliases"] is None for info in _ours(host).values())
    monkeypatch.undo()
    assert all(info["search_aliases"] for info in _ours(host).values())


def _ours(host: StandInHost) -> dict[str, Any]:
    return {name: host.nodes[name].GET_NODE_INFO_V1() for name in NODE_IDS}


def _signature_without(schema: Any, word: str) -> Any:
    import inspect

    known = inspect.signature(schema)
    kept = [value for name, value in known.parameters.items() if name != word]
    return known.replace(parameters=kept)


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


# A full garbage collection walks all of torch's objects, and it is chance whether one falls into
# the time of the pack: those objects are taken out of it.
LOAD = """
import gc, sys, time
started = time.process_time()
import torch
torch_took = time.process_time() - started
from tests.host.pack import pack_nodes, use_stub
use_stub()
import comfy_api.latest
gc.freeze()
started = time.process_time()
nodes = pack_nodes()
pack_took = time.process_time() - started
"""


@pytest.mark.slow
def test_loading_the_pack_brings_nothing_heavy() -> None:
    loaded = python(LOAD + f"print(sorted(set({HEAVY!r}) & set(sys.modules)))")
    assert loaded == "[]"


def test_importing_the_top_module_brings_nothing_at_all() -> None:
    code = (
        "import sys, importlib.util as u\n"
        "spec = u.spec_from_file_location('pack', '__init__.py')\n"
        "module = u.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "print([name for name in ('torch', 'numpy', 'comfy_api', 'folder_paths') "
        "if name in sys.modules], module.WEB_DIRECTORY)"
    )
    assert python(code) == "[] ./web"


@pytest.mark.slow
def test_loading_the_pack_costs_little_beside_torch() -> None:
    """Torch alone against torch and the pack, in processor time, the best of five fresh starts."""
    runs = [python(LOAD + "print(torch_took, pack_took)").split() for _ in range(5)]
    torch_alone = min(float(took) for took, _ in runs)
    pack = min(float(took) for _, took in runs)
    ratio = (torch_alone + pack) / torch_alone
    assert ratio <= MAX_IMPORT_RATIO, f"{ratio:.3f} times the import of torch alone"


def test_missing_libraries_are_logged_when_the_pack_loads(
    host: StandInHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nodes = pack_module("nodes")
    asyncio.run(nodes.MotionPrompting().on_load())
    assert not caplog.records, "nothing is missing here"
    monkeypatch.setattr(nodes, "NEEDED", ("numpy", "no_such_library"))
    asyncio.run(nodes.MotionPrompting().on_load())
    (record,) = caplog.records
    assert "misses no_such_library." in record.getMessage()
    assert nodes.REQUIREMENTS.exists()
