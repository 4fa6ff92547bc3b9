"""Models in the host's hands, and what is said when memory runs out."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from tests.host.pack import pack_module
from tests.host.runner import StandInHost

from .comfy import put_comfy

WIDGETS = {"steps": 1, "seed": 0, "strength": 1.0, "motion_guidance": 1.0}


@pytest.mark.slow
def test_the_host_keeps_its_hand_on_a_model_as_long_as_it_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[Any] = []

    class ModelPatcher:
        def __init__(self, model: Any, load_device: Any, offload_device: Any) -> None:
            self.model = model

    parts: dict[str, dict[str, Any]] = {
        "model_management": {
            "get_torch_device": lambda: torch.device("cpu"),
            "unet_offload_device": lambda: torch.device("cpu"),
            "load_models_gpu": lambda models, **how: loaded.append((weakref.ref(models[0]), how)),
        },
        "model_patcher": {"ModelPatcher": ModelPatcher},
    }
    put_comfy(monkeypatch, parts)
    door = pack_module("nodes.host")
    model = torch.nn.Linear(2, 2)
    names = set(model.state_dict())
    assert door.on_device(model) is model and door.on_device(model) is model
    first, second = loaded
    gc.collect()
    assert first[0]() is second[0]() is not None, "one for both runs, and it lives between them"
    assert first[1] == {"force_full_load": True} and set(model.state_dict()) == names
    assert list(model.children()) == []
    del model
    gc.collect()
    assert first[0]() is None


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
        MemoryError(),
    ],
    ids=["graphics card", "processor", "python"],
)
def test_out_of_memory_frees_and_names_the_knobs(
    host: StandInHost, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[str] = []
    management = {
        "unload_all_models": lambda: freed.append("models"),
        "soft_empty_cache": lambda: freed.append("cache"),
        "throw_exception_if_processing_interrupted": lambda: None,
    }
    put_comfy(monkeypatch, {"model_management": management})
    model = host.nodes["MotionPromptingLoadTrackModel"].execute({"model": "lite"}).args[0]

    def full(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(type(model.model), "predict", full)
    image = torch.zeros(1, 32, 32, 3)
    tracks = {
        "track_path": torch.full((3, 1, 2), 20.0),
        "track_visibility": torch.ones(3, 1, dtype=torch.bool),
    }
    with pytest.raises(
        MemoryError, match="smaller image or a shorter clip.*dtype.*vae_tiling"
    ) as reported:
        host.nodes["MotionPromptingTrackSampler"].execute(model, image, tracks, **WIDGETS)
    assert freed == ["models", "cache"]
    assert reported.value.__context__ is None, "what was computed is not held any longer"


def test_other_errors_are_passed_on() -> None:
    door = pack_module("nodes.host")

    def wrong() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        door.within_memory(wrong)
    assert door.within_memory(lambda: 3) == 3
