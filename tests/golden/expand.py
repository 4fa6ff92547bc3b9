"""brush_dots.json, sphere_dots.json, area_dots.json: where the dots of each kind of layer lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from motion_core.document import Brush, PinLayer, RegionLayer
from motion_core.document.dots.area import layer_area
from motion_core.document.layers.drag import brush_offsets, pull_weights
from motion_core.document.layers.pin import background_points
from motion_core.document.layers.sphere import directions_under, sphere_points, turns_between
from motion_core.geometry import Size

from .collect import numbers

# Dots are float32 pixels: four decimals are what both sides can agree on.
DECIMALS = 4
SIZES = (Size(832, 480), Size(480, 832), Size(512, 512))
POLYGONS: dict[str, tuple[tuple[float, float], ...]] = {
    "box": ((0.2, 0.25), (0.7, 0.25), (0.7, 0.75), (0.2, 0.75)),
    "triangle": ((0.1, 0.9), (0.5, 0.1), (0.85, 0.8)),
    "hook": ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.7, 0.9), (0.7, 0.3), (0.1, 0.3)),
    "bow tie": ((0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)),
    "sliver": ((0.3, 0.5), (0.6, 0.505), (0.6, 0.51)),
    "half outside": ((-0.3, 0.4), (0.4, -0.2), (0.5, 1.2)),
}


def golden_cases() -> dict[str, dict[str, Any]]:
    return {
        "brush_dots.json": _brushes(),
        "sphere_dots.json": _spheres(),
        "area_dots.json": _areas(),
    }


def _brushes() -> dict[str, Any]:
    about = (
        "brush_offsets and pull_weights: dots around the pointer in fractions of the short side, "
        "row by row, and the share of the pointer's displacement each follows"
    )
    sides = [(0.0, 0.02), (0.01, 0.02), (0.06, 0.02), (0.1, 0.025), (0.07, 0.02), (0.3, 0.1)]
    brushes = [
        Brush(radius, spacing, shape, falloff)
        for radius, spacing in sides
        for shape in ("round", "square")
        for falloff in ("rigid", "gaussian")
    ]
    return {"about": about, "cases": [_brush(brush) for brush in brushes]}


def _brush(brush: Brush) -> dict[str, Any]:
    offsets = brush_offsets(brush)
    return {
        "brush": {
            "radius": brush.radius,
            "spacing": brush.spacing,
            "shape": brush.shape,
            "falloff": brush.falloff,
        },
        "offsets": numbers(offsets),
        "weights": numbers(pull_weights(brush, offsets)),
    }


def _spheres() -> dict[str, Any]:
    about = (
        "sphere_points: directions (x right, y down, z to the viewer) for a radius and spacing; "
        "turned: the same after the turn that carries the direction under the first pointer "
        "position (in radii from the centre) to the one under the second"
    )
    grabs = [
        ((0, 0), (0.5, 0.2)),
        ((-0.4, 0.3), (0.6, -0.1)),
        ((0.9, 0.0), (-0.9, 0.1)),
        ((3, 4), (-3, -4)),
        ((0.2, 0.2), (0.2, 0.2)),
    ]
    cases = [
        _sphere(radius, spacing, start, end)
        for radius, spacing in ((0.2, 0.1), (0.25, 0.2), (0.02, 0.1))
        for start, end in grabs
    ]
    return {"about": about, "cases": cases}


def _sphere(radius: float, spacing: float, start: Any, end: Any) -> dict[str, Any]:
    points = sphere_points(radius, spacing)
    under = directions_under(np.array([start, end], dtype=np.float64), np.zeros(2), 1.0)
    turn = turns_between(under[0], under)[1]
    return {
        "radius": radius,
        "spacing": spacing,
        "start": start,
        "end": end,
        "directions": numbers(points),
        "turned": numbers(points @ turn.T),
    }


def _areas() -> dict[str, Any]:
    about = (
        "the dots that fill a polygon (or, without one, the background) in pixels of a canvas, row "
        "by row, and the polygon's middle, the pivot of a region that names none; to 0.001 pixel"
    )
    cases = [_polygon(name, size) for name in POLYGONS for size in SIZES]
    return {"about": about, "cases": cases + [_background(size) for size in SIZES]}


def _polygon(name: str, size: Size) -> dict[str, Any]:
    layer = RegionLayer(name, polygon=POLYGONS[name], spacing=0.06)
    area = layer_area(layer, size, None)
    assert area is not None
    return {
        "name": name,
        "polygon": POLYGONS[name],
        "spacing": layer.spacing,
        "size": size._asdict(),
        "dots": numbers(area.dots(layer.spacing).round(DECIMALS)),
        "middle": numbers(area.middle().round(DECIMALS)),
    }


def _background(size: Size) -> dict[str, Any]:
    layer = PinLayer("background", area="background", spacing=0.12)
    return {
        "name": layer.id,
        "polygon": None,
        "spacing": layer.spacing,
        "size": size._asdict(),
        "dots": numbers(background_points(size, layer.spacing).round(DECIMALS)),
        "middle": None,
    }
