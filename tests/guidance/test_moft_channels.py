"""Content removal, motion channels, pans and references, against plain numpy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, FormatError, ShapeError
from motion_core.geometry import Size
from motion_core.guidance.moft import (
    MotionReference,
    Probe,
    content_removed,
    learn_channels,
    motion_channels,
    reference_along,
    reference_of_video,
)
from motion_core.guidance.moft import channels as module
from motion_core.guidance.moft.features import video_features
from motion_core.guidance.moft.pans import SPEED_FRAC, WAYS, pan, still
from motion_core.guidance.moft.reference import straight_path

from .parts import FRAMES, PROBE, SIZE, Toy, channels, no_tracks

WIDE = Size(64, 32)


def test_what_all_frames_share_is_removed() -> None:
    content = torch.randn(1, 5, 3, 3)
    motion = torch.randn(6, 5, 3, 3)
    removed = content_removed(content + motion)
    torch.testing.assert_close(removed, motion - motion.mean(dim=0))
    assert float(content_removed(content.expand(6, -1, -1, -1)).abs().max()) < 1e-6
    with pytest.raises(ShapeError, match="two frames"):
        content_removed(content)


@pytest.mark.parametrize("components", [1, 2, 3])
@pytest.mark.parametrize("share", [0.04, 0.2, 1.0])
def test_channels_are_those_of_a_plain_singular_value_decomposition(
    share: float, components: int
) -> None:
    generator = np.random.default_rng(3)
    samples = generator.normal(size=(60, 30)) * generator.uniform(0.1, 3.0, size=30) + 7.0
    found = motion_channels(torch.from_numpy(samples).float(), share, components)
    centred = samples - samples.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    wanted: set[int] = set()
    for axis in range(components):
        weights = np.abs(vectors[:, -1 - axis])
        wanted |= set(np.argsort(weights)[-max(1, round(share * 30)) :].tolist())
    assert found.tolist() == sorted(wanted)


def test_fewer_than_one_channel_is_one() -> None:
    samples = torch.randn(10, 3) * torch.tensor([0.1, 5.0, 0.1])
    assert motion_channels(samples, 0.04).tolist() == [1]


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        (torch.zeros(0, 3), ShapeError, "not empty"),
        (torch.zeros(3), ShapeError, "samples"),
        (torch.full((4, 3), float("nan")), ValueError, "NaN"),
        (torch.ones(4, 3), ValueError, "nothing to learn"),
    ],
)
def test_samples_without_sense_are_refused(
    samples: torch.Tensor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        motion_channels(samples)


@pytest.mark.parametrize("name", [name for name in WAYS if name != "still"])
def test_a_pan_moves_its_picture_as_its_tracks_say(name: str) -> None:
    # A speed of whole pixels, so that a plain shift is the oracle.
    picture = still(Size(512, 512), seed=4)
    video, tracks = pan(picture, WAYS[name], 6)
    right, down = (round(part * 5 * SPEED_FRAC * 512) for part in WAYS[name])
    assert (abs(right), abs(down)) in ((50, 0), (0, 50))
    shifted = torch.roll(picture, (down, right), dims=(0, 1))
    inner = slice(60, -60)
    torch.testing.assert_close(video[0], picture, atol=1e-4, rtol=0)
    torch.testing.assert_close(video[5][inner, inner], shifted[inner, inner], atol=1e-3, rtol=0)
    went = tracks.xy[5] - tracks.xy[0]
    torch.testing.assert_close(went, torch.tensor([float(right), float(down)]).expand_as(went))
    inside = ((tracks.xy >= 0) & (tracks.xy < 512)).all(dim=-1)
    assert torch.equal(tracks.visible, inside) and not bool(inside.all())


def test_a_pan_at_rest_rests() -> None:
    video, tracks = pan(still(WIDE, 1), WAYS["still"], 3)
    assert torch.equal(video[0], video[2]) and bool(tracks.visible.all())


def test_a_reference_is_piecewise_linear_between_what_pans_did() -> None:
    toy = Toy()
    known = channels(toy)
    path = straight_path((0.5, -0.25), Size(100, 80), FRAMES)
    np.testing.assert_allclose(np.diff(path[:, 0]), 0.5 * SPEED_FRAC * 80, rtol=1e-5)
    found = reference_along(path, Size(100, 80), known).course.numpy()
    away = (path - path.mean(dim=0)).numpy() / 80
    places = np.linspace(-0.25, 0.25, FRAMES)
    along = np.interp(away[:, 0], places, known.curves[0, :, 0].numpy())
    down = np.interp(away[:, 1], places, known.curves[1, :, 0].numpy())
    np.testing.assert_allclose(found, np.stack([along + down] * 2, axis=1), atol=1e-6)


def test_a_reference_never_leaves_what_pans_did_and_adds_to_rest() -> None:
    known = replace(
        channels(Toy()), still=torch.full((FRAMES, 2), 0.5), most=torch.tensor([1.2, 9.0])
    )
    far = torch.tensor([[0.0, 0.0], [1e4, 0.0]])
    course = reference_along(far, SIZE, known).course
    assert course[-1].tolist() == pytest.approx([1.2, 1.5]), "held by the channel's most"
    assert course[0].tolist() == pytest.approx([-0.5, -0.5]), "the pan's end and rest"
    rest = reference_along(torch.zeros(2, 2), SIZE, known).course
    torch.testing.assert_close(rest, known.still)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (torch.zeros(1, 2), "F >= 2"),
        (torch.zeros(4, 3), "F >= 2"),
        (torch.full((4, 2), float("nan")), "finite"),
    ],
)
def test_paths_without_sense_are_refused(path: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reference_along(path, SIZE, channels(Toy()))


def test_a_course_must_fit_its_channels() -> None:
    known = channels(Toy())
    with pytest.raises(ShapeError, match="course"):
        MotionReference(torch.zeros(FRAMES, 3), known, PROBE)
    with pytest.raises(ValueError, match="NaN"):
        MotionReference(torch.full((FRAMES, 2), float("nan")), known, PROBE)
    with pytest.raises(ShapeError, match="still"):
        replace(known, index=torch.tensor([1]))


def test_learning_is_remembered_and_kept_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy, file = Toy(), tmp_path / "deep" / "channels.safetensors"
    first = learn_channels(toy, SIZE, FRAMES, PROBE, file=file)
    asked = len(toy.passes)
    assert asked == len(WAYS) * len(module.STILLS)
    assert learn_channels(toy, SIZE, FRAMES, PROBE) is first and len(toy.passes) == asked
    monkeypatch.setattr(module, "_known", type(module._known)())
    again = learn_channels(toy, SIZE, FRAMES, PROBE, file=file)
    assert len(toy.passes) == asked, "the file spares the pans"
    for name in ("index", "still", "curves", "least", "most"):
        assert torch.equal(getattr(again, name), getattr(first, name)), name
    assert (again.layer, again.weights, again.reach_frac) == (
        first.layer,
        first.weights,
        first.reach_frac,
    )
    with pytest.raises(FormatError, match="another model"):
        learn_channels(toy, SIZE, FRAMES + 1, PROBE, file=file)
    file.write_bytes(file.read_bytes()[:50])
    monkeypatch.setattr(module, "_known", type(module._known)())
    with pytest.raises(FormatError):
        learn_channels(toy, SIZE, FRAMES, PROBE, file=file)
    assert not list(tmp_path.rglob("*.part"))


def test_other_weights_are_learned_anew() -> None:
    one, other = Toy(), Toy()
    with torch.no_grad():
        other.layer.mix[3, 1] += 0.5
    first, second = (learn_channels(toy, SIZE, FRAMES, PROBE) for toy in (one, other))
    assert first.weights != second.weights and other.passes


def test_a_video_of_a_pan_reads_as_its_own_direction() -> None:
    toy = Toy()
    size = Size(32, 32)
    video, tracks = pan(still(size, 11), WAYS["right"], FRAMES)
    made = reference_of_video(toy, video, lambda: tracks, probe=PROBE)
    features = content_removed(video_features(toy, video, PROBE, lambda: tracks))
    middle = features[:, made.channels.index, 3:5, 3:5].mean(dim=(2, 3))
    torch.testing.assert_close(made.course, middle)
    region = torch.zeros(32, 32, dtype=torch.bool)
    region[:8, :16] = True
    there = reference_of_video(toy, video, lambda: tracks, region=region, probe=PROBE)
    corner = features[:, made.channels.index, :2, :4].mean(dim=(2, 3))
    torch.testing.assert_close(there.course, corner)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (torch.zeros(1, 8, 8, 3), "2 frames"),
        (torch.zeros(4, 8, 8, 4), r"\(T, H, W, 3\)"),
        (torch.full((4, 8, 8, 3), float("nan")), "NaN"),
    ],
)
def test_videos_without_sense_are_refused(video: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        video_features(Toy(), video, PROBE, no_tracks)


def test_regions_without_sense_are_refused() -> None:
    video = torch.rand(FRAMES, 8, 8, 3)

    def read(region: torch.Tensor) -> None:
        reference_of_video(Toy(), video, no_tracks, region=region, probe=PROBE)

    with pytest.raises(TypeError, match="bool"):
        read(torch.ones(8, 8))
    with pytest.raises(CanvasError, match="same image"):
        read(torch.ones(8, 16, dtype=torch.bool))
    with pytest.raises(ValueError, match="empty"):
        read(torch.zeros(8, 8, dtype=torch.bool))


@pytest.mark.parametrize(
    "wrong",
    [{"grid": 2}, {"steps": 0}, {"stored": 26}, {"share": 0.0}, {"share": float("nan")}],
)
def test_probes_without_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Probe(**wrong)  # type: ignore[arg-type]


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no layer 'attic'.*middle"):
        learn_channels(Toy(), SIZE, FRAMES, Probe(layer="attic"))
    with pytest.raises(TypeError, match="has no features"):
        learn_channels(object(), SIZE, FRAMES)


@pytest.mark.parametrize("after", [1, 3, 9])
def test_learning_can_be_cancelled(after: int) -> None:
    toy, reported = Toy(), []
    with torch.no_grad():
        toy.layer.mix.add_(after)

    def stop(done: int, total: int) -> None:
        reported.append(done / total)
        if len(reported) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_channels(toy, SIZE, FRAMES, PROBE, stop)
    assert reported == sorted(reported) and reported[-1] <= 1.0
    learn_channels(toy, SIZE, FRAMES, PROBE)
