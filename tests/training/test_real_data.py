"""Training on real clips: which are used, their dense motion, and scenes composed of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.real.clips import clip_names, held_out_scenes, scene_of
from motion_core.evaluation.real.run import RealSettings
from motion_core.image_files import write_image
from motion_core.layered_scenes.paths import Camera, rotations_about
from motion_core.layered_scenes.scene import CANVAS, GRID, SIDE, Array
from motion_core.layered_scenes.scenes import Procedural, Split, make_scene
from motion_core.models.lite.control_encoder import Estimate
from motion_core.tracks.model import make_tracks
from motion_core.training.config import TrainConfig
from motion_core.training.lite import real_clips
from motion_core.training.lite.data import Batch, SceneBatches
from motion_core.training.lite.encoder_stage import EncoderStage, encoder_loss, sample_cells
from motion_core.training.lite.real_clips import (
    UNKNOWN,
    ClipView,
    RealClips,
    draw_clip_tracks,
    make_view,
    training_clip_names,
    with_camera,
)
from motion_core.training.lite.real_materials import (
    Cutout,
    Picture,
    RealMaterials,
    cut_out,
)
from motion_core.training.lite.regimes import Regime

FRAMES, HEIGHT, WIDTH = 16, 72, 96
# Scenes of three sets in order; every third is held out: bolt and dog.
NAMES = ("intel/bolt", "intel/cars-a", "intel/cars-b", "mit/shiba-a", "sa-v/dog-a", "sa-v/dog-b")
FREE = ["intel/cars-a", "intel/cars-b", "mit/shiba-a"]


def textured(height: int, width: int, seed: int) -> Array:
    """Smooth noise in colour, float32 0..1."""
    import cv2

    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return (0.5 + 4 * (smooth - smooth.mean())).clip(0, 1)


def write_clip(folder: Path, name: str, use: str = "training and evaluation") -> None:
    """A texture that moves right by a pixel per frame."""
    place = folder / name
    place.mkdir(parents=True)
    wide = textured(HEIGHT, WIDTH + FRAMES, len(name))
    for frame in range(FRAMES):
        part = np.ascontiguousarray(wide[:, FRAMES - frame : FRAMES - frame + WIDTH])
        write_image(place / f"{frame:05}.jpg", torch.from_numpy(part))
    (place / "meta.json").write_text(json.dumps({"name": name, "use": use}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips")
    for name in NAMES:
        write_clip(made, name)
    return made


def config(folder: Path, **values: Any) -> TrainConfig:
    small = TrainConfig(steps=4, batch=2, block=4, reuse=2, frames=8, cells=32)
    return replace(small, real=str(folder), **values)


def test_every_third_scene_is_held_out_with_all_its_clips(folder: Path) -> None:
    assert held_out_scenes(clip_names(folder)) == {"intel/bolt", "sa-v/dog"}
    assert training_clip_names(folder) == FREE
    # What `evaluate --real` measures with the command of docs/training.md.
    settings = RealSettings(folder, parts=("clips",), per_scene=1, every=3)
    assert set(map(scene_of, settings.clips())) == {"intel/bolt", "sa-v/dog"}


def test_scenes_with_the_people_of_a_held_out_one_are_left_out(tmp_path: Path) -> None:
    for name in ("bolt", "head-man", "head-woman", "heads-two", "worker"):
        write_clip(tmp_path, f"intel/{name}")
    assert held_out_scenes(clip_names(tmp_path)) == {"intel/bolt", "intel/heads-two"}
    assert training_clip_names(tmp_path) == ["intel/worker"]


def test_clips_that_may_not_train_are_left_out(tmp_path: Path) -> None:
    for name in NAMES[:3]:
        write_clip(tmp_path, name, "evaluation only")
    with pytest.raises(FormatError, match='whose "use" names training'):
        training_clip_names(tmp_path)
    write_clip(tmp_path, NAMES[3])
    assert training_clip_names(tmp_path) == [NAMES[3]]


@pytest.fixture(scope="module")
def panned() -> ClipView:
    """A view of a texture that moves by (2, 1) pixels per frame."""
    wide = textured(SIDE + FRAMES, SIDE + 2 * FRAMES, 0)
    frames = []
    for t in range(FRAMES):
        top, left = FRAMES - t, 2 * (FRAMES - t)
        frames.append(wide[top : top + SIDE, left : left + SIDE])
    return make_view(torch.from_numpy(np.stack(frames)), np.random.default_rng(0))


def test_a_view_holds_the_motion_of_its_clip(panned: ClipView) -> None:
    inner = (slice(None), slice(4, -12), slice(4, -12))
    assert panned.known[inner[1:]].mean() > 0.95
    time = np.arange(FRAMES)[:, None, None, None]
    error = np.linalg.norm(panned.displacement - time * [2.0, 1.0], axis=-1)[inner]
    in_view = panned.visible[inner] & panned.known[inner[1:]]
    assert np.median(error[in_view]) < 0.1 and np.quantile(error[in_view], 0.95) < 0.5
    # Cells that are not known say nothing.
    assert not panned.displacement[:, ~panned.known].any()
    assert panned.pool.visible[0].all() and panned.pool.num_points == len(panned.owners)


def test_tracks_of_every_regime_come_from_the_pool(panned: ClipView) -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_clip_tracks(rng, panned, Regime("mixed", 60)) for _ in range(60)]
    assert min(map(len, drawn)) == 0 and max(map(len, drawn)) <= 36 + 40 + 60
    for chosen in drawn:
        assert len(set(chosen.tolist())) == len(chosen)
    for name, most in (("dense", 500), ("sparse", 8), ("dense+sparse", 512)):
        counts = [len(draw_clip_tracks(rng, panned, Regime(name))) for _ in range(20)]
        assert min(counts) >= 1 and max(counts) <= most


def test_a_batch_depends_on_its_step_alone(folder: Path) -> None:
    settings = config(folder, real_textures=0.5, real_motion=0.5)
    first, second = SceneBatches(settings), SceneBatches(settings)
    first[0]
    one, other = first[1], second[1]
    for name in ("images", "displacement", "visible", "layers", "known", "track_layers"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


def marked_view() -> ClipView:
    """A view that is white and moves down where it is known: on the upper left quarter."""
    known = np.zeros((GRID, GRID), bool)
    known[: GRID // 2, : GRID // 2] = True
    shift = np.zeros((8, GRID, GRID, 2), np.float32)
    shift[:, known] = np.linspace(0, [0.0, 7.0], 8)[:, None]
    image = np.repeat(np.repeat(known, SIDE // GRID, 0), SIDE // GRID, 1)[..., None]
    places = np.random.default_rng(0).uniform(0, SIDE / 2, (40, 2))
    xy = torch.tensor(places).float() + torch.linspace(0, 1, 8)[:, None, None] * torch.tensor(
        [0, 7.0]
    )
    return ClipView(
        np.repeat(image, 3, 2).astype(np.uint8) * 255,
        shift,
        np.ones((8, GRID, GRID), bool),
        known,
        np.where(known, 1, UNKNOWN),
        make_tracks(xy, CANVAS),
        np.ones(40, np.int64),
    )


@pytest.fixture
def marked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    monkeypatch.setattr(RealClips, "view", lambda clips, index: marked_view())
    monkeypatch.setattr("motion_core.training.lite.data.with_camera", lambda rng, view: view)
    batches = SceneBatches(config(folder, real_motion=1.0))
    return [batches[step] for step in range(4)]


def test_a_camera_moves_dense_motion_and_tracks_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    view, frames = marked_view(), 8
    # A pan, and growth about the corner (0, 0): x' = (1 + t / 8) x + 3 t in frame t.
    time = np.arange(frames)
    pan = np.stack([3.0 * time, 0 * time], axis=1)
    grow = rotations_about(np.zeros(2), 0.0 * time, 1 + time / 8)
    camera = Camera(pan, grow)
    monkeypatch.setattr(real_clips, "random_camera", lambda rng, count: camera)
    moved = with_camera(np.random.default_rng(0), view)
    pose = camera.at(1.0)
    start = np.append(view.pool.xy[0], np.ones((40, 1)), axis=1)
    for t in (0, 4, 7):
        here = start + [0, float(t), 0]
        expected = (here @ pose[t].T)[:, :2]
        np.testing.assert_allclose(moved.pool.xy[t], expected, atol=1e-3)
        inside = ((expected >= 0) & (expected < SIDE)).all(axis=1)
        np.testing.assert_array_equal(moved.pool.visible[t], inside)
        place = np.array([10.5, 4.5]) * SIDE / GRID
        cell = ([*(place + [0, t]), 1] @ pose[t].T)[:2] - place
        np.testing.assert_allclose(moved.displacement[t, 4, 10], cell, atol=1e-3)
    assert not moved.displacement[:, ~view.known].any()
    assert not moved.visible[-1].all() and moved.visible[0].all()


def test_augmentation_turns_all_parts_of_a_view_alike(marked: list[Batch]) -> None:
    corners = set()
    for batch in marked:
        bright = torch.nn.functional.avg_pool2d(batch.images, SIDE // GRID)[:, 0] > 0
        assert torch.equal(bright, batch.known)
        assert torch.equal(batch.layers == 1, batch.known)
        moves = batch.displacement[:, -1].norm(dim=-1) > 0
        assert torch.equal(moves, batch.known)
        corners |= {tuple(row.nonzero().float().mean(0).tolist()) for row in batch.known}
        for row, tracks in enumerate(batch.tracks):
            column, line = (tracks.xy[0] * GRID / SIDE).long().T
            assert batch.known[row, line, column].all()
            dense = batch.displacement[row, -1, line, column] * SIDE / 8
            torch.testing.assert_close(dense, tracks.xy[-1] - tracks.xy[0], atol=1e-3, rtol=0)
    assert len(corners) > 1


def test_only_known_cells_are_sampled() -> None:
    layers, known = torch.zeros(2, 8, 8, dtype=torch.long), torch.zeros(2, 8, 8, dtype=torch.bool)
    known[0, 2, 3] = True
    cells = sample_cells(layers, 500, torch.Generator().manual_seed(0), known)
    assert set(cells[0].tolist()) == {2 * 8 + 3}
    # Nothing is known of the second scene, which keeps its number of cells.
    assert len(set(cells[1].tolist())) > 40


def test_pairs_with_an_unknown_layer_teach_no_affinity(marked: list[Batch]) -> None:
    batch = max(marked, key=lambda one: int(one.track_batch.valid.sum(dim=1).min()))
    count, tracks = 64, batch.track_batch.valid.shape[1]
    cells = torch.arange(0, GRID * GRID, GRID * GRID // count).expand(2, -1)
    affinity = torch.zeros(2, count, tracks, requires_grad=True)
    estimate = Estimate(
        torch.zeros(2, count, 8, 2),
        torch.zeros(2, count, 8),
        error=torch.zeros(2, count),
        affinity=affinity,
        attention=torch.zeros(2, count, tracks),
    )
    encoder_loss(estimate, batch, cells)["layer"].backward()
    named = (batch.layers.flatten(1).gather(1, cells) != UNKNOWN)[:, :, None]
    expected = named & (batch.track_layers != UNKNOWN)[:, None]
    assert affinity.grad is not None and expected.any() and not expected.all()
    assert torch.equal(affinity.grad != 0, expected)


def test_the_encoder_learns_from_real_clips_and_composed_scenes(folder: Path) -> None:
    settings = config(folder, real_textures=0.5, real_motion=0.5)
    stage = EncoderStage(settings)
    terms = stage(SceneBatches(settings)[0])
    terms["loss"].backward()
    assert all(torch.isfinite(value) for value in terms.values())
    gradients = [one.grad for one in stage.parameters() if one.grad is not None]
    assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients)


def test_cut_outs_are_the_clear_things_of_a_picture() -> None:
    salience = np.zeros((100, 100), np.float32)
    salience[10:40, 20:50] = 1.0
    salience[60:90, 60:90] = 0.6  # never sure
    salience[95:97, 5:7] = 1.0  # too small
    (found,) = cut_out(Picture(textured(100, 100, 0), salience))
    assert found.alpha.shape == (34, 34) and found.alpha.sum() == 900
    assert found.radius == pytest.approx(math.sqrt(900 / math.pi))
    assert found.centre == pytest.approx([17.0, 17.0])


@pytest.mark.parametrize("radius", [20.0, 60.0])
def test_a_cut_out_is_placed_where_the_scene_wants_it(
    folder: Path, radius: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = np.zeros((64, 84), np.float32)
    alpha[2:-2, 2:-2] = 1
    thing = Cutout(textured(64, 84, 0), alpha, math.sqrt(60 * 80 / math.pi), np.array([42.0, 32.0]))
    materials = RealMaterials(folder)
    monkeypatch.setattr(RealMaterials, "cutouts", [[thing]])
    rng, centre = np.random.default_rng(0), np.array([120.0, 140.0])
    placed = [one for _ in range(20) if (one := materials.cutout(rng, centre, radius))]
    assert 5 < len(placed) < 20
    axis = np.arange(SIDE) + 0.5
    for texture, cover in placed:
        assert texture.shape == (SIDE, SIDE, 3) and 0 <= texture.min() <= texture.max() <= 1
        assert cover.sum() == pytest.approx(math.pi * radius**2, rel=0.03)
        middle = [(cover.sum(0) * axis).sum(), (cover.sum(1) * axis).sum()] / cover.sum()
        assert middle == pytest.approx(centre, abs=0.3)


def test_textures_avoid_what_stands_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colours, salience = np.zeros((80, 200, 3), np.float32), np.zeros((80, 200), np.float32)
    colours[:, 100:], salience[:, 100:] = [0.8, 0.2, 0.2], 1.0
    monkeypatch.setattr(RealMaterials, "pictures", [[Picture(colours, salience)]])
    monkeypatch.setattr("motion_core.training.lite.real_materials.REAL_TEXTURE", 1.0)
    materials, rng = RealMaterials(folder), np.random.default_rng(0)
    reds = [float((materials.texture(rng)[..., 0] > 0.3).mean()) for _ in range(40)]
    assert np.mean(reds) < 0.1


def test_procedural_scenes_are_as_they_were() -> None:
    seed = Split.VALIDATION.seed(3)
    plain, named = make_scene(seed, 4), make_scene(seed, 4, materials=Procedural())
    np.testing.assert_array_equal(plain.image, named.image)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"real": ""}, "they need real"),
        ({"real_motion": 0.0}, "needs real_textures or real_motion"),
        ({"real_textures": 0.8}, "at most 1"),
        ({"real_textures": -0.1}, "at most 1"),
        ({"stage": "base"}, "set real_motion=0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(**({"real": "clips", "real_motion": 0.3} | values))


def test_clips_shorter_than_the_run_are_refused(folder: Path) -> None:
    with pytest.raises(FormatError, match="16 frames, and the run asks for 24"):
        RealClips(folder, 24, 0).view(0)
