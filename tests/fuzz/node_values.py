"""Values of sockets by name: what a graph brings there, whole and spoiled.

An input of a node is a recipe, plain JSON, so that a finding can be kept as a file: a number, or
{"value": "image: nan"}, {"text": "..."}, {"choice": "random", "with": {...}}, {"sockets": {...}}.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import host_values
from .host_values import Thunk

WIDTH, HEIGHT, FRAMES = 24, 16, 4


def _ramp(*shape: int) -> Tensor:
    count = 1
    for side in shape:
        count *= side
    return torch.linspace(0, 1, max(count, 1))[:count].reshape(shape)


# Values that fit together in one graph, by socket; the others spoil it.
WHOLE: dict[str, tuple[str, ...]] = {
    "IMAGE": ("one", "clip", "alpha", "grey", "bytes", "half", "double", "black", "bright"),
    "MASK": ("one", "clip", "full", "without batch", "with channel", "double size", "bool"),
    "TRACKS": ("some", "one", "many", "no points", "never visible", "visible late", "still",
               "on one line", "outside", "no rate", "no visibility", "one visibility"),
    "POSE_KEYPOINT": ("one",),
    "LOAD3D_CAMERA": ("one", "turned"),
    "MOGE_GEOMETRY": ("moge",),
    "DA3_GEOMETRY": ("da3",),
    "MOTION_DEPTH": ("ground",),
    "MOTION_CAMERA": ("orbit",),
    "MOTION_MODEL": ("lite", "lite generates"),
    "MOTION_REFERENCE": ("right",),
    "MOTION_GUIDANCE": ("free",),
    **host_values.WHOLE,
}  # fmt: skip


def _image(frames: int = 1, width: int = WIDTH, height: int = HEIGHT, channels: int = 3) -> Tensor:
    return _ramp(frames, height, width, channels)


def _with(value: Tensor, number: float) -> Tensor:
    spoiled = value.clone()
    spoiled.view(-1)[spoiled.numel() // 2] = number
    return spoiled


IMAGES: dict[str, Thunk] = {
    "one": _image,
    "clip": lambda: _image(FRAMES),
    "other length": lambda: _image(FRAMES + 3),
    "other size": lambda: _image(1, 10, 10),
    "one pixel": lambda: _image(1, 1, 1),
    "thin": lambda: _image(1, 1, 40),
    "alpha": lambda: _image(channels=4),
    "grey": lambda: _image(channels=1),
    "two channels": lambda: _image(channels=2),
    "empty batch": lambda: _image(0),
    "no height": lambda: _image(1, WIDTH, 0),
    "no batch": lambda: _image()[0],
    "flat": lambda: _ramp(HEIGHT, WIDTH),
    "nan": lambda: _with(_image(), torch.nan),
    "infinite": lambda: _with(_image(FRAMES), torch.inf),
    "large": lambda: _image() * 255,
    "bright": lambda: _image() * 3 - 0.5,
    "bytes": lambda: (_image(FRAMES) * 255).byte(),
    "half": lambda: _image(FRAMES).half(),
    "double": lambda: _image().double(),
    "whole numbers": lambda: _image().long(),
    "complex": lambda: _image().to(torch.complex64),
    "black": lambda: torch.zeros(FRAMES, HEIGHT, WIDTH, 3),
    "not contiguous": lambda: _image(FRAMES).permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3),
}


def _mask(frames: int = 1) -> Tensor:
    mask = torch.zeros(frames, HEIGHT, WIDTH)
    mask[:, 4:12, 4:18] = 1.0
    return mask


MASKS: dict[str, Thunk] = {
    "one": _mask,
    "clip": lambda: _mask(FRAMES),
    "other length": lambda: _mask(FRAMES + 1),
    "full": lambda: torch.ones(1, HEIGHT, WIDTH),
    "empty": lambda: torch.zeros(1, HEIGHT, WIDTH),
    "one pixel of it": lambda: _with(torch.zeros(1, HEIGHT, WIDTH), 1.0),
    "without batch": lambda: _mask()[0],
    "with channel": lambda: _mask()[:, None],
    "of Load Image": lambda: torch.zeros(1, 64, 64),
    "double size": lambda: torch.ones(1, 2 * HEIGHT, 2 * WIDTH),
    "grey": lambda: _ramp(1, HEIGHT, WIDTH),
    "tiny": lambda: torch.ones(1, 1, 1),
    "bool": lambda: _mask() > 0.5,
    "bytes": lambda: (_mask() * 255).byte(),
    "half": lambda: _mask().half(),
    "empty batch": lambda: _mask(0),
    "no height": lambda: torch.zeros(1, 0, WIDTH),
    "no width": lambda: torch.zeros(1, HEIGHT, 0),
    "nan": lambda: _with(_mask(), torch.nan),
    "five axes": lambda: torch.zeros(1, 1, 1, HEIGHT, WIDTH),
    "vector": lambda: torch.zeros(WIDTH),
}


def _tracks(frames: int = FRAMES, points: int = 5, **changes: Any) -> dict[str, Any]:
    time = torch.arange(frames, dtype=torch.float32)[:, None]
    place = torch.arange(points, dtype=torch.float32)[None]
    xy = torch.stack([3 + 4 * place % WIDTH + time, 2 + 3 * place % HEIGHT + 0.5 * time], dim=-1)
    value = {
        "track_path": xy,
        "track_visibility": torch.ones(frames, points, dtype=torch.bool),
        "canvas": (WIDTH, HEIGHT),
        "fps": 16.0,
        "ids": torch.arange(points),
    }
    return {key: one for key, one in (value | changes).items() if one is not ...}


def _never_visible() -> dict[str, Any]:
    return _tracks(track_visibility=torch.zeros(FRAMES, 5, dtype=torch.bool))


TRACKS: dict[str, Thunk] = {
    "some": _tracks,
    "one": lambda: _tracks(points=1),
    "many": lambda: _tracks(points=300),
    "one frame": lambda: _tracks(1),
    "two frames": lambda: _tracks(2),
    "long": lambda: _tracks(200, 3),
    "no frames": lambda: _tracks(0),
    "no points": lambda: _tracks(points=0),
    "nothing": lambda: _tracks(0, 0),
    "never visible": _never_visible,
    "visible late": lambda: _tracks(
        track_visibility=(torch.arange(FRAMES) == FRAMES - 1)[:, None].expand(-1, 5).clone()
    ),
    "still": lambda: _tracks(track_path=torch.full((FRAMES, 5, 2), 7.0)),
    "on one line": lambda: _tracks(track_path=torch.zeros(FRAMES, 5, 2) + torch.arange(5)[:, None]),
    "outside": lambda: _tracks(track_path=torch.full((FRAMES, 5, 2), -500.0)),
    "far": lambda: _tracks(track_path=torch.full((FRAMES, 5, 2), 1e30)),
    "nan": lambda: _tracks(track_path=torch.full((FRAMES, 5, 2), torch.nan)),
    "no canvas": lambda: _tracks(canvas=...),
    "other canvas": lambda: _tracks(canvas=(64, 48)),
    "canvas of one pixel": lambda: _tracks(canvas=(1, 1)),
    "largest canvas": lambda: _tracks(canvas=(65536, 65536)),
    "no rate": lambda: _tracks(fps=None),
    "slow rate": lambda: _tracks(fps=1e-300),
    "no visibility": lambda: _tracks(track_visibility=...),
    "one visibility": lambda: _tracks(track_visibility=torch.ones(FRAMES, 1).bool()),
    "confidence": lambda: _tracks(track_visibility=_ramp(FRAMES, 5)),
    "three columns": lambda: _tracks(track_path=torch.zeros(FRAMES, 5, 3)),
    "same ids": lambda: _tracks(ids=torch.zeros(5, dtype=torch.int64)),
    "a list": lambda: [[1.0, 2.0]],
}
POSES: dict[str, Thunk] = {
    "none": list,
    "one": lambda: [_pose(), _pose(3.0)],
    "no canvas": lambda: [{"people": _pose()["people"]}],
    "nobody": lambda: [{"people": [], "canvas_width": WIDTH, "canvas_height": HEIGHT}],
    "text": lambda: "[]",
    "numbers": lambda: [1, 2, 3],
}
CAMERAS: dict[str, Thunk] = {
    "one": lambda: _host_camera(),
    "turned": lambda: _host_camera((0.5, 0.2, 3.0)),
    "at its target": lambda: _host_camera((0.0, 0.0, 0.0)),
    "nan": lambda: _host_camera((torch.nan, 0.0, 1.0)),
    "empty": dict,
    "text": lambda: "camera",
}
GEOMETRIES: dict[str, Thunk] = {
    "empty": dict,
    "text": lambda: "geometry",
    "moge": lambda: {
        "depth": torch.full((1, HEIGHT, WIDTH), 2.0),
        "intrinsics": torch.tensor([[[1.0, 0, 0.5], [0, 1.5, 0.5], [0, 0, 1]]]),
        "mask": torch.ones(1, HEIGHT, WIDTH).bool(),
    },
    "da3": lambda: {"depth": torch.full((1, HEIGHT, WIDTH), 2.0)},
    "flat": lambda: {"depth": torch.zeros(HEIGHT)},
}


def _pose(shift: float = 0.0) -> dict[str, Any]:
    joints = [number for joint in range(18) for number in (4 + shift + joint % 5, 2 + joint / 2, 1)]
    person = {"pose_keypoints_2d": joints}
    return {"people": [person], "canvas_width": WIDTH, "canvas_height": HEIGHT}


def _host_camera(place: tuple[float, float, float] = (0.0, 0.0, 3.0)) -> dict[str, Any]:
    point = dict(zip("xyz", place, strict=True))
    return {"position": point, "target": {"x": 0.0, "y": 0.0, "z": 0.0}, "zoom": 1, "fov": 35,
            "cameraType": "perspective"}  # fmt: skip


def made_by_nodes(nodes: Mapping[str, Any]) -> dict[str, dict[str, Thunk]]:
    """Values of the pack's own sockets, each made by a node when it is first needed."""

    def run(name: str, *args: Any, **widgets: Any) -> Any:
        return nodes[f"MotionPrompting{name}"].execute(*args, **widgets).args[0]

    @functools.cache
    def depth(frames: int = 1) -> Any:
        return run("DepthMap", {"source": "ground and wall"}, 0.0, False, image=_image())

    @functools.cache
    def camera(frames: int = FRAMES) -> Any:
        return run(
            "CameraPath",
            depth(),
            {"motion": "move"},
            {"pivot": "median depth"},
            frames,
            16.0,
            "after",
        )

    @functools.cache
    def model(generate: bool = False) -> Any:
        return run("LoadTrackModel", {"model": "lite", "generate": generate})

    @functools.cache
    def reference() -> Any:
        return run("MoftReference", model(True), _image(), {"motion": "direction", "frames": 4})

    def regions() -> Any:
        return run("FollowRegion", {"area": "mask", "mask": _mask()}, 0.2, 0.1, 2.0)

    wrong: dict[str, Thunk] = {"wrong": lambda: "text", "tensor": lambda: torch.zeros(2)}
    return {
        "MOTION_DEPTH": {"ground": depth, **wrong},
        "MOTION_CAMERA": {"orbit": camera, "one frame": lambda: camera(1), **wrong},
        "MOTION_MODEL": {"lite": model, "lite generates": lambda: model(True), **wrong},
        "MOTION_REFERENCE": {"right": reference, **wrong},
        "MOTION_GUIDANCE": {"free": lambda: run("CameraFreeGuidance", 7.5, 7.5), **wrong},
        "MOTION_FOLLOW": {
            "region": regions,
            "many regions": lambda: regions() * 100,
            "list": lambda: list(regions()),
            "numbers": lambda: (1, 2),
            "none": tuple,
            **wrong,
        },
    }


def socket_values(nodes: Mapping[str, Any]) -> dict[str, dict[str, Thunk]]:
    """Every kind of socket with its values by name."""
    return {
        "IMAGE": IMAGES,
        "MASK": MASKS,
        "TRACKS": TRACKS,
        "POSE_KEYPOINT": POSES,
        "LOAD3D_CAMERA": CAMERAS,
        "MOGE_GEOMETRY": GEOMETRIES,
        "DA3_GEOMETRY": GEOMETRIES,
        **made_by_nodes(nodes),
        **host_values.host_values(nodes),
    }
