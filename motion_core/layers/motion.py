"""The motion of every layer of a picture, and of its background."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from ..fields.motion_field import MotionField
from ..tracks.model import Tracks
from ..tracks.start import track_starts
from .deformation import REST_PX, Deformation, Prior, deform
from .field_prior import FIELD_WEIGHT, field_prior, shown_shares
from .handles import Handles, handles_of, similarities
from .layered_picture import LayeredPicture
from .mesh import TriangleMesh, mesh_of, mesh_spacing
from .votes import Voters

# Pixels around a layer's support that its mesh covers: more than the reach of the bicubic filter.
MESH_MARGIN = 3
# From so many tracks on, tracks correct the cut-out, and bend meshes without a vote; fewer are
# prompts.
MANY_TRACKS = 32
# A layer or a background continues past the edge of the picture by at most this part of the long
# side.
MOST_MARGIN = 0.25


@dataclass(frozen=True, eq=False)
class LayersInMotion:
    """The motion of a layered picture.

    Attributes:
        layers: one deformation for each layer, back to front.
        plate: that of the background.
        margins: by how many pixels each layer continues past the edge of the picture.
        plate_margin: by how many pixels the background does.
    """

    layers: tuple[Deformation, ...]
    plate: Deformation
    margins: tuple[int, ...]
    plate_margin: int


def move_layers(
    layered: LayeredPicture,
    tracks: Tracks,
    tick: Callable[[], None] = lambda: None,
    dense: MotionField | None = None,
) -> LayersInMotion:
    """Deforms the mesh of every layer, and that of the background, by their tracks.

    Args:
        layered: the picture.
        tracks: those that its layers name.
        tick: called repeatedly; may raise to stop the work.
        dense: motion of the whole picture that decides what tracks leave open, of as many frames;
            None for as little motion as possible. A background whose tracks rest does not follow.
    """
    if tracks.num_points >= MANY_TRACKS:
        layered = replace(layered, looks=None)
    deformations, margins = [], []
    owners = _owners(layered, tracks)
    shares = shown_shares(layered) if dense is not None else []
    for number, layer in enumerate(layered.layers):
        tick()
        shows_edge = touches_edge(layer.alpha)
        alpha, margin = layer.alpha, 0
        area = float(alpha.sum())
        radius = layer_radius(alpha)
        handles = handles_of(tracks, owners[number + 1], radius)
        if shows_edge:
            margin = _margin(handles, layered)
            alpha = np.pad(alpha, margin, mode="edge")
        mesh = mesh_of(
            alpha,
            mesh_spacing(area, len(handles.start)),
            margin=MESH_MARGIN,
            origin=(-margin, -margin),
        )
        prior = None if dense is None else field_prior(mesh, dense, shares[number + 1])
        deformations.append(_moved(layered, mesh, handles, radius, prior, tick))
        margins.append(margin)
    back = None if dense is None else (dense, shares[0])
    plate, plate_margin = _moved_plate(layered, tracks, owners[0], tick, back)
    return LayersInMotion(tuple(deformations), plate, tuple(margins), plate_margin)


def _moved_plate(
    layered: LayeredPicture,
    tracks: Tracks,
    index: IndexArray,
    tick: Callable[[], None],
    dense: tuple[MotionField, FloatArray] | None,
) -> tuple[Deformation, int]:
    """The background's motion and margin; dense: a field, and how far pixels (H, W) show it."""
    width, height = layered.size
    radius = math.sqrt(width * height / math.pi)
    handles = handles_of(tracks, index, radius)
    margin = _margin(handles, layered)
    if _pinned(handles):
        dense = None
    if dense is not None:
        far = float(np.abs(dense[0].displacement.detach().cpu().numpy()).max(initial=0.0))
        margin = max(margin, _margin_of(far, layered))
    whole = np.ones((height + 2 * margin, width + 2 * margin), np.float32)
    spacing = mesh_spacing(width * height, len(handles.start))
    mesh = mesh_of(whole, spacing, margin=MESH_MARGIN, origin=(-margin, -margin))
    prior = None if dense is None else field_prior(mesh, *dense)
    return _moved(layered, mesh, handles, radius, prior, tick), margin


def _moved(
    layered: LayeredPicture,
    mesh: TriangleMesh,
    handles: Handles,
    radius: float,
    prior: Prior | None,
    tick: Callable[[], None],
) -> Deformation:
    """A mesh moved by its handles; by a vote of them where they were measured."""
    if layered.looks is None or not handles.visible.any():
        return deform(mesh, handles, radius, prior=prior, tick=tick)
    alone = deform(mesh, handles, radius, tick=tick)
    if not alone.moves and prior is None:
        return alone
    if prior is not None:
        prior = Prior(prior.positions, prior.weight / FIELD_WEIGHT)
    voters = Voters(handles, similarities(handles, radius), layered.looks, layered.size)
    voted = voters.prior(mesh.vertices, alone.positions, prior)
    return deform(mesh, handles, radius, prior=voted, tick=tick)


def _pinned(handles: Handles) -> bool:
    """Whether tracks show that what they lie on rests."""
    travel = np.linalg.norm(handles.xy - handles.start, axis=-1)[handles.visible]
    return len(travel) > 0 and float(travel.max()) <= REST_PX


def _owners(layered: LayeredPicture, tracks: Tracks) -> list[IndexArray]:
    """The tracks that move the background and each layer.

    Those that the layers name, and, of many tracks, also those that start where another layer
    shows: what is at a track moves with it, also where the cut-out is wrong.
    """
    owners = [layered.background_tracks, *(layer.tracks for layer in layered.layers)]
    if tracks.num_points < MANY_TRACKS:
        return owners
    starts = track_starts(tracks.to("cpu"))
    x, y = starts.xy.floor().long().clamp(min=0).numpy().T
    column, row = np.minimum(x, layered.size.width - 1), np.minimum(y, layered.size.height - 1)
    shows = np.zeros(len(x), np.int64)
    for number, layer in enumerate(layered.layers):
        shows[layer.alpha[row, column] > 0.5] = number + 1
    early = (starts.has_start & (starts.frame == 0)).numpy()
    return [
        np.union1d(index, np.flatnonzero(early & (shows == number)))
        for number, index in enumerate(owners)
    ]


def layer_radius(alpha: FloatArray) -> float:
    """The radius of a disc as large as a layer, pixels; at least one."""
    return max(math.sqrt(float(alpha.sum()) / math.pi), 1.0)


def touches_edge(alpha: FloatArray) -> bool:
    """Whether a layer (H, W) reaches the edge of the picture."""
    return bool(max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) > 0.1)


def _margin(handles: Handles, layered: LayeredPicture) -> int:
    """How far past the edge of the picture content may come into view, pixels."""
    if not handles.visible.any():
        return 0
    travel = np.linalg.norm(handles.xy - handles.start, axis=-1)[handles.visible].max()
    return _margin_of(float(travel), layered)


def _margin_of(travel: float, layered: LayeredPicture) -> int:
    return math.ceil(min(1.5 * travel, MOST_MARGIN * max(layered.size))) if travel > 0 else 0
