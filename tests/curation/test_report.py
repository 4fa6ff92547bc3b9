"""The report of a curation: its figures, and a page that needs nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.curation.clip_tracks import ClipTracks
from motion_core.curation.report import write_report
from motion_core.curation.run import Curation, curate
from motion_core.curation.settings import CurationSettings, Filters
from motion_core.curation.sources import find_sources
from motion_core.curation.statistics import histogram, measure_set, track_figures
from motion_core.geometry import Size
from motion_core.tracks import make_tracks

from .videos import panned, write_mp4


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Four clips, of which the slowest is dropped, and a file that is no video."""
    root = tmp_path_factory.mktemp("report")
    for seed in range(4):
        write_mp4(root / f"<v{seed}>.mp4", panned(seed, 9, 0.5 * seed), 16.0)
    (root / "torn.mp4").write_bytes(b"no video")
    settings = CurationSettings(
        size=Size(64, 48), frames=8, stride=8, cuts="none", spacing=8.0, licence="<CC0>"
    )
    settings = replace(settings, filters=Filters(drop_slowest=0.25))
    curate(Curation(find_sources([str(root)]), root / "out", settings))
    write_report(root / "out")
    return root / "out"


def test_displacement_and_length_of_tracks() -> None:
    xy = torch.zeros(4, 3, 2)
    xy[:, 0, 0] = torch.tensor([0.0, 3, 6, 9])
    xy[:, 1] = torch.tensor([[50.0, 50], [10, 10], [13, 14], [60, 60]])
    visible = torch.ones(4, 3, dtype=torch.bool)
    visible[[0, 3], 1] = False  # what is hidden does not count
    visible[:, 2] = False
    clip = ClipTracks(make_tracks(xy, Size(64, 64), visible=visible), torch.zeros(4, 3))
    away, length = track_figures(clip)
    assert away.tolist() == [9.0, 5.0]
    assert length.tolist() == [4, 2, 0]


def test_a_histogram_counts_every_value_once() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [50.0]])
    found = histogram("x", values, np.array([0.5, 0.5]))
    assert (sum(found.counts), sum(found.dropped)) == (1001, 2)
    assert found.edges[0] == 0 and 0.9 < found.edges[-1] < 1.1
    assert found.median == pytest.approx(0.5, abs=0.01)
    assert histogram("x", np.zeros(3)).counts[0] == 3


def test_the_figures_are_those_of_the_set(folder: Path) -> None:
    statistics = measure_set(folder)
    assert statistics.samples == (0, 1, 2)
    assert statistics.labels == {"not separated": 3}
    assert statistics.visible[0] == 1.0 and len(statistics.visible) == 8
    by_name = {one.name.split(" of ")[0]: one for one in statistics.histograms}
    # Pans of 0.5, 1 and 1.5 px a frame at 128 x 96, half of that here; seven steps.
    assert by_name["displacement"].median == pytest.approx(7 * 0.5, abs=0.6)
    assert sum(by_name["motion"].counts) == 3 and sum(by_name["motion"].dropped) == 1
    values = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert values == json.loads(json.dumps(statistics.to_values()))


class Checked(HTMLParser):
    """Notes every address that a page refers to, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data) -> None:
        self.texts.append(data)


def test_the_page_needs_no_other_file(folder: Path) -> None:
    page = Checked()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert len(page.addresses) == 3
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.addresses)
    text = " ".join(page.texts)
    # Names of files are shown as they are, and not as tags.
    assert "<v3>.mp4 at 0.00 s" in text and "<CC0>" in text
    assert re.search(r"slowest\s+<v0>\.mp4", text)
    assert re.search(r"not read\s+torn\.mp4", text)


def test_the_report_needs_a_finished_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no manifest.json"):
        write_report(tmp_path)
