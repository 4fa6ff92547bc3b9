"""evaluate: a report that is JSON, tables and a picture, and goes on after an interruption."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from motion_core.cli.evaluate import EXAMPLES
from motion_core.cli.parser import make_parser
from motion_core.evaluation.run import Settings, evaluate
from motion_core.image_files import read_image
from motion_core.models.lite.weights import SHIPPED

from .conftest import Command

pytestmark = pytest.mark.slow

FEW = ["--clips", "1", "--tracks", "4", "--rendered", "1", "--tuning", "1"]


def test_the_examples_can_be_read() -> None:
    for example in EXAMPLES:
        args = make_parser().parse_args(["evaluate", *shlex.split(example)])
        assert args.command == "evaluate" and args.json.suffix == ".json"


def test_a_small_evaluation(tmp_path: Path, motion_core: Command) -> None:
    report, tables, sheet = (tmp_path / name for name in ("r.json", "r.md", "r.png"))
    result = motion_core(
        *("evaluate", *FEW, "--seed", "3", "--scenes", "other", "--json", str(report)),
        *("--markdown", str(tables), "--sheet", str(sheet)),
    )
    assert result.code == 0, result.err
    values = json.loads(report.read_text(encoding="utf-8"))
    assert values["asked"]["world"] == "other"
    assert values["asked"]["weights"] == {"lite": "shipped"}
    errors, videos = values["errors"]["4"], values["videos"]["4"]
    assert errors["lite"]["tracks"]["mean"] < 0.2 * errors["no control"]["tracks"]["mean"]
    assert {"ground truth", "no control", "draft", "lite"} <= set(videos)
    assert videos["lite"]["lpips"]["mean"] is None
    text = tables.read_text(encoding="utf-8")
    assert "LPIPS is not measured" in text
    assert "| N = 4 | lite |" in text
    assert read_image(sheet).shape[1] > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json", "r.md", "r.png"]


def test_an_interrupted_evaluation_keeps_its_rows(
    tmp_path: Path, motion_core: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import motion_core.evaluation.run as run

    line = ["evaluate", *FEW[:4], "--rendered", "0", "--tuning", "1", "--json"]
    line.append(str(tmp_path / "r.json"))

    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "measure", stop)
        assert motion_core(*line).code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["r.json.journal"]
    result = motion_core(*line)
    assert result.code == 0
    assert "going on after 1 known rows" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tracks", "5"], "tracks must be of 1, 4, 16"),
        (["--model", "lumiere"], "evaluate knows lite"),
        (["--clips", "0"], "whole number of 1 or more"),
        (["--seed", "1", "1"], "seeds must be different"),
        (["--weights", "missing.safetensors"], "missing.safetensors"),
        (["--davis", "."], "is not a DAVIS folder"),
        (["--markdown", "table.txt"], "must end in one of .md"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path, motion_core: Command
) -> None:
    result = motion_core("evaluate", *words, "--json", str(tmp_path / "r.json"))
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_several_weights_share_a_table(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{name}.safetensors" for name in ("dense", "sparse"))
    for path in paths:
        path.write_bytes(SHIPPED.read_bytes())
    found = evaluate(Settings(weights=paths, counts=("4",), clips=1, rendered=0, tuning=1))
    assert found.learned == ("lite dense", "lite sparse", "lite sparse by ids")
    rows = found.dense["4"]
    np.testing.assert_equal(rows["lite dense"], rows["lite sparse"])
    with pytest.raises(ValueError, match="different names"):
        Settings(weights=(paths[0], paths[0])).named_weights()
