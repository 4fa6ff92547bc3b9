"""One checked conversion per socket: what other packs put on a wire is converted or refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.host.pack import pack_module
from tests.host.runner import StandInHost

from .test_nodes import DRAWING, FRAMES, HEIGHT, WIDTH, wire


@pytest.fixture
def sockets(host: StandInHost) -> Any:
    """nodes/wire.py."""
    return pack_module("nodes.wire")


def test_bytes_grey_and_alpha_become_the_same_picture(sockets: Any) -> None:
    grey = torch.tensor([[0.0, 0.2], [0.4, 1.0]]).reshape(1, 2, 2, 1)
    wanted = grey.expand(-1, -1, -1, 3)
    torch.testing.assert_close(sockets.frames(grey), wanted)
    torch.testing.assert_close(sockets.frames((wanted * 255).byte()), wanted, atol=1e-6, rtol=0)
    alpha = torch.cat([wanted, torch.zeros(1, 2, 2, 1)], dim=-1)
    torch.testing.assert_close(sockets.picture(alpha.double()), wanted[0])
    torch.testing.assert_close(sockets.frames(wanted.half()), wanted, atol=1e-3, rtol=0)
    bright = torch.tensor([-0.5, 0.5, 3.0]).expand(1, 2, 2, 3)
    assert sockets.frames(bright)[0, 0, 0].tolist() == [0.0, 0.5, 1.0], "highlights are clamped"


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.zeros(0, 4, 4, 3), "at least one image"),
        (torch.zeros(1, 0, 4, 3), "at least one pixel"),
        (torch.zeros(4, 4, 3), "B, H, W, 3"),
        (torch.zeros(4, 4), "B, H, W, 3"),
        (torch.zeros(1, 4, 4, 2), "B, H, W, 3"),
        (torch.full((1, 4, 4, 3), torch.nan), "NaN"),
        (torch.full((1, 4, 4, 3), torch.inf), "infinite"),
        (torch.full((1, 4, 4, 3), 200.0), "Divide 8-bit"),
        (torch.zeros(1, 4, 4, 3, dtype=torch.int64), "floating point"),
        (torch.zeros(1, 4, 4, 3, dtype=torch.complex64), "IMAGE"),
        ([[0.0]], "IMAGE"),
    ],
)
def test_what_is_no_image_is_refused(sockets: Any, image: Any, words: str) -> None:
    for read in (sockets.frames, sockets.picture):
        with pytest.raises((TypeError, ValueError), match=words):
            read(image)


def test_a_mask_comes_in_the_shapes_that_packs_use(sockets: Any) -> None:
    mask = torch.tensor([[0.0, 1.0], [0.5, 0.25]])
    for value in (mask, mask[None], mask[None, None], mask.double()):
        torch.testing.assert_close(sockets.mask_batch(value), mask[None])
    on = mask > 0.5
    for value in (on, on.byte(), on.byte() * 255):
        torch.testing.assert_close(sockets.mask_batch(value), on.float()[None])


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (torch.zeros(0, 4, 4), "at least one pixel"),
        (torch.zeros(1, 0, 4), "at least one pixel"),
        (torch.zeros(4), "B, H, W"),
        (torch.zeros(2, 3, 4, 4), "B, H, W"),
        (torch.full((1, 4, 4), torch.nan), "NaN"),
        (torch.zeros(1, 4, 4, dtype=torch.int32), "floating point"),
        ("mask", "expected a MASK"),
    ],
)
def test_what_is_no_mask_is_refused(sockets: Any, mask: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        sockets.mask_batch(mask)


def test_one_mask_counts_for_all_frames_and_a_batch_for_its_own(sockets: Any) -> None:
    batch = torch.stack([torch.full((2, 2), value) for value in (0.0, 0.5, 1.0)])
    assert sockets.mask_of_frame(None, 0, 3) is None
    assert sockets.mask_of_frame(batch[2:], 1, 7)[0, 0] == 1.0
    assert [float(sockets.mask_of_frame(batch, frame, 3)[0, 0]) for frame in range(3)] == [
        0,
        0.5,
        1,
    ]
    with pytest.raises(ValueError, match="3 images but the clip has 5 frames"):
        sockets.mask_of_frame(batch, 0, 5)
    with pytest.raises(ValueError, match="frame 3 is not one of the 3"):
        sockets.mask_of_frame(batch, 3, 3)
    with pytest.raises(ValueError, match="3 images, and this node takes one"):
        sockets.single_mask(batch)


def masks(count: int) -> torch.Tensor:
    """(count, H, W): the first is white on the left half, the others are black."""
    batch = torch.zeros(count, HEIGHT, WIDTH)
    batch[0, :, : WIDTH // 2] = 1.0
    return batch


def points(value: dict[str, Any]) -> torch.Tensor:
    """(T, N, 2) of a TRACKS value."""
    return value["track_path"]


def test_every_node_takes_the_mask_of_its_frame(host: StandInHost) -> None:
    def run(name: str, *args: Any, **settings: Any) -> Any:
        return host.nodes[f"MotionPrompting{name}"].execute(*args, **settings).args

    drawing = DRAWING.replace('"type": "drag"', '"type": "pin", "area": "mask", "spacing": 0.1')
    pin = drawing.replace('"points": [[0, 0.25, 0.5], [1, 0.75, 0.5]], "brush": {"radius": 0}', "")
    pin = pin.replace(", }", "}").replace("0.1, ", "0.1")
    image = torch.zeros(1, HEIGHT, WIDTH, 3)
    depth = run("DepthMap", {"source": "plane"}, 0.0, False, image=image)[0]
    still = {"motion": "move", "preset": "pan_left", "amount": 1.0}
    camera = run("CameraPath", depth, still, {"pivot": "median depth"}, FRAMES, 16.0, "after")[0]

    def filtered(mask: torch.Tensor) -> torch.Tensor:
        return points(run("FilterTracks", wire(), {"keep": "inside mask", "mask": mask})[0])

    def expanded(mask: torch.Tensor) -> torch.Tensor:
        return points(run("ExpandMotion", pin, FRAMES, 16.0, image=image, mask=mask)[0])

    def drawn(mask: torch.Tensor) -> torch.Tensor:
        return points(run("DrawMotion", WIDTH, HEIGHT, FRAMES, 16.0, pin, mask=mask)[0])

    def camera_points(mask: torch.Tensor) -> torch.Tensor:
        chosen = {"points": "mask", "mask": mask, "spacing": 8.0}
        return points(run("CameraTracks", image, depth, camera, chosen, 1, 0.05, 1)[0])

    def composed(mask: torch.Tensor) -> torch.Tensor:
        sets = {"tracks_0": wire(), "tracks_1": wire()}
        return points(run("ComposeMotion", sets, {"mode": "add"}, masks={"mask_1": mask})[0])

    for node in (filtered, expanded, drawn, camera_points, composed):
        one = node(masks(1))
        assert one.numel() and torch.equal(node(masks(FRAMES)), one), node.__name__
        with pytest.raises(ValueError, match=f"3 images but the clip has {FRAMES} frames"):
            node(masks(3))
    assert points(run("FilterTracks", wire(), {"keep": "inside mask", "mask": masks(FRAMES)})[0])[
        0, :, 0
    ].tolist() == [10.0], "the third point starts outside the picture"


def test_a_mask_of_other_proportions_is_refused(sockets: Any) -> None:
    size = pack_module("motion_core.geometry").Size
    with pytest.raises(ValueError, match="empty 64x64"):
        sockets.on_canvas(torch.zeros(64, 64), size(96, 32))


def test_tracks_without_frames_are_refused_where_frames_are_needed(sockets: Any) -> None:
    none = wire(track_path=torch.zeros(0, 3, 2), track_visibility=torch.zeros(0, 3).bool())
    assert sockets.tracks_in(none).num_frames == 0
    with pytest.raises(ValueError, match="0 frames; at least 1"):
        sockets.tracks_in(none, least_frames=1)
