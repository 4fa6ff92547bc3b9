from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import bench.__main__ as harness
from bench.row import Row, best_seconds

KEPT = Row("kept", 3.0, "ms", "floor", ratio=1.2, budget=1.5)
SLOW = Row("slow", 9.0, "ms", "floor", ratio=3.6, budget=1.5)
INFO = Row("info", 9.0, "ms", "nothing")


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[Row] | Exception]:
    """Stands in for the bench folder: module name to what its measure() returns or raises."""
    found: dict[str, list[Row] | Exception] = {}

    def load(name: str) -> SimpleNamespace:
        answer = found[name.removeprefix("bench.")]
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(measure=lambda: answer)

    monkeypatch.setattr(harness, "OUT", tmp_path / "out")
    monkeypatch.setattr(harness, "module_names", lambda: sorted(found))
    monkeypatch.setattr(harness.importlib, "import_module", load)
    return found


def test_ok_is_a_ratio_within_its_budget() -> None:
    assert KEPT.ok
    assert not SLOW.ok
    assert INFO.ok
    assert not Row("broken", None, "", "error", failed=True).ok
    assert not Row("no ratio", 1.0, "ms", "floor", budget=1.5).ok


def test_a_slow_machine_is_reported_not_failed(modules: dict, tmp_path: Path) -> None:
    modules["a"] = [KEPT, SLOW, INFO]
    assert harness.main([]) == 0
    listing = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert [row["ok"] for row in listing] == [True, False, True]
    assert listing[1] == {
        "name": "slow",
        "value": 9.0,
        "unit": "ms",
        "against": "floor",
        "ratio": 3.6,
        "budget": 1.5,
        "ok": False,
    }


def test_a_broken_module_is_a_row_and_the_others_go_on(modules: dict, tmp_path: Path) -> None:
    modules["a"] = RuntimeError("no floor")
    modules["b"] = [KEPT]
    assert harness.main([]) == 1
    broken, kept = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert broken["ok"] is False
    assert broken["against"] == "RuntimeError: no floor"
    assert kept["name"] == "kept"


def test_the_circumstances_are_written_beside(
    modules: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules["a"] = [KEPT]
    monkeypatch.setattr(sys, "argv", ["bench", "a"])
    harness.main(["a"])
    about = json.loads((tmp_path / "out" / "bench-meta.json").read_text())
    assert about["command"] == "python -m bench a"
    assert about["cores"] >= 1
    assert about["torch_threads"] >= 1
    assert {"commit", "torch", "processor"} <= set(about)


def test_only_the_named_modules_run(modules: dict, tmp_path: Path) -> None:
    modules["a"], modules["b"] = RuntimeError("not asked for"), [KEPT]
    assert harness.main(["b"]) == 0


def test_an_unknown_name_says_which_there_are(
    modules: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    modules["a"] = [KEPT]
    assert harness.main(["z"]) == 2
    assert capsys.readouterr().err == "no bench named z; there are: a\n"


def test_the_table_names_every_row_and_its_verdict(
    modules: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    modules["a"] = [KEPT, SLOW]
    harness.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["kept", "3", "ms", "floor", "1.2", "1.5", "ok"]
    assert lines[2].endswith("over budget")


def test_the_folder_is_searched_for_measure() -> None:
    assert "raster" in harness.module_names()
    assert not {"row", "__main__", "__init__"} & set(harness.module_names())


def test_pieces_of_work_take_turns() -> None:
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in "ab"}
    best = best_seconds(works, repeats=2)
    assert calls == ["a", "b"] * 3
    assert all(0 <= seconds < 1 for seconds in best.values())
