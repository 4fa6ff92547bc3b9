"""A picture whose objects move while the camera moves, rendered with its holes and depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import CanvasError
from ..images import check_image
from ..progress import Progress, silent
from ..tracks.model import Tracks
from ..tracks.start import fill_gaps
from ..tracks.visibility import inside_canvas
from .camera_scene import CameraScene
from .cloud import PointCloud
from .compose import ObjectMotion, check_objects
from .moving_points import MovingPoints
from .pinhole import pixel_centres, project
from .pose import inverse
from .render import WarpedRender, render_warped
from .surface import splat_surface


def render_composed(
    image: Tensor,
    objects: Sequence[ObjectMotion],
    scene: CameraScene,
    *,
    progress: Progress = silent,
) -> WarpedRender:
    """The picture along a camera path, its masked objects moving at their depth.

    The rest of the picture is warped as render_warped does, without the objects: where they were
    are holes. Over it lie the objects. A pixel that an object covers is projected back to the
    picture's camera and from there to where its content started, by the displacements of its
    tracks, between which it moves as rigidly as they allow. The nearer surface wins. Objects
    without a mask move tracks alone and change nothing here.

    Args:
        image: (H, W, 3) float, on the canvas of the scene.
        objects: What moves by itself.
        scene: Depth, camera path and occlusion rule, whose cells are one pixel.
        progress: Called once per frame.

    Returns:
        The render, with depth; holes are black.

    Raises:
        CanvasError: Canvases differ.
        ShapeError: Frame counts or masks differ.
        ValueError: An offset brings an object to the camera, or cells are larger than a pixel.
    """
    check_image(image)
    if tuple(image.shape[1::-1]) != scene.path.size:
        raise CanvasError(
            f"the image is {image.shape[1]}x{image.shape[0]} but depth and camera path are "
            f"{scene.path.size}; resize the image first."
        )
    check_objects(objects, scene)
    masked = [motion for motion in objects if motion.mask is not None and motion.tracks.num_points]
    moving = [_MovingObject.of(motion, image, scene) for motion in masked]
    behind = _without(moving, scene)
    if behind is None:
        shape = (scene.num_frames, *image.shape[:2])
        video, depth = image.new_zeros(*shape, 3), image.new_full(shape, torch.inf)
    else:
        render = render_warped(image, behind, with_depth=True)
        assert render.depth is not None
        video, depth = render.video, render.depth  # made here, for nobody else
    for frame in range(scene.num_frames):
        for one in moving:
            colors, z = one.view(frame, scene)
            nearer = z < depth[frame]
            video[frame] = torch.where(nearer[..., None], colors, video[frame])
            depth[frame] = torch.where(nearer, z, depth[frame])
        progress(frame + 1, scene.num_frames)
    return WarpedRender(video, torch.isinf(depth), depth)


def _without(moving: Sequence[_MovingObject], scene: CameraScene) -> CameraScene | None:
    """The scene without its objects; None where nothing is left."""
    valid = scene.depth.valid.clone()
    for one in moving:
        valid &= ~one.mask
    if not bool(valid.any()):
        return None
    return CameraScene(replace(scene.depth, valid=valid), scene.path, scene.occlusion)


@dataclass(frozen=True, eq=False)
class _MovingObject:
    """An object to be drawn.

    Attributes:
        source: (1, 4, H, W), the picture's colours and the object's mask.
        mask: (H, W) bool.
        guides: The points of its tracks.
        surface: All of its pixels, moving with the guides.
        places: (M,) int64, where its pixels are in the raster of the picture.
        quads: (H - 1, W - 1) bool, where four of them belong to one surface.
    """

    source: Tensor
    mask: Tensor
    guides: MovingPoints
    surface: MovingPoints
    places: Tensor
    quads: Tensor

    @staticmethod
    def of(motion: ObjectMotion, image: Tensor, scene: CameraScene) -> _MovingObject:
        assert motion.mask is not None
        mask = motion.mask.to(scene.depth.valid.device)
        tracks = replace(motion.tracks, xy=_known_positions(motion.tracks))
        guides = MovingPoints.of(tracks, motion.depth_offset, scene)
        source = torch.cat([image.to(scene.depth.z), mask[..., None].to(scene.depth.z)], dim=-1)
        known = mask & scene.depth.valid
        quads = scene.quads & known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]
        places = known.flatten().nonzero()[:, 0]
        surface = guides.smooth_over(known)
        return _MovingObject(source.movedim(-1, 0)[None], mask, guides, surface, places, quads)

    def view(self, frame: int, scene: CameraScene) -> tuple[Tensor, Tensor]:
        """Colours (H, W, 3) and depth (H, W) of a frame, inf where the object is not."""
        zbuffer = scene.zbuffer
        zbuffer.clear()
        splat_surface(zbuffer, self._cloud(frame), self.quads, scene.projections[frame])
        z = zbuffer.closed_depth()
        where = torch.isfinite(z)
        colors = z.new_zeros(*z.shape, 3)
        if not bool(where.any()):
            return colors, z
        pixels = pixel_centres(scene.path.size, z.device)[where]
        before = self.guides.origins(_in_picture(pixels, z[where], frame, scene), frame)
        size = before.new_tensor(scene.path.size)
        grid = (before / size * 2.0 - 1.0)[None, None]
        sampled = torch.nn.functional.grid_sample(
            self.source, grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )[0, :, 0].T
        inside = sampled[:, 3] > 0.5
        found = z.new_full((len(pixels),), torch.inf)
        found[inside] = z[where][inside]
        # At the edge of the mask colours of the background are mixed in: they are left out.
        colors[where] = sampled[:, :3]
        z = z.clone()
        z[where] = found
        return colors, z

    def _cloud(self, frame: int) -> PointCloud:
        """All pixels of the picture in raster order, of which those of the object are valid."""
        here, count = self.surface.at(frame), self.mask.numel()
        points = here.points.new_ones(3, count)
        points[:, self.places] = here.points
        valid = torch.zeros(count, dtype=torch.bool, device=points.device)
        valid[self.places] = True
        return PointCloud(points, valid, here.K, here.near)


def _in_picture(pixels: Tensor, z: Tensor, frame: int, scene: CameraScene) -> Tensor:
    """(M, 2) where the picture's own camera has what a frame has at pixels (M, 2) and depth z."""
    rays = torch.nn.functional.pad(pixels, (0, 1), value=1.0).double()
    lens = torch.linalg.inv(scene.path.K[frame]).to(rays)
    here = (rays @ lens.T) * z[:, None].double()
    pose = inverse(scene.path.T_cam_world[frame]).to(rays)
    world = here @ pose[:3, :3].T + pose[:3, 3]
    return project(world.to(z), scene.depth.K)[0]


def _known_positions(tracks: Tracks) -> Tensor:
    """(T, N, 2), positions in which points that are hidden on the canvas rest where they were last
    visible, or move evenly to where they are next. Points that left the canvas keep theirs.
    """
    return fill_gaps(tracks.xy, tracks.visible | ~inside_canvas(tracks))
