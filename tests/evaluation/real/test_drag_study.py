"""The study of one drag: figures of methods, resumed, reported and drawn."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from motion_core.cli import main
from motion_core.evaluation.journal import Journal
from motion_core.evaluation.real.contact_sheet import TILE, real_sheet
from motion_core.evaluation.real.drag_study import FIGURES, drag_figures
from motion_core.evaluation.real.lpips import Lpips
from motion_core.evaluation.real.methods import METHODS, Method
from motion_core.evaluation.real.natural_drag import natural_drag
from motion_core.evaluation.real.photographs import read_photograph
from motion_core.evaluation.real.report import as_markdown, as_values
from motion_core.evaluation.real.run import RealSettings, evaluate_real
from motion_core.image_files import read_image

from .test_lpips import random_weights, written
from .test_photographs import write_photograph

QUICK = ("rest", "nearest")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs."""
    for seed, name in enumerate(("set/a", "set/b")):
        write_photograph(tmp_path, name, seed)
    return tmp_path


def test_rest_leaves_everything_where_it_is(folder: Path, tmp_path: Path) -> None:
    photograph = read_photograph(folder, "set/a")
    drag = natural_drag(photograph.thing, "set/a")
    lpips = Lpips(written(tmp_path / "w.ckpt", random_weights()))
    figures = drag_figures(Method("rest"), photograph, drag, lpips)
    assert tuple(sorted(figures)) == tuple(sorted(FIGURES))
    length = float(drag.tracks.xy[-1, 0].sub(drag.tracks.xy[0, 0]).norm())
    assert figures.pop("handle") == pytest.approx(length, rel=1e-4)
    assert figures.pop("bending") == 1
    assert set(figures.values()) == {0}


def test_nearest_track_carries_the_thing_as_one(folder: Path) -> None:
    photograph = read_photograph(folder, "set/a")
    drag = natural_drag(photograph.thing, "set/a")
    figures = drag_figures(Method("nearest"), photograph, drag, None)
    assert figures["goes"] > 0.7 and figures["bending"] < 0.1 and figures["handle"] < 1
    assert figures["background"] > 0.05, "it takes the background along"
    assert math.isnan(figures["still"]) and figures["pins"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in METHODS if name != "rest"])
def test_every_method_follows_the_drag(folder: Path, name: str) -> None:
    photograph = read_photograph(folder, "set/a", long_side=96)
    drag = natural_drag(photograph.thing, "set/a")
    figures = drag_figures(Method(name), photograph, drag, None)
    assert figures["handle"] < 3 and figures["goes"] > 0.5


def test_unknown_methods_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="methods must be of layers"):
        Method("warp")
    with pytest.raises(ValueError, match="warp"):
        RealSettings(folder, ("warp",))


def test_an_interrupted_study_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    settings = RealSettings(folder, QUICK)
    whole = evaluate_real(settings)
    path = tmp_path / "r.journal"

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_real(settings, Journal(path, settings.fingerprint()), stop)
    resumed = Journal(path, settings.fingerprint())
    assert len(resumed.rows) == 3
    # A row that is known is not measured again.
    known = "photo/set/a/rest"
    resumed.rows[known]["rest"]["goes"] = 0.25
    found = evaluate_real(settings, resumed)
    assert found.photographs["rest"]["set/a"]["goes"] == 0.25
    assert found.photographs["nearest"].keys() == whole.photographs["nearest"].keys()
    for name in ("set/a", "set/b"):
        first, second = (e.photographs["nearest"][name] for e in (found, whole))
        assert {k: v for k, v in first.items() if v == v} == {
            k: v for k, v in second.items() if v == v
        }


def test_reports_hold_medians_and_every_photograph(folder: Path) -> None:
    found = evaluate_real(RealSettings(folder, QUICK))
    values = json.loads(json.dumps(as_values(found), allow_nan=False))
    goes = values["photographs"]["medians"]["nearest"]["goes"]
    each = [row["goes"] for row in values["photographs"]["figures"]["nearest"].values()]
    assert goes["mean"] == pytest.approx(sum(each) / 2) and goes["clips"] == 2
    assert values["photographs"]["medians"]["rest"]["still"]["mean"] is None
    table = as_markdown(found)
    assert "| method | torn |" in table and "| rest | **0" in table and "still |" not in table


def test_the_sheet_shows_every_tenth(folder: Path) -> None:
    sheet = real_sheet(RealSettings(folder, QUICK))
    assert sheet.shape[2] == 3 and sheet.shape[1] == 3 * (TILE + 4)
    assert TILE * 2 // 3 < sheet.shape[0] < TILE


def test_the_command_writes_a_report(folder: Path, tmp_path: Path) -> None:
    out = [tmp_path / name for name in ("r.json", "r.md", "r.png")]
    line = ["evaluate", "--real", str(folder), "--methods", *QUICK, "--every", "2", "--json"]
    code = main([*line, str(out[0]), "--markdown", str(out[1]), "--sheet", str(out[2])])
    assert code == 0
    assert json.loads(out[0].read_text())["asked"]["every"] == 2
    assert out[1].read_text().startswith("# 1 photographs with one drag")
    assert read_image(out[2]).ndim == 3
    assert not list(tmp_path.glob("*.journal"))


def test_the_command_refuses_other_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--real", str(tmp_path), "--json", str(tmp_path / "r.json")]) == 2
    assert "holds no photographs" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
