"""The picture seen again along a camera path: what it shows, and where it has nothing to show.

The nearest depths of a frame are splatted, their gaps closed, and every pixel of the frame then
looks back into the picture at the depth found there. So surfaces come out smooth at any scale, and
nothing is blended across an edge of depth. What no point of the picture reaches is a hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..errors import CanvasError
from ..geometry import Size
from ..images import check_image
from ..kernels.zbuffer import WarpSource, warp_image_cuda
from ..progress import Progress, silent
from .camera_path import CameraPath
from .cloud import Cloud, make_cloud, projection, sees_the_picture
from .pinhole import pixel_centres
from .pose import inverse
from .reproject import check_same_view
from .surface import joined_quads, splat_surface
from .views import views_of
from .zbuffer import DEFAULT_OCCLUSION, Occlusion, ZBuffer


@dataclass(frozen=True, eq=False)
class WarpedRender:
    """A picture moved by a camera.

    video: (T, H, W, 3) float32. holes: (T, H, W) bool, True where the picture shows nothing and
    `video` has the hole colour.
    """

    video: Tensor
    holes: Tensor


def render_warped(
    image: Tensor,
    depth: DepthMap,
    path: CameraPath,
    *,
    occlusion: Occlusion = DEFAULT_OCCLUSION,
    hole_color: tuple[float, float, float] = (0.0, 0.0, 0.0),
    progress: Progress = silent,
) -> WarpedRender:
    """Render a picture with depth along a camera path.

    image: (H, W, 3) float, on the canvas of the depth and the path. occlusion: its radius decides
    how wide gaps may be before they are holes, its threshold when one surface is another's
    background; cells are always one pixel here.
    Raises CanvasError for differing canvases, ShapeError for a picture that is not (H, W, 3),
    ValueError for a path without frames or cells larger than a pixel.
    """
    check_same_view(depth, path)
    check_image(image)
    if tuple(image.shape[1::-1]) != path.size:
        raise CanvasError(
            f"the picture is {image.shape[1]}x{image.shape[0]} but depth and camera path are "
            f"{path.size}; resize the picture first."
        )
    if occlusion.cell_px != 1:
        raise ValueError(f"render_warped needs cell_px 1; got {occlusion.cell_px}.")
    cloud, quads = make_cloud(depth), joined_quads(depth)
    picture = WarpSource(
        image.to(depth.z),
        quads,
        back=torch.stack([_back(path, frame, depth) for frame in range(path.num_frames)]),
        hole_color=depth.z.new_tensor(hole_color),
    )
    warped = warp_image_cuda(views_of(cloud, depth, path, occlusion), picture, progress)
    warped = warped or _warp_frames(picture, (cloud, depth, path, occlusion), progress)
    return WarpedRender(*warped)


def _warp_frames(
    picture: WarpSource,
    scene: tuple[Cloud, DepthMap, CameraPath, Occlusion],
    progress: Progress,
) -> tuple[Tensor, Tensor]:
    """Video (T, H, W, 3) and holes (T, H, W), frame by frame with torch operations."""
    cloud, depth, path, occlusion = scene
    zbuffer = ZBuffer(path.size, occlusion, depth.z.device)
    source = picture.image.movedim(-1, 0)[None]
    video, holes = [], []
    for frame in range(path.num_frames):
        if sees_the_picture(path, frame, depth.K):
            seen, hole = picture.image, ~depth.valid
        else:
            zbuffer.clear()
            splat_surface(zbuffer, cloud, picture.quads, projection(path, frame, source))
            seen, hole = _look_back(source, zbuffer.closed_depth(), picture.back[frame].to(source))
        video.append(torch.where(hole[..., None], picture.hole_color, seen))
        holes.append(hole)
        progress(frame + 1, path.num_frames)
    return torch.stack(video), torch.stack(holes)


def _back(path: CameraPath, frame: int, depth: DepthMap) -> Tensor:
    """(3, 4) float64: a frame's pixel times its depth to the picture's pixel times depth there."""
    pose = inverse(path.T_cam_world[frame])
    turn = depth.K @ pose[:3, :3] @ torch.linalg.inv(path.K[frame])
    return torch.cat([turn, depth.K @ pose[:3, 3:]], dim=1)


def _look_back(source: Tensor, z: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (H, W, 3) and holes (H, W) of a frame whose pixels have depth z (H, W), inf for none.

    source: (1, 3, H, W). back: (3, 4), see _back.
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
