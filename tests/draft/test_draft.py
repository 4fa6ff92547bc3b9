"""What a draft promises, held to rendered scenes, to scipy and to itself."""

from __future__ import annotations

import threading
from functools import partial

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import motion_core.draft
from motion_core.draft import LAYERED
from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.tracks import Tracks, empty_tracks, make_tracks, static_tracks

from .origins import Origins
from .scenes import PINNED_DRAG, SCENES, Disc, Move, Scene, lattice

SIZE = Size(96, 80)
# The method whose promises these are.
draft = partial(motion_core.draft.draft, method=LAYERED)
draft_frames = partial(motion_core.draft.draft_frames, method=LAYERED)


def photo(size: Size = SIZE, seed: int = 0) -> torch.Tensor:
    """Smooth random colours."""
    noise = np.random.default_rng(seed).random((size.height, size.width, 3))
    smooth = scipy.ndimage.gaussian_filter(noise, (2, 2, 0), mode="reflect")
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(smooth.astype(np.float32))


def moving(points: np.ndarray, steps: np.ndarray, size: Size = SIZE) -> Tracks:
    """Points (N, 2) that all go along steps (T, 2)."""
    xy = points[None] + steps[:, None]
    inside = np.all((xy >= 0) & (xy < np.array(size)), axis=-1)
    return make_tracks(torch.from_numpy(xy), size, visible=torch.from_numpy(inside))


def drag(shift: tuple[float, float] = (20, 0), frames: int = 5) -> Tracks:
    """A patch in the middle of SIZE is dragged, the rest is pinned."""
    scene = Scene(SIZE, (Disc((40, 40), 14, Move(shift)),), frames=frames)
    return scene.tracks(inside=5, outside=8)


# Stills


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_without_tracks_every_frame_is_the_picture(frames: int) -> None:
    video = draft(photo(), empty_tracks(frames, SIZE))
    assert video.shape == (frames, 80, 96, 3) and video.dtype == torch.float32
    assert all(torch.equal(frame, photo()) for frame in video)


def test_without_motion_every_frame_is_the_picture() -> None:
    pins = static_tracks(torch.from_numpy(lattice(SIZE, 9)).float(), 4, SIZE)
    assert all(torch.equal(frame, photo()) for frame in draft(photo(), pins))


@pytest.mark.parametrize("name", list(SCENES))
def test_frame_0_is_the_picture(name: str) -> None:
    scene = SCENES[name]
    assert torch.equal(draft(scene.picture(), scene.tracks())[0], scene.picture())


def test_tracks_never_visible_move_nothing() -> None:
    tracks = drag()
    hidden = make_tracks(tracks.xy, SIZE, visible=torch.zeros_like(tracks.visible))
    assert all(torch.equal(frame, photo()) for frame in draft(photo(), hidden))


# Values


def test_moving_everything_is_shifting_the_picture() -> None:
    steps = np.array([[0, 0], [3.3, -1.7], [-6.25, 4.5]])
    video = draft(photo(), moving(lattice(SIZE, 8), steps)).numpy()
    for frame, (dx, dy) in zip(video, steps, strict=True):
        wanted = scipy.ndimage.shift(photo().numpy(), (dy, dx, 0), order=1)
        inner = slice(8, -8), slice(8, -8)
        # OpenCV rounds coordinates to 1/32 pixel, on either axis.
        assert np.abs(frame[inner] - wanted[inner]).max() < 0.02


def test_turning_and_zooming_everything_is_the_affine_transform_of_the_picture() -> None:
    scene = Scene(SIZE, camera=Move((5, -3), turn_deg=12, zoom=1.2), frames=3)
    video = draft(photo(), scene.tracks(outside=8)).numpy()
    middle = scene.middle() - 0.5
    back = scene.camera.backward(np.stack([middle, middle + [1, 0], middle + [0, 1]]), middle, 1)
    columns = np.stack([back[1] - back[0], back[2] - back[0]], axis=1)
    matrix, offset = columns[::-1, ::-1], (back[0] - columns @ middle)[::-1]
    for channel in range(3):
        wanted = scipy.ndimage.affine_transform(
            photo().numpy()[..., channel], matrix, offset, order=1
        )
        inner = slice(16, -16), slice(16, -16)
        assert np.abs(video[2, ..., channel][inner] - wanted[inner]).max() < 0.03


@pytest.mark.parametrize("name", [name for name in SCENES if SCENES[name].discs])
def test_things_move_in_one_piece_and_nothing_else_does(name: str) -> None:
    scene = SCENES[name]
    origins = Origins(scene.picture(), scene.tracks())
    for frame in (scene.frames // 2, scene.frames - 1):
        true, layer, in_sight = scene.origins(frame)
        error = np.hypot(*np.moveaxis(origins.at(frame) - true, -1, 0))
        assert error[in_sight & (layer > 0)].mean() < 1.5
        assert error[in_sight & (layer == 0)].mean() < 0.3
        assert np.median(error[in_sight]) < 0.05


def test_what_a_camera_shows_is_where_it_was() -> None:
    scene = SCENES["camera"]
    origins = Origins(scene.picture(), scene.tracks())
    true, _, in_sight = scene.origins(8)
    assert np.hypot(*np.moveaxis(origins.at(8) - true, -1, 0))[in_sight].max() < 0.1


@pytest.mark.parametrize("name", ["drag", "turn", "two"])
def test_frames_look_like_the_scene(name: str) -> None:
    scene = SCENES[name]
    video = draft(scene.picture(), scene.tracks())
    _, _, in_sight = scene.origins(8)
    off = (video[8] - scene.frame(8)).abs().amax(-1).numpy()[in_sight]
    # Rims are soft here and hard in the scene.
    assert (off > 0.05).mean() < 0.03


def test_a_pinned_background_keeps_every_bit() -> None:
    scene = PINNED_DRAG
    video = draft(scene.picture(), scene.tracks())
    x, y = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    path = np.stack([np.hypot(x - 100 - 70 * t, y - 128 - 20 * t) for t in np.linspace(0, 1, 50)])
    far = torch.from_numpy(path.min(axis=0) > 44 + 24)
    assert far.float().mean() > 0.5
    for frame in video:
        assert torch.equal(frame[far], scene.picture()[far])


def test_pins_hold_where_the_picture_has_no_borders() -> None:
    size = Size(256, 256)
    scene = Scene(size, (Disc((120, 128), 40, Move((40, 10))),), frames=3)
    picture = photo(size)
    tracks = scene.tracks(inside=6, outside=10, gap=4)
    origins = Origins(picture, tracks).at(2)
    still = (tracks.xy[2] == tracks.xy[0]).all(-1) & tracks.visible[2]
    pins = tracks.xy[0][still].numpy()
    clear = np.hypot(*(pins - [160, 138]).T) > 40 + 8
    origin = origins[np.floor(pins[clear, 1]).astype(int), np.floor(pins[clear, 0]).astype(int)]
    swum = np.hypot(*(origin - np.floor(pins[clear]) - 0.5).T)
    assert swum.mean() < 0.2 and np.quantile(swum, 0.98) < 4


def test_a_hole_shows_the_background_and_not_the_thing() -> None:
    scene = PINNED_DRAG
    video = draft(scene.picture(), scene.tracks())
    _, layer, in_sight = scene.origins(8)
    hole = video[8][torch.from_numpy(~in_sight & (layer == 0))]
    assert torch.isfinite(hole).all() and hole.min() >= 0 and hole.max() <= 1
    ground = scene.picture()[torch.from_numpy(scene.origins(0)[1] == 0)].mean(0)
    thing = torch.tensor(scene.discs[0].colour)
    to_ground = (hole - ground).norm(dim=-1)
    assert (to_ground < (hole - thing).norm(dim=-1)).float().mean() > 0.95


def test_a_lone_drag_moves_its_surroundings_and_rests_far_away() -> None:
    size = Size(256, 256)
    path = torch.tensor([[[60.0, 128.0]], [[90.0, 128.0]]])
    video = draft(photo(size), make_tracks(path, size))
    assert torch.equal(video[1][:, 220:], photo(size)[:, 220:])
    was, now = photo(size)[124:132, 56:64], video[1][124:132, 86:94]
    assert (was - now).abs().max() < 0.05


# Time


def test_a_late_track_rests_until_it_is_visible() -> None:
    tracks = drag(frames=7)
    goes = (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1) > 1
    xy, visible = tracks.xy.clone(), tracks.visible.clone()
    xy[3:, goes] = tracks.xy[:4, goes]
    visible[:3, goes] = False
    video = draft(photo(), make_tracks(xy, SIZE, visible=visible))
    assert all(torch.equal(frame, photo()) for frame in video[:4])
    early = draft(photo(), make_tracks(xy[3:], SIZE, visible=visible[3:]))
    assert (video[3:] - early).abs().mean() < 1e-3
    assert (video[5] - photo()).abs().max() > 0.1


def test_a_thing_whose_tracks_end_stays_and_a_hidden_one_moves_evenly() -> None:
    tracks = drag(frames=9)
    goes = (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1) > 1
    visible = tracks.visible.clone()
    visible[5:, goes] = False
    let_go = draft(photo(), make_tracks(tracks.xy, SIZE, visible=visible))
    assert torch.equal(let_go[8], let_go[4])
    visible = tracks.visible.clone()
    visible[3:6, goes] = False
    missed = draft(photo(), make_tracks(tracks.xy, SIZE, visible=visible))
    # The path is straight and even, so that what was missed is what was not.
    assert (missed - draft(photo(), tracks)).abs().mean() < 2e-3


# Behaviour


def test_the_same_twice_and_one_frame_at_a_time() -> None:
    once = draft(photo(), drag())
    assert torch.equal(once, draft(photo(), drag()))
    assert torch.equal(once, torch.stack(list(draft_frames(photo(), drag()))))


def test_inputs_are_left_alone() -> None:
    picture, tracks = photo(), drag()
    xy, visible = tracks.xy.clone(), tracks.visible.clone()
    video = draft(picture, tracks)
    video += 1
    assert torch.equal(picture, photo())
    assert torch.equal(tracks.xy, xy) and torch.equal(tracks.visible, visible)


def test_progress_counts_up_to_the_last_frame() -> None:
    calls: list[tuple[int, int]] = []
    draft(photo(), drag(), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5, 5) and calls == sorted(calls)
    assert {total for _, total in calls} == {5}


@pytest.mark.parametrize("stop_at", [0, 1, 3])
def test_progress_can_stop_the_work(stop_at: int) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == stop_at:
            raise Stop

    before = threading.active_count()
    with pytest.raises(Stop):
        draft(photo(), drag(), progress=stop)
    with pytest.raises(Stop):
        list(draft_frames(photo(), drag(), progress=stop))
    assert threading.active_count() == before


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_picture_gives_float32_frames(dtype: torch.dtype) -> None:
    video = draft(photo().to(dtype), drag())
    assert video.dtype == torch.float32
    assert torch.equal(video, draft(photo().to(dtype).float(), drag()))


def test_a_picture_may_be_a_view() -> None:
    view = photo().permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not view.is_contiguous()
    assert torch.equal(draft(view, drag()), draft(photo(), drag()))


@pytest.mark.parametrize(
    ("picture", "error", "says"),
    [
        (photo()[None], ShapeError, "Pass image"),
        (torch.zeros(80, 96, 4), ShapeError, "alpha"),
        (torch.zeros(80, 96), ShapeError, "H, W, 3"),
        (torch.zeros(80, 96, 3, dtype=torch.uint8), TypeError, "255"),
        (photo() * 255, ValueError, "0..1"),
        (photo() * float("nan"), ValueError, "NaN"),
        (photo() + float("inf"), ValueError, "infinite"),
        (photo()[:-1], CanvasError, "fit"),
        (photo().numpy(), TypeError, "tensor"),
    ],
)
def test_what_is_no_picture_is_refused(picture, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        draft(picture, drag())
    with pytest.raises(error, match=says):
        draft_frames(picture, drag())


# Extremes


@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 40), Size(40, 1), Size(2, 2), Size(3, 200)])
def test_tiny_pictures(size: Size) -> None:
    points = np.array([[0.5, 0.5], [size.width - 0.5, size.height - 0.5]])
    for steps in (np.array([[0, 0], [0.3, 0.4]]), np.array([[0, 0], [7, -9]])):
        xy = torch.from_numpy(points[None] + steps[:, None])
        one = make_tracks(xy[:, :1], size)
        for tracks in (make_tracks(xy, size), one):
            video = draft(photo(size) if size.width > 1 else torch.rand(*size[::-1], 3), tracks)
            assert video.shape == (2, size.height, size.width, 3) and torch.isfinite(video).all()


def test_a_hundred_thousand_tracks() -> None:
    points = np.random.default_rng(0).uniform((0, 0), SIZE, (100_000, 2))
    video = draft(photo(), moving(points, np.array([[0, 0], [4.0, 0]])))
    assert (video[1, 10:-10, 10:-10] - photo()[10:-10, 6:-14]).abs().max() < 0.03


@pytest.mark.slow
def test_a_4k_picture() -> None:
    size = Size(3840, 2160)
    picture = torch.rand(27, 48, 3).repeat_interleave(80, 0).repeat_interleave(80, 1)
    xy = torch.tensor([[[1000.0, 900.0]], [[1100.0, 900.0]]])
    frames = list(draft_frames(picture, make_tracks(xy, size)))
    assert torch.equal(frames[0], picture) and frames[1].shape == picture.shape
    assert not torch.equal(frames[1], picture)


def test_points_at_the_end_of_the_world() -> None:
    xy = torch.tensor([[[40.0, 40.0], [1e30, -1e30]], [[60.0, 40.0], [-3e38, 3e38]]])
    assert torch.isfinite(draft(photo(), make_tracks(xy, SIZE))).all()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_tracks_give_colours_of_the_picture(data: st.DataObject) -> None:
    frames, count = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 12))
    seed = data.draw(st.integers(0, 2**31))
    random = np.random.default_rng(seed)
    spread = data.draw(st.sampled_from([0.5, 20.0, 400.0]))
    xy = random.uniform(-20, 120, (1, count, 2)) + random.normal(0, spread, (frames, count, 2))
    visible = random.random((frames, count)) < 0.7
    tracks = make_tracks(torch.from_numpy(xy), SIZE, visible=torch.from_numpy(visible))
    video = draft(photo(), tracks)
    assert video.shape == (frames, 80, 96, 3)
    assert video.min() >= -1e-5 and video.max() <= 1 + 1e-5
    if visible[0].all():
        assert torch.equal(video[0], photo())
