"""Images, masks, depth files and videos."""

from __future__ import annotations

import io
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from motion_core.depth.depth_map import DepthMap
from motion_core.depth.sources import DepthReading, read_depth
from motion_core.errors import FormatError
from motion_core.image_files import read_image, read_mask, write_image
from motion_core.video import read_video, write_video

from .arrays import npy_files
from .judge import Finding
from .mutations import damaged, png_chunks
from .target import AS_JSON, OWN_ERRORS, Target, file_target

PIXELS = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(6, 8, 3)
DEPTH = np.linspace(1, 9, 48, dtype=np.float32).reshape(6, 8)
SAVED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {}),
    ("JPEG", "RGB", {}),
    ("JPEG", "CMYK", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("GIF", "P", {}),
    ("BMP", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "RGB", {"compression": "tiff_deflate"}),
    ("TIFF", "F", {}),
    ("PPM", "RGB", {}),
    ("AVIF", "RGB", {}),
)


def image_seeds(*names: str) -> list[bytes]:
    """Small images of the formats that are read, or of those named."""
    from PIL import Image

    Image.init()
    found = []
    for name, mode, options in SAVED:
        if name in Image.SAVE and (not names or name in names):
            buffer = io.BytesIO()
            Image.fromarray(PIXELS).convert(mode).save(buffer, name, **options)
            found.append(buffer.getvalue())
    if not names:
        buffer, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(PIXELS).save(buffer, "JPEG", exif=exif)
        found.append(buffer.getvalue())
    return found


def grey_png() -> bytes:
    """A 16-bit grey PNG."""
    import cv2

    values = (DEPTH * 5000).astype(np.uint16)
    return cv2.imencode(".png", values)[1].tobytes()


def exr_seeds() -> list[bytes]:
    """EXR files of several compressions."""
    import OpenEXR

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in (OpenEXR.NO_COMPRESSION, OpenEXR.ZIP_COMPRESSION, OpenEXR.PIZ_COMPRESSION):
            path = Path(folder) / "a.exr"
            header = {"compression": kind, "type": OpenEXR.scanlineimage}
            with OpenEXR.File(header, {"Z": DEPTH, "A": DEPTH}) as file:
                file.write(str(path))
            found.append(path.read_bytes())
    return found


def video_seeds() -> list[bytes]:
    """MP4 with metadata, Matroska, GIF and AVI of three frames."""
    import av
    from PIL import Image

    found = []
    frames = torch.from_numpy(np.stack([np.roll(PIXELS, n, axis=1) for n in range(3)]))
    frames = frames.repeat(1, 3, 2, 1)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".mp4", ".mkv"):
            path = Path(folder) / f"a{suffix}"
            write_video(path, frames, 8)
            found.append(path.read_bytes())
        path = Path(folder) / "a.avi"
        with av.open(str(path), "w") as container:
            container.metadata["title"] = "A title"
            stream = container.add_stream("mjpeg", rate=Fraction(8))
            stream.width, stream.height, stream.pix_fmt = 16, 18, "yuvj420p"
            for frame in frames.numpy():
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                container.mux(stream.encode(picture.reformat(format="yuvj420p")))
            container.mux(stream.encode(None))
        found.append(path.read_bytes())
    buffer = io.BytesIO()
    images = [Image.fromarray(frame) for frame in frames.numpy()]
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=40)
    found.append(buffer.getvalue())
    return found


def _check_image(image: torch.Tensor) -> None:
    assert image.ndim == 3, f"shape {tuple(image.shape)}"
    assert image.shape[-1] == 3, f"shape {tuple(image.shape)}"
    assert 0 <= float(image.min()) <= float(image.max()) <= 1, "values beyond 0..1"


def _check_mask(mask: torch.Tensor) -> None:
    assert mask.ndim == 2, f"shape {tuple(mask.shape)}"
    assert 0 <= float(mask.min()) <= float(mask.max()) <= 1, "values beyond 0..1"


def _check_depth(depth: DepthMap) -> None:
    known = depth.z[depth.valid]
    assert bool((known > 0).all()), "depths not above 0"
    assert float(known.max()) < 1e30, f"depths up to {float(known.max())}"


def _check_video(result: tuple[torch.Tensor, float]) -> None:
    frames, fps = result
    assert len(frames) >= 1, "no frames"
    assert 1e-3 <= fps <= 1e5, f"fps {fps}"


def _read_grey(path: Path) -> DepthMap:
    return read_depth(path, DepthReading("metric", scale=0.001))


_ODD = (0.0, 0.5, 1.0, 1.5, -3.0, float("nan"), float("inf"), 1e30)
WRITTEN = st.tuples(
    st.sampled_from((".png", ".jpg", ".webp", ".mp4", ".mkv")),
    st.sampled_from(("float32", "uint8", "uint8", "float16", "int64", "bool")),
    st.one_of(
        st.sampled_from(((6, 8, 3), (2, 6, 8, 3), (1, 7, 5, 3))),
        st.lists(st.integers(0, 9), min_size=2, max_size=5),
    ),
    st.lists(st.sampled_from(_ODD), max_size=6),
    st.sampled_from((8, 8, 23.976, 0, -1, float("nan"), 1e308, 1e-9)),
)


def _write_and_read(value: Any, folder: Path) -> Any:
    suffix, dtype, shape, odd, fps = value
    values = torch.zeros(*shape, dtype=torch.float64)
    for index, number in enumerate(odd[: values.numel()]):
        values.view(-1)[index] = number
    values = values.to(getattr(torch, dtype))
    path = folder / f"a{suffix}"
    if suffix in (".mp4", ".mkv"):
        write_video(path, values, fps)
    else:
        write_image(path, values)
    try:
        return read_video(path) if suffix in (".mp4", ".mkv") else read_image(path)
    except FormatError as error:
        raise Finding("refused what was written", suffix, str(error)) from error


def _later(make: Any) -> SearchStrategy[bytes]:
    """A strategy whose seeds are made when it is first used."""
    return st.deferred(make)


TARGETS = [
    file_target("image", _later(lambda: damaged(image_seeds())), "a", read_image,
                check=_check_image),
    file_target("image_png", _later(lambda: png_chunks(image_seeds("PNG"))), "a.png", read_image,
                check=_check_image),
    file_target("mask", _later(lambda: damaged(image_seeds("PNG", "GIF", "TIFF"))), "a", read_mask,
                check=_check_mask, examples=30),
    file_target("depth_npy", npy_files([DEPTH, (DEPTH * 1000).astype(np.uint16)]), "a.npy",
                read_depth, check=_check_depth, refusals=(*OWN_ERRORS, ValueError)),
    file_target("depth_png", _later(lambda: png_chunks([grey_png()])), "a.png", _read_grey,
                check=_check_depth, refusals=(*OWN_ERRORS, ValueError)),
    file_target("depth_exr", _later(lambda: damaged(exr_seeds())), "a.exr", read_depth,
                check=_check_depth, refusals=(*OWN_ERRORS, ValueError)),
    file_target("video", _later(lambda: damaged(video_seeds())), "a.mp4", read_video,
                check=_check_video, examples=40),
    Target("written_media", WRITTEN, _write_and_read, examples=30,
           refusals=(*OWN_ERRORS, ValueError, TypeError), **AS_JSON),
]  # fmt: skip
