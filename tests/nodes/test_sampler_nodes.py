"""Load Track Model, Track Sampler and Edit by Drag: what goes in, what comes out, what is said."""

from __future__ import annotations

import inspect
import sys
import types
from importlib import import_module
from typing import Any

import pytest
import torch

from motion_core.models.registry import families
from tests.host.pack import pack_module
from tests.host.runner import StandInHost

WIDTH, HEIGHT, FRAMES = 32, 24, 4


@pytest.fixture
def nodes(host: StandInHost) -> dict[str, Any]:
    return host.nodes


@pytest.fixture
def model(nodes: dict[str, Any]) -> Any:
    loaded = nodes["MotionPromptingLoadTrackModel"].execute({"model": "lite", "file": ""})
    return loaded.args[0]


def picture() -> torch.Tensor:
    return torch.rand(1, HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(0))


def tracks(by: float = 5.0) -> dict[str, Any]:
    start = torch.tensor([[6.0, 12.0], [16.0, 12.0], [26.0, 12.0]])
    way = torch.linspace(0, by, FRAMES)[:, None, None] * torch.tensor([1.0, 0.0])
    return {
        "track_path": start + way,
        "track_visibility": torch.ones(FRAMES, 3, dtype=torch.bool),
        "canvas": (WIDTH, HEIGHT),
        "ids": torch.tensor([7, 8, 9]),
        "fps": 12.0,
    }


def run(node: Any, model: Any, /, **changed: Any) -> Any:
    widgets = {"steps": 2, "seed": 0, "strength": 1.0, "motion_guidance": 1.0}
    if "Sampler" in node.GET_SCHEMA().node_id:
        widgets |= {"start": 0.0, "end": 1.0}
    given = widgets | {"model": model, "image": picture(), "tracks": tracks()} | changed
    return node.execute(**given)


def test_the_inputs_of_the_loader_are_the_settings_of_the_families(nodes: dict[str, Any]) -> None:
    (choice,) = nodes["MotionPromptingLoadTrackModel"].GET_SCHEMA().inputs
    known = families()
    assert [option.key for option in choice.options] == list(known)
    for option in choice.options:
        settings = known[option.key].settings
        assert [one.id for one in option.inputs] == [setting.name for setting in settings]


@pytest.mark.parametrize("name", families())
def test_the_settings_of_a_family_are_the_keywords_of_its_loader(name: str) -> None:
    family = families()[name]
    # Keyword-only parameters are for training and no settings.
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(_loader(family)).parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    }
    assert [setting.name for setting in family.settings] == list(parameters)
    for setting in family.settings:
        default = parameters[setting.name].default
        assert (default is inspect.Parameter.empty) == setting.is_required
        if setting.kind == "choice":
            assert default == setting.choices[0]
        elif setting.kind != "path":
            assert default == setting.default


def _loader(family: Any) -> Any:
    """What Family.load calls: load_model of the package's module load."""
    return import_module(f"{family.load.__module__}.load").load_model


def test_a_video_its_tracks_and_what_was_uncovered(nodes: Any, model: Any) -> None:
    made = run(nodes["MotionPromptingTrackSampler"], model)
    images, went, uncovered = made.args
    assert images.shape == (FRAMES, HEIGHT, WIDTH, 3) and torch.equal(images[:1], picture())
    assert uncovered.shape == (FRAMES, HEIGHT, WIDTH)
    assert went["canvas"] == (WIDTH, HEIGHT) and went["fps"] == 12.0
    assert went["ids"].tolist() == [7, 8, 9]
    moved = went["track_path"][-1] - went["track_path"][0]
    assert float(moved[:, 0].min()) > 2.5, "the points go where the tracks ask them to"
    assert "answers the tracks" in made.ui.as_dict()["text"][0], "the node says how it was made"
    reported = run(nodes["MotionPromptingTrackSampler"], model, prompt="a fox")
    assert "reads no text" in reported.ui.as_dict()["text"][0]
    assert torch.equal(reported.args[0], images)


def test_no_steps_are_the_models_own(nodes: Any, model: Any) -> None:
    sampler = nodes["MotionPromptingTrackSampler"]
    own, four = (run(sampler, model, steps=steps).args[0] for steps in (0, 4))
    assert torch.equal(own, four)


def test_an_edit_is_the_last_frame(nodes: Any, model: Any) -> None:
    images, _, uncovered = run(nodes["MotionPromptingTrackSampler"], model).args
    edited, mask = run(nodes["MotionPromptingEditByDrag"], model).args
    assert torch.equal(edited, images[-1:]) and torch.equal(mask, uncovered[-1:])


def test_strength_and_the_window_of_steps_reach_the_sampler(nodes: Any, model: Any) -> None:
    sampler = nodes["MotionPromptingTrackSampler"]
    still = picture().expand(FRAMES, -1, -1, -1)
    assert torch.equal(run(sampler, model, strength=0.0).args[0], still)
    # Without a base the steps after the window forget the tracks again.
    assert torch.equal(run(sampler, model, end=0.5).args[0], still)
    assert not torch.equal(run(sampler, model, start=0.5).args[0], still)
    once, twice = (
        run(sampler, model, motion_guidance=scale).args[1]["track_path"] for scale in (1.0, 2.0)
    )
    torch.testing.assert_close(twice - twice[:1], 2 * (once - once[:1]), atol=0.05, rtol=0.05)


class Wind:
    """A Steering that blows everything to the left, and remembers when."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def begin(self, model: Any, condition: Any, steps: int) -> Any:
        def guidance_step(latents: Any, timestep: Any, step: int, *_: Any) -> Any:
            self.steps.append(step)
            return latents

        return guidance_step


def test_a_guidance_plan_reaches_the_run(nodes: Any, model: Any) -> None:
    plan, linear = (pack_module(f"motion_core.guidance.{name}") for name in ("plan", "linear"))
    for name in ("TrackSampler", "EditByDrag"):
        wind = Wind()
        run(
            nodes[f"MotionPrompting{name}"],
            model,
            guidance=plan.GuidancePlan(latent_guidance=(wind,)),
        )
        assert wind.steps == [0, 1]
    sampler = nodes["MotionPromptingTrackSampler"]
    doubled = plan.GuidancePlan(linear.text_and_motion_guidance(1.0, 2.0))
    by_plan, by_widget = (
        run(sampler, model, guidance=doubled),
        run(sampler, model, motion_guidance=2.0),
    )
    assert torch.equal(by_plan.args[0], by_widget.args[0])
    with pytest.raises(ValueError, match="set motion_guidance to 1"):
        run(sampler, model, guidance=doubled, motion_guidance=2.0)
    with pytest.raises(TypeError, match="MOTION_GUIDANCE"):
        run(sampler, model, guidance="fast")


def test_a_mask_holds_what_is_black(nodes: Any, model: Any) -> None:
    sampler = nodes["MotionPromptingTrackSampler"]
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, :, :20] = 1
    moved = run(sampler, model, movable=mask).args[1]["track_path"]
    assert torch.equal(moved[-1, 2], moved[0, 2]) and not torch.equal(moved[-1, 0], moved[0, 0])
    with pytest.raises(ValueError, match="black everywhere"):
        run(sampler, model, movable=torch.zeros(1, HEIGHT, WIDTH))
    with pytest.raises(ValueError, match="other proportions"):
        run(sampler, model, movable=torch.ones(1, 64, 64))


def test_a_model_that_cannot_tell_is_measured(
    nodes: Any, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    decode = type(model.model).decode

    def silent(*given: Any, **words: Any) -> Any:
        return replace(decode(*given, **words), tracks=None, holes=None, notes=())

    monkeypatch.setattr(type(model.model), "decode", silent)
    made = run(nodes["MotionPromptingTrackSampler"], model)
    _, went, uncovered = made.args
    assert went["ids"].tolist() == [7, 8, 9] and went["track_path"].shape == (FRAMES, 3, 2)
    assert made.ui.as_dict() == {"text": ("",)}, "clears the notes of an earlier run"
    assert not uncovered.any() and uncovered.shape == (FRAMES, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "lite"}, TypeError, "connect Load Track Model"),
        ({"image": torch.zeros(1, 8, 8, 3)}, ValueError, "measured on 32x24"),
        ({"image": torch.zeros(0, HEIGHT, WIDTH, 3)}, ValueError, "at least one image"),
        ({"steps": -1}, ValueError, "steps"),
        ({"text_guidance": 5.0}, ValueError, "lite reads none"),
        ({"strength": -1.0}, ValueError, "strength"),
    ],
)
def test_mistakes_are_refused(
    nodes: Any, model: Any, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    for name in ("TrackSampler", "EditByDrag"):
        with pytest.raises(error, match=message):
            run(nodes[f"MotionPrompting{name}"], model, **change)


def test_files_are_looked_for_in_the_models_folder_alone(nodes: Any) -> None:
    load = nodes["MotionPromptingLoadTrackModel"].execute
    with pytest.raises(FileNotFoundError, match=r"motion_prompting.mine\.safetensors"):
        load({"model": "lite", "file": "mine.safetensors"})
    with pytest.raises(ValueError, match="inside ComfyUI's motion_prompting folder"):
        load({"model": "lite", "file": "../../secret.safetensors"})


class Cancelled(BaseException):
    """Like ComfyUI's InterruptProcessingException: not an Exception."""


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A comfy module with a bar that remembers, a cancel button, and live previews."""
    state = types.SimpleNamespace(shown=[], cancel_after=None, method="auto")

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.total = total

        def update_absolute(self, value: int, total: int, preview: Any = None) -> None:
            state.shown.append((value, total, preview))

    def throw() -> None:
        if state.cancel_after is not None and len(state.shown) >= state.cancel_after:
            raise Cancelled

    parts: dict[str, Any] = {
        "model_management": {"throw_exception_if_processing_interrupted": throw},
        "utils": {"ProgressBar": ProgressBar},
        "cli_args": {
            "LatentPreviewMethod": types.SimpleNamespace(NoPreviews="none"),
            "args": types.SimpleNamespace(preview_method="auto"),
        },
    }
    monkeypatch.setitem(sys.modules, "comfy", types.ModuleType("comfy"))
    for name, words in parts.items():
        module = types.ModuleType(f"comfy.{name}")
        vars(module).update(words)
        monkeypatch.setitem(sys.modules, f"comfy.{name}", module)
    state.args = parts["cli_args"]["args"]
    return state


def test_steps_are_shown_where_previews_are_on(nodes: Any, model: Any, comfy: Any) -> None:
    sampler = nodes["MotionPromptingTrackSampler"]
    run(sampler, model)
    pictures = [preview for _, _, preview in comfy.shown if preview is not None]
    assert [(kind, image.size, most) for kind, image, most in pictures] == [
        ("JPEG", (256, 192), 512)
    ] * 2
    assert comfy.shown[-1][:2] == (FRAMES, FRAMES), "the bar reaches its end"
    comfy.shown.clear()
    comfy.args.preview_method = "none"
    run(sampler, model)
    assert comfy.shown and all(preview is None for _, _, preview in comfy.shown)


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_cancel_stops_between_steps(nodes: Any, model: Any, comfy: Any, after: int) -> None:
    comfy.cancel_after = after
    with pytest.raises(Cancelled):
        run(nodes["MotionPromptingTrackSampler"], model)
    assert len(comfy.shown) == after
