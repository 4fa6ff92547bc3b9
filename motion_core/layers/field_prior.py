"""A dense motion field as a prior of the layers' motion: what no track determines follows it."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import FloatArray
from ..fields.motion_field import MotionField
from ..fields.pull_push import spread_sums
from .deformation import Prior
from .layered_picture import LayeredPicture
from .mesh import TriangleMesh

# The weight of a field of full confidence against the stiffness of a mesh. Handles count
# 100,000 times as much: the field decides what they leave open.
FIELD_WEIGHT = 0.003
# A cell belongs to a layer that shows in this fraction of it or more: at outlines a field mixes the
# motion of both sides.
LEAST_SHARE = 0.6


def shown_shares(layered: LayeredPicture) -> list[FloatArray]:
    """(H, W) 0..1 for the background and then every layer: how far each pixel shows it at rest."""
    left = np.ones(layered.plate.shape[:2], np.float32)
    shares: list[FloatArray] = []
    for layer in reversed(layered.layers):
        shares.append(left * layer.alpha)
        left = left * (1 - layer.alpha)
    return [left, *reversed(shares)]


def field_prior(mesh: TriangleMesh, field: MotionField, share: FloatArray) -> Prior | None:
    """Where a field takes the vertices of a layer's mesh.

    Only the cells that show the layer count; their motion is spread to the rest of the mesh, so
    that nothing of the layer moves with what lies beside it.

    Args:
        mesh: at rest.
        field: of the whole picture.
        share: (H, W) 0..1, how far each pixel shows the layer.

    Returns:
        The prior, or None where no cell shows the layer.
    """
    import cv2

    grid = field.grid
    shows = cv2.resize(share, tuple(grid), interpolation=cv2.INTER_AREA)
    weight = (shows.reshape(grid.height, grid.width, 1) >= LEAST_SHARE).astype(np.float32)
    if not weight.any() or not len(mesh.vertices):
        return None
    displacement = field.displacement.detach().cpu().float().numpy()
    confidence = field.confidence.detach().cpu().float().numpy()[..., None]
    scale = np.array(grid) / np.array(field.size)
    places = (mesh.vertices * scale - 0.5).astype(np.float32)
    x, y = np.clip(places, 0, np.array(grid) - 1).astype(np.float32).T

    def at_vertices(cells: FloatArray) -> FloatArray:
        return cv2.remap(cells, x[:, None], y[:, None], cv2.INTER_LINEAR).reshape(len(x), -1)

    def spread(cells: FloatArray) -> FloatArray:
        return spread_sums(np.concatenate([cells * weight, weight], axis=-1))

    shift = np.stack([at_vertices(spread(frame)) for frame in displacement])
    # Vertices beside the layer have no motion of their own.
    certain = at_vertices(np.ascontiguousarray(confidence * weight))[:, 0].clip(0, 1)
    return Prior(mesh.vertices + shift, FIELD_WEIGHT * certain.astype(np.float64))
