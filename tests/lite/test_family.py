"""Lite through the sampling loop: control, seeds, movable pixels, notes, and files of weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import CanvasError, FormatError
from motion_core.evaluation.cases import World, case_of, scene_at
from motion_core.evaluation.field_errors import track_error
from motion_core.evaluation.methods import SampledLite
from motion_core.fields.densifier import Densifier
from motion_core.geometry import Size
from motion_core.guidance import camera_free, text_and_motion_guidance
from motion_core.layered_scenes.scenes import Split
from motion_core.models.lite.control import LiteControl
from motion_core.models.lite.densifier import LiteDensifier
from motion_core.models.lite.family import SHIFT, LiteFamily
from motion_core.models.lite.lite import Lite
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.weights import KIND
from motion_core.models.protocols import GenerationRequest, GenerationResult
from motion_core.models.registry import load_track_model
from motion_core.sampling import ControlSchedule, Sampling, Watch, sample
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

from .models import (
    BASE,
    SIZES,
    lite_with_control,
    lite_without_base,
    picture,
    tiny_lite,
    wandering,
)

SIZE = Size(60, 40)
FRAMES = BASE.frames
QUICK = Sampling(2, seed=4)
UNWATCHED = Watch()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def generate(
    lite: Lite,
    tracks: Tracks,
    settings: Sampling = QUICK,
    watch: Watch = UNWATCHED,
    *,
    steered: bool = True,
    **request: object,
) -> GenerationResult:
    wanted = GenerationRequest(picture(*tracks.size), tracks.num_frames, **request)  # type: ignore[arg-type]
    control = LiteControl(lite) if steered else None
    return sample(LiteFamily(lite), control, wanted, tracks, settings, watch)


def shifted(by: tuple[float, float], frames: int = FRAMES, size: Size = SIZE) -> Tracks:
    """A grid of points that all go the same way."""
    x, y = torch.meshgrid(torch.arange(5.0, 60, 10), torch.arange(5.0, 40, 10), indexing="xy")
    start = torch.stack([x, y], dim=-1).view(1, -1, 2)
    way = torch.linspace(0, 1, frames)[:, None, None] * torch.tensor(by)
    return make_tracks(start + way, size)


def motion(result: GenerationResult) -> torch.Tensor:
    assert result.tracks is not None
    return result.tracks.xy - result.tracks.xy[:1]


def same(first: GenerationResult, second: GenerationResult) -> bool:
    assert first.holes is not None and second.holes is not None
    return torch.equal(first.frames, second.frames) and torch.equal(first.holes, second.holes)


def test_at_its_start_control_changes_nothing_bit_for_bit() -> None:
    tracks = wandering(FRAMES, 7, SIZE)
    fresh = lite_with_control(gain=0.0)
    assert same(generate(fresh, tracks), generate(fresh, tracks, steered=False))
    trained = lite_with_control(gain=0.5)
    assert not same(generate(trained, tracks), generate(trained, tracks, steered=False))


@pytest.mark.parametrize("lite", [tiny_lite(), lite_with_control(gain=0.5), lite_without_base()])
def test_nothing_to_follow_is_the_base(lite: Lite) -> None:
    tracks = wandering(FRAMES, 7, SIZE)
    hidden = replace(tracks, visible=torch.zeros_like(tracks.visible))
    alone = generate(lite, empty_tracks(FRAMES, SIZE), steered=False)
    assert same(generate(lite, empty_tracks(FRAMES, SIZE)), alone)
    assert same(generate(lite, hidden), alone)
    off = replace(QUICK, schedule=ControlSchedule(strength=0.0))
    assert same(generate(lite, tracks, off), alone)
    assert "No track is ever visible" in generate(lite, hidden).notes[-1]


def test_weightless_tracks_are_the_base() -> None:
    """Control is evaluated then, and must add nothing."""
    for lite in (tiny_lite(), lite_with_control(gain=0.5)):
        family, control = LiteFamily(lite), LiteControl(lite)
        condition = family.condition(GenerationRequest(picture(*SIZE), FRAMES))
        prepared = control.prepare(wandering(FRAMES, 3, SIZE), torch.zeros(3), condition)
        latents, timestep = family.noise(condition, torch.Generator()), torch.tensor(700.0)
        added = control.residuals(prepared, latents, timestep, condition)
        branch = QUICK.guidance.branches[0]
        calls = [(branch, None), (branch, added)]
        plain, steered = family.predict(latents, timestep, condition, calls)
        assert torch.equal(plain, steered)


def test_without_a_base_nothing_moves_by_itself_and_the_seed_does_nothing() -> None:
    lite = lite_without_base()
    still = generate(lite, empty_tracks(FRAMES, SIZE))
    assert all(torch.equal(frame, picture(*SIZE)) for frame in still.frames)
    assert still.holes is not None and not still.holes.any()
    tracks = wandering(FRAMES, 7, SIZE)
    assert same(
        generate(lite, tracks, Sampling(2, seed=1)), generate(lite, tracks, Sampling(2, seed=2))
    )


def test_the_base_gives_every_seed_its_own_result_reproducibly() -> None:
    lite, tracks = lite_with_control(gain=0.5), wandering(FRAMES, 7, SIZE)
    first, again = (generate(lite, tracks, Sampling(3, seed=1)) for _ in range(2))
    assert same(first, again)
    assert not same(first, generate(lite, tracks, Sampling(3, seed=2)))


@pytest.mark.parametrize(
    ("lite", "words"),
    [
        (lite_without_base(), ["answers the tracks directly"]),
        (tiny_lite(), ["no control branch"]),
        (lite_with_control(gain=0.0), []),
    ],
)
def test_notes_say_how_the_result_was_made(
    lite: Lite, words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        result = generate(lite, wandering(FRAMES, 3, SIZE))
    assert len(result.notes) == len(words)
    for note, word in zip(result.notes, words, strict=True):
        assert word in note and note in caplog.text


@pytest.mark.parametrize("frames", [1, 2, 9])
@pytest.mark.parametrize("lite", [lite_with_control(gain=0.5), lite_without_base()])
def test_any_length_is_served_and_a_resampled_one_says_so(lite: Lite, frames: int) -> None:
    result = generate(lite, wandering(frames, 4, SIZE))
    assert result.frames.shape == (frames, 40, 60, 3)
    assert torch.equal(result.frames[0], picture(*SIZE))
    assert ("resampled in time" in " ".join(result.notes)) == (lite.base is not None)


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_the_encoders_field_does_not_depend_on_steps(steps: int) -> None:
    tracks = wandering(FRAMES, 9, SIZE)
    for lite in (lite_without_base(), tiny_lite(), lite_with_control(gain=0.0, sure=20.0)):
        field = lite.field(picture(*SIZE), tracks)
        result = generate(lite, tracks, Sampling(steps, seed=6))
        plain = sample(
            LiteFamily(lite_without_base()),
            LiteControl(lite_without_base()),
            GenerationRequest(picture(*SIZE), FRAMES),
            tracks,
            Sampling(1),
        )
        torch.testing.assert_close(motion(result), motion(plain), atol=2e-3, rtol=0)
        assert float(motion(result).abs().max()) <= float(field.displacement.abs().max()) * 1.5


def test_a_field_that_moves_as_one_is_followed_by_every_point() -> None:
    """All tracks agree, so every point moves their way, less what the gate leaves at rest."""
    moved = motion(generate(lite_without_base(), shifted((9.0, -3.0))))[-1]
    way = torch.nn.functional.normalize(torch.tensor([9.0, -3.0]), dim=0)
    along = moved @ way
    assert float((moved - along[:, None] * way).abs().max()) < 0.3
    assert float(along.min()) > 4


@pytest.mark.slow
@pytest.mark.parametrize("count", ["4", "64"])
def test_more_steps_follow_tracks_no_worse(count: str) -> None:
    """The shipped weights on four validation scenes. A tenth of leeway: the base adds motion of its
    own between the cells."""
    lite = load_lite()
    cases = [
        case_of(scene_at(World.OURS, Split.VALIDATION, index), index, count, seed=0)
        for index in range(4)
    ]

    def error(densifier: Densifier) -> float:
        return sum(
            track_error(densifier(case.image, case.tracks).displacement, case.tracks)
            for case in cases
        )

    once = error(LiteDensifier(lite))
    assert error(SampledLite(lite, 1)) <= 1.02 * once
    assert error(SampledLite(lite, 6)) <= 1.1 * once


def test_motion_guidance_and_strength_scale_what_tracks_do() -> None:
    """Nothing moves without tracks here, so twice the difference is twice the motion."""
    lite, tracks = lite_without_base(), shifted((4.0, 2.0))
    once = motion(generate(lite, tracks))
    guided = replace(QUICK, guidance=text_and_motion_guidance(1.0, 2.0))
    doubled = replace(QUICK, schedule=ControlSchedule(strength=2.0))
    halved = replace(QUICK, schedule=ControlSchedule(strength=0.5))
    torch.testing.assert_close(
        motion(generate(lite, tracks, guided)), 2 * once, atol=0.02, rtol=0.02
    )
    torch.testing.assert_close(
        motion(generate(lite, tracks, doubled)), 2 * once, atol=0.02, rtol=0.02
    )
    torch.testing.assert_close(
        motion(generate(lite, tracks, halved)), once / 2, atol=0.02, rtol=0.02
    )


@pytest.mark.parametrize("lite", [lite_with_control(gain=0.5), lite_without_base()])
def test_what_may_not_move_stays(lite: Lite) -> None:
    tracks = shifted((6.0, 0.0))
    movable = torch.zeros(40, 60, dtype=torch.bool)
    movable[:, :30] = True
    result = generate(lite, tracks, movable=movable)
    fixed = tracks.xy[0, :, 0] >= 30
    assert not motion(result)[:, fixed].any()
    assert float(motion(result)[-1, ~fixed].norm(dim=-1).min()) > 0
    if lite.base is None:
        # Nothing goes farther than the tracks, so nothing can cover the right rim.
        rim = picture(*SIZE)[:, 40:].expand(FRAMES, -1, -1, -1)
        torch.testing.assert_close(result.frames[:, :, 40:], rim, atol=1e-5, rtol=0)
    none = generate(lite, tracks, movable=torch.zeros_like(movable))
    assert all(torch.equal(frame, picture(*SIZE)) for frame in none.frames)


def test_one_pixel_that_may_move_is_not_lost() -> None:
    movable = torch.zeros(40, 60, dtype=torch.bool)
    movable[17, 33] = True
    tracks = make_tracks(torch.tensor([33.5, 17.5]) + torch.arange(5.0)[:, None, None], SIZE)
    assert float(motion(generate(lite_without_base(), tracks, movable=movable))[-1].norm()) > 1


def test_the_last_frame_alone_is_the_last_of_all() -> None:
    tracks = wandering(FRAMES, 7, SIZE)
    lite = lite_without_base()
    whole, last = generate(lite, tracks), generate(lite, tracks, last_only=True)
    assert last.frames.shape == (1, 40, 60, 3)
    assert torch.equal(last.frames[0], whole.frames[-1])
    assert last.holes is not None and whole.holes is not None
    assert torch.equal(last.holes[0], whole.holes[-1])
    assert torch.equal(motion(last), motion(whole))


class StoppedByUser(Exception):
    """What a host raises from progress."""


@pytest.mark.parametrize("call", [1, 2, 5])
def test_a_stop_anywhere_is_passed_on_and_harms_nothing(call: int) -> None:
    lite, tracks = lite_with_control(gain=0.5), wandering(FRAMES, 5, SIZE)
    before = generate(lite, tracks)
    calls = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == call:
            raise StoppedByUser

    with pytest.raises(StoppedByUser):
        generate(lite, tracks, watch=Watch(progress=stop))
    assert len(calls) == call
    assert same(generate(lite, tracks), before)


def test_previews_are_pictures_of_the_motion() -> None:
    previews: list[torch.Tensor] = []

    def preview(step: int, draw: Callable[[], torch.Tensor]) -> None:
        previews.append(draw())

    generate(lite_without_base(), shifted((8.0, 0.0)), watch=Watch(preview=preview))
    assert [tuple(one.shape) for one in previews] == [(171, 256, 3)] * 2
    # To the right is red; a picture of noise is as grey as it gets.
    red, green, blue = previews[-1].mean(dim=(0, 1)).tolist()
    assert red > green + 0.1 and red > blue + 0.1
    assert float(previews[-1].min()) >= 0 and float(previews[-1].max()) <= 1


def test_late_and_hidden_points_and_points_outside() -> None:
    tracks = shifted((5.0, 0.0))
    visible = tracks.visible.clone()
    visible[:3, 0] = False
    visible[:, 1] = False
    xy = tracks.xy.clone()
    xy[:, 2] = torch.tensor([-500.0, 20.0])
    result = generate(lite_without_base(), replace(tracks, xy=xy, visible=visible))
    assert result.tracks is not None and torch.equal(result.tracks.ids, tracks.ids)
    # First visible in frame 3: until then it rests there.
    torch.testing.assert_close(result.tracks.xy[0, 0], tracks.xy[3, 0])
    assert not result.tracks.visible[:, 1].any() and not result.tracks.visible[:, 2].any()
    assert result.tracks.visible[0, 3:].all()


@pytest.mark.parametrize("size", [Size(1, 1), Size(2, 150), Size(300, 3)])
def test_odd_pictures(size: Size) -> None:
    result = generate(lite_with_control(gain=0.5), wandering(3, 4, size))
    assert result.frames.shape == (3, size.height, size.width, 3)


@pytest.mark.slow
@pytest.mark.parametrize("lite", [lite_without_base(), lite_with_control(gain=0.2, sure=1.0)])
def test_fifty_thousand_tracks_all_come_back(lite: Lite) -> None:
    result = generate(lite, wandering(2, 50_000, SIZE))
    assert result.tracks is not None and result.tracks.num_points == 50_000


def test_foreign_input_is_refused() -> None:
    lite = lite_without_base()
    with pytest.raises(ValueError, match="Divide by 255"):
        GenerationRequest(picture(*SIZE) * 255, FRAMES)
    with pytest.raises(CanvasError, match="fit"):
        sample(
            LiteFamily(lite),
            LiteControl(lite),
            GenerationRequest(picture(40, 40), FRAMES),
            shifted((1.0, 0.0)),
            QUICK,
        )
    with pytest.raises(ValueError, match="no adapters"):
        generate(
            lite, shifted((1.0, 0.0)), replace(QUICK, guidance=camera_free(1.0, 1.0, "objects"))
        )


def test_saved_and_loaded_it_makes_the_same_clip(tmp_path: Path) -> None:
    lite, path = lite_with_control(gain=0.5), tmp_path / "tiny.safetensors"
    config = {"encoder": asdict(SIZES), "base": asdict(BASE), "control": {"input": "tracks"}}
    save_file(lite.state_dict(), path, {"kind": KIND, "config": json.dumps(config)})
    loaded = load_lite(path)
    tracks = wandering(FRAMES, 7, SIZE)
    assert same(generate(loaded, tracks), generate(lite, tracks))
    model = load_track_model("lite", file=path, generate=True)
    result = sample(
        model.model, model.control, GenerationRequest(picture(*SIZE), FRAMES), tracks, QUICK
    )
    assert same(result, generate(lite, tracks))


def test_the_generative_half_is_used_only_on_request(tmp_path: Path) -> None:
    lite, path = lite_with_control(gain=0.5), tmp_path / "tiny.safetensors"
    config = {"encoder": asdict(SIZES), "base": asdict(BASE), "control": {"input": "tracks"}}
    save_file(lite.state_dict(), path, {"kind": KIND, "config": json.dumps(config)})
    model, tracks = load_track_model("lite", file=path), wandering(FRAMES, 7, SIZE)
    result = sample(
        model.model, model.control, GenerationRequest(picture(*SIZE), FRAMES), tracks, QUICK
    )
    assert same(result, generate(lite_without_base(), tracks))
    bare = lite_without_base()
    save_file(
        bare.state_dict(), path, {"kind": KIND, "config": json.dumps({"encoder": asdict(SIZES)})}
    )
    with pytest.raises(FormatError, match="train a base"):
        load_track_model("lite", file=path, generate=True)


def test_families_are_known_by_name(tmp_path: Path) -> None:
    assert load_track_model("lite").control is not None
    with pytest.raises(ValueError, match="there are lite"):
        load_track_model("heavy")
    with pytest.raises(FileNotFoundError, match="reinstall"):
        load_track_model("lite", file=tmp_path / "none.safetensors")


def test_steps_are_even_before_the_noise_shift_of_training() -> None:
    scheduler = LiteFamily(tiny_lite()).scheduler()
    scheduler.set_timesteps(4)
    level = torch.tensor([1.0, 0.75, 0.5, 0.25])
    bent = SHIFT * level / (1 + (SHIFT - 1) * level)
    torch.testing.assert_close(scheduler.sigmas, torch.cat([bent, torch.zeros(1)]))
    torch.testing.assert_close(scheduler.timesteps, bent * 1000)
