"""What the kernels need to know of a cloud and a camera path."""

from __future__ import annotations

import torch

from ..depth.depth_map import DepthMap
from ..kernels.zbuffer import Views
from .camera_path import CameraPath
from .cloud import Cloud, projection, sees_the_picture
from .zbuffer import Occlusion


def views_of(cloud: Cloud, depth: DepthMap, path: CameraPath, occlusion: Occlusion) -> Views:
    """All points of a depth map and the cameras of a path, as plain tensors.

    cloud: make_cloud(depth). Cells are one pixel, whatever the occlusion says.
    """
    frames = range(path.num_frames)
    return Views(
        points=cloud.points,
        valid=depth.valid.reshape(-1),
        intrinsics=depth.K,
        matrices=torch.stack([projection(path, frame, cloud.points) for frame in frames]),
        own_view=torch.tensor([sees_the_picture(path, frame, depth.K) for frame in frames]),
        near=cloud.near,
        width=path.size.width,
        height=path.size.height,
        radius=occlusion.radius,
        threshold=occlusion.threshold_frac,
    )
