from __future__ import annotations

import math
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from motion_core.errors import FormatError, ShapeError
from motion_core.image_files import read_image, read_mask, write_image

from .pictures import color_bars, leftovers, shared_file


def test_png_is_exact(tmp_path: Path) -> None:
    bars = color_bars()
    write_image(tmp_path / "bars.png", bars)
    read = read_image(tmp_path / "bars.png")
    assert read.dtype == torch.float32
    assert torch.equal((read * 255).round().to(torch.uint8), bars)
    write_image(tmp_path / "again.png", read)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "bars.png").read_bytes()
    assert leftovers(tmp_path) == ["again.png", "bars.png"]


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_lossy_files_are_near(tmp_path: Path, suffix: str) -> None:
    bars = color_bars()
    write_image(tmp_path / f"bars{suffix}", bars)
    read = read_image(tmp_path / f"bars{suffix}")
    assert float((read[16, 8::16] - bars[16, 8::16] / 255).abs().max()) < 0.03


def test_floats_are_rounded_and_clipped(tmp_path: Path) -> None:
    image = torch.tensor([[[-1.0, 0.5, 2.0]]], requires_grad=True)
    write_image(tmp_path / "one.png", image)
    assert (read_image(tmp_path / "one.png") * 255).round().flatten().tolist() == [0, 128, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    # The stored picture of each orientation, by the definition of the EXIF tag:
    # which corner of the upright picture its first row and first column hold.
    upright = (np.arange(6 * 4 * 3).reshape(6, 4, 3) * 3).astype(np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    assert np.array_equal((read_image(path) * 255).round().byte().numpy(), upright)


def saved(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def test_every_kind_of_picture_becomes_rgb(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    wanted = torch.from_numpy(grey)[..., None].expand(-1, -1, 3) / 255
    image = Image.fromarray(grey)
    for mode, suffix in [("L", "png"), ("P", "gif"), ("RGBA", "png"), ("LA", "png"), ("F", "tiff")]:
        converted = Image.fromarray(np.float32(grey) / 255) if mode == "F" else image.convert(mode)
        read = read_image(saved(converted, tmp_path / f"{mode}.{suffix}"))
        torch.testing.assert_close(read, wanted, rtol=0, atol=1e-6)
    bilevel = read_image(
        saved(image.point(lambda v: 255 * (v > 127)).convert("1"), tmp_path / "1.png")
    )
    assert torch.equal(bilevel, (wanted > 0.5).float())
    cmyk = read_image(saved(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), tmp_path / "c.tiff"))
    assert cmyk[0, 0].tolist() == [1, 0, 0]


def test_sixteen_bit_grey_keeps_its_precision(tmp_path: Path) -> None:
    deep = np.array([[0, 1, 257], [32768, 65534, 65535]], dtype=np.uint16)
    for name in ("deep.png", "deep.tiff"):
        read = read_image(saved(Image.fromarray(deep), tmp_path / name))
        torch.testing.assert_close(
            read, torch.from_numpy(deep.astype(np.float32) / 65535)[..., None].expand(-1, -1, 3)
        )


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    read = read_image(saved(Image.fromarray(pixels), tmp_path / "glass.png"))
    assert (read * 255).round().tolist() == [[[200, 0, 0], [255, 255, 255], [204, 204, 204]]]
    palette = Image.new("P", (1, 1), 0)
    palette.putpalette([9, 9, 9])
    read = read_image(saved(palette, tmp_path / "key.png", transparency=0))
    assert read.flatten().tolist() == [1, 1, 1]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("colour", [0, 255])
def test_real_transparency_is_the_mask(tmp_path: Path, mode: str, colour: int) -> None:
    painted = np.zeros((4, 6), dtype=np.uint8)
    painted[1:3, 2:5] = 255
    painted[0, 0] = 51
    layer = Image.fromarray(np.full((4, 6), colour, dtype=np.uint8)).convert("RGBA")
    layer.putalpha(Image.fromarray(painted))
    name = tmp_path / "mask.png"
    if mode == "PA":
        Image.fromarray((painted > 128).astype(np.uint8), "P").save(name, transparency=0)
        painted = (painted > 128) * np.uint8(255)
    else:
        layer.convert(mode).save(name)
    mask = read_mask(name)
    assert torch.equal(mask, torch.from_numpy(painted).float() / 255)


@pytest.mark.parametrize(("inside", "outside"), [(254, 254), (255, 200), (160, 160)])
def test_slight_transparency_does_not_select_everything(
    tmp_path: Path, inside: int, outside: int
) -> None:
    """Where nothing is more transparent than opaque, white on black is the mask."""
    pixels = np.zeros((4, 6, 4), dtype=np.uint8)
    pixels[..., 3] = outside
    pixels[1:3, 2:5] = (255, 255, 255, inside)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert torch.equal(read_mask(tmp_path / "mask.png") > 0.5, torch.from_numpy(pixels[..., 0] > 0))


def test_an_opaque_mask_is_its_brightness(tmp_path: Path) -> None:
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    for mode in ("L", "RGB", "RGBA"):
        Image.fromarray(grey).convert(mode).save(tmp_path / "mask.png")
        torch.testing.assert_close(
            read_mask(tmp_path / "mask.png"), torch.from_numpy(grey).float() / 255
        )
    with pytest.raises(FormatError, match=r"no file .*none\.png"):
        read_mask(tmp_path / "none.png")


def test_of_an_animation_the_first_picture(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    path = saved(first, tmp_path / "two.gif", save_all=True, append_images=[second])
    assert read_image(path)[0, 0].tolist() == [1, 0, 0]


def png_bytes(width: int = 64, height: int = 64) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, format="PNG")
    return buffer.getvalue()


def bomb_bytes() -> bytes:
    """A PNG of a few bytes whose header promises 60000 x 60000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"not a picture at all",
        png_bytes()[:-3000],
        png_bytes()[:40],
        bomb_bytes(),
        POSTSCRIPT,
    ],
    ids=["empty", "gif head", "text", "cut", "header alone", "bomb", "postscript"],
)
def test_what_is_no_whole_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"bad\.png is not an image"):
        read_image(path)


def test_missing_files_folders_and_wild_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(FormatError, match="is a folder"):
        read_image(tmp_path)
    for value in (1.5, math.nan):
        wild = saved(Image.fromarray(np.full((2, 2), value, np.float32)), tmp_path / "wild.tiff")
        with pytest.raises(FormatError, match=r"outside 0\.\.1"):
            read_image(wild)


@pytest.mark.parametrize(
    ("name", "image", "error", "says"),
    [
        ("a.png", torch.zeros(4, 4), ShapeError, r"\(H, W, 3\)"),
        ("a.png", torch.zeros(1, 4, 4, 3), ShapeError, r"\(H, W, 3\)"),
        ("a.png", torch.zeros(4, 0, 3), ShapeError, r"H, W, 3\) RGB; got"),
        ("a.png", torch.full((4, 4, 3), math.nan), ValueError, "image holds NaN"),
        ("a.png", torch.zeros(4, 4, 3, dtype=torch.int32), TypeError, "uint8, or floating"),
        ("a.bmp", torch.zeros(4, 4, 3), ValueError, r"\.png, \.jpg"),
        ("gone/a.png", torch.zeros(4, 4, 3), FileNotFoundError, "no folder"),
        ("a.webp", torch.zeros(1, 16384, 3), OSError, r"16383 pixels; got 16384x1. Write a \.png"),
        ("a.jpg", torch.zeros(65501, 1, 3), OSError, "65500 pixels; got 1x65501"),
    ],
)
def test_bad_writes_are_refused(
    tmp_path: Path, name: str, image: torch.Tensor, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        write_image(tmp_path / name, image)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("name", "height", "width"), [("a.webp", 1, 16383), ("a.jpg", 65500, 1)])
def test_the_longest_sides_are_written(tmp_path: Path, name: str, height: int, width: int) -> None:
    write_image(tmp_path / name, torch.zeros(height, width, 3))
    assert read_image(tmp_path / name).shape == (height, width, 3)


def test_real_pictures() -> None:
    picture = read_image(shared_file("wan-move/example.jpg"))
    assert picture.shape == (480, 832, 3)
    assert 0 <= float(picture.min()) < 0.2 < 0.8 < float(picture.max()) <= 1


@pytest.mark.parametrize("value", [0, 1, 3, 127, 128, 255])
def test_a_mask_that_selects_nothing_though_it_is_not_black_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: int
) -> None:
    grey = np.zeros((6, 8), np.uint8)
    grey[2:4, 3:6] = value
    Image.fromarray(grey).save(tmp_path / "mask.png")
    read_mask(tmp_path / "mask.png")
    assert ("mask.png: the brightest place" in caplog.text) is (0 < value < 128)
