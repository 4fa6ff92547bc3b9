"""From a motion field to a video by layers: things are cut out, and bent by the field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...fields.arrays import FloatArray
from ...fields.motion_field import MotionField
from ...images import image_array
from ...layers.analysis import take_apart
from ...layers.drawing import LayersRenderer
from ...layers.layered_picture import Layer, LayeredPicture
from ...layers.motion import LayersInMotion
from ...layers.plate import background_plate
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.start import track_starts
from ..protocols import GenerationRequest

# A point moves with the topmost layer that has at least this opacity under it.
LEAST_ALPHA = 0.5


def decode_layers(
    request: GenerationRequest, field: MotionField, tracks: Tracks, progress: Progress = silent
) -> tuple[Tensor, Tensor, Tracks]:
    """Frames (T, H, W, 3), holes (T, H, W) 0..1 and the tracks as realised.

    The tracks cut the picture into layers (`take_apart`) and move them; where they leave the motion
    of a layer open it follows the field (`move_layers`). Only the last frame is drawn if the
    request asks for no more. The realised tracks follow the meshes that they start on, also where
    something covers them.

    Args:
        request: The picture and what to draw of it.
        field: Motion of the request's size and length.
        tracks: On the same canvas.
        progress: Called with no frame done until the layers are ready, and after each frame.

    Raises what take_apart raises, and whatever progress raises.
    """
    frames = request.frames

    def tick(done: int = 0, total: int = 0) -> None:
        progress(0, frames)

    picture = image_array(request.image, field.size)
    layered = take_apart(request.image, tracks, progress=tick)
    if request.movable is not None:
        layered = held_still(layered, request.movable.cpu().numpy())
    renderer = LayersRenderer(picture, layered, tracks, tick, field)
    first = frames - 1 if request.last_only else 0
    drawn = torch.empty(frames - first, *picture.shape)
    holes = torch.empty(frames - first, *picture.shape[:2])
    for frame in range(first, frames):
        colours, hole = renderer.draw(frame)
        drawn[frame - first] = torch.from_numpy(colours)
        holes[frame - first] = torch.from_numpy(hole)
        progress(frame + 1, frames)
    device = request.image.device
    return drawn.to(device), holes.to(device), realised_tracks(layered, renderer.motion, tracks)


def held_still(layered: LayeredPicture, movable: FloatArray) -> LayeredPicture:
    """Layers cut to what may move.

    The movable part of a background with tracks becomes a layer of its own, over a plate at rest.

    Args:
        layered: The picture.
        movable: (H, W) bool.
    """
    kept = movable.astype(np.float32)
    layers = [replace(layer, alpha=layer.alpha * kept) for layer in layered.layers]
    if movable.all() or not len(layered.background_tracks):
        return replace(layered, layers=tuple(layers))
    ground = Layer(kept, layered.plate, layered.background_tracks)
    return LayeredPicture(
        (ground, *layers),
        background_plate(layered.plate, movable),
        layered.filled | movable,
        layered.background_tracks[:0],
        layered.looks,
    )


def realised_tracks(layered: LayeredPicture, motion: LayersInMotion, tracks: Tracks) -> Tracks:
    """Tracks that follow the meshes under their starts, visible on the canvas.

    A track that is never visible stays so.

    Args:
        layered: The picture.
        motion: Of its layers.
        tracks: T frames on the picture's canvas.
    """
    local = tracks.to("cpu")
    starts = track_starts(local)
    known = starts.has_start.nonzero().squeeze(1)
    places = starts.xy[known].double().numpy()
    pixel = np.clip(np.floor(places), 0, np.array(layered.size) - 1).astype(np.int64)
    moved = motion.plate.mesh.locate(places).at(motion.plate.positions)
    for layer, deformation in zip(layered.layers, motion.layers, strict=True):
        on = np.flatnonzero(layer.alpha[pixel[:, 1], pixel[:, 0]] >= LEAST_ALPHA)
        moved[:, on] = deformation.mesh.locate(places[on]).at(deformation.positions)
    xy, visible = local.xy.clone(), torch.zeros_like(local.visible)
    xy[:, known] = torch.from_numpy(moved).float()
    inside = (xy >= 0) & (xy < xy.new_tensor(layered.size))
    visible[:, known] = inside[:, known].all(dim=-1)
    return replace(tracks, xy=xy.to(tracks.device), visible=visible.to(tracks.device))
