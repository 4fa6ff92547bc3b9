"""The plain table, against lines written by hand."""

from __future__ import annotations

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.formats import read_tracks, write_tracks
from motion_core.geometry import Size
from motion_core.tracks.model import make_tracks

SIZE = Size(64, 48)
LINES = ["frame,track,x,y,visible", "0,7,1.5,2,1", "0,3,4,5,0", "1,7,1.25,2,1", "1,3,4,6,1"]


def read(tmp_path, lines):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_tracks(path, size=SIZE)


@pytest.mark.parametrize("shuffle", [False, True])
def test_lines_in_any_order(tmp_path, shuffle):
    lines = LINES if not shuffle else [LINES[0], LINES[3], LINES[4], LINES[2], LINES[1]]
    tracks = read(tmp_path, lines)
    assert tracks.ids.tolist() == [7, 3]
    assert tracks.xy.tolist() == [[[1.5, 2.0], [4.0, 5.0]], [[1.25, 2.0], [4.0, 6.0]]]
    assert tracks.visible.tolist() == [[True, False], [True, True]]


def test_written_lines(tmp_path):
    xy = torch.tensor([[[1.5, 2.0], [4.0, 5.1]]])
    visible = torch.tensor([[True, False]])
    tracks = make_tracks(xy, SIZE, visible=visible, ids=torch.tensor([7, 3]))
    write_tracks(tmp_path / "a.csv", tracks)
    text = (tmp_path / "a.csv").read_text()
    assert text == "frame,track,x,y,visible\n0,7,1.5,2.0,1\n0,3,4.0,5.1,0\n"


def test_windows_lines_and_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(LINES).encode())
    assert read_tracks(tmp_path / "a.csv", size=SIZE).num_frames == 2


def test_quoted_names_and_numbers_are_read(tmp_path):
    (tmp_path / "a.csv").write_text('"frame","track","x","y","visible"\n0,"7","1.5",2,1\n')
    assert read_tracks(tmp_path / "a.csv", size=SIZE).xy.tolist() == [[[1.5, 2.0]]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({4: "2,3,4,6,1"}, r"track 7 has no line for frame 2|track 3 has no line for frame 1"),
        ({4: "1,7,4,6,1"}, "line 5: frame 1 of track 7 is there twice"),
        ({4: "1,3,4,6,2"}, "line 5: expected visible to be 0 or 1; got 2"),
        ({4: "0.5,3,4,6,1"}, "line 5: expected a whole frame number; got 0.5"),
        ({4: "1,3,four,6,1"}, "row 3, column 3"),
        ({4: "1,3,4,6,True"}, "could not convert string 'True'.*visible as 0 or 1"),
        ({0: ",frame,track,x,y,visible"}, r"got '', 'frame', .*to_csv\(path, index=False\)"),
        ({0: "frame;track;x;y;visible"}, "a table separated by semicolons"),
        ({0: "frame,track,x,y"}, "line 1: expected 'frame,track,x,y,visible'"),
        ({4: "1,3,nan,6,1"}, "frame 1, track 1"),
    ],
)
def test_broken_lines_are_placed(tmp_path, change, says):
    lines = [change.get(index, line) for index, line in enumerate(LINES)]
    with pytest.raises(FormatError, match=says):
        read(tmp_path, lines)


def test_ids_a_spreadsheet_would_round_are_refused(tmp_path):
    tracks = make_tracks(torch.zeros(1, 1, 2), SIZE, ids=torch.tensor([2**53]))
    with pytest.raises(FormatError, match="renumber"):
        write_tracks(tmp_path / "a.csv", tracks)
    assert not list(tmp_path.iterdir())
