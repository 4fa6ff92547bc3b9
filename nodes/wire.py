"""Values of sockets, converted to the core's types and back.

The core's values are on the CPU in float32, whatever device and dtype the host uses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from ..motion_core import masks
from ..motion_core.geometry import Size, checked_size

if TYPE_CHECKING:
    from ..motion_core.camera.camera_path import CameraPath
    from ..motion_core.depth.depth_map import DepthMap
    from ..motion_core.guidance import GuidancePlan
    from ..motion_core.guidance.moft import MotionReference
    from ..motion_core.models.track_model import TrackModel
    from ..motion_core.tracks import Tracks


OTHER_PROPORTIONS = (
    "Connect a mask drawn on the same image (Load Image gives an empty 64x64 mask for an image "
    "without transparency)."
)
Value = TypeVar("Value")


def tracks_in(value: Any, image: Tensor | None = None) -> Tracks:
    """Tracks from a TRACKS value; an image may give the canvas.

    Raises CanvasError when their sizes differ, FormatError when neither gives the canvas.
    """
    from ..motion_core.formats.host import from_host

    return from_host(value, size=canvas_size(image)).to("cpu")


def tracks_out(tracks: Tracks) -> dict[str, Any]:
    """The TRACKS value for a socket."""
    from ..motion_core.formats.host import to_host

    return to_host(tracks)


def depth_in(value: Any) -> DepthMap:
    """The DepthMap of a MOTION_DEPTH socket. Raises TypeError for anything else."""
    from ..motion_core.depth.depth_map import DepthMap

    return _of_kind(value, DepthMap, "MOTION_DEPTH: connect Depth Map or Estimate Depth")


def camera_in(value: Any) -> CameraPath:
    """The CameraPath of a MOTION_CAMERA socket. Raises TypeError for anything else."""
    from ..motion_core.camera.camera_path import CameraPath

    return _of_kind(value, CameraPath, "MOTION_CAMERA: connect Camera Path")


def model_in(value: Any) -> TrackModel:
    """The TrackModel of a MOTION_MODEL socket. Raises TypeError for anything else."""
    from ..motion_core.models.track_model import TrackModel

    return _of_kind(value, TrackModel, "MOTION_MODEL: connect Load Track Model")


def guidance_in(value: Any | None) -> GuidancePlan:
    """The GuidancePlan of a MOTION_GUIDANCE socket, an empty one where nothing is connected.
    Raises TypeError for anything else."""
    from ..motion_core.guidance import GuidancePlan

    if value is None:
        return GuidancePlan()
    return _of_kind(value, GuidancePlan, "MOTION_GUIDANCE: connect a guidance node of this pack")


def reference_in(value: Any) -> MotionReference:
    """The MotionReference of a MOTION_REFERENCE socket. Raises TypeError for anything else."""
    from ..motion_core.guidance.moft import MotionReference

    return _of_kind(value, MotionReference, "MOTION_REFERENCE: connect MOFT Reference")


def depth_out(depth: DepthMap, image: Tensor | None = None) -> DepthMap:
    """Depth for a socket: on the CPU, and with the canvas of its image.

    Raises CanvasError when the image has other proportions.
    """
    from ..motion_core.depth.sample import resize_depth

    here = replace(depth, z=depth.z.cpu(), valid=depth.valid.cpu(), K=depth.K.cpu())
    size = canvas_size(image) or here.size
    masks.check_proportions(here.size, size, "the depth", "Make it from the same image.")
    return resize_depth(here, size)


def _of_kind(value: Any, kind: type[Value], wanted: str) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"expected a {wanted}; got {type(value).__name__}.")
    return value


def canvas_size(image: Tensor | None, width: int = 0, height: int = 0) -> Size | None:
    """The size an image and two numbers agree on; None when neither is given.

    image: (B, H, W, C). Raises ValueError when only one side is set or they disagree.
    """
    if bool(width) != bool(height):
        raise ValueError(
            f"width and height belong together; got {width} and {height}. Set both, or leave "
            "both at 0."
        )
    stated = checked_size(width, height) if width else None
    if image is None:
        return stated
    image_size = Size(image.shape[-2], image.shape[-3])
    if stated is not None and stated != image_size:
        raise ValueError(
            f"the image is {image_size} but width and height are {stated}. Set both to 0 to use "
            "the image's size."
        )
    return image_size


def picture(image: Tensor) -> Tensor:
    """The first image of an IMAGE: (H, W, 3) float32 in 0..1."""
    return frames(image)[0]


def frames(image: Tensor) -> Tensor:
    """All images of an IMAGE: (B, H, W, 3) float32 in 0..1; alpha is dropped, grey tripled.

    Raises ValueError for an empty batch or an unknown number of channels.
    """
    if image.ndim != 4 or not image.shape[0] or image.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"expected an IMAGE batch (B, H, W, 3) with at least one image; got "
            f"{tuple(image.shape)}."
        )
    colours = image[..., :3] if image.shape[-1] >= 3 else image.expand(-1, -1, -1, 3)
    return colours.cpu().float().clamp(0.0, 1.0)


def first_mask(mask: Tensor | None) -> Tensor | None:
    """The first image of a MASK (B, H, W) or (H, W): (H, W) float32 in 0..1; None stays None."""
    return None if mask is None else masks.first_mask(mask).cpu().float()


def mask_of_frame(mask: Tensor | None, frame: int, frames: int) -> Tensor | None:
    """(H, W), the mask of one frame of a clip from a MASK (B, H, W); None stays None.

    One mask counts for every frame; a batch as long as the clip holds one for each.
    Raises ValueError for a batch of another length.
    """
    if mask is None or mask.ndim == 2 or len(mask) == 1:
        return first_mask(mask)
    if len(mask) != frames:
        raise ValueError(
            f"{len(mask)} masks are connected but the clip has {frames} frames. Connect one mask, "
            "or one for each frame."
        )
    if not 0 <= frame < frames:
        raise ValueError(f"frame {frame} is not one of the {frames} frames of the clip.")
    return mask[frame].cpu().float()


def mask_on_canvas(mask: Tensor, size: Size) -> Tensor:
    """The first image of a MASK on the canvas: (H, W) bool, True above one half.

    A mask of another size is resized by its nearest pixels. Raises CanvasError when it has other
    proportions than the canvas.
    """
    return masks.mask_on_canvas(masks.first_mask(mask).cpu(), size, "the mask", OTHER_PROPORTIONS)
