"""Whole suites from folders to leaderboards, by the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from motion_core.cli import main
from motion_core.cli.evaluate_suite import SUITE_NAMES
from motion_core.evaluation.statistics import figure
from motion_core.evaluation.suites.report import as_markdown, as_values, merged, read_report
from motion_core.evaluation.suites.run import EntryScores, SuiteReport
from motion_core.evaluation.suites.suite import SUITES

from .folders import mc_bench, patch_video, write_frames

DRAG = [[[32, 32], [62, 32]]]


def made(folder: Path, cases: list[str], step: float) -> Path:
    for case in cases:
        write_frames(folder / case, patch_video(16, (step, 0)))
    return folder


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    return mc_bench(tmp_path / "bench", {"a": DRAG, "b": DRAG})


def command(bench: Path, out: Path, *words: str | Path) -> int:
    base = ["evaluate", "--suite", "mc-bench", "--data", bench, "--json", out, *words]
    return main([str(word) for word in base])


def test_two_models_are_compared(bench: Path, tmp_path: Path) -> None:
    good = made(tmp_path / "good", ["object/a", "object/b"], 2)
    bad = made(tmp_path / "bad", ["object/a"], 1)
    out, table = tmp_path / "r.json", tmp_path / "r.md"
    words = ["--videos", f"fast={bad}", str(good), "--markdown", str(table)]
    assert command(bench, out, *words) == 0
    values = json.loads(out.read_text(encoding="utf-8"))
    assert values["suite_report"] == 1 and values["cases"] == ["object/a", "object/b"]
    fast, right = values["entries"]
    assert (fast["name"], fast["missing"], right["missing"]) == ("fast", ["object/b"], [])
    # The target moves 2 px a frame; the slow video lags by t on average over 1..15.
    assert fast["summary"]["MD-Vid (CTD)"]["mean"] == pytest.approx(8, abs=0.3)
    assert right["summary"]["MD-Vid (CTD)"]["mean"] < 0.5
    assert right["summary"]["background CTD"]["mean"] == pytest.approx(16, abs=1.5)
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows == ["model", "good", "fast"]
    assert "1 of 2 cases" in lines[2] and "fast has no video of 1 cases" in lines[-1]
    assert not out.with_name("r.json.journal").exists()


def test_a_later_model_joins_an_earlier_report(bench: Path, tmp_path: Path) -> None:
    first = made(tmp_path / "first", ["object/a"], 2)
    second = made(tmp_path / "second", ["object/a"], 1)
    assert command(bench, tmp_path / "1.json", "--videos", first) == 0
    words = ["--videos", second, "--with", tmp_path / "1.json", "--markdown", tmp_path / "2.md"]
    assert command(bench, tmp_path / "2.json", *words) == 0
    names = [one.name for one in read_report(tmp_path / "2.json").entries]
    assert names == ["first", "second"]
    assert command(bench, tmp_path / "3.json", "--with", tmp_path / "2.json") == 0


def test_methods_of_the_package_are_drawn_and_measured(bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    assert command(bench, out, "--methods", "nearest") == 0
    (entry,) = read_report(out).entries
    assert entry.rows["object/a"]["MD-Vid (CTD)"] < 1.5
    assert (tmp_path / "r-videos" / "nearest" / "object" / "a" / "00015.png").is_file()


def test_a_video_that_does_not_fit_is_listed(bench: Path, tmp_path: Path) -> None:
    folder = made(tmp_path / "m", ["object/a"], 2)
    write_frames(folder / "object" / "b", patch_video(16, (2, 0))[:, :, :64])
    assert command(bench, tmp_path / "r.json", "--videos", folder) == 0
    (entry,) = read_report(tmp_path / "r.json").entries
    assert list(entry.rows) == ["object/a"]
    assert "64x64, but the case 96x64" in entry.problems["object/b"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "with --videos, or methods with --methods"),
        (["--videos", "none"], "there is no folder none"),
        (["--videos", "a=x", "a=y"], "are called a"),
        (["--methods", "magic"], "methods must be of"),
        (["--tracker", "tapir", "--videos", "none"], "there is no folder none"),
        (["--with", "none.json"], "none.json"),
    ],
)
def test_refusals_are_one_line(bench: Path, tmp_path: Path, capsys, words, says) -> None:
    assert command(bench, tmp_path / "r.json", *words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 1 and says in lines[0]


def test_the_folder_is_needed(tmp_path: Path, capsys) -> None:
    assert main(["evaluate", "--suite", "davis", "--json", str(tmp_path / "r.json")]) == 2
    assert "needs --data DIR" in capsys.readouterr().err


def test_frames_need_nothing_but_videos(tmp_path: Path) -> None:
    from motion_core.video import write_video

    (tmp_path / "v").mkdir()
    write_video(tmp_path / "v" / "a.mp4", patch_video(8, (1, 0)), 8)
    words = ["evaluate", "--suite", "frames", "--videos", str(tmp_path / "v")]
    assert main([*words, "--json", str(tmp_path / "r.json")]) == 0
    (entry,) = read_report(tmp_path / "r.json").entries
    assert 0.9 < entry.rows["a"]["temporal flickering"] < 1
    assert 0.5 < entry.rows["a"]["frame consistency"] <= 1


def report_of(name: str, value: float, **more) -> SuiteReport:
    rows = {"x": {"CamMC": value, "ObjMC": math.nan}, "y": {"CamMC": value + 1, "ObjMC": 2.0}}
    entry = EntryScores(name, rows, **more)
    about = {"tracker": "t", "backbone": "b"}
    return SuiteReport("image-conductor", SUITES["image-conductor"].measures, ("x", "y"),
                       (entry,), about)  # fmt: skip


def test_reports_come_back(tmp_path: Path) -> None:
    report = report_of("a", 3.0, missing=("z",), problems={"w": "torn"}, fvd=7.0)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(as_values(report)), encoding="utf-8")
    back = read_report(path)
    assert as_values(back) == as_values(report)
    assert math.isnan(back.entries[0].rows["x"]["ObjMC"])
    path.write_text(json.dumps(as_values(report) | {"suite_report": 2}), encoding="utf-8")
    with pytest.raises(ValueError, match="version 1, got 2"):
        read_report(path)


def test_the_table_ranks_by_the_first_measure() -> None:
    table = as_markdown(merged([report_of("slow", 9.0), report_of("quick", 3.0)]))
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    assert lines[1].startswith("| quick | 2 | **3.5** ± 0.5 |")
    assert lines[2].startswith("| slow | 2 | 9.5 ± 0.5 |")
    assert figure([3.0, 4.0]).mean == 3.5


def test_reports_of_other_tools_do_not_merge() -> None:
    one, other = report_of("a", 1.0), report_of("b", 2.0)
    other.about["tracker"] = "u"
    with pytest.raises(ValueError, match="equal about"):
        merged([one, other])
    with pytest.raises(ValueError, match="two entries are called a"):
        merged([one, one])


def test_the_command_line_offers_every_suite() -> None:
    assert tuple(SUITES) == SUITE_NAMES
