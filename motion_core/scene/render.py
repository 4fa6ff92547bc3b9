"""Pictures, depth, masks and tracks of a scene, all from the same rays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..camera.camera_path import CameraPath
from ..camera.pinhole import pixel_centres, project, to_camera, unproject
from ..camera.pose import inverse
from ..depth.depth_map import DepthMap
from ..progress import Progress, silent
from ..tracks.model import Tracks, make_tracks
from ..tracks.seeding import grid_points
from .scene import Hits, Scene, cast, make_scene

# Tolerance of the visibility test of surface points, as a fraction of depth.
SURFACE_SLACK = 1e-6
LIGHT = (-0.45, -0.8, -0.4)
SKY = (0.62, 0.74, 0.88)


@dataclass(frozen=True, eq=False)
class SceneRender:
    """A rendered clip with exact depth, bodies and tracks.

    Attributes:
        video: (T, H, W, 3) float32 0..1.
        depth: (T, H, W) float32 along the optical axis, inf where no body is.
        bodies: (T, H, W) int64, the number of the body visible in each pixel, -1 for none.
        tracks: Surface points of the first frame with ray-cast visibility.
        path: The camera.
    """

    video: Tensor
    depth: Tensor
    bodies: Tensor
    tracks: Tracks
    path: CameraPath

    def depth_map(self, frame: int = 0) -> DepthMap:
        """One frame's depth as a DepthMap with its exact intrinsics."""
        return _depth_map(self.depth[frame], self.path, frame)

    def masks(self, body: int) -> Tensor:
        """(T, H, W) bool, True where one body is visible."""
        return self.bodies == body


def render_scene(
    scene: Scene | int,
    path: CameraPath,
    *,
    spacing: float = 12.0,
    samples: int = 2,
    progress: Progress = silent,
) -> SceneRender:
    """Render a scene along a camera path.

    Args:
        scene: A scene, or the seed of make_scene.
        path: The camera.
        spacing: Pixels between the tracked points of the first frame.
        samples: Rays per pixel and axis for the picture. Depth, masks and tracks always use the
            exact pixel centre or point.
        progress: Called once per frame.

    Raises:
        ValueError: The path has no frames, or `samples` is below 1.
        ShapeError: The scene moves for another number of frames.
    """
    scene = make_scene(scene, frames=path.num_frames) if isinstance(scene, int) else scene
    scene.check_frames(path.num_frames)
    if path.num_frames == 0 or samples < 1:
        raise ValueError("render_scene needs a camera path with frames and samples of 1 or more.")
    video, depth, bodies = [], [], []
    for frame in range(path.num_frames):
        video.append(_picture(scene, path, frame, samples))
        z, body = _exact_views(scene, path, frame)
        depth.append(z)
        bodies.append(body)
        progress(frame + 1, path.num_frames)
    points = grid_points(path.size, spacing)
    return SceneRender(
        torch.stack(video),
        torch.stack(depth),
        torch.stack(bodies),
        track(scene, path, points),
        path,
    )


def depth_of(scene: Scene, path: CameraPath, frame: int = 0) -> DepthMap:
    """The exact depth of one frame, without rendering a picture."""
    z, _ = _exact_views(scene, path, frame)
    return _depth_map(z, path, frame)


def bodies_at(scene: Scene, path: CameraPath, points: Tensor, frame: int = 0) -> Tensor:
    """Which body is visible at pixels of one frame.

    Args:
        scene: The scene.
        path: The camera.
        points: (N, 2) pixels.
        frame: Index of the frame.

    Returns:
        (N,) int64 indices of bodies; -1 for none.
    """
    return _cast_pixels(scene, path, frame, points).body


def track(scene: Scene, path: CameraPath, points: Tensor) -> Tracks:
    """Track the surface points at pixels of the first frame exactly.

    A point is visible when it is in front of the camera, inside the canvas, and nothing is nearer
    on its ray.

    Args:
        scene: The scene.
        path: The camera.
        points: (N, 2) pixels of the first frame.

    Returns:
        Tracks of the pixels that show a body; ids are their indices in `points`.
    """
    first = _cast_pixels(scene, path, 0, points)
    hit = first.body >= 0
    owner = first.body[hit]
    centre, directions = _rays(path, 0, points[hit].double())
    start = centre + first.z[hit, None] * directions
    frames = [_track_frame(scene, path, frame, start, owner) for frame in range(path.num_frames)]
    xy, visible = (torch.stack(part) for part in zip(*frames, strict=True))
    return make_tracks(xy, path.size, visible=visible, ids=torch.nonzero(hit)[:, 0], fps=path.fps)


def _track_frame(
    scene: Scene, path: CameraPath, frame: int, start: Tensor, owner: Tensor
) -> tuple[Tensor, Tensor]:
    """Pixels (N, 2) and visibility (N,) of points attached to their bodies."""
    moves = torch.stack([body.pose(frame) @ inverse(body.pose(0)) for body in scene.bodies])[owner]
    world = (moves[:, :3, :3] @ start[:, :, None])[:, :, 0] + moves[:, :3, 3]
    xy, z = project(to_camera(world, path.T_cam_world[frame]), path.K[frame])
    centre = inverse(path.T_cam_world[frame])[:3, 3]
    rays = (world - centre) / torch.where(z > 0, z, torch.ones_like(z))[:, None]
    unhidden = cast(scene, centre, rays, frame).z >= z * (1.0 - SURFACE_SLACK)
    inside = (xy >= 0).all(dim=1) & (xy < xy.new_tensor(path.size)).all(dim=1)
    return xy, (z > 0) & inside & unhidden


def _exact_views(scene: Scene, path: CameraPath, frame: int) -> tuple[Tensor, Tensor]:
    """Depth (H, W) float32 and bodies (H, W) int64 at the pixel centres."""
    hits = _cast_pixels(scene, path, frame, pixel_centres(path.size).reshape(-1, 2))
    shape = (path.size.height, path.size.width)
    return hits.z.view(shape).to(torch.float32), hits.body.view(shape)


def _depth_map(z: Tensor, path: CameraPath, frame: int) -> DepthMap:
    valid = torch.isfinite(z)
    safe = torch.where(valid, z, torch.ones_like(z))
    return DepthMap(safe, valid, path.K[frame], kind="metric", is_K_known=True)


def _cast_pixels(scene: Scene, path: CameraPath, frame: int, points: Tensor) -> Hits:
    centre, directions = _rays(path, frame, points.double())
    return cast(scene, centre, directions, frame)


def _rays(path: CameraPath, frame: int, points: Tensor) -> tuple[Tensor, Tensor]:
    """The camera's place (3,) and world directions (M, 3) of unit depth through pixels (M, 2)."""
    back = inverse(path.T_cam_world[frame]).to(points)
    camera = unproject(points, torch.ones_like(points[:, 0]), path.K[frame])
    return back[:3, 3], camera @ back[:3, :3].T


def _picture(scene: Scene, path: CameraPath, frame: int, samples: int) -> Tensor:
    """(H, W, 3) float32, the mean colour of samples x samples rays per pixel."""
    width, height = path.size
    total = torch.zeros(height * width, 3)
    corners = pixel_centres(path.size).reshape(-1, 2) - 0.5
    for step in range(samples * samples):
        offset = torch.tensor([step % samples, step // samples]).add(0.5) / samples
        centre, directions = _rays(path, frame, corners + offset)
        hits = cast(scene, centre, directions, frame)
        total += _shade(scene, frame, centre + hits.z[:, None] * directions, hits.body)
    return (total / samples**2).view(height, width, 3)


def _shade(scene: Scene, frame: int, points: Tensor, bodies: Tensor) -> Tensor:
    """(M, 3) colours of surface points (M, 3) under one distant light; misses show the sky."""
    colors = points.new_tensor(SKY).repeat(points.shape[0], 1)
    light = torch.nn.functional.normalize(points.new_tensor(LIGHT), dim=0)
    for number, body in enumerate(scene.bodies):
        hits = torch.nonzero(bodies == number)[:, 0]
        T_body_world = inverse(body.pose(frame)).to(points)
        local = to_camera(points[hits], T_body_world)
        normal = body.shape.normal(local) @ T_body_world[:3, :3]
        shade = 0.45 + 0.55 * (normal @ light).clamp_min(0.0)
        colors[hits] = body.texture.colors(local) * shade[:, None]
    return colors
