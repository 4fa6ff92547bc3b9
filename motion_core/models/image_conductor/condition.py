"""The condition of Image Conductor's flow network: steps of the tracks as a blurred flow."""

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
from ..sd15.encoding import CELL_PX

# Of the Gaussian that blurs every frame.
KERNEL_PX, SIGMA_PX = 99, 10.0


def flow_condition(tracks: Tracks, size: Size, *, progress: Progress = silent) -> Tensor:
    """Step displacements of the tracks, rasterized as in the released code.

    The step p_i - p_(i-1), in pixels of `size`, is drawn in frame i at the pixel where it begins.
    Frames are blurred (99x99, sigma 10) and folded by PixelUnshuffle(8), all of x before all of y.
    Frame 0 is zero. A point that never moves is drawn with a drift of one pixel along both axes
    over the clip, because zeros would not distinguish it from a place without a track.

    Args:
        tracks: On any canvas.
        size: Of the video.

    Returns:
        (T, 128, H/8, W/8) float32.

    Raises:
        CanvasError: The sides are not multiples of 8 pixels.
    """
    if size.width % CELL_PX or size.height % CELL_PX:
        raise CanvasError(
            f"flow is folded into cells of {CELL_PX}x{CELL_PX} pixels; bring the image to a size "
            f"of whole cells. Got {size}."
        )
    scaled = tracks.xy * tracks.xy.new_tensor(size) / tracks.xy.new_tensor(tracks.size)
    drawn = replace(tracks, xy=_with_drift(scaled, tracks.visible), size=size)
    flow = gaussian_flow(drawn, size, kernel_px=KERNEL_PX, sigma_px=SIGMA_PX, progress=progress)
    return pixel_unshuffle(flow.permute(0, 3, 1, 2), CELL_PX)


def _with_drift(xy: Tensor, visible: Tensor) -> Tensor:
    """Positions in which points at rest drift by one pixel along x and y."""
    frames = len(xy)
    if frames < 2:
        return xy
    high = torch.where(visible[..., None], xy, -torch.inf).amax(0)
    low = torch.where(visible[..., None], xy, torch.inf).amin(0)
    at_rest = (high == low).all(-1)
    drift = torch.linspace(0.0, 1.0, frames, device=xy.device)
    return xy + (drift[:, None] * at_rest)[..., None]
