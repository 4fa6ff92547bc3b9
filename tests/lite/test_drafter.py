"""The draft can be asked for learned motion without knowing the model."""

from __future__ import annotations

import pytest
import torch

from motion_core.draft import draft, draft_frames
from motion_core.draft.completion import register_drafter
from motion_core.errors import CanvasError
from motion_core.geometry import Size
from motion_core.models.lite import load_lite, render_field
from motion_core.tracks.model import empty_tracks

from .models import picture, wandering

SIZE = Size(48, 40)


def test_learned_is_what_lite_renders() -> None:
    torch.set_num_threads(1)
    image, tracks = picture(*SIZE), wandering(3, 5, SIZE)
    wanted, _ = render_field(image, load_lite().field(image, tracks))
    assert torch.equal(draft(image, tracks, completion="learned"), wanted)
    streamed = list(draft_frames(image, tracks, completion="learned"))
    assert torch.equal(torch.stack(streamed), wanted)


def test_without_tracks_it_rests() -> None:
    image = picture(*SIZE)
    still = draft(image, empty_tracks(2, SIZE), completion="learned")
    assert torch.equal(still, image.expand(2, -1, -1, -1))
    assert draft(image, empty_tracks(0, SIZE), completion="learned").shape == (0, 40, 48, 3)


def test_names_and_canvases_are_checked() -> None:
    with pytest.raises(ValueError, match="itself"):
        register_drafter("pull_push", lambda image, tracks, progress: iter(()))
    with pytest.raises(ValueError, match="learned"):
        draft(picture(*SIZE), wandering(3, 5, SIZE), completion="magic")
    with pytest.raises(CanvasError):
        draft(picture(40, 40), wandering(3, 5, SIZE), completion="learned")
