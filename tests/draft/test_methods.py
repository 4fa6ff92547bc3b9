"""The draft's methods: the default is its own layers, the others draw a densifier's field."""

from __future__ import annotations

import pytest
import torch

from motion_core.draft import LAYERED, LAYERS, METHODS, draft, draft_frames
from motion_core.errors import CanvasError
from motion_core.fields.registry import DENSIFIERS, make_densifier
from motion_core.fields.render import render_field
from motion_core.geometry import Size
from motion_core.models.lite.load import load_lite
from motion_core.tracks.model import empty_tracks
from tests.lite.models import picture, wandering

SIZE = Size(48, 40)
RENDERED = [name for name in METHODS if name not in (LAYERED, LAYERS)]


def test_the_default_is_the_layers_method() -> None:
    image, tracks = picture(*SIZE), wandering(3, 5, SIZE)
    assert METHODS[0] == LAYERS
    assert torch.equal(draft(image, tracks), draft(image, tracks, method=LAYERS))


def test_lite_is_what_its_field_renders() -> None:
    torch.set_num_threads(1)
    image, tracks = picture(*SIZE), wandering(3, 5, SIZE)
    wanted, _ = render_field(image, load_lite().field(image, tracks))
    assert torch.equal(draft(image, tracks, method="lite"), wanted)
    streamed = list(draft_frames(image, tracks, method="lite"))
    assert torch.equal(torch.stack(streamed), wanted)


@pytest.mark.parametrize("name", [name for name in RENDERED if name != "lite"])
def test_a_classical_method_is_what_its_field_renders(name: str) -> None:
    image, tracks = picture(*SIZE), wandering(3, 5, SIZE)
    wanted, _ = render_field(image, make_densifier(name)(image, tracks))
    drawn = draft(image, tracks, method=name)
    assert torch.equal(drawn, wanted)
    assert not torch.equal(drawn[-1], image), "something moved"


@pytest.mark.parametrize("name", METHODS)
def test_without_tracks_the_picture_rests(name: str) -> None:
    image = picture(*SIZE)
    still = draft(image, empty_tracks(2, SIZE), method=name)
    assert torch.equal(still, image.expand(2, -1, -1, -1))
    assert draft(image, empty_tracks(0, SIZE), method=name).shape == (0, 40, 48, 3)


@pytest.mark.parametrize("name", METHODS)
def test_another_canvas_is_refused(name: str) -> None:
    with pytest.raises(CanvasError):
        draft(picture(40, 40), wandering(3, 5, SIZE), method=name)


@pytest.mark.parametrize("name", METHODS)
def test_progress_counts_frames_and_may_stop(name: str) -> None:
    calls: list[tuple[int, int]] = []
    draft(
        picture(*SIZE),
        wandering(3, 5, SIZE),
        method=name,
        progress=lambda *done: calls.append(done),
    )
    assert calls[-1] == (3, 3) and {total for _, total in calls} == {3}

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        draft(picture(*SIZE), wandering(3, 5, SIZE), method=name, progress=stop)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="method must be one of: layers, .*got 'magic'"):
        draft(picture(*SIZE), wandering(3, 5, SIZE), method="magic")
    with pytest.raises(ValueError, match="method must be one of"):
        draft_frames(picture(*SIZE), wandering(3, 5, SIZE), method="pull_push")
    with pytest.raises(ValueError, match="densifier must be one of: layers, .*got 'magic'"):
        make_densifier("magic")
    assert set(METHODS) < set(DENSIFIERS)
