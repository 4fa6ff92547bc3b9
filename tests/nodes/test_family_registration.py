"""A family registers itself: its module and one line are enough to load, detect and sample it."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.host.pack import pack_module
from tests.host.runner import StandInHost

LOADER = "MotionPromptingLoadTrackModel"


def declare(models: str) -> types.ModuleType:
    """A module that exposes FAMILY, for the core as imported under the package name `models`."""
    track_model = sys.modules[f"{models}.track_model"]
    signature = sys.modules[f"{models}.signature"]

    def load(file: Path, scale: float = 1.0, mode: str = "plain") -> Any:
        network = torch.nn.Linear(1, 1)
        return track_model.TrackModel("toy", (file, scale, mode), None, network)

    module = types.ModuleType("toy_family")
    module.FAMILY = track_model.Family(  # type: ignore[attr-defined]
        "toy",
        load,
        settings=(
            track_model.Setting("file", "path", "A file.", "toy.safetensors", is_required=True),
            track_model.Setting("scale", "number", "A scale.", 1.0, limits=(0.0, 4.0, 0.5)),
            track_model.Setting("mode", "choice", "A mode.", choices=("plain", "fancy")),
        ),
        signatures=(signature.Signature("toy weights", lambda shapes: "toy.weight" in shapes),),
        with_tracks=lambda model, file: model,
        traits=frozenset({"motion_mask"}),
        aliases=("plaything",),
    )
    return module


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The pack's registry with the toy family, registered by the path of its module."""
    registry = pack_module("motion_core.models.registry")
    monkeypatch.setitem(sys.modules, "toy_family", declare(registry.__package__))
    monkeypatch.setattr(registry, "FAMILY_MODULES", [*registry.FAMILY_MODULES, "toy_family"])
    yield registry


def test_a_new_family_is_offered_by_load_track_model_and_loads(
    registry: Any, host: StandInHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import folder_paths

    node = host.nodes[LOADER]
    schema = node.define_schema()
    option = schema.inputs[0].options[-1]
    assert option.key == "toy"
    file, scale, mode = option.inputs
    assert (file.id, file.default) == ("file", "toy.safetensors")
    assert (scale.id, scale.default, scale.min, scale.max, scale.step) == (
        "scale",
        1.0,
        0.0,
        4,
        0.5,
    )
    assert (mode.id, list(mode.options)) == ("mode", ["plain", "fancy"])
    assert "plaything" in schema.search_aliases
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    widgets = {"model": "toy", "file": " toy.safetensors ", "scale": 2.0, "mode": "fancy"}
    loaded = node.execute(widgets).args[0]
    place = tmp_path / "motion_prompting" / "toy.safetensors"
    assert (loaded.family, loaded.model) == ("toy", (place, 2.0, "fancy"))
    with pytest.raises(ValueError, match="toy needs file: name the file or folder"):
        node.execute(widgets | {"file": " "})


def test_its_weights_are_detected_and_named_in_errors(registry: Any, tmp_path: Path) -> None:
    detect = import_module(f"{registry.__package__}.detect")
    file = tmp_path / "x.safetensors"
    save_file({"module.toy.weight": torch.zeros(1)}, file)
    assert detect.detect_file(file) == "toy weights"
    with pytest.raises(ValueError, match="no model that is known here.*toy weights"):
        detect.detect_kind(["strange.weight"])
    wan = import_module(f"{registry.__package__}.wan.signatures")
    with pytest.raises(ValueError, match="holds weights of toy weights, not of wan;"):
        detect.check_kind(file, wan.TRANSFORMER)


def test_it_is_named_where_families_are_listed(registry: Any, host: StandInHost) -> None:
    assert registry.families_with("motion_mask") == ["motionpro", "toy"]
    schema = host.nodes["MotionPromptingLoadTrackControlNet"].define_schema()
    assert "For the families motionpro, wan, animatediff, toy;" in schema.description
    assert "toy" in str(pytest.raises(ValueError, registry.load_track_model, "birds").value)


def test_two_families_of_one_name_are_refused(registry: Any) -> None:
    registry.FAMILY_MODULES.append("toy_family")
    with pytest.raises(ValueError, match="the family 'toy' a second time"):
        registry.families()
