"""Pictures and videos: what is refused, and how sizes change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size, same_proportions
from motion_core.images import check_image, check_video, image_array, image_size, resize_images

PICTURE = torch.linspace(0, 1, 8 * 12 * 3).view(8, 12, 3)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((8, 12, 3)), TypeError, "a torch tensor; got ndarray"),
        (PICTURE[None], ShapeError, r"Pass image\[0\]"),
        (PICTURE[..., :2], ShapeError, r"\(H, W, 3\); got \(8, 12, 2\)\.$"),
        (torch.zeros(8, 12, 4), ShapeError, "alpha"),
        (PICTURE[:0], ShapeError, r"\(0, 12, 3\)"),
        ((PICTURE * 255).byte(), TypeError, "Divide 8-bit values by 255"),
        (PICTURE * 255, ValueError, r"0\.\.1; got 0\.\.255"),
        (PICTURE - 1, ValueError, r"0\.\.1"),
        (PICTURE * torch.nan, ValueError, "NaN"),
    ],
)
def test_what_is_no_picture_is_refused(image: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        check_image(image)


def test_a_picture_passes_with_its_own_canvas_alone() -> None:
    for dtype in (torch.float32, torch.float64, torch.float16):
        check_image(PICTURE.to(dtype), canvas=Size(12, 8))
    with pytest.raises(CanvasError, match="12x8.*fit"):
        check_image(PICTURE, canvas=Size(8, 12))
    with pytest.raises(TypeError, match="request"):
        check_image(None, "request")


def test_a_picture_as_an_array_is_the_same_picture() -> None:
    array = image_array(PICTURE.double().transpose(0, 1), Size(8, 12))
    assert array.dtype == np.float32 and array.flags["C_CONTIGUOUS"]
    assert np.array_equal(array, PICTURE.transpose(0, 1).numpy())
    with pytest.raises(ValueError, match="16000"):
        image_array(torch.zeros(1, 16001, 3), Size(16001, 1))


def test_videos_are_checked() -> None:
    check_video(torch.zeros(1, 2, 3, 3))
    check_video(torch.zeros(1, 2, 3, 3, dtype=torch.uint8))
    check_video(torch.zeros(0, 2, 3, 3), least_frames=0)
    with pytest.raises(ShapeError, match="at least 2 frames; got 1"):
        check_video(torch.zeros(1, 2, 3, 3), least_frames=2)
    for shape in ((2, 3, 3), (1, 0, 3, 3), (1, 2, 3, 4)):
        with pytest.raises(ShapeError, match=r"clip must be \(T, H, W, 3\)"):
            check_video(torch.zeros(shape), "clip")
    with pytest.raises(TypeError, match="uint8, or floating"):
        check_video(torch.zeros(1, 2, 3, 3, dtype=torch.int64))


def test_sizes_scale_and_compare() -> None:
    assert image_size(torch.zeros(5, 8, 12, 3)) == Size(12, 8)
    assert Size(640, 480).scaled(0.25) == Size(160, 120)
    assert Size(640, 2).scaled(0.1) == Size(64, 1)
    assert same_proportions(Size(1920, 1080), Size(16, 9))
    assert same_proportions(Size(1920, 1080), Size(854, 480))
    # A hundredth of the canvas, rounded: 3 % off, but less than a pixel.
    assert same_proportions(Size(1920, 1080), Size(19, 11))
    assert not same_proportions(Size(1920, 1080), Size(1080, 1920))
    assert not same_proportions(Size(640, 480), Size(640, 460))


@pytest.mark.parametrize("mode", ["bilinear", "area"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_resizing_keeps_dtype_layout_and_mean(mode: str, dtype: torch.dtype) -> None:
    video = (PICTURE * 200).to(dtype).expand(2, 3, -1, -1, -1)
    small = resize_images(video, Size(6, 4), mode)
    assert small.shape == (2, 3, 4, 6, 3) and small.dtype == dtype
    assert abs(float(small.float().mean()) - float(video.float().mean())) < 1
    assert torch.equal(resize_images(video, Size(12, 8), mode), video)
