"""What Image Conductor's flow network reads of tracks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from ...errors import CanvasError
from ...geometry import Size
from ...progress import Progress, silent
from ...raster.gaussian import gaussian_flow
from ...tracks.model import Tracks

# A latent cell; the flow of all its pixels becomes its channels.
CELL_PX = 8
KERNEL_PX, SIGMA_PX = 99, 10.0
CHANNELS = 2 * CELL_PX**2


def flow_condition(tracks: Tracks, size: Size, *, progress: Progress = silent) -> Tensor:
    """Steps of the tracks as the released code draws them: (T, 128, H/8, W/8) float32.

    Every step p_i - p_(i-1), in pixels of the picture, stands in frame i at the pixel where it
    begins; frames are blurred (99x99, sigma 10) and folded by PixelUnshuffle(8), all of x before
    all of y. Frame 0 is zero. A point that rests all along is drawn with a drift of one pixel
    along both axes over the clip, since a map of nothing but zeros would say nothing of it.
    Raises CanvasError unless the sides are multiples of 8 pixels.
    """
    if size.width % CELL_PX or size.height % CELL_PX:
        raise CanvasError(
            f"flow is folded into cells of {CELL_PX}x{CELL_PX} pixels; bring the picture to a size "
            f"of whole cells. Got {size}."
        )
    scaled = tracks.xy * tracks.xy.new_tensor(size) / tracks.xy.new_tensor(tracks.size)
    drawn = replace(tracks, xy=_drifting(scaled, tracks.visible), size=size)
    flow = gaussian_flow(drawn, size, kernel_px=KERNEL_PX, sigma_px=SIGMA_PX, progress=progress)
    return pixel_unshuffle(flow.permute(0, 3, 1, 2), CELL_PX)


def _drifting(xy: Tensor, visible: Tensor) -> Tensor:
    """Positions with points at rest carried by one pixel along x and y."""
    frames = len(xy)
    if frames < 2:
        return xy
    high = torch.where(visible[..., None], xy, -torch.inf).amax(0)
    low = torch.where(visible[..., None], xy, torch.inf).amin(0)
    rests = (high == low).all(-1)
    drift = torch.linspace(0.0, 1.0, frames, device=xy.device)
    return xy + (drift[:, None] * rests)[..., None]
