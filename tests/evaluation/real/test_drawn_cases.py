"""Drawn cases from a folder, in every form of tracks.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.real.drawn_cases import FIGURES, case_figures, case_names, read_case
from motion_core.evaluation.real.methods import Method
from motion_core.evaluation.real.natural_drag import FRAMES
from motion_core.evaluation.real.report import as_markdown, as_values
from motion_core.evaluation.real.run import CASES, RealSettings, evaluate_real
from motion_core.image_files import write_image

LINE = [[0.25, 0.5], [0.5, 0.5], [0.75, 0.5]]


def write_case(folder: Path, name: str, drawn: object) -> None:
    """A picture of 80 x 120 with tracks.json."""
    place = folder / "cases" / name
    place.mkdir(parents=True)
    coarse = np.random.default_rng(0).random((10, 15, 3)).repeat(8, 0).repeat(8, 1)
    write_image(place / "00000.jpg", torch.from_numpy(coarse.astype(np.float32)))
    (place / "tracks.json").write_text(drawn if isinstance(drawn, str) else json.dumps(drawn))


@pytest.mark.parametrize(
    "drawn",
    [
        {"trajectories": [LINE, [[0.1, 0.1]]]},
        {"centres": [LINE, [[0.1, 0.1], [0.1, 0.1]]], "boxes": []},
        {"handles": [[0.25, 0.5], [0.1, 0.1]], "targets": [[0.75, 0.5], [0.1, 0.1]]},
    ],
)
def test_every_form_gives_the_same_motion(tmp_path: Path, drawn: dict) -> None:
    write_case(tmp_path, "set/a", drawn)
    assert case_names(tmp_path) == ["set/a"]
    tracks = read_case(tmp_path, "set/a").tracks
    assert tracks.xy.shape == (FRAMES, 2, 2)
    expected = 30 + 60 * torch.arange(FRAMES) / (FRAMES - 1)
    assert torch.allclose(tracks.xy[:, 0, 0], expected, atol=1e-4)
    assert torch.allclose(tracks.xy[:, 0, 1], torch.tensor(40.0))
    assert torch.allclose(tracks.xy[:, 1], torch.tensor([12.0, 8.0]))


def test_missing_places_are_invisible(tmp_path: Path) -> None:
    write_case(tmp_path, "set/a", {"trajectories": [[*LINE, None]]})
    tracks = read_case(tmp_path, "set/a").tracks
    assert tracks.visible[0, 0] and not tracks.visible[-1, 0]


def test_figures_of_rest(tmp_path: Path) -> None:
    write_case(tmp_path, "set/a", {"trajectories": [LINE]})
    figures = case_figures(Method("rest"), read_case(tmp_path, "set/a"), None)
    assert tuple(sorted(figures)) == tuple(sorted(FIGURES))
    assert figures["handle"] == pytest.approx(60) and np.isnan(figures["still"])
    assert [figures[name] for name in ("specks", "broken", "folds", "moved")] == [0, 0, 0, 0]
    moved = case_figures(Method("nearest"), read_case(tmp_path, "set/a"), None)
    assert moved["handle"] < 0.1 and moved["moved"] == 1


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        ("{", "does not hold drawn trajectories"),
        ("[]", "does not hold drawn trajectories"),
        ({"trajectories": []}, "must hold 1 to"),
        ({"trajectories": [[]]}, "empty or infinite"),
        ({"trajectories": [[[1, 2, 3]]]}, "lists of x, y"),
        ({"trajectories": [["ab"]]}, "lists of x, y"),
        ({"handles": [[0.1, 0.1]], "targets": []}, "does not hold drawn trajectories"),
        ('{"trajectories": [[[NaN, 0]]]}', "tracks.json"),
    ],
)
def test_broken_drawings_are_named(tmp_path: Path, drawn: object, message: str) -> None:
    write_case(tmp_path, "set/a", drawn)
    with pytest.raises(FormatError, match=message):
        read_case(tmp_path, "set/a")


def test_cases_have_their_table(tmp_path: Path) -> None:
    for name in ("set/a", "set/b"):
        write_case(tmp_path, name, {"trajectories": [LINE]})
    found = evaluate_real(RealSettings(tmp_path, ("rest", "nearest"), parts=(CASES,)))
    assert set(found.cases["nearest"]) == {"set/a", "set/b"} and not found.photographs
    values = json.loads(json.dumps(as_values(found), allow_nan=False))
    assert values["cases"]["medians"]["rest"]["handle"]["mean"] == pytest.approx(60)
    assert as_markdown(found).startswith("# 2 cases drawn by people")
