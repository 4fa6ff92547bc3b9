"""The holes of a warped video as a model expects them: pinholes closed, grown, coloured, feathered.

Models that repaint holes were trained on a few large regions of one colour, such as the magenta of
CrossView-Warp. A render also has pinholes, where resampling misses a pixel or two. They are closed
first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..progress import Progress, silent
from .render import WarpedRender

Color = tuple[float, float, float]

HOLE_COLORS: dict[str, Color] = {
    "black": (0.0, 0.0, 0.0),
    "white": (1.0, 1.0, 1.0),
    "grey": (0.5, 0.5, 0.5),
    "magenta": (1.0, 0.0, 1.0),
    "green": (0.0, 1.0, 0.0),
}
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
# A pixel and its eight neighbours.
_NEAR = np.ones((3, 3), np.float32)


def hole_color(text: str) -> Color:
    """A colour (r, g, b) in 0..1 from a name in HOLE_COLORS or from "#rrggbb".

    Raises:
        ValueError: The text is neither.
    """
    name = text.strip().lower()
    if name in HOLE_COLORS:
        return HOLE_COLORS[name]
    digits = _HEX.fullmatch(name)
    if not digits:
        raise ValueError(
            f"a hole colour is one of {', '.join(HOLE_COLORS)} or #rrggbb, such as #ff00ff; got "
            f"{text!r}."
        )
    red, green, blue = (int(digits[1][at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


@dataclass(frozen=True)
class HoleFinish:
    """What is done with the holes of a render, in this order.

    Attributes:
        min_area_px: Holes of fewer pixels are closed from their surroundings; 0 and 1 close none.
            Pixels that touch by a corner belong to one hole.
        grow_px: Holes grow by this radius in pixels, and so swallow fringes at their edges.
        color: (r, g, b) in 0..1, written into holes. None fills each pixel of a hole with the
            nearest pixel outside of it; the masks still show the holes.
        feather_px: Outside of a hole the mask falls from 1 to 0 over this many pixels, along half a
            cosine. The colour has hard edges.

    Raises:
        ValueError: A number is negative or not finite, or a colour is outside 0..1.
    """

    min_area_px: int = 0
    grow_px: float = 0.0
    color: Color | None = HOLE_COLORS["black"]
    feather_px: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_area_px", "grow_px", "feather_px"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"HoleFinish.{name} must be 0 or more pixels; got {value}.")
        if self.color is None:
            return
        if len(self.color) != 3 or not all(0.0 <= value <= 1.0 for value in self.color):
            raise ValueError(f"HoleFinish.color must be three numbers 0..1; got {self.color}.")


@dataclass(frozen=True, eq=False)
class FinishedRender:
    """A warped video whose holes are finished.

    Attributes:
        video: (T, H, W, 3) float32; holes have their colour.
        mask: (T, H, W) float32 0..1: 1 in holes, falling outside of them where feathered.
        valid: (T, H, W) bool, False in holes, closed and grown ones as they are in `video`.
        depth: (T, H, W) float32 in scene units, inf in holes, or None without depth.
    """

    video: Tensor
    mask: Tensor
    valid: Tensor
    depth: Tensor | None = None


def finish_holes(
    render: WarpedRender,
    finish: HoleFinish,
    *,
    overwrite: bool = False,
    progress: Progress = silent,
) -> FinishedRender:
    """Close, grow, colour and feather the holes of a render, frame by frame.

    Args:
        render: The render; its depth, if it has one, is closed as inverse depth with the colours.
        finish: What to do.
        overwrite: Write into the tensors of the render, which is of no use afterwards, instead of
            making a second video.
        progress: Called once per frame.

    Raises:
        ShapeError: Video, holes and depth differ in size.
    """
    _check_shapes(render)
    frames = len(render.video)
    video, holes, depth = render.video, render.holes, render.depth
    if not overwrite:
        video, holes = torch.empty_like(video), torch.empty_like(holes)
        depth = None if depth is None else torch.empty_like(depth)
    mask = torch.empty(holes.shape, dtype=torch.float32, device=holes.device)
    color = None if finish.color is None else video.new_tensor(finish.color)
    for frame in range(frames):
        values = render.video[frame]
        if render.depth is not None:
            values = torch.cat([values, 1.0 / render.depth[frame][..., None]], dim=-1)
        closed, left = _closed(values, render.holes[frame], finish.min_area_px)
        hole, soft = _grown(left, finish.grow_px, finish.feather_px)
        inside = _nearest_known(closed[..., :3], hole) if color is None else color
        video[frame] = torch.where(hole[..., None], inside, closed[..., :3])
        if depth is not None:
            depth[frame] = (1.0 / closed[..., 3]).masked_fill(hole, torch.inf)
        holes[frame], mask[frame] = hole, soft
        progress(frame + 1, frames)
    return FinishedRender(video, mask, ~holes, depth)


def _closed(values: Tensor, hole: Tensor, min_area_px: int) -> tuple[Tensor, Tensor]:
    """Values (H, W, C) with small holes filled, and the holes (H, W) that are left.

    Ring by ring from outside, a pixel takes the mean of its known neighbours.
    """
    import cv2

    if min_area_px <= 1 or not bool(hole.any()):
        return values, hole
    pixels = hole.cpu().numpy().astype(np.uint8)
    _, raw_label, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    label = raw_label.astype(np.int64)
    small = stats[:, cv2.CC_STAT_AREA] < min_area_px
    small[0] = False  # the label of everything else
    open_ = small[label]
    known = ~hole.cpu().numpy()
    if not known.any():
        return values, hole
    filled = values.cpu().numpy().astype(np.float32)
    while open_.any():
        weight = cv2.filter2D(known.astype(np.float32), -1, _NEAR, borderType=cv2.BORDER_CONSTANT)
        ring = open_ & (weight > 0)
        known_values = np.where(known[..., None], filled, np.float32(0))
        sums = cv2.filter2D(known_values, -1, _NEAR, borderType=cv2.BORDER_CONSTANT)
        filled[ring] = sums[ring] / weight[ring][:, None]
        known, open_ = known | ring, open_ & ~ring
    return torch.from_numpy(filled).to(values), hole & torch.from_numpy(~small[label]).to(hole)


def _grown(hole: Tensor, grow_px: float, feather_px: float) -> tuple[Tensor, Tensor]:
    """The holes grown (H, W) bool, and their mask (H, W) float32 feathered outwards."""
    import cv2

    if not (grow_px or feather_px) or not bool(hole.any()):
        return hole, hole.float()
    outside = np.where(hole.cpu().numpy(), np.uint8(0), np.uint8(1))
    distance = torch.from_numpy(
        cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ).to(hole.device)
    grown = distance <= grow_px
    if not feather_px:
        return grown, grown.float()
    ramp = ((distance - grow_px) / feather_px).clamp(0.0, 1.0)
    return grown, 0.5 + 0.5 * torch.cos(torch.pi * ramp)


def _nearest_known(values: Tensor, hole: Tensor) -> Tensor:
    """Values (H, W, C) in which every pixel of a hole has those of the nearest pixel outside."""
    import cv2

    inside = hole.cpu().numpy()
    if not inside.any() or inside.all():
        return values
    _, raw_label = cv2.distanceTransformWithLabels(
        inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label, pixels = raw_label.astype(np.int64), values.cpu().numpy()
    # Every known pixel has a label of its own.
    lookup = np.zeros((int(label.max()) + 1, pixels.shape[-1]), pixels.dtype)
    lookup[label[~inside]] = pixels[~inside]
    return torch.from_numpy(lookup[label]).to(values)


def _check_shapes(render: WarpedRender) -> None:
    frames = render.holes.shape
    shapes = [render.video.shape[:3], *([] if render.depth is None else [render.depth.shape])]
    if any(shape != frames for shape in shapes):
        raise ShapeError(
            f"video, holes and depth of a render have one size; got {tuple(render.video.shape)}, "
            f"{tuple(frames)} and {None if render.depth is None else tuple(render.depth.shape)}."
        )
