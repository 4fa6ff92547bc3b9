"""Region: an area moved as one piece by keyed shift, turn and zoom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch

from ...geometry import Size, checked_size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..dots.area import REMEDY, Area, PolygonArea, layer_area
from ..dots.footprint import Footprint
from ..dots.identity import layer_ids
from ..dots.limits import check_count, checked_clip, naming
from ..easing import ease_value
from ..fields import Fields, Span
from ..layer import ExpansionContext, Layer
from ..path import Point, Timing
from ..sample import BoolArray, FloatArray, between, local_times
from .field_groups import (
    COORDINATE,
    LAYER_TIME,
    LENGTH,
    not_before,
    polygon_field,
    read_point,
    read_polygon,
    read_timing,
    timing_fields,
)

RegionArea = Literal["polygon", "mask"]
TURN = Span(-36000, 36000, "degrees")
SCALE = Span(0.001, 1000, "a factor")


class RegionKey(NamedTuple):
    """The pose of a region at one time.

    The shift is applied after rotation and scale, which act about the region's pivot.

    Attributes:
        t: Time, 0..1 of the layer's window.
        dx: Shift in fractions of the width.
        dy: Shift in fractions of the height.
        rotate_deg: Degrees, clockwise on screen.
        scale: Factor, above 0.
    """

    t: float
    dx: float = 0.0
    dy: float = 0.0
    rotate_deg: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class RegionMotion:
    """How a region has moved at every frame: turned and zoomed about its pivot, then shifted.

    Attributes:
        shift: (T, 2) pixels.
        rotate_deg: (T,) degrees, clockwise on screen (x right, y down), free of jumps by 360.
        scale: (T,) factor, above 0.
        present: (T,) bool; where False the layer shows nothing.
    """

    shift: FloatArray
    rotate_deg: FloatArray
    scale: FloatArray
    present: BoolArray


@dataclass(frozen=True)
class RegionLayer(Layer):
    """An area moved as one piece by keys.

    Attributes:
        area: "polygon", or "mask" for the mask given at expansion.
        polygon: Corners in fractions of the canvas; None only with another area.
        keys: The poses in time order.
        pivot: Fractions of the canvas; None means the area's centroid.
        timing: When the keys are played.
        spacing: Fraction of the short side between neighbouring tracks.
    """

    kind = "region"

    area: RegionArea = "polygon"
    polygon: tuple[Point, ...] | None = None
    keys: tuple[RegionKey, ...] = (RegionKey(0.0),)
    pivot: Point | None = None
    timing: Timing = Timing()
    spacing: float = 0.03

    @classmethod
    def read(cls, fields: Fields, common: Mapping[str, Any]) -> RegionLayer:
        """The layer of a JSON object."""
        default = cls("")
        area = fields.choice("area", get_args(RegionArea), default.area)
        polygon = read_polygon(fields)
        if area == "polygon" and polygon is None:
            fields.refuse("polygon", 'must be a list where "area" is "polygon"', polygon)
        pivot = fields.take("pivot", None)
        return cls(
            **common,
            area=area,
            polygon=polygon,
            keys=_read_keys(fields),
            pivot=None if pivot is None else read_point(fields, "pivot", pivot),
            timing=read_timing(fields),
            spacing=fields.number("spacing", LENGTH, default.spacing),
        )

    def own_fields(self) -> dict[str, Any]:
        """The area, the keys and their timing."""
        return {
            "area": self.area,
            "polygon": polygon_field(self.polygon),
            "keys": [key._asdict() for key in self.keys],
            "pivot": None if self.pivot is None else list(self.pivot),
            "spacing": self.spacing,
            **timing_fields(self.timing),
        }

    def sample(self, *, frames: int, size: Size, drawn_on: Size) -> RegionMotion:
        """The pose at every frame; `drawn_on` does not matter."""
        return sample_region(self, frames=frames, size=size)

    def expand(self, context: ExpansionContext) -> Tracks:
        """The tracks of the area."""
        return expand_region(
            self,
            frames=context.frames,
            size=context.size,
            fps=context.fps,
            mask=context.mask,
            before=context.dots,
            progress=context.progress,
        )

    def footprint(self, context: ExpansionContext) -> Footprint:
        """The moved area itself, in the frames where the layer is present."""
        frames, size = context.frames, context.size
        with naming(self):
            area = _area(self, size, context.mask)
            motion = sample_region(self, frames=frames, size=size)
            pivot = _pivot(self, area, size)

        def holds(pose: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
            turn = pose[:4].reshape(2, 2)
            if isinstance(area, PolygonArea):
                # Pins lie in rows; moving the polygon keeps them there, which is quick.
                return area.moved(turn, pivot, pose[4:]).holds(points)
            back = np.linalg.inv(turn)
            return area.holds((points - pivot - pose[4:]) @ back.T + pivot)

        poses = np.concatenate([_matrices(motion).reshape(frames, 4), motion.shift], axis=1)
        return Footprint(poses, motion.present, holds)


def _read_keys(fields: Fields) -> tuple[RegionKey, ...]:
    keys: list[RegionKey] = []
    for index, raw in enumerate(fields.entries("keys", least=1)):
        key = Fields(raw, fields.where, f"keys[{index}].")
        t = key.number("t", LAYER_TIME)
        not_before(key, "t", t, keys[-1].t if keys else 0.0)
        keys.append(
            RegionKey(
                t=t,
                dx=key.number("dx", COORDINATE, 0.0),
                dy=key.number("dy", COORDINATE, 0.0),
                rotate_deg=key.number("rotate_deg", TURN, 0.0),
                scale=key.number("scale", SCALE, 1.0),
            )
        )
        key.finish()
    return tuple(keys)


def sample_region(layer: RegionLayer, *, frames: int, size: Size) -> RegionMotion:
    """A region's shift, turn and zoom at every frame.

    Easing acts between each key and the next. Shifts are interpolated linearly, turns along the
    shorter arc (a turn of exactly 180 degrees follows the sign of the difference), zooms
    geometrically. Before the first key and after the last one the region keeps the pose of that
    key. Of several keys at one time, the last applies from that time on.

    Args:
        layer: The region.
        frames: The number of frames T, 0 or more.
        size: The canvas of the result in pixels.

    Raises:
        ValueError: The layer has no keys, or one with a scale not above 0; its window is empty; or
            `frames` is negative.
    """
    if not layer.keys:
        raise ValueError("a region needs at least one key to be sampled; got none.")
    if min(key.scale for key in layer.keys) <= 0.0:
        raise ValueError("every key of a region needs a scale above 0; one has 0 or less.")
    size = checked_size(*size)
    local, present = local_times(layer.timing, frames)
    before, after, fraction = between(np.array([key.t for key in layer.keys]), local)
    fraction = ease_value(layer.timing.easing, fraction)

    def mixed(values: FloatArray) -> FloatArray:
        return values[before] + fraction * (values[after] - values[before])

    return RegionMotion(
        shift=np.stack(
            [
                mixed(np.array([key.dx * size.width for key in layer.keys])),
                mixed(np.array([key.dy * size.height for key in layer.keys])),
            ],
            axis=1,
        ),
        rotate_deg=mixed(_unwound(layer.keys)),
        scale=np.exp(mixed(np.log([key.scale for key in layer.keys]))),
        present=present,
    )


def expand_region(
    layer: RegionLayer,
    *,
    frames: int,
    size: Size,
    fps: float | None = None,
    mask: Any = None,
    before: int = 0,
    progress: Progress = silent,
) -> Tracks:
    """Dots all over an area, turned and zoomed about its pivot and then shifted.

    Turns and zooms happen in pixels, so shapes keep their proportions on any canvas; positive turns
    are clockwise on screen. A layer without a pivot turns about the area's centroid. Points may lie
    outside the canvas.

    Args:
        layer: The region.
        frames: The number of frames T.
        size: The canvas in pixels.
        fps: Frames per second, kept with the tracks.
        mask: As in `layer_area`.
        before: Dots of the layers before it, for the limits.
        progress: Called between pieces of the work.

    Returns:
        Tracks (T, N) on `size`.

    Raises:
        ValueError: Naming the layer: what `layer_area` or `sample_region` refuse; too many dots.
        CanvasError: The mask has other proportions than the canvas.
        ShapeError: The mask is not (H, W).
    """
    with naming(layer):
        frames, size = checked_clip(frames, size)
        area = _area(layer, size, mask)
        dots = area.dots(layer.spacing, progress)
        check_count(len(dots), frames, REMEDY, before=before)
        motion = sample_region(layer, frames=frames, size=size)
        pivot = _pivot(layer, area, size)
        away = torch.from_numpy(dots - pivot).float()
        turn = torch.from_numpy(_matrices(motion)).float()
        rest = torch.from_numpy(pivot + motion.shift).float()
        xy = (turn @ away.T).transpose(1, 2) + rest[:, None, :]
        visible = torch.from_numpy(motion.present)[:, None].expand(-1, len(dots)).clone()
        return Tracks(xy.contiguous(), visible, layer_ids(layer.id, len(dots)), size, fps)


def _unwound(keys: tuple[RegionKey, ...]) -> FloatArray:
    """(K,) key angles with every step the shorter way round."""
    angles = [keys[0].rotate_deg]
    for earlier, later in zip(keys, keys[1:], strict=False):
        turn = later.rotate_deg - earlier.rotate_deg
        short = turn - 360.0 * np.floor((turn + 180.0) / 360.0)
        angles.append(angles[-1] + (180.0 if short == -180.0 and turn > 0.0 else short))
    return np.array(angles)


def _area(layer: RegionLayer, size: Size, mask: Any) -> Area:
    area = layer_area(layer, size, mask)
    if area is None:
        raise ValueError('"polygon" is missing; draw one, or set "area" to "mask".')
    return area


def _pivot(layer: RegionLayer, area: Area, size: Size) -> np.ndarray:
    return area.middle() if layer.pivot is None else np.array(layer.pivot) * np.array(size)


def _matrices(motion: RegionMotion) -> np.ndarray:
    """(T, 2, 2): turn and zoom of every frame, acting on columns (x, y) with y down."""
    angle = np.radians(motion.rotate_deg)
    cosine, sine = np.cos(angle) * motion.scale, np.sin(angle) * motion.scale
    return np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
