"""Values of sockets, checked and converted to the core's types, and back.

Every value of a socket passes through one function of this module before a node uses it, whatever
the node that made it. The core's values are on the CPU in float32, whatever device and dtype the
host uses. `widgets.py` checks the values of widgets, `wire_host.py` those of the host's models.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from ..motion_core import masks
from ..motion_core.errors import CanvasError, ShapeError
from ..motion_core.geometry import Size, checked_size
from ..motion_core.images import image_size

if TYPE_CHECKING:
    from ..motion_core.camera.camera_path import CameraPath
    from ..motion_core.depth.depth_map import DepthMap
    from ..motion_core.document import MotionDocument
    from ..motion_core.guidance import GuidancePlan
    from ..motion_core.guidance.follow_plan import DrawnRegion
    from ..motion_core.guidance.moft import MotionReference
    from ..motion_core.models.track_model import TrackModel
    from ..motion_core.tracks import Tracks

log = logging.getLogger(__name__)

OTHER_PROPORTIONS = (
    "Connect a mask drawn on the same image (Load Image gives an empty 64x64 mask for an image "
    "without transparency)."
)
# Filters and high dynamic range leave numbers outside 0..1, which are clamped; numbers beyond these
# are of another unit, such as 0..255.
DARKEST, BRIGHTEST = -2.0, 8.0
Value = TypeVar("Value")
EMPTY_DRAWING = '{"version": 1, "drawn_on": {"width": 832, "height": 480}, "layers": []}'


def tracks_in(value: Any, image: Tensor | None = None, *, least_frames: int = 0) -> Tracks:
    """Tracks from a TRACKS value; an image may give the canvas.

    Nodes that make videos cut the last column or row of odd sides. With such an image the tracks
    are cut with it.

    Args:
        value: The TRACKS dict.
        image: An IMAGE with the size of the canvas, or None.
        least_frames: Frames that the node needs; 1 where it makes images of them.

    Raises:
        CanvasError: The sizes of tracks and image differ.
        FormatError: The value is no TRACKS dict, or neither of them gives the canvas.
        ShapeError: There are fewer frames.
    """
    from ..motion_core.formats.host import from_host
    from ..motion_core.tracks import crop, hide_outside

    size = canvas_size(image)
    try:
        found = from_host(value, size=size).to("cpu")
    except CanvasError:
        found = from_host(value).to("cpu")
        if found.size.even() != size:
            raise
        found = hide_outside(crop(found, 0, 0, size))
    if found.num_frames < least_frames:
        raise ShapeError(
            f"the tracks have {found.num_frames} frames; at least {least_frames} are needed. "
            "Check what cuts them before this node."
        )
    return found


def tracks_out(tracks: Tracks) -> dict[str, Any]:
    """The TRACKS value for a socket."""
    from ..motion_core.formats.host import to_host

    return to_host(tracks)


def document_in(text: str) -> MotionDocument:
    """The drawing of a MOTION document as text; an empty text is a drawing without motion.

    Raises DocumentError, which names the layer and the field.
    """
    from ..motion_core.document import read_document

    return read_document(text if text.strip() else EMPTY_DRAWING)


def depth_in(value: Any) -> DepthMap:
    """The DepthMap of a MOTION_DEPTH socket, that of the first frame where it has a video's.

    Raises TypeError for anything else.
    """
    return (depth_video_in(value) or [value])[0]


def depth_video_in(value: Any) -> tuple[DepthMap, ...] | None:
    """The depth maps of a MOTION_DEPTH socket that has one for each frame of a video, else None.

    Raises TypeError for anything but a depth map or video.
    """
    from ..motion_core.depth.depth_map import DepthMap
    from ..motion_core.depth.depth_video import DepthVideo

    if isinstance(value, DepthVideo):
        return value.maps
    _of_kind(value, DepthMap, "MOTION_DEPTH: connect Depth Map or Estimate Depth")
    return None


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


def follow_in(value: Any | None) -> tuple[DrawnRegion, ...]:
    """The regions of a MOTION_FOLLOW socket, none where nothing is connected. Raises TypeError for
    anything else."""
    from ..motion_core.guidance.follow_plan import DrawnRegion

    regions = _of_kind(value or (), tuple, "MOTION_FOLLOW: connect Follow Region")
    return tuple(
        _of_kind(one, DrawnRegion, "MOTION_FOLLOW: connect Follow Region") for one in regions
    )


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

    image: (B, H, W, C). Raises TypeError or ShapeError for what is no image, ValueError when only
    one side is set or they disagree.
    """
    if bool(width) != bool(height):
        raise ValueError(
            f"width and height belong together; got {width} and {height}. Set both, or leave "
            "both at 0."
        )
    stated = checked_size(width, height) if width else None
    if image is None:
        return stated
    check_batch(image)
    size = checked_size(*image_size(image))
    if stated is not None and stated != size:
        raise ValueError(
            f"the image is {size} but width and height are {stated}. Set both to 0 to use "
            "the image's size."
        )
    return size


def check_batch(image: Any) -> None:
    """Check that a value is an IMAGE: (B, H, W, C) of pixels, C 1, 3 or 4. Values are not read.

    Raises TypeError for what is no tensor of numbers, ShapeError for another shape.
    """
    if not isinstance(image, Tensor) or image.is_complex():
        raise TypeError(f"expected an IMAGE; got {_described(image)}. Connect Load Image.")
    if image.ndim != 4 or 0 in image.shape or image.shape[-1] not in (1, 3, 4):
        raise ShapeError(
            "expected an IMAGE batch (B, H, W, 3) with at least one image of at least one pixel; "
            f"got {tuple(image.shape)}."
        )


def picture(image: Tensor) -> Tensor:
    """The first image of an IMAGE: (H, W, 3) float32 in 0..1. Raises what frames raises."""
    check_batch(image)
    return frames(image[:1])[0]


def frames(image: Tensor) -> Tensor:
    """All images of an IMAGE: (B, H, W, 3) float32 in 0..1; alpha is dropped, grey tripled.

    Bytes are divided by 255; numbers slightly outside 0..1, which filters leave, are clamped.
    Otherwise the result shares memory with the IMAGE: it must not be changed in place.

    Raises:
        TypeError: The value is no tensor of bytes or floating point numbers.
        ShapeError: It is empty or has an unknown number of channels.
        ValueError: It holds NaN, infinities, or numbers far outside 0..1.
    """
    check_batch(image)
    colours = image[..., :3] if image.shape[-1] >= 3 else image.expand(-1, -1, -1, 3)
    numbers = _unit_numbers(colours, "the IMAGE")
    low, high = torch.aminmax(numbers)
    # A clip is large: one that lies in 0..1 already is not copied.
    return numbers if low >= 0 and high <= 1 else numbers.clamp(0.0, 1.0)


def _unit_numbers(values: Tensor, name: str) -> Tensor:
    """float32 on the CPU; bytes divided by 255. Raises TypeError or ValueError, see frames."""
    if values.dtype == torch.bool:
        return values.cpu().float()
    if values.dtype == torch.uint8:
        return values.cpu().float() / 255.0
    if not values.is_floating_point():
        raise TypeError(f"{name} holds {values.dtype}; expected floating point numbers, 0..1.")
    numbers = values.detach().cpu().float()
    low, high = (float(bound) for bound in torch.aminmax(numbers))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(
            f"{name} holds NaN or infinite numbers; expected 0..1. A model upstream has failed: "
            "check what made it."
        )
    if low < DARKEST or high > BRIGHTEST:
        raise ValueError(
            f"{name} holds numbers from {low:.3g} to {high:.3g}; expected 0..1. Divide 8-bit "
            "values by 255."
        )
    return numbers


def mask_batch(mask: Any, name: str = "the mask") -> Tensor:
    """A MASK as (B, H, W) float32 in 0..1; (H, W) and (B, 1, H, W) of other packs are taken too.

    Raises TypeError for what is no tensor of numbers, ShapeError for another shape or no pixels,
    ValueError for NaN and infinities.
    """
    if not isinstance(mask, Tensor) or mask.is_complex():
        raise TypeError(f"{name}: expected a MASK; got {_described(mask)}.")
    shape = tuple(mask.shape)
    if mask.ndim == 4 and shape[1] == 1:
        mask = mask[:, 0]
    batch = mask[None] if mask.ndim == 2 else mask
    if batch.ndim != 3 or 0 in batch.shape:
        raise ShapeError(f"{name} must be a MASK (B, H, W) with at least one pixel; got {shape}.")
    if batch.dtype == torch.uint8 and int(batch.max()) <= 1:
        batch = batch.bool()
    return _unit_numbers(batch, name)


def mask_of_frame(
    mask: Tensor | None, frame: int, frames: int, name: str = "the mask"
) -> Tensor | None:
    """(H, W), the mask of one frame of a clip from a MASK; None stays None.

    One mask counts for every frame; a batch as long as the clip holds one for each.

    Args:
        mask: (B, H, W) or (H, W).
        frame: Which frame, counted from 0.
        frames: The length of the clip.
        name: What errors call the mask.

    Raises:
        TypeError, ShapeError, ValueError: What mask_batch raises; a batch of another length; a
            frame that the clip does not have.
    """
    if mask is None:
        return None
    batch = mask_batch(mask, name)
    if len(batch) == 1:
        return batch[0]
    if len(batch) != frames:
        raise ValueError(
            f"{name} has {len(batch)} images but the clip has {frames} frames. Connect one mask, "
            "or one for each frame."
        )
    if not 0 <= frame < frames:
        raise ValueError(f"frame {frame} is not one of the {frames} frames of the clip.")
    return batch[frame]


def masks_of_clip(mask: Any, size: Size, frames: int, name: str = "the mask") -> Tensor:
    """(T, H, W) bool, the mask of every frame of a clip; one mask counts for all of them.

    Raises what mask_of_frame and on_canvas raise.
    """
    every = [mask_of_frame(mask, frame, frames, name) for frame in range(frames)]
    return torch.stack([on_canvas(one, size, name) for one in every])


def single_mask(mask: Tensor | None, name: str = "the mask") -> Tensor | None:
    """(H, W), the one mask of a node that works without a clip; None stays None.

    Raises what mask_batch raises, and ValueError for several masks.
    """
    if mask is None:
        return None
    batch = mask_batch(mask, name)
    if len(batch) != 1:
        raise ValueError(
            f"{name} has {len(batch)} images, and this node takes one for the whole clip. Choose "
            "one of the batch first."
        )
    return batch[0]


def on_canvas(mask: Tensor, size: Size, name: str = "the mask") -> Tensor:
    """A mask (H, W) on the canvas: (H, W) bool, true above one half.

    A mask of another size is resized by its nearest pixels. Raises CanvasError when it has other
    proportions than the canvas.
    """
    return masks.mask_on_canvas(mask, size, name, OTHER_PROPORTIONS)


def _described(value: Any) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
