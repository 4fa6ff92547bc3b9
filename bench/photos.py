"""One drag with a pinned background on real photographs: the draft and lite side by side.

    python -m bench.photos [--folder DIR] [--sheet out/photos.jpg]

Uses photographs of scikit-image, and those of PHOTOS that are in DIR. For each it prints how far
motion reaches beyond the dragged dots and how far the pinned background moves. The contact sheet
shows, from left to right: the drag, lite's motion, the draft, lite.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from motion_core.draft import draft
from motion_core.fields.motion_field import MotionField
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.models.lite.flow_preview import flow_to_rgb
from motion_core.models.protocols import GenerationRequest
from motion_core.models.registry import load_track_model
from motion_core.models.track_model import TrackModel
from motion_core.overlay import draw_tracks
from motion_core.sampling import sample
from motion_core.tracks.model import Tracks, make_tracks

FRAMES, LONG_SIDE, PINS, TILE = 16, 512, 9, 360
log = logging.getLogger("bench")


@dataclass(frozen=True)
class Photo:
    """A photograph and a drag on it.

    Attributes:
        name: Of the photograph in scikit-image, or of a file.
        centre: Of the 3 x 3 dots, fractions of width and height.
        reach: From the centre to the outermost dots, a fraction of the short side.
        displacement: Of the dots, fractions of width and height.
        free: Half axes of the ellipse around the dots that holds the thing and no pin, fractions
            of width and height.
    """

    name: str
    centre: tuple[float, float]
    reach: float
    displacement: tuple[float, float]
    free: tuple[float, float]


PHOTOS = (
    Photo("astronaut", (0.44, 0.22), 0.06, (0.08, 0.02), (0.2, 0.22)),
    Photo("coffee", (0.49, 0.40), 0.10, (0.08, -0.05), (0.28, 0.42)),
    Photo("rocket", (0.50, 0.50), 0.02, (0.08, -0.06), (0.08, 0.42)),
    Photo("chelsea", (0.48, 0.40), 0.10, (0.06, 0.03), (0.42, 0.6)),
    Photo("giraffe.jpg", (0.47, 0.41), 0.05, (0.07, 0.02), (0.25, 0.12)),
    Photo("human.jpg", (0.46, 0.40), 0.06, (0.06, 0.00), (0.34, 0.36)),
)


def main() -> None:
    """Draw the contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--sheet", type=Path, default=Path("out/photos.jpg"))
    args = parser.parse_args()
    lite, rows = load_track_model("lite"), []
    for photo, image in photographs(args.folder):
        tracks = drag(photo, Size(image.shape[1], image.shape[0]))
        field = lite.network.field(image, tracks)
        log.info("%s: %s", photo.name, summary(field, tracks, photo))
        tiles = [
            draw_tracks(image[None].expand(FRAMES, -1, -1, -1), tracks)[-1],
            flow_to_rgb(image, field.displacement[-1]),
            draft(image, tracks)[-1],
            last_frame(lite, image, tracks),
        ]
        rows.append(torch.cat([tile(picture, image) for picture in tiles], dim=1))
    args.sheet.parent.mkdir(parents=True, exist_ok=True)
    write_image(args.sheet, torch.cat(rows))


def tile(picture: Tensor, image: Tensor) -> Tensor:
    """A picture at TILE pixels width, in the proportions of the photograph."""
    size = (round(TILE * image.shape[0] / image.shape[1]), TILE)
    planes = picture.permute(2, 0, 1)[None]
    small = functional.interpolate(planes, size, mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).clamp(0, 1)


def photographs(folder: Path | None) -> Iterator[tuple[Photo, Tensor]]:
    """The photographs with their drags, at most LONG_SIDE pixels a side."""
    import skimage.data
    from PIL import Image

    for photo in PHOTOS:
        if photo.name.endswith(".jpg"):
            path = folder / photo.name if folder else None
            if path is None or not path.is_file():
                continue
            picture = Image.open(path).convert("RGB")
        else:
            picture = Image.fromarray(getattr(skimage.data, photo.name)())
        picture.thumbnail((LONG_SIDE, LONG_SIDE))
        flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        yield photo, flat.view(picture.height, picture.width, 3).float() / 255


def drag(photo: Photo, size: Size) -> Tracks:
    """Nine dots that move together, and pins on a grid beyond photo.free."""
    across = torch.tensor(size)
    centre = torch.tensor(photo.centre) * across
    axis = torch.tensor([-1.0, 0.0, 1.0]) * photo.reach * size.short_side
    dots = centre + torch.cartesian_prod(axis, axis)
    steps = (torch.arange(PINS) + 0.5) / PINS
    pins = torch.cartesian_prod(steps, steps) * across
    pins = pins[is_far(pins, photo, size)]
    path = torch.linspace(0, 1, FRAMES)[:, None, None] * torch.tensor(photo.displacement) * across
    xy = torch.cat([dots + path, pins.expand(FRAMES, -1, -1)], dim=1)
    return make_tracks(xy, size)


def is_far(points: Tensor, photo: Photo, size: Size) -> Tensor:
    """(...) bool of points (..., 2) in pixels: outside of photo.free."""
    apart = points / torch.tensor(size) - torch.tensor(photo.centre)
    return (apart / torch.tensor(photo.free)).norm(dim=-1) > 1


def summary(field: MotionField, tracks: Tracks, photo: Photo) -> str:
    """The moving area and the motion of the pinned area, as a sentence.

    The moving area moves at least half as far as the dots; its unit is the area of their square.
    """
    size = tracks.size
    distance = (tracks.xy[-1, 0] - tracks.xy[0, 0]).norm()
    length = field.displacement[-1].norm(dim=-1)
    cell = size.width * size.height / length.numel()
    area = float((length > distance / 2).sum()) * cell / (2 * photo.reach * size.short_side) ** 2
    far = is_far(field.centres(), photo, size)
    return (
        f"{area:.1f} times the dots' area goes with them; the pinned area moves "
        f"{float(length[far].mean()):.2f} px of {float(distance):.0f}"
    )


def last_frame(lite: TrackModel, image: Tensor, tracks: Tracks) -> Tensor:
    """The last frame that lite makes."""
    request = GenerationRequest(image, FRAMES, last_only=True)
    return sample(lite.model, lite.control, request, tracks).frames[-1]


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    main()
