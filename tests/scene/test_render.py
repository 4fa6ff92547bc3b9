"""The rendered scene: its truths agree with one another and with counting by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.camera.files import read_camera
from motion_core.camera.pinhole import pixel_centres
from motion_core.errors import ShapeError
from motion_core.formats.registry import read_tracks
from motion_core.geometry import Size
from motion_core.scene.files import write_scene
from motion_core.scene.render import bodies_at, depth_of, render_scene, track
from motion_core.scene.scene import Body, Scene, make_scene
from motion_core.scene.shapes import Box, Sphere
from motion_core.scene.texture import make_texture

from ..camera.views import lens, moved, orbit, path_of

SIZE = Size(64, 48)
EYE = torch.eye(4, dtype=torch.float64)
TEXTURE = make_texture(torch.Generator().manual_seed(0), cycles_per_unit=0.5)


def at(x: float, y: float, z: float) -> torch.Tensor:
    pose = EYE.clone()
    pose[:3, 3] = torch.tensor([x, y, z])
    return pose[None]


def test_depth_and_masks_of_a_block_are_what_the_pinhole_says() -> None:
    scene = Scene((Body(Box((1.0, 0.5, 1.0)), TEXTURE, at(0, 0, 5)),))
    path = path_of([EYE], SIZE)
    render = render_scene(scene, path, samples=1)
    focal = float(lens(SIZE)[0, 0])
    half_width, half_height = focal * 1.0 / 4.0, focal * 0.5 / 4.0
    centres = pixel_centres(SIZE) - torch.tensor([32.0, 24.0])
    wanted = (centres[..., 0].abs() < half_width) & (centres[..., 1].abs() < half_height)
    assert torch.equal(render.masks(0)[0], wanted)
    assert torch.equal(render.depth[0][wanted], torch.full((int(wanted.sum()),), 4.0))
    assert torch.isinf(render.depth[0][~wanted]).all()
    assert torch.equal(render.depth_map().valid, wanted)


def test_a_nearer_body_hides_a_farther_one() -> None:
    ball, block = Sphere(0.3), Box((1.0, 1.0, 0.1))
    scene = Scene((Body(block, TEXTURE, at(0, 0, 6)), Body(ball, TEXTURE, at(0, 0, 3))))
    path = path_of([EYE, moved(-0.88, 0, 0)], SIZE)
    points = torch.tensor([[32.0, 24.0], [40.0, 24.0]])
    assert bodies_at(scene, path, points).tolist() == [1, 0]
    # From 0.88 to the left, the block's point lies on a line through the middle of the ball.
    assert track(scene, path, points).visible.tolist() == [[True, True], [True, False]]


def test_tracks_ride_on_moving_bodies_and_vanish_behind_others() -> None:
    way = torch.stack([at(x, 0, 6)[0] for x in (-1.5, 0.0, 1.5)])
    scene = Scene(
        (Body(Sphere(0.4), TEXTURE, way), Body(Box((0.6, 0.6, 0.1)), TEXTURE, at(0, 0, 4)))
    )
    path = path_of([EYE] * 3, SIZE)
    focal = float(lens(SIZE)[0, 0])
    front = 32.0 - focal * 1.5 / 6.0
    tracks = track(scene, path, torch.tensor([[front, 24.0]]))
    assert tracks.visible[:, 0].tolist() == [True, False, True]
    travel = tracks.xy[2, 0] - tracks.xy[0, 0]
    assert travel.tolist() == pytest.approx([focal * 3.0 / 5.6, 0.0], rel=0.01, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_truths_agree_with_one_another(seed: int) -> None:
    path = path_of([EYE, orbit(20.0)], SIZE)
    render = render_scene(make_scene(seed, frames=2, moving=True), path, spacing=4, samples=1)
    assert render.video.shape == (2, 48, 64, 3)
    assert float(render.video.min()) >= 0.0
    assert float(render.video.max()) <= 1.0
    assert float(render.video.std()) > 0.08
    assert len(render.bodies[0].unique()) >= 5
    assert render.tracks.visible[0].all()
    # Where a track shows, the picture has its colour; a hidden one seldom matches by chance.
    first, last = (_colors(render.video[f], render.tracks.xy[f]) for f in (0, 1))
    visible = render.tracks.visible[1]
    match = (first - last).abs().amax(dim=1)
    assert float(match[visible].median()) < 0.1
    assert float(match[~visible & _inside(render.tracks.xy[1])].median()) > 0.15


def _inside(xy: torch.Tensor) -> torch.Tensor:
    return (xy >= 0).all(dim=1) & (xy < torch.tensor(SIZE)).all(dim=1)


def _colors(picture: torch.Tensor, xy: torch.Tensor) -> torch.Tensor:
    grid = (xy / torch.tensor(SIZE) * 2 - 1)[None, None]
    sampled = torch.nn.functional.grid_sample(
        picture.movedim(-1, 0)[None], grid, align_corners=False, padding_mode="border"
    )
    return sampled[0, :, 0].T


def test_the_seed_decides_the_scene() -> None:
    path = path_of([EYE], SIZE)
    first, again, other = (render_scene(seed, path, samples=1) for seed in (5, 5, 6))
    assert torch.equal(first.video, again.video)
    assert not torch.equal(first.depth, other.depth)


def test_depth_without_a_picture_is_the_same_depth() -> None:
    path = path_of([EYE, moved(0.3, 0, 0)], SIZE)
    render = render_scene(7, path, samples=1)
    assert torch.equal(depth_of(make_scene(7), path, 1).z, render.depth[1])


def test_bad_requests_are_refused() -> None:
    with pytest.raises(ShapeError, match="moves for 3 frames but the camera has 2"):
        render_scene(make_scene(0, frames=3, moving=True), path_of([EYE] * 2, SIZE))
    with pytest.raises(ValueError, match="samples"):
        render_scene(0, path_of([EYE], SIZE), samples=0)


def test_a_scene_is_written_with_everything_known_about_it(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = path_of([EYE, moved(0.3, 0, 0)], SIZE, fps=8.0)
    render = write_scene(tmp_path / "scene", 3, path)
    folder = tmp_path / "scene"
    assert [p.name for p in tmp_path.iterdir()] == ["scene"]
    picture = cv2.imread(str(folder / "frames" / "0001.png"))[..., ::-1] / 255.0
    assert np.abs(picture - render.video[1].numpy()).max() <= 0.5 / 255 + 1e-6
    nearness = cv2.imread(str(folder / "depth" / "0000.png"), cv2.IMREAD_UNCHANGED)
    assert nearness.dtype == np.uint16
    wanted = float(render.depth.min()) / render.depth[0].numpy()
    assert np.abs(nearness / 65535 - wanted).max() < 1e-4
    assert np.array_equal(np.load(folder / "depth.npy"), render.depth.numpy())
    assert np.array_equal(np.load(folder / "bodies.npy"), render.bodies.numpy())
    assert torch.equal(read_camera(folder / "camera.json").T_cam_world, path.T_cam_world)
    tracks = read_tracks(folder / "tracks.npz")
    assert torch.equal(tracks.xy, render.tracks.xy)
    assert torch.equal(tracks.visible, render.tracks.visible)
    assert (tracks.size, tracks.fps) == (SIZE, 8.0)


def test_a_stopped_or_refused_scene_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_scene(tmp_path / "scene", 3, path_of([EYE], SIZE), progress=stop)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        write_scene(tmp_path / "taken", 3, path_of([EYE], SIZE))
