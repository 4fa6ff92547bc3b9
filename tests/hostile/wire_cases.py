"""What other nodes may put on the TRACKS wire."""

from __future__ import annotations

import torch

from motion_core.formats import from_host
from motion_core.geometry import Size

from .case import Case

SIZE = Size(64, 48)
NAN, INF = float("nan"), float("inf")


def wire(frames=4, points=3, **changes):
    value = {
        "track_path": torch.ones(frames, points, 2),
        "track_visibility": torch.ones(frames, points, dtype=torch.bool),
        "canvas": (64, 48),
    }
    value.update(changes)
    return {key: item for key, item in value.items() if item is not ...}


def path_with(number, frame=1, point=2):
    path = torch.ones(4, 3, 2)
    path[frame, point, 0] = number
    return path


def hidden_nan():
    visible = torch.ones(4, 3, dtype=torch.bool)
    visible[1, 2] = False
    tracks = from_host(wire(track_path=path_with(NAN), track_visibility=visible))
    return bool(torch.isfinite(tracks.xy).all()) and not tracks.visible[1, 2]


def numbered_afresh(tracks):
    return tracks.ids.tolist() == [0, 1, 2]


def refused(name, value, says, **given):
    return Case(f"wire: {name}", lambda folder: from_host(value(), **given), says)


def read(name, value, judge, **given):
    return Case(f"wire: {name}", lambda folder: judge(from_host(value(), **given)))


CASES = [
    refused("nothing connected", lambda: None, "expected a TRACKS dict.*None"),
    refused("text", lambda: "tracks", "expected a TRACKS dict.*str"),
    refused("empty dict", dict, "track_path"),
    refused("latent dict", lambda: {"samples": torch.ones(1)}, "samples"),
    refused("path is a list", lambda: wire(track_path=[[1, 2]]), "must be a tensor.*list"),
    refused("path is None", lambda: wire(track_path=None), "must be a tensor.*None"),
    refused("path of 2 axes", lambda: wire(track_path=torch.ones(4, 2)), r"\(T, N, 2\)"),
    refused("path of 3D points", lambda: wire(track_path=torch.ones(4, 3, 3)), r"\(4, 3, 3\)"),
    refused("batch of two", lambda: wire(track_path=torch.ones(2, 4, 3, 2)), r"\(2, 4, 3, 2\)"),
    refused("complex path", lambda: wire(track_path=torch.ones(4, 3, 2) * 1j), "must be a tensor"),
    refused("NaN", lambda: wire(track_path=path_with(NAN)), "frame 1, track 2.*nan"),
    refused("inf", lambda: wire(track_path=path_with(INF)), "frame 1, track 2.*inf"),
    refused(
        "too large for float32",
        lambda: wire(track_path=path_with(1.0).double() * 1e300),
        "frame 0, track 0.*inf",
    ),
    refused(
        "visibility one frame short",
        lambda: wire(track_visibility=torch.ones(3, 3, dtype=torch.bool)),
        r"\(4, 3\) to match.*\(3, 3\)",
    ),
    refused(
        "visibility the other way round",
        lambda: wire(track_visibility=torch.ones(3, 4, dtype=torch.bool)),
        "as many frames",
    ),
    refused(
        "mask visibility of another length",
        lambda: wire(track_visibility=torch.ones(9, 1, dtype=torch.bool)),
        r"\(9, 1\)",
    ),
    refused("confidences", lambda: wire(track_visibility=torch.full((4, 3), 0.9)), "Threshold"),
    refused("NaN visibility", lambda: wire(track_visibility=torch.full((4, 3), NAN)), "booleans"),
    refused("visibility is a list", lambda: wire(track_visibility=[True]), "tensor.*list"),
    refused("a million frames of nothing", lambda: wire(10**6, 0), "at most 100,000"),
    refused("no canvas", lambda: wire(canvas=...), "connect an image"),
    refused("another canvas", wire, "64x48.*832x480.*Transform Tracks", size=Size(832, 480)),
    refused("size of zero", lambda: wire(canvas=...), "width must be 1", size=Size(0, 48)),
    refused("negative canvas", lambda: wire(canvas=(-64, 48)), "canvas must be"),
    refused("canvas is text", lambda: wire(canvas="64x48"), "canvas must be"),
    refused("canvas of three", lambda: wire(canvas=(64, 48, 3)), "canvas must be"),
    refused("canvas of fractions", lambda: wire(canvas=(64.5, 48.0)), "canvas must be"),
    refused("gigantic canvas", lambda: wire(canvas=(10**12, 10**12)), "canvas must be"),
    refused("no frames per second", lambda: wire(fps=0), "positive"),
    refused("NaN fps", lambda: wire(fps=NAN), "positive"),
    refused("fps is text", lambda: wire(fps="24"), "positive"),
    refused("other fps", lambda: wire(fps=24.0), "24 fps but 16", fps=16),
    refused("ids are floats", lambda: wire(ids=torch.ones(3)), "ids must be"),
    refused("ids are a list", lambda: wire(ids=[0, 1, 2]), "ids must be"),
    Case("wire: NaN where nobody looks", lambda folder: hidden_nan()),
    read("no canvas but a size", lambda: wire(canvas=...), lambda t: t.size == SIZE, size=SIZE),
    read(
        "batch of one", lambda: wire(track_path=torch.ones(1, 4, 3, 2)), lambda t: t.num_frames == 4
    ),
    read("no visibility", lambda: wire(track_visibility=...), lambda t: t.visible.all()),
    read(
        "mask visibility",
        lambda: wire(track_visibility=torch.tensor([[True], [True], [False], [True]])),
        lambda t: t.visible.sum(0).tolist() == [3, 3, 3],
    ),
    read(
        "mask visibility without tracks",
        lambda: wire(points=0, track_visibility=torch.ones(4, 1, dtype=torch.bool)),
        lambda t: t.visible.shape == (4, 0),
    ),
    read(
        "ids of other tracks",
        lambda: wire(ids=torch.arange(7)),
        numbered_afresh,
    ),
    read(
        "ids twice",
        lambda: wire(ids=torch.tensor([4, 4, 5])),
        numbered_afresh,
    ),
    read("zero tracks", lambda: wire(points=0), lambda t: t.xy.shape == (4, 0, 2)),
    read("zero frames", lambda: wire(frames=0), lambda t: t.xy.shape == (0, 3, 2)),
    read("one frame", lambda: wire(frames=1), lambda t: t.num_frames == 1),
    read("100,000 tracks", lambda: wire(points=100_000), lambda t: t.num_points == 100_000),
    read(
        "whole numbers",
        lambda: wire(track_path=torch.ones(4, 3, 2, dtype=torch.int64)),
        lambda t: t.xy.dtype == torch.float32,
    ),
    read(
        "half precision",
        lambda: wire(track_path=torch.ones(4, 3, 2, dtype=torch.float16)),
        lambda t: t.xy.dtype == torch.float32,
    ),
    read(
        "a tensor that remembers gradients",
        lambda: wire(track_path=torch.ones(4, 3, 2, requires_grad=True)),
        lambda t: not t.xy.requires_grad,
    ),
]
