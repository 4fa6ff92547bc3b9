from __future__ import annotations

import copy
import logging
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.document import (
    Brush,
    CameraGrabLayer,
    DragLayer,
    PinLayer,
    document_to_dict,
    read_document,
)
from motion_core.document.dots.identity import layer_ids
from motion_core.expand import expand_document, expansion_notes
from motion_core.geometry import Size
from motion_core.tracks import Tracks, select_ids

from .drawings import BOX, WIDE, document, documents, layers, line

EAR = DragLayer("ear", path=line((0.1, 0.1), (0.5, 0.5)), brush=Brush(0.1, 0.05))
PINS = PinLayer("pins", polygon=BOX, spacing=0.1)


def as_dict(tracks: Tracks) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    xy, visible = tracks.xy.numpy(), tracks.visible.numpy()
    return {key: (xy[:, n], visible[:, n]) for n, key in enumerate(tracks.ids.tolist())}


def test_layers_follow_one_another_with_their_own_ids() -> None:
    tracks = expand_document(document(EAR, PINS), WIDE, 5, fps=16)
    assert tracks.size == WIDE and tracks.fps == 16 and tracks.num_frames == 5
    wanted = [(zlib.crc32(b"ear") << 20) + n for n in range(13)]
    wanted += [(zlib.crc32(b"pins") << 20) + n for n in range(48)]
    assert tracks.ids.tolist() == wanted


def test_no_layers_mean_no_motion_control() -> None:
    tracks = expand_document(document(), (64, 32), 7, fps=8)
    assert (tracks.num_frames, tracks.num_points, tracks.size) == (7, 0, Size(64, 32))
    assert tracks.fps == 8


@pytest.mark.slow
@given(documents(), st.integers(1, 9))
def test_expansion_is_deterministic_and_says_the_same_after_a_round_trip(doc, frames) -> None:
    kept = copy.deepcopy(doc)
    one, two = (
        expand_document(d, WIDE, frames) for d in (doc, read_document(document_to_dict(doc)))
    )
    assert doc == kept
    assert torch.equal(one.xy, two.xy) and torch.equal(one.visible, two.visible)
    assert torch.equal(one.ids, two.ids) and torch.isfinite(one.xy).all()


@pytest.mark.slow
@given(documents(), st.integers(1, 6), st.sampled_from([0.5, 2, 3, 4.16]))
def test_another_resolution_is_the_same_motion(doc, frames, factor) -> None:
    wanted = expand_document(doc, WIDE, frames)
    size = Size(round(200 * factor), round(100 * factor))
    got = expand_document(doc, size, frames)
    assert torch.equal(got.ids, wanted.ids)
    scale = torch.tensor([size.width / 200, size.height / 100])
    torch.testing.assert_close(got.xy / scale, wanted.xy, atol=2e-3, rtol=1e-5)
    differs = (got.visible != wanted.visible).sum(dim=0)
    # Rounding may only decide about points that lie on the canvas' border or a footprint's.
    assert int((differs > 0).sum()) <= 0.02 * got.num_points + 1


@pytest.mark.slow
@given(documents(), st.integers(2, 6), st.integers(2, 4))
def test_another_frame_rate_gives_the_same_positions_at_the_same_times(doc, frames, times) -> None:
    coarse = expand_document(doc, WIDE, frames)
    fine = expand_document(doc, WIDE, (frames - 1) * times + 1)
    one, other = as_dict(coarse), as_dict(fine)
    # A layer may first appear between two coarse frames; then the background it takes differs.
    shared = sorted(set(one) & set(other))
    assert len(shared) >= 0.5 * len(one)
    for key in shared:
        np.testing.assert_allclose(other[key][0][::times], one[key][0], atol=2e-3)


@pytest.mark.slow
@given(st.data(), st.sampled_from(["drag", "sphere", "region"]))
def test_other_layers_never_change_a_moving_layer(data, kind) -> None:
    layer = data.draw(layers(kind, "mine"))
    alone = as_dict(expand_document(document(layer), WIDE, 5))
    others = [data.draw(layers(other, other)) for other in ("pin", "drag", "sphere", "region")]
    place = data.draw(st.integers(0, 4))
    among = as_dict(expand_document(document(*others[:place], layer, *others[place:]), WIDE, 5))
    for key, (xy, visible) in alone.items():
        assert (among[key][0] == xy).all() and (among[key][1] == visible).all()


@pytest.mark.slow
@given(st.data())
def test_moving_layers_only_take_background_away(data) -> None:
    back = PinLayer("back", area="background", spacing=0.1)
    alone = as_dict(expand_document(document(back), WIDE, 3))
    drag = data.draw(layers("drag", "drag"))
    among = expand_document(document(back, drag), WIDE, 3)
    kept = {key: spot for key, spot in as_dict(among).items() if key in alone}
    assert all((xy == alone[key][0]).all() for key, (xy, _) in kept.items())


@pytest.mark.slow
@given(documents(), st.integers(1, 5))
def test_nothing_outside_the_canvas_is_visible(doc, frames) -> None:
    tracks = expand_document(doc, WIDE, frames)
    xy = tracks.xy[tracks.visible]
    assert (xy >= 0).all() and (xy[:, 0] < 200).all() and (xy[:, 1] < 100).all()


def test_leaving_the_canvas_hides_a_dot_in_those_frames_alone() -> None:
    path = line((0.5, 0.5), (1.5, 0.5))
    tracks = expand_document(document(DragLayer("d", path=path, brush=Brush(0.0))), WIDE, 5)
    assert tracks.visible[:, 0].tolist() == [True, True, False, False, False]
    np.testing.assert_allclose(tracks.xy[:, 0, 0].numpy(), [100, 150, 200, 250, 300])


def test_one_frame_is_the_start() -> None:
    tracks = expand_document(document(EAR, PINS), WIDE, 1)
    whole = expand_document(document(EAR, PINS), WIDE, 9)
    assert torch.equal(tracks.xy[0], whole.xy[0])


def test_ids_that_meet_by_their_checksum_are_still_different() -> None:
    # CRC-32 gives these two words one value.
    assert zlib.crc32(b"plumless") == zlib.crc32(b"buckeroo")
    drags = (DragLayer(name, path=EAR.path, brush=EAR.brush) for name in ("plumless", "buckeroo"))
    tracks = expand_document(document(*drags), WIDE, 2)
    assert len(set(tracks.ids.tolist())) == 26


def test_ids_fit_and_stay_apart() -> None:
    assert layer_ids("ear", 0).shape == (0,)
    assert layer_ids("\ud800", 1).dtype == torch.int64
    with pytest.raises(ValueError, match="1,048,576"):
        layer_ids("ear", (1 << 20) + 1)


def test_progress_counts_layers_and_may_stop() -> None:
    calls: list[tuple[int, int]] = []
    expand_document(document(EAR, PINS), WIDE, 2, progress=lambda *step: calls.append(step))
    assert calls == [(1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        expand_document(document(EAR, PINS), WIDE, 2, progress=stop)


def test_a_selection_of_one_layer_is_that_layer() -> None:
    both = expand_document(document(EAR, PINS), WIDE, 4)
    alone = expand_document(document(PINS), WIDE, 4)
    chosen = select_ids(both, alone.ids)
    assert torch.equal(chosen.xy, alone.xy)


def test_a_camera_layer_makes_no_tracks_and_is_named_in_a_note(caplog) -> None:
    camera = CameraGrabLayer("c1", "orbit", path=line((0.2, 0.2), (0.6, 0.4)))
    with caplog.at_level(logging.INFO):
        tracks = expand_document(document(EAR, camera, PINS), WIDE, 4)
    alone = expand_document(document(EAR, PINS), WIDE, 4)
    assert torch.equal(tracks.ids, alone.ids) and torch.equal(tracks.xy, alone.xy)
    assert torch.equal(tracks.visible, alone.visible)
    (note,) = expansion_notes(document(EAR, camera, PINS))
    assert '"orbit"' in note and '"c1"' in note and "Camera Path" in note
    assert note in caplog.text


def test_only_enabled_camera_layers_are_noted() -> None:
    camera = CameraGrabLayer("c1", path=line((0.2, 0.2), (0.6, 0.4)))
    assert expansion_notes(document(EAR, PINS, replace(camera, enabled=False))) == ()
    notes = expansion_notes(document(camera, replace(camera, id="c2")))
    assert ['"c1"' in notes[0], '"c2"' in notes[1]] == [True, True]
