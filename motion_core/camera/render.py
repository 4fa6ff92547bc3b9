"""A picture warped along a camera path, with a mask of its holes (backward warping).

The nearest depths of a frame are splatted and their gaps closed. Every pixel of the frame is then
projected back into the picture at the depth found there and sampled bilinearly. Surfaces are smooth
at any scale, and nothing is blended across a depth edge. Pixels that no point reaches are holes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..errors import CanvasError, ShapeError
from ..geometry import Size
from ..images import check_image, check_video
from ..kernels.zbuffer import WarpSource, warp_image_cuda
from ..progress import Progress, silent
from .camera_path import CameraPath
from .camera_scene import CameraScene
from .pinhole import pixel_centres
from .pose import inverse
from .surface import splat_surface
from .zbuffer import DEFAULT_OCCLUSION, Occlusion


@dataclass(frozen=True, eq=False)
class WarpedRender:
    """A picture warped by a camera.

    Attributes:
        video: (T, H, W, 3) float32.
        holes: (T, H, W) bool, True where the picture shows nothing and `video` has the hole colour.
        depth: (T, H, W) float32, depth in each frame's camera in scene units, inf in holes; None
            unless it was asked for.
    """

    video: Tensor
    holes: Tensor
    depth: Tensor | None = None


def render_warped(
    image: Tensor,
    scene: CameraScene,
    *,
    hole_color: tuple[float, float, float] = (0.0, 0.0, 0.0),
    with_depth: bool = False,
    progress: Progress = silent,
) -> WarpedRender:
    """Render a picture with depth along a camera path.

    Args:
        image: (H, W, 3) float, on the canvas of the scene.
        scene: Depth, camera path and occlusion rule. The rule's radius decides how wide gaps may
            be before they are holes, its threshold when one surface is another's background.
        hole_color: RGB written into holes.
        with_depth: Return the depth of every frame, too. It is computed by torch operations on any
            device.
        progress: Called once per frame.

    Raises:
        CanvasError: The picture has another canvas than the scene.
        ShapeError: The picture is not (H, W, 3).
        ValueError: The occlusion has cells larger than a pixel.
    """
    check_image(image)
    if tuple(image.shape[1::-1]) != scene.path.size:
        raise CanvasError(
            f"the image is {image.shape[1]}x{image.shape[0]} but depth and camera path are "
            f"{scene.path.size}; resize the image first."
        )
    if scene.occlusion.cell_px != 1:
        raise ValueError(f"render_warped needs cell_px 1; got {scene.occlusion.cell_px}.")
    picture = WarpSource(
        image.to(scene.depth.z),
        scene.quads,
        back=torch.stack([_back_projection(scene, i) for i in range(scene.num_frames)]),
        hole_color=scene.depth.z.new_tensor(hole_color),
    )
    warped = None if with_depth else warp_image_cuda(scene.views(), picture, progress)
    if warped is not None:
        return WarpedRender(*warped)
    made = _warp_frames(picture, scene, with_depth, progress)
    return WarpedRender(made.video, made.holes, made.depth)


def render_warped_video(
    video: Tensor,
    depths: Sequence[DepthMap],
    path: CameraPath,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    *,
    with_depth: bool = False,
    progress: Progress = silent,
) -> WarpedRender:
    """Render a video with a depth per frame along a camera path.

    Frame i of the path shows frame i of the video: a pose of the path is relative to the camera of
    the source in that frame, so the identity shows the source frame itself.

    Args:
        video: (T, H, W, 3) float.
        depths: T depth maps.
        path: T poses.
        occlusion: As in CameraScene.
        with_depth: As in render_warped.
        progress: Called once per frame.

    Raises:
        ShapeError: Video, depth and path have different lengths, or the video is no video.
        CanvasError, ValueError: As in render_warped.
    """
    check_video(video, "the video")
    if not len(video) == len(depths) == path.num_frames:
        raise ShapeError(
            f"each frame of a video needs its depth and its camera; got {len(video)} frames, "
            f"{len(depths)} depth maps and {path.num_frames} poses. Set frames of Camera Path to "
            "the length of the video, and make the depth from all of its frames."
        )
    made = _EmptyRender(path.num_frames, path.size, depths[0].z, with_depth)
    for frame, depth in enumerate(depths):
        here = slice(frame, frame + 1)
        pose = replace(path, T_cam_world=path.T_cam_world[here], K=path.K[here])
        scene = CameraScene(depth, pose, occlusion)
        part = render_warped(video[frame], scene, with_depth=with_depth)
        made.video[frame], made.holes[frame] = part.video[0], part.holes[0]
        if made.depth is not None and part.depth is not None:
            made.depth[frame] = part.depth[0]
        progress(frame + 1, path.num_frames)
    return WarpedRender(made.video, made.holes, made.depth)


class _EmptyRender:
    """Room for T frames, filled one by one: a list of frames and their stack are two videos."""

    def __init__(self, frames: int, size: Size, like: Tensor, with_depth: bool) -> None:
        shape = (frames, size.height, size.width)
        self.video = like.new_empty(*shape, 3)
        self.holes = torch.empty(shape, dtype=torch.bool, device=like.device)
        self.depth = like.new_empty(shape) if with_depth else None


def _warp_frames(
    picture: WarpSource, scene: CameraScene, with_depth: bool, progress: Progress
) -> _EmptyRender:
    """Video (T, H, W, 3), holes and depth (T, H, W), frame by frame with torch operations."""
    zbuffer = scene.zbuffer
    source = picture.image.movedim(-1, 0)[None]
    made = _EmptyRender(scene.num_frames, scene.path.size, scene.depth.z, with_depth)
    for frame in range(scene.num_frames):
        if scene.is_source_view[frame]:
            colors, hole, z = picture.image, ~scene.depth.valid, scene.depth.z
        else:
            zbuffer.clear()
            splat_surface(zbuffer, scene.points, picture.quads, scene.projections[frame])
            back, z = picture.back[frame].to(source), zbuffer.closed_depth()
            colors, hole = _sample_source(source, z, back)
        if made.depth is not None:
            made.depth[frame] = z.masked_fill(hole, torch.inf)
        made.video[frame] = torch.where(hole[..., None], picture.hole_color, colors)
        made.holes[frame] = hole
        progress(frame + 1, scene.num_frames)
    return made


def _back_projection(scene: CameraScene, frame: int) -> Tensor:
    """(3, 4) float64: a frame's pixel times its depth to the picture's pixel times depth there."""
    lens, pose = scene.depth.K, inverse(scene.path.T_cam_world[frame])
    turn = lens @ pose[:3, :3] @ torch.linalg.inv(scene.path.K[frame])
    return torch.cat([turn, lens @ pose[:3, 3:]], dim=1)


def _sample_source(source: Tensor, z: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (H, W, 3) and holes (H, W) of a frame whose pixels have depth z (H, W), inf for none.

    source: (1, 3, H, W). back: (3, 4), see _back_projection.
    """
    canvas = Size(source.shape[3], source.shape[2])
    has_depth = torch.isfinite(z)
    z = torch.where(has_depth, z, torch.ones_like(z))
    rays = torch.nn.functional.pad(pixel_centres(canvas, z.device), (0, 1), value=1.0)
    place = (rays @ back[:, :3].T) * z[..., None] + back[:, 3]
    ahead = place[..., 2] > 0
    xy = place[..., :2] / torch.where(ahead, place[..., 2], torch.ones_like(z))[..., None]
    size = xy.new_tensor(canvas)
    inside = ((xy >= 0) & (xy < size)).all(dim=-1)
    grid = (xy / size * 2.0 - 1.0)[None]
    colors = torch.nn.functional.grid_sample(
        source, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return colors[0].movedim(0, -1), ~(has_depth & ahead & inside)
