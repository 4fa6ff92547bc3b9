"""What answers: the draft's motion as a field, lite with and without its generative half."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_core.draft import draft
from motion_core.evaluation import methods
from motion_core.evaluation.baselines import Question
from motion_core.evaluation.methods import as_field, drafted, lite_answer, sampled_answer
from motion_core.fields.render import render_field
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks
from tests.lite.models import lite_with_control, lite_without_base, picture, wandering

SIZE = Size(64, 64)


def question(xy: torch.Tensor, size: Size = SIZE, grid: int = 16) -> Question:
    return Question(picture(*size), make_tracks(xy, size), grid)


def line(starts: list[list[float]], step: tuple[float, float], frames: int = 5) -> torch.Tensor:
    return torch.tensor(starts) + torch.arange(frames).view(-1, 1, 1) * torch.tensor(step)


def test_a_panned_picture_is_drafted_as_a_pan() -> None:
    everywhere = [[x, y] for x in (6.0, 24.0, 42.0, 58.0) for y in (6.0, 24.0, 42.0, 58.0)]
    field = drafted(question(line(everywhere, (2.0, -1.0))))
    wanted = torch.arange(5).view(-1, 1, 1, 1) * torch.tensor([2.0, -1.0])
    torch.testing.assert_close(field, wanted.expand(5, 16, 16, 2), atol=0.05, rtol=0)


def test_the_drafted_motion_is_what_the_draft_draws() -> None:
    """A square on a plain ground, dragged: drawn by its field it looks as the draft does."""
    image = torch.full((64, 64, 3), 0.2)
    image[20:40, 20:40] = torch.tensor([0.9, 0.5, 0.3])
    drag = line([[25.0, 25.0], [35.0, 25.0], [25.0, 35.0], [35.0, 35.0]], (3.0, 0.0))
    pins = line([[5.0, 5.0], [58.0, 5.0], [5.0, 58.0], [58.0, 58.0]], (0.0, 0.0))
    asked = Question(image, make_tracks(torch.cat([drag, pins], dim=1), SIZE), 32)
    field = drafted(asked)
    assert field[-1, 15, 15, 0] == pytest.approx(12.0, abs=0.5)
    assert field[-1, 2, 2].abs().max() < 0.01
    drawn, _ = render_field(image, as_field(field, asked))
    apart = (drawn[-1] - draft(image, asked.tracks)[-1]).abs().mean()
    moved = (image - draft(image, asked.tracks)[-1]).abs().mean()
    assert apart < 0.3 * moved


def test_without_tracks_the_draft_rests() -> None:
    none = make_tracks(torch.zeros(5, 0, 2), SIZE)
    assert not drafted(Question(picture(64, 64), none, 16)).any()


def test_what_leaves_the_canvas_is_taken_to_be_hidden() -> None:
    moved = torch.zeros(2, 4, 4, 2)
    moved[1, ..., 0] = 20.0
    seen = as_field(moved, question(line([[8.0, 8.0]], (0.0, 0.0), 2), grid=4)).visible
    assert seen[0].all()
    assert seen[1].tolist() == [[1.0, 1.0, 1.0, 0.0]] * 4


def test_lite_answers_with_its_encoder_or_by_sampling() -> None:
    size = Size(64, 48)
    image, tracks = picture(*size), wandering(5, 7, size)
    lite = lite_without_base()
    asked = Question(image, tracks, 8)
    torch.testing.assert_close(
        lite_answer(lite)(asked).displacement, lite.field(image, tracks).displacement
    )
    steered = lite_with_control(gain=0.0, sure=50.0)
    answer = sampled_answer(steered, 8)(asked)
    torch.testing.assert_close(
        answer.displacement, steered.field(image, tracks).displacement, atol=0.05, rtol=0.01
    )
    empty: Tracks = make_tracks(torch.zeros(5, 0, 2), size)
    alone = sampled_answer(steered, 8)(Question(image, empty, 8))
    assert alone.displacement.shape == (5, 8, 8, 2)


def test_steps_are_compared_where_weights_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    size = Size(64, 48)
    asked = Question(picture(*size), wandering(5, 7, size), 8)
    files = {Path("whole"): lite_with_control(gain=0.05), Path("half"): lite_without_base()}
    monkeypatch.setattr(methods, "load_lite", files.__getitem__)
    answers = methods.lite_answers({path.name: path for path in files}, steps=(1, 3))
    assert list(answers) == ["whole", "whole, steps 1", "whole, steps 3", "half", "half by ids"]
    one, three = (answers[f"whole, steps {n}"](asked).displacement for n in (1, 3))
    assert not torch.allclose(one, three)
