"""The command that scores trackers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench import tracker_quality as command
from motion_core.evaluation.tapvid import TapVidScores
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

from .scenes import Clip, Disc, Motion

SMALL = {
    "shift": Clip(Motion((10.0, 4.0)), size=Size(96, 64), frames=6),
    "disc": Clip(
        discs=(Disc((20.0, 32.0), 12.0, Motion((50.0, 0.0))),), size=Size(96, 64), frames=12
    ),
}


def test_means_and_worst_counted_by_hand() -> None:
    rows = [TapVidScores(*three, (), ()) for three in ((0.2, 0.9, 0.4), (0.6, 0.7, 0.8))]
    found = command.means(rows)
    assert found.mean == pytest.approx((0.4, 0.8, 0.6))
    assert found.worst == pytest.approx((0.2, 0.7, 0.4))


def test_a_tracker_that_never_moves_scores_low() -> None:
    class Still:
        def track(self, video, queries, progress=None, should_stop=None) -> Tracks:
            return make_tracks(queries[:, 1:].expand(len(video), -1, -1).clone(), Size(96, 64))

    fast = Clip(Motion((60.0, 20.0)), size=Size(96, 64), frames=6)
    assert command.means(command.score(Still(), fast)).mean[0] < 0.3


def test_the_table_holds_every_tracker_clip_and_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "CLIPS", SMALL)
    monkeypatch.setattr(
        command, "GROUPS", {"unoccluded": ["shift"], "occluded": ["disc"], "all": list(SMALL)}
    )
    monkeypatch.setattr(command, "OUT", tmp_path / "out" / "table.md")
    assert command.main(["--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "out" / "table.md").read_text(encoding="utf-8") in printed
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith("| `")]
    scores = {(row[0].strip("| `"), row[1]): [float(cell) for cell in row[2:5]] for row in rows}
    assert set(scores) == {
        (tracker, name)
        for tracker in ("lucas_kanade", "flow_dis")
        for name in ("unoccluded", "occluded", "all", "shift", "disc")
    }
    for tracker in ("lucas_kanade", "flow_dis"):
        assert scores[tracker, "unoccluded"][0] >= 0.90
        assert scores[tracker, "unoccluded"][1] >= 0.90
        assert scores[tracker, "all"][2] >= 0.70
        both = torch.tensor([scores[tracker, "shift"], scores[tracker, "disc"]]).mean(0)
        assert scores[tracker, "all"] == pytest.approx(both.tolist(), abs=2e-3)


def test_bad_rounds_are_refused() -> None:
    with pytest.raises(SystemExit):
        command.main(["--rounds", "0"])
