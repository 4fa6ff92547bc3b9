"""What may lie on disk where a track file is expected."""

from __future__ import annotations

import os

import numpy as np
import torch

from motion_core.formats import read_tracks, write_tracks
from motion_core.geometry import Size
from motion_core.tracks.model import empty_tracks

from .broken_files import (
    ATI,
    NAN_ONES,
    ONES,
    SHOWN,
    SIZE,
    ati_bytes,
    bomb_npz,
    codec_bomb,
    crowded_zip,
    csv,
    cut,
    data,
    described,
    doubled_zip,
    escaping_zip,
    flipped,
    good,
    locked_zip,
    loop_of_links,
    lying_zip,
    lzma_zip,
    moved_pair,
    npy,
    npy_header,
    npz,
    object_array_bomb,
    ours,
    overcrowded_zip,
    pair,
    pickle_bomb,
    real_bomb_npz,
    text,
    torch_bomb,
    torch_file,
    tracks_of,
    zip_of,
)
from .case import Case


def refused(name, make, says, *, file="some.dat", size=SIZE, **given):
    """make(path) writes the file; nothing in it may ever run."""

    def act(folder):
        path = folder / file
        make(path)
        try:
            return read_tracks(path, size=size, **given)
        finally:
            assert not (folder / "ran").exists()

    return Case(f"file: {name}", act, says)


def read(name, make, judge, *, file="some.dat"):
    def act(folder):
        make(folder / file)
        return judge(read_tracks(folder / file, size=SIZE))

    return Case(f"file: {name}", act)


def write_refused(name, says, act):
    def then_nothing_is_left(folder):
        try:
            act(folder)
        finally:
            left = [path for path in folder.rglob("*") if path.is_file()]
            assert not left, left

    return Case(f"write: {name}", then_nothing_is_left, says)


CASES = [
    # paths
    refused("missing", lambda path: None, "cannot open"),
    refused("a folder", lambda path: path.mkdir(), "this is a folder"),
    refused("empty", data(b""), "0 bytes"),
    refused("a NUL in the name", lambda path: None, "cannot open", file="a\0b"),
    refused("a name too long", lambda path: None, "cannot open", file="a" * 5000),
    # foreign content
    refused("random bytes", data(bytes(range(256)) * 9), "no known track format"),
    refused("a picture", data(b"\x89PNG\r\n\x1a\n" + b"\0" * 99), "no known track format"),
    refused("prose", text("hello"), "no known track format"),
    read("UTF-16 without a mark", data('[[{"x": 1, "y": 2}]]'.encode("utf-16-le")),
         lambda tracks: tracks.xy.tolist() == [[[1.0, 2.0]]]),
    refused("half a character of UTF-16", data(b"\xff\xfe[\x00]"), "byte 4: expected UTF-8"),
    refused("JSON that is not UTF-8", data(b"[\xff\xfe]"), "byte 1: expected UTF-8"),
    refused("40 MB of JSON", data(b"[" + b" " * 40_000_000 + b"]"), "at most"),
    refused("a drawn motion", text('{"layers": []}'), "expand it"),
    refused("some other zip", zip_of(**{"word__document.xml": "<a/>"}), "word/document.xml"),
    refused("half a zip", data(b"PK\x03\x04" + b"\0" * 60), "broken or cut-off zip"),
    # our own file
    *(refused(f"ours cut at {share}", cut("motion_npz", share), "cut-off zip|no known|broken")
      for share in (0.01, 0.3, 0.6, 0.9, 0.999)),
    *(refused(f"ours with a wrong byte at {place}", flipped("motion_npz", place), ".")
      for place in (0.07, 0.12)),
    refused("ours of a newer release", ours(motion_tracks_version=np.int64(2)), "Update the pack"),
    refused("ours of version 0", ours(motion_tracks_version=np.int64(0)), "1 or more"),
    refused("ours of version 1.5", ours(motion_tracks_version=np.float64(1.5)), "int64"),
    refused("ours of two versions", ours(motion_tracks_version=np.ones(2, int)), "0 axes"),
    refused("ours without ids", ours(ids=None), "expected an array 'ids'"),
    refused("ours in double precision", ours(xy=np.ones((4, 3, 2))), "xy: expected float32"),
    refused("ours with integers for visible", ours(visible=np.ones((4, 3), int)), "visible"),
    refused("ours with one more frame", ours(visible=np.ones((5, 3), bool)), r"\(5, 3, 2\)"),
    refused("ours with one id less", ours(ids=np.arange(2)), r"\(N,\)"),
    refused("ours with an id twice", ours(ids=np.zeros(3, int)), "different"),
    refused("ours of three sides", ours(size=np.array([64, 48, 3])), "width, height"),
    refused("ours of no size", ours(size=np.array([0, 48])), "width must be 1"),
    refused("ours with NaN", ours(xy=NAN_ONES), "frame 1, track 2"),
    refused(
        "ours of a million frames of nothing",
        ours(xy=np.ones((10**6, 0, 2), np.float32), visible=np.ones((10**6, 0), bool)),
        "at most 100,000",
    ),
    refused("ours with fps 0", ours(fps=np.float64(0)), "fps"),
    refused("ours on another canvas", good("motion_npz"), "64x48.*8x8", size=Size(8, 8)),
    refused("ours at another rate", good("motion_npz"), "16 fps but 30", fps=30),
    refused("ours with a pickle inside", ours(xy=np.array([None])), "never loaded"),
    refused("ours claiming 800 GB", bomb_npz, "claims 800,000,000,000 bytes"),
    refused("ours unpacking to more than it says", real_bomb_npz, "needs 96 bytes"),
    refused("a zip that lies about sizes", lying_zip, "bytes|broken"),
    refused("a zip of 2,000 members", crowded_zip, "2,000 members"),
    refused("a zip of endless contents", overcrowded_zip, "contents table"),
    refused("a zip with a member twice", doubled_zip, "of one name"),
    refused("a zip packed with lzma", lzma_zip, "stored or deflated"),
    refused("a locked zip", locked_zip, "locked with a password"),
    read("a zip with names that climb out", escaping_zip, lambda t: t.num_points == 3),
    read("ours called .json", good("motion_npz"), lambda t: t.fps == 16, file="a.json"),
    # NumPy arrays
    refused("npy of objects", npy(np.array([{"x": 1}], dtype=object)), "never loaded"),
    refused("npy of records", npy(np.zeros(3, "f4,f4")), "structured"),
    refused("npy of complex numbers", npy(ONES * 1j), "expected booleans, integers or floats"),
    refused("npy of text", npy(np.array(["a"])), "expected booleans, integers or floats"),
    refused("npy of dates", npy(np.array(["2020"], "M8[D]")), "expected booleans, integers"),
    refused("npy of booleans", npy(SHOWN), "this holds visibility"),
    refused("npy of two axes", npy(np.ones((4, 2), np.float32)), r"\(1, T, N, 2\)"),
    refused("npy of 3D points", npy(np.ones((4, 3, 3), np.float32)), r"\(1, T, N, 2\)"),
    refused("npy with NaN", npy(NAN_ONES), "frame 1, track 2"),
    refused("npy beyond float32", npy(np.full((1, 1, 2), 1e300)), "frame 0, track 0"),
    refused("npy cut in its values", cut("wan_move", 0.9), "needs 96 bytes"),
    refused("npy cut in its header", cut("wan_move", 0.2), "cut off inside its header"),
    refused("npy of 8 bytes", data(b"\x93NUMPY\x01\x00"), "."),
    refused("npy claiming 800 GB", data(described(shape="(100000, 1000000, 2)")), "claims"),
    refused("npy of overflowing sides", data(described(shape=f"({2**32}, {2**32}, 2)")), "claims"),
    refused("npy of no bytes, a huge side", data(described(shape=f"(0, {10**40}, 2)")), "claims"),
    refused("npy of many empty tracks", npy(np.ones((0, 10**8, 2))), "at most 10,000,000"),
    refused("npy of a million frames of nothing", npy(np.ones((10**6, 0, 2))), "at most 100,000"),
    refused("npy with a negative side", data(described(shape="(-1, 3, 2)")), "readable shape"),
    refused("npy with a deep header", data(npy_header("(" * 4000)), "."),
    refused("npy with code in its header", data(described(shape="(print(1),)")), "readable"),
    refused("npy with a 4 GB header", data(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), "header claims"),
    refused("npy of version 9", data(b"\x93NUMPY\x09\x00" + b"\0" * 99), "version 9"),
    refused("npy with 20 axes", data(described(shape="(" + "1," * 20 + ")")), "axes"),
    refused("Wan-Move without its other half", moved_pair, "cat_visibility.npy is missing",
            file="cat_tracks.npy"),
    refused("Wan-Move halves of two lengths", pair(ONES, SHOWN[:, :3]), "expected shape",
            file="dog_tracks.npy"),
    refused("Wan-Move with confidences", pair(ONES, SHOWN * 0.5), "Threshold",
            file="dog_tracks.npy"),
    refused("Wan-Move without a size", pair(ONES, SHOWN), "connect an image",
            file="dog_tracks.npy", size=None),
    read("Wan-Move of 100,000 tracks", npy(np.ones((2, 100_000, 2), np.float32)),
         lambda t: t.num_points == 100_000),
    read("npy of half floats", npy(ONES.astype(np.float16)), lambda t: t.num_points == 3),
    # trackers
    refused("unknown npz", npz(a=ONES, b=SHOWN), "no known track format.*'a.npy'"),
    refused("tracks without visibility", npz(tracks=ONES), "no known track format"),
    refused("tracker's pickle bomb", object_array_bomb, "never loaded"),
    refused("tracker's shapes differ", npz(tracks=ONES, visibility=SHOWN[:, :2]), "expected shape"),
    refused("tracker's batch of two", npz(tracks=np.tile(ONES, (2, 1, 1, 1)), visibility=SHOWN),
            r"\(1, T, N, 2\)"),
    refused("tracker's confidences", npz(tracks=ONES, visibility=SHOWN * 0.7), "Threshold"),
    refused("TAP-Vid time first", npz(points=NAN_ONES, occluded=SHOWN[0].T), "occluded: expected"),
    refused("TAP-Vid of 3D points", npz(points=np.ones((3, 4, 3)), occluded=SHOWN[0].T), "points"),
    refused("TAP-Vid NaN in view", npz(points=NAN_ONES, occluded=~SHOWN[0]), "expected finite"),
    refused("TAP-Vid with another video", npz(points=ONES[0], occluded=~SHOWN[0],
            video=np.zeros((9, 4, 4, 3), np.uint8)), "video: expected"),
    read("TAP-Vid NaN out of view", npz(points=NAN_ONES, occluded=np.isnan(NAN_ONES[..., 0])),
         lambda t: int((~t.visible).sum()) == 1),
    # torch files
    refused("pickle bomb", pickle_bomb, "no known track format"),
    refused("torch pickle bomb", torch_bomb, "something else than hold bytes.*mkdir"),
    refused("codec bomb", codec_bomb, "something else than hold bytes.*mkdir"),
    refused("torch tensor", torch_file(torch.ones(2)), "something else than hold bytes"),
    refused("torch text", torch_file("hello"), "something else than hold bytes"),
    refused("torch bytes that are no npz", torch_file(b"hello"), "cut-off zip"),
    refused("old torch file", lambda path: torch.save(b"a", path,
            _use_new_zipfile_serialization=False), "no known track format"),
    *(refused(f"ATI cut at {share}", cut("ati", share), "cut-off zip") for share in (0.3, 0.95)),
    refused("ATI with a wrong byte", flipped("ati", 0.3), "."),
    refused("ATI of 81 samples", ati_bytes(array=ATI[:, :81]), r"121, 1, 3\); got \(3, 81"),
    refused("ATI of integers", ati_bytes(array=ATI.astype(np.int32)), "expected floats"),
    refused("ATI with another factor", ati_bytes(array=ATI * 16), "another factor"),
    refused("ATI with NaN", ati_bytes(array=ATI * np.nan), "visibility|finite"),
    refused("ATI without its array", ati_bytes(tracks=ATI), "expected an array 'array'"),
    refused("ATI with a pickle inside", ati_bytes(array=np.array([None])), "never loaded"),
    read("ATI of zero tracks", ati_bytes(array=ATI[:0]), lambda t: t.xy.shape == (121, 0, 2)),
    # tables
    refused("CSV with a frame left out", csv("0,0,1,1,1", "2,0,1,1,1"), "no line for frame 1"),
    refused("CSV with a line twice", csv("0,0,1,1,1", "0,0,1,1,1"), "line 3.*twice"),
    refused("CSV of a far frame", csv("9000000000000,0,1,1,1"), "no line for frame 0"),
    refused("CSV of a negative frame", csv("-1,0,1,1,1"), "line 2: expected a whole frame"),
    refused("CSV of half a frame", csv("0.5,0,1,1,1"), "line 2: expected a whole frame"),
    refused("CSV of a rounded id", csv("0,1e300,1,1,1"), "line 2: expected a whole track"),
    refused("CSV with NaN", csv("0,0,nan,1,1"), "frame 0, track 0"),
    refused("CSV with text", csv("0,0,a,1,1"), "row 0, column 3"),
    refused("CSV with four columns", csv("0,0,1,1"), "5 numbers"),
    refused("CSV with a short line", csv("0,0,1,1,1", "1,0,1"), "columns"),
    refused("CSV with visible 7", csv("0,0,1,1,7"), "visible to be 0 or 1"),
    refused("CSV with semicolons", text("frame;track;x;y;visible\n0;0;1;1;1\n"), "no known"),
    refused("CSV without visible", text("frame,track,x,y\n0,0,1,1\n"), "line 1: expected"),
    read("CSV of no lines", csv(), lambda t: t.xy.shape == (0, 0, 2)),
    read("CSV of one line", csv("0,-9,1,1,0"), lambda t: t.ids.tolist() == [-9]),
    # writing
    write_refused("unknown suffix", "no track format has the suffix",
                  lambda folder: write_tracks(folder / "a.mp4", tracks_of())),
    write_refused("no suffix", "no track format has the suffix ''",
                  lambda folder: write_tracks(folder / "a", tracks_of())),
    write_refused("unknown format", "no track format 'x'",
                  lambda folder: write_tracks(folder / "a.npz", tracks_of(), format="x")),
    write_refused("into a folder that is missing", "create it first",
                  lambda folder: write_tracks(folder / "b" / "a.npz", tracks_of())),
    write_refused("over a folder", "is a folder", lambda folder: (
                  (folder / "a.npz").mkdir(), write_tracks(folder / "a.npz", tracks_of()))),
    write_refused("half a pair over a folder", "is a folder", lambda folder: (
                  (folder / "a_visibility.npy").mkdir(),
                  write_tracks(folder / "a_tracks.npy", tracks_of()))),
    write_refused("no frames for ATI", "frame",
                  lambda folder: write_tracks(folder / "a.pth", empty_tracks(0, SIZE))),
    write_refused("a NUL in the name", "NUL character",
                  lambda folder: write_tracks(folder / "a\0.npz", tracks_of())),
]  # fmt: skip

if hasattr(os, "mkfifo"):
    CASES += [
        refused("a pipe", lambda path: os.mkfifo(path), "not a regular file"),
        refused("a loop of links", loop_of_links, "cannot open"),
        refused("a device", lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    ]
