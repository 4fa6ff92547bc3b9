"""The families in the graph: what loads, what is refused, and what reaches the sampler."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.host.pack import pack_module
from tests.host.runner import StandInHost
from tests.host.test_workflows import api, node_of
from tests.host.tiny_weights import SMALL, WEIGHTED, WRITERS, write_animatediff

from .comfy import Cancelled, comfy_bar

pytestmark = pytest.mark.slow

LOAD, SAMPLER = "MotionPromptingLoadTrackModel", "MotionPromptingTrackSampler"
LORA, MASK = "MotionPromptingImageConductorLora", "MotionPromptingMotionMask"
FREE, CONTROL = "MotionPromptingCameraFreeGuidance", "MotionPromptingLoadTrackControlNet"
STEPS = {"image_conductor": 25, "motionpro": 25, "wan_track_controlnet": 40}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with small weights of every family."""
    folder = tmp_path_factory.mktemp("families")
    for write in WRITERS.values():
        write(folder)
    return folder


@pytest.fixture
def nodes(host: StandInHost, files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    import folder_paths

    torch.set_num_threads(1)
    monkeypatch.setattr(folder_paths, "models_dir", str(files))
    yield host.nodes


def widgets(name: str, **changed: Any) -> dict[str, Any]:
    """What the workflow's loader says, as the host hands it over."""
    prompt = api(name)
    settings = prompt[node_of(prompt, LOAD)]["inputs"]
    return {key.removeprefix("model."): value for key, value in settings.items()} | changed


@cache
def _loaded(node: Any, name: str, models: str, changed: tuple[Any, ...]) -> Any:
    return node.execute(widgets(name, **dict(changed))).args[0]


def load(nodes: Any, name: str, **changed: Any) -> Any:
    """A loaded model, once for all tests: nodes change no model, they make new ones."""
    import folder_paths

    return _loaded(nodes[LOAD], name, folder_paths.models_dir, tuple(sorted(changed.items())))


def run(nodes: Any, name: str, model: Any, /, **changed: Any) -> Any:
    frames, width, height = SMALL[name]
    start = torch.tensor([[20.5, 20.5], [30.5, 12.5]])
    way = torch.linspace(0, 1, frames)[:, None, None] * torch.tensor([9.0, -6.0])
    tracks = {
        "track_path": start + way,
        "track_visibility": torch.ones(frames, 2, dtype=torch.bool),
        "canvas": (width, height),
    }
    image = torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(0))
    asked = {"steps": 1, "seed": 0, "strength": 1.0, "motion_guidance": 1.0} | changed
    # One pass per step, unless the test is about guidance.
    asked.setdefault("text_guidance", 0.0 if "guidance" in changed else 1.0)
    given = {"model": model, "image": image, "tracks": tracks, "start": 0.0, "end": 1.0}
    return nodes[SAMPLER].execute(**(given | asked)).args[0]


def settings(model: Any, **asked: Any) -> Any:
    """The Sampling that the widgets make, at what is their default in the graph."""
    sampler = pack_module("nodes.track_sampler")
    plain = {"steps": 0, "seed": 3, "strength": 1.0, "motion_guidance": 1.0}
    return sampler.sampling(model, sampler.Widgets(**(plain | asked)))


def weights_of(guidance: Any) -> dict[tuple[bool, bool, str | None], float]:
    """How much of each prediction counts, measured: one prediction 1, the others 0."""
    found = {}
    for place, branch in enumerate(guidance.branches):
        given = [torch.zeros(1, 4) for _ in guidance.branches]
        given[place] += 1
        last = float(guidance.combine(given)[0, -1])
        found[(branch.text, branch.control, branch.adapter)] = last
    return found


FULL, UNCONDITIONAL, UNSTEERED = (True, True, None), (False, True, None), (True, False, None)


def near(wanted: dict[Any, float]) -> Any:
    return pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("name", WEIGHTED)
def test_what_is_left_open_is_as_the_authors_sample(nodes: Any, name: str) -> None:
    model = load(nodes, name)
    if name == "wan_track_controlnet":
        model = nodes[CONTROL].execute(model, "wan-track-controlnet.safetensors").args[0]
    made = settings(model)
    assert (made.steps, made.seed) == (STEPS[name], 3)
    # Wan came without its text encoder: two passes would be the same one twice.
    scale = {"image_conductor": 7.5, "motionpro": 2.5, "wan_track_controlnet": None}[name]
    wanted = {FULL: 1.0} if scale is None else {UNCONDITIONAL: 1.0 - scale, FULL: scale}
    assert weights_of(made.guidance) == near(wanted)
    both = {**wanted, UNSTEERED: -1.0, FULL: wanted[FULL] + 1.0}
    assert weights_of(settings(model, motion_guidance=2.0).guidance) == near(both)
    assert settings(model, steps=3).steps == 3
    assert weights_of(settings(model, text_guidance=1.0).guidance) == near({FULL: 1.0})


def test_motionpro_grows_its_guidance_over_the_frames(nodes: Any) -> None:
    guidance = settings(load(nodes, "motionpro"), text_guidance=4.0).guidance
    without, full = torch.zeros(1, 4), torch.ones(1, 4)
    assert torch.allclose(guidance.combine([without, full]), torch.tensor([[1.0, 2.0, 3.0, 4.0]]))


@pytest.mark.parametrize(("text", "trajectory"), [(7.5, 7.5), (7.5, 2.0), (1.0, 1.0)])
def test_camera_free_guidance_is_equation_5(nodes: Any, text: float, trajectory: float) -> None:
    plan = nodes[FREE].execute(text, trajectory).args[0]
    blank, bare, moved = torch.randn(3, 5, generator=torch.Generator().manual_seed(1)).double()
    wanted = blank + text * (bare - blank) + trajectory * (moved - bare)
    values = {(False, None): blank, (True, None): bare, (True, "object"): moved}
    given = [values[(branch.text, branch.adapter)] for branch in plan.weighting.branches]
    assert torch.allclose(plan.weighting.combine(given), wanted)


def test_camera_free_guidance_joins_others_and_runs(nodes: Any) -> None:
    guidance = pack_module("motion_core.guidance.plan").GuidancePlan
    reference = types.SimpleNamespace()
    plan = nodes[FREE].execute(7.5, 7.5, guidance(latent_guidance=(reference,))).args[0]
    assert plan.latent_guidance == (reference,) and plan.weighting is not None
    with pytest.raises(ValueError, match="keep one of them"):
        nodes[FREE].execute(7.5, 7.5, plan)
    free = nodes[FREE].execute(7.5, 7.5).args[0]
    bare = nodes[LORA].execute(load(nodes, "image_conductor"), "none", 1.0).args[0]
    guided = run(nodes, "image_conductor", bare, guidance=free, prompt="a b")
    assert not torch.equal(guided, run(nodes, "image_conductor", bare, prompt="a b"))
    with pytest.raises(ValueError, match="Choose no motion for the control"):
        run(nodes, "image_conductor", load(nodes, "image_conductor"), guidance=free)


def test_a_guidance_that_a_family_cannot_give_is_refused(nodes: Any) -> None:
    free = nodes[FREE].execute(7.5, 7.5).args[0]
    for name in ("motionpro", "wan_track_controlnet"):
        with pytest.raises(ValueError, match="has none. Disconnect the guidance"):
            run(
                nodes,
                name,
                load(nodes, name, follow="ati") if "wan" in name else load(nodes, name),
                guidance=free,
            )
    with pytest.raises(ValueError, match=r"this wan reads none.*text encoder"):
        run(
            nodes,
            "wan_track_controlnet",
            load(nodes, "wan_track_controlnet", follow="ati"),
            text_guidance=5.0,
        )
    with pytest.raises(ValueError, match="set motion_guidance to 1 and text_guidance to 0"):
        run(
            nodes,
            "image_conductor",
            load(nodes, "image_conductor"),
            guidance=free,
            text_guidance=3.0,
        )


def test_the_lora_says_what_tracks_mean(nodes: Any) -> None:
    model = load(nodes, "image_conductor")
    assert (model.control.motion, model.adapters) == ("object", ("object", "camera"))

    def made(motion: str, strength: float = 1.0) -> torch.Tensor:
        chosen = nodes[LORA].execute(model, motion, strength).args[0]
        return run(nodes, "image_conductor", chosen)

    thing, camera, none = made("object"), made("camera"), made("none")
    assert torch.equal(thing, run(nodes, "image_conductor", model))
    assert not torch.equal(thing, camera) and not torch.equal(thing, none)
    assert torch.equal(made("camera", 0.0), none)
    for wrong in (load(nodes, "motionpro"), nodes[LOAD].execute({"model": "lite"}).args[0]):
        with pytest.raises(ValueError, match="no LoRA for the motion.*Choose image_conductor"):
            nodes[LORA].execute(wrong, "object", 1.0)
    with pytest.raises(ValueError, match="finite number"):
        nodes[LORA].execute(model, "object", math.nan)
    with pytest.raises(TypeError, match="connect Load Track Model"):
        nodes[LORA].execute("model", "object", 1.0)


def test_the_motion_mask_reaches_what_motionpro_reads(nodes: Any) -> None:
    model = load(nodes, "motionpro")
    painted = torch.zeros(1, 32, 32)
    painted[:, :8] = 1
    masked = nodes[MASK].execute(model, "drawn", painted).args[0]
    assert masked.control.settings.rule == "drawn" and model.control.brush is None
    family = pack_module("motion_core.models.svd.control")
    request = pack_module("motion_core.models.protocols").GenerationRequest
    canvas = request(torch.zeros(64, 64, 3), 16)
    brush = family.joined_brush(canvas, masked.control.brush)
    wanted = torch.zeros(64, 64, dtype=torch.bool)
    wanted[:16] = True
    assert torch.equal(brush, wanted)
    movable = torch.zeros(64, 64, dtype=torch.bool)
    movable[:, :4] = True
    canvas = request(torch.zeros(64, 64, 3), 16, movable=movable)
    assert torch.equal(family.joined_brush(canvas, masked.control.brush), wanted | movable)
    assert not torch.equal(run(nodes, "motionpro", masked), run(nodes, "motionpro", model))
    with pytest.raises(ValueError, match="motion mask is 32x16 but the canvas is 64x64"):
        run(nodes, "motionpro", nodes[MASK].execute(model, "drawn", torch.ones(1, 16, 32)).args[0])
    with pytest.raises(ValueError, match="rule must be one of"):
        nodes[MASK].execute(model, "somewhere")
    with pytest.raises(ValueError, match="reads no motion mask. Choose motionpro in"):
        nodes[MASK].execute(load(nodes, "image_conductor"), "drawn", painted)
    dense = load(nodes, "motionpro", weights="dense")
    assert dense.control.settings.is_dense
    with pytest.raises(ValueError, match="load the sparse weights"):
        nodes[MASK].execute(dense, "drawn", painted)


def test_wan_follows_its_tracks(nodes: Any) -> None:
    name = "wan_track_controlnet"
    plain = load(nodes, name)
    with pytest.raises(ValueError, match=r"follows no tracks yet. Connect Load Track-ControlNet"):
        run(nodes, name, plain)
    alone = run(nodes, name, plain, strength=0.0)
    for follow, shift in (("wan_move", 3.0), ("ati", 5.0)):
        model = load(nodes, name, follow=follow)
        assert model.model.scheduler().config.flow_shift == shift
        steered = run(nodes, name, model)
        assert not torch.equal(steered, run(nodes, name, model, strength=0.0))
    control = nodes[CONTROL].execute(plain, "wan-track-controlnet.safetensors").args[0]
    assert torch.equal(run(nodes, name, control, strength=0.0), alone)
    assert not torch.equal(run(nodes, name, control), alone)
    assert set(map(id, control.control.network.parameters())) < set(
        map(id, control.network.parameters())
    ), "the host moves the control too"
    with pytest.raises(ValueError, match="wan_move, ati, nothing; got 'birds'"):
        load(nodes, name, follow="birds")


def test_a_controlnet_is_for_its_family_alone(nodes: Any, files: Path) -> None:
    good = "wan-track-controlnet.safetensors"
    with pytest.raises(ValueError, match="image_conductor follows tracks by itself.*wan, animated"):
        nodes[CONTROL].execute(load(nodes, "image_conductor"), good)
    with pytest.raises(ValueError, match="weights of wan track-controlnet, not of motionpro track"):
        nodes[CONTROL].execute(load(nodes, "motionpro"), good)
    wan = load(nodes, "wan_track_controlnet")
    (files / "motion_prompting" / "other.safetensors").write_bytes(
        next((files / "diffusers").rglob("transformer/*.safetensors")).read_bytes()
    )
    with pytest.raises(ValueError, match="holds weights of wan, not of wan track-controlnet"):
        nodes[CONTROL].execute(wan, "other.safetensors")
    with pytest.raises(FileNotFoundError, match="none.safetensors"):
        nodes[CONTROL].execute(wan, "none.safetensors")
    with pytest.raises(ValueError, match="inside ComfyUI's"):
        nodes[CONTROL].execute(wan, "../secret.safetensors")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("image_conductor", {"folder": "nowhere"}, "needs unet.ckpt in .*nowhere"),
        ("image_conductor", {"folder": " "}, "needs folder: name the file or folder"),
        ("image_conductor", {"folder": "../ImageConductor"}, "inside ComfyUI's motion_prompting"),
        ("image_conductor", {"dtype": "int8"}, "dtype must be one of: auto, float32"),
        ("motionpro", {"checkpoint": "ImageConductor/unet.ckpt"}, "AnimateDiff or Image Conductor"),
        ("motionpro", {"checkpoint": "/etc/passwd"}, "inside ComfyUI's"),
        ("motionpro", {"base": "stable-diffusion-v1-5"}, "holds AutoencoderKL instead of"),
        ("motionpro", {"decode_at_once": 0}, "decode_at_once"),
        (
            "wan_track_controlnet",
            {"transformer": "MotionPro/MotionPro-gs_16k.pt"},
            "weights of motionpro, not of wan",
        ),
        ("wan_track_controlnet", {"folder": "C:\\Wan"}, "inside ComfyUI's"),
        ("wan_track_controlnet", {"folder": "gone"}, "there is no .*gone.model_index.json"),
    ],
)
def test_wrong_files_are_named(nodes: Any, name: str, change: Any, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        load(nodes, name, **change)


@pytest.mark.parametrize("name", WEIGHTED)
def test_half_precision_and_savers_of_memory_run(nodes: Any, name: str) -> None:
    saver = {"decode_at_once": 2} if name == "motionpro" else {"vae_tiling": True}
    model = (
        load(nodes, name, dtype="bfloat16", follow="ati", **saver)
        if "wan" in name
        else load(nodes, name, dtype="bfloat16", **saver)
    )
    dtypes = {weight.dtype for weight in model.network.parameters()}
    assert torch.bfloat16 in dtypes
    if name == "motionpro":
        assert model.model.settings.decode_at_once == 2
    else:
        assert vae_of(model).use_tiling and not vae_of(load(nodes, name)).use_tiling
    clip = run(nodes, name, model)
    assert clip.dtype == torch.float32 and bool(torch.isfinite(clip).all())


def vae_of(model: Any) -> Any:
    network = model.network
    return network["vae"] if "vae" in network else network["base"].vae


def test_animatediff_is_taught_by_a_track_controlnet(nodes: Any, files: Path) -> None:
    home = files / "motion_prompting"
    write_animatediff(home)
    given = {"model": "animatediff", "base": "sd.safetensors", "motion": "motion.safetensors"}
    settings = {
        "dtype": "auto",
        "vae_tiling": True,
        "lora": "",
        "lora_strength": 1.0,
        "tokenizer": "",
    }
    plain = nodes[LOAD].execute(given | settings | {"image": ""}).args[0]
    assert (plain.family, plain.control, plain.defaults.steps) == ("animatediff", None, 25)
    assert vae_of(plain).use_tiling
    with pytest.raises(ValueError, match="this animatediff follows no tracks yet"):
        run(nodes, "image_conductor", plain)
    steered = nodes[CONTROL].execute(plain, "tracks.safetensors").args[0]
    moved = run(nodes, "image_conductor", steered)
    assert not torch.equal(moved, run(nodes, "image_conductor", steered, strength=0.0))
    with pytest.raises(ValueError, match="of wan track-controlnet, not of animatediff"):
        nodes[CONTROL].execute(plain, "wan-track-controlnet.safetensors")
    with pytest.raises(ValueError, match="animatediff needs base and motion"):
        nodes[LOAD].execute({"model": "animatediff", "base": "", "motion": " "})


@pytest.mark.parametrize(
    ("name", "frames", "size", "message"),
    [
        ("image_conductor", 3, (70, 64), "multiples of 8 pixels; got 70x64"),
        ("image_conductor", 40, (72, 64), "makes up to 32 frames"),
        ("motionpro", 15, (64, 64), "makes 16 frames at once; the request wants 15"),
        ("motionpro", 16, (64, 48), "multiples of 64"),
        ("wan_track_controlnet", 6, (48, 32), "4n|5|9"),
        ("wan_track_controlnet", 5, (40, 32), "multiples of 16"),
    ],
)
def test_what_a_model_cannot_make_is_refused(
    nodes: Any, name: str, frames: int, size: tuple[int, int], message: str
) -> None:
    model = load(nodes, name, **({"follow": "ati"} if "wan" in name else {}))
    tracks = {
        "track_path": torch.full((frames, 1, 2), 20.0),
        "track_visibility": torch.ones(frames, 1, dtype=torch.bool),
        "canvas": size,
    }
    image = torch.zeros(1, size[1], size[0], 3)
    with pytest.raises(ValueError, match=message):
        run(nodes, name, model, tracks=tracks, image=image)


@pytest.mark.parametrize("name", WEIGHTED)
def test_every_family_shows_previews_and_stops(
    nodes: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = comfy_bar(monkeypatch)
    model = load(nodes, name, **({"follow": "ati"} if "wan" in name else {}))
    run(nodes, name, model, steps=2)
    assert len([picture for picture in shown if picture is not None]) == 2
    count = len(shown)
    shown.clear()
    shown.limit = count // 2  # type: ignore[attr-defined]
    with pytest.raises(Cancelled):
        run(nodes, name, model, steps=2)
    assert len(shown) == count // 2
