"""Depth from pictures and files, against the numbers that went in."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.depth.sources import (
    DepthReading,
    from_depth_image,
    make_depth,
    read_depth,
)
from motion_core.errors import FormatError, ShapeError

Z = torch.tensor([[1.0, 2.0, 4.0], [8.0, 3.0, 5.0]])


def as_image(values: torch.Tensor) -> torch.Tensor:
    return values[None, ..., None].expand(1, *values.shape, 3)


@given(st.floats(0.01, 5.0), st.floats(1.5, 50.0), st.booleans())
def test_inverse_and_linear_pictures_give_back_the_depth_they_drew(near, ratio, invert) -> None:
    far = near * ratio
    z = near + (far - near) * torch.rand(4, 5, generator=torch.Generator().manual_seed(0))
    inverse = (1 / z - 1 / far) / (1 / near - 1 / far)
    linear = (z - near) / (far - near)
    for meaning, drawn in (("inverse", inverse), ("linear", linear)):
        drawn = 1 - drawn if invert else drawn
        depth = from_depth_image(as_image(drawn), DepthReading(meaning, near, far, invert))
        assert torch.allclose(depth.z, z, rtol=2e-3 * ratio)
        assert depth.kind == "relative"
        assert depth.valid.all()


def test_white_is_near_unless_inverted() -> None:
    ramp = as_image(torch.tensor([[0.0, 1.0]]))
    assert from_depth_image(ramp).z[0].tolist() == pytest.approx([10.0, 1.0])
    assert from_depth_image(ramp, DepthReading(invert=True)).z[0].tolist() == pytest.approx([1, 10])


def test_metric_pictures_count_in_their_unit() -> None:
    depth = from_depth_image(Z * 1000, DepthReading("metric", scale=0.001))
    assert torch.allclose(depth.z, Z)
    assert depth.kind == "metric"


def test_the_lens_is_assumed_or_given() -> None:
    assumed = make_depth(Z, fov_deg=90.0)
    assert not assumed.is_K_known
    assert float(assumed.K[0, 0]) == pytest.approx(1.5)
    assert assumed.K[:2, 2].tolist() == [1.5, 1.0]
    known = make_depth(Z, K=torch.diag(torch.tensor([7.0, 7.0, 1.0])))
    assert known.is_K_known
    assert float(known.K[0, 0]) == 7.0


def test_what_is_not_depth_becomes_invalid() -> None:
    z = Z.clone()
    z[0] = torch.tensor([math.nan, math.inf, -1.0])
    z[1, 0] = 0.0
    depth = make_depth(z, valid=torch.tensor([[True] * 3, [True, True, False]]))
    assert depth.valid.tolist() == [[False, False, False], [False, True, False]]
    assert torch.isfinite(depth.z).all()


def test_one_picture_of_a_batch_is_chosen() -> None:
    batch = torch.stack([torch.zeros(2, 3, 3), torch.ones(2, 3, 3)])
    assert float(from_depth_image(batch, index=1).z[0, 0]) == 1.0
    with pytest.raises(ShapeError, match="image 2 .* batch of 2"):
        from_depth_image(batch, index=2)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (torch.zeros(2, 2, 2, 2, 3), ShapeError, "depth image must be"),
        (torch.zeros(1, 2, 2, 2), ShapeError, "1, 3 or 4 channels"),
        (torch.tensor([[[1.0, 0.0, 0.0]]]), ValueError, "coloured"),
        (torch.full((2, 2), 1.5), ValueError, "0..1; got 1.5"),
        (torch.full((2, 2), math.nan), ValueError, "no valid pixel"),
        ("depth.png", ShapeError, "got str"),
    ],
)
def test_bad_pictures_are_refused(image, error, message: str) -> None:
    with pytest.raises(error, match=message):
        from_depth_image(image)


@pytest.mark.parametrize(
    "bad",
    [
        {"meaning": "disparity"},
        {"near": 0.0},
        {"near": 5.0, "far": 5.0},
        {"far": math.inf},
        {"meaning": "metric", "scale": 0.0},
    ],
)
def test_bad_readings_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="meaning|near|scale"):
        DepthReading(**bad)


@pytest.mark.parametrize("fov_deg", [0.0, 180.0, math.nan])
def test_impossible_lenses_are_refused(fov_deg: float) -> None:
    with pytest.raises(ValueError, match="field of view"):
        make_depth(Z, fov_deg=fov_deg)


def test_all_invalid_depth_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="fallback geometry"):
        make_depth(torch.zeros(2, 2))
    with pytest.raises(ShapeError, match=r"\(H, W\)"):
        make_depth(torch.ones(2, 2, 2))
    with pytest.raises(ShapeError, match="mask of valid depth"):
        make_depth(Z, valid=torch.ones(3, 2, dtype=torch.bool))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint16])
def test_npy_files_hold_depth_itself(tmp_path: Path, dtype: type) -> None:
    np.save(tmp_path / "z.npy", Z.numpy().astype(dtype)[None])
    depth = read_depth(tmp_path / "z.npy")
    assert torch.equal(depth.z, Z)
    assert depth.kind == "metric"


def test_png_files_hold_inverse_depth_or_millimetres(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    nearness = ((1 / Z - 0.1) / 0.9 * 65535).round().numpy().astype(np.uint16)
    cv2.imwrite(str(tmp_path / "near.png"), nearness)
    assert torch.allclose(read_depth(tmp_path / "near.png").z, Z, rtol=1e-3)
    cv2.imwrite(str(tmp_path / "mm.png"), (Z * 1000).numpy().astype(np.uint16))
    metric = read_depth(tmp_path / "mm.png", DepthReading("metric", scale=0.001))
    assert torch.allclose(metric.z, Z)
    assert metric.kind == "metric"


def test_bad_files_say_which_and_why(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    (tmp_path / "a.npy").write_bytes(b"nothing")
    (tmp_path / "b.png").write_bytes(b"nothing")
    cv2.imwrite(str(tmp_path / "c.png"), np.zeros((2, 2, 3), np.uint8))
    np.save(tmp_path / "d.npy", np.zeros((2, 2, 2)))
    np.save(tmp_path / "e.npy", np.array([["x"]]))
    np.save(tmp_path / "f.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    for name, message in {
        "a.npy": "NumPy array",
        "b.png": "not a PNG",
        "c.png": "16-bit grey",
        "d.npy": r"one \(H, W\)",
        "e.npy": "booleans, integers or floats",
        "f.npy": "never loaded",
        "g.tiff": ".npy, .exr or .png",
    }.items():
        with pytest.raises(FormatError, match=f"{name}: .*{message}"):
            read_depth(tmp_path / name)


@pytest.mark.parametrize(
    "sky", [65504.0, 65535.0, -1.0, 0.0, 1e9, 1e10, 3.4028235e38, float("inf")]
)
def test_what_renderers_write_for_no_depth_is_unknown(tmp_path: Path, sky: float) -> None:
    z = np.full((4, 6), sky, dtype=np.float32)
    z[1:3, 1:5] = 4.0
    np.save(tmp_path / "sky.npy", z)
    depth = read_depth(tmp_path / "sky.npy")
    assert torch.equal(depth.valid, torch.from_numpy(z == 4.0))
    assert float(depth.z[depth.valid].median()) == 4.0


def test_the_header_of_a_png_is_checked_before_its_pixels(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "z.png"
    cv2.imwrite(str(path), (Z * 1000).numpy().astype(np.uint16))
    whole = path.read_bytes()
    metric = DepthReading("metric", scale=0.001)
    assert torch.allclose(read_depth(path, metric).z, Z)
    for side, says in ((20_000, "states 20000x20000 pixels"), (0, "states 0x0 pixels")):
        header = whole[12:16] + side.to_bytes(4, "big") * 2 + whole[24:29]
        checksum = zlib.crc32(header).to_bytes(4, "big")
        path.write_bytes(whole[:12] + header + checksum + whole[33:])
        with pytest.raises(FormatError, match=says):
            read_depth(path, metric)
    path.write_bytes(whole[:40])
    with pytest.raises(FormatError, match=r"z\.png: not a PNG image, or damaged"):
        read_depth(path, metric)


def test_an_array_larger_than_its_file_or_than_a_picture_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.ones((2, 3), np.float32))
    whole = (tmp_path / "z.npy").read_bytes()
    for shape, says in ((b"(200000, 1000000)", "claims"), (b"(9000, 9000)", "at most 67,108,864")):
        padded = whole.replace(b"(2, 3)", shape).replace(b" " * (len(shape) - 6), b"", 1)
        (tmp_path / "z.npy").write_bytes(padded)
        with pytest.raises(FormatError, match=rf"z\.npy: .*{says}"):
            read_depth(tmp_path / "z.npy")


@pytest.mark.parametrize(
    ("far", "share", "is_logged"),
    [
        (9999.0, 0.4, True),
        (1e6, 0.03, True),
        (100.0, 0.9, True),
        (9999.0, 0.005, False),
        (30.0, 0.4, False),
        (8.0, 0.4, False),
    ],
)
def test_a_far_plane_that_counts_as_a_surface_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, far: float, share: float, is_logged: bool
) -> None:
    z = 1 + 7 * np.random.default_rng(4).random((40, 50)).astype(np.float32)
    z.reshape(-1)[: int(share * z.size)] = far
    np.save(tmp_path / "far.npy", z)
    assert bool(read_depth(tmp_path / "far.npy").valid.all())
    assert (f"have the one depth {far:.6g}" in caplog.text) is is_logged
