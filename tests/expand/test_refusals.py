from __future__ import annotations

import re
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from motion_core.document import (
    Brush,
    DragLayer,
    ExpansionContext,
    Layer,
    Path,
    PinLayer,
    RegionKey,
    RegionLayer,
    SphereLayer,
)
from motion_core.document.dots import limits
from motion_core.errors import CanvasError, ShapeError
from motion_core.expand import expand_document

from .drawings import BOX, WIDE, document, line

HERE = line((0.5, 0.5))
NAN = float("nan")


def brush(*values, **more) -> DragLayer:
    return DragLayer("d1", "ear", path=HERE, brush=Brush(*values, **more))


def ball(**more) -> SphereLayer:
    return SphereLayer("s1", "ball", path=HERE, **more)


TOO_MUCH = {
    "brush of too many dots": (brush(0.5, 0.0001), r'drag.*"ear".*"d1".*brush\.spacing'),
    "brush beyond floats": (brush(1e200, 1e-200), r'"ear".*brush\.spacing'),
    "square brush": (brush(10.0, 0.01, shape="square"), r'"ear".*brush\.spacing'),
    "spacing 0": (brush(0.1, 0.0), r'"ear".*"brush\.spacing".*above 0'),
    "negative spacing": (brush(0.1, -0.01), r'"ear".*"brush\.spacing".*above 0'),
    "NaN spacing": (brush(0.1, NAN), r'"ear".*"brush\.spacing"'),
    "negative radius": (brush(-0.1, 0.1), r'"ear".*"brush\.radius".*0 or more'),
    "infinite radius": (brush(float("inf"), 0.1), r'"ear".*"brush\.radius"'),
    "path without points": (DragLayer("d1", "ear", path=Path(())), r'"ear".*at least one point'),
    "sphere of too many dots": (ball(spacing=0.0001), r'sphere.*"ball".*"spacing".*"radius"'),
    "sphere beyond floats": (ball(radius=1e300, spacing=1e-300), r'"ball".*"spacing"'),
    "sphere without size": (ball(radius=0.0), r'"ball".*"radius".*above 0'),
    "sphere spacing": (ball(spacing=NAN), r'"ball".*"spacing"'),
    "background of too many dots": (
        PinLayer("p1", area="background", spacing=0.0005), r'pin.*"p1".*"spacing"',
    ),
    "background spacing": (PinLayer("p1", area="background", spacing=0.0), r'"p1".*"spacing"'),
    "polygon of too many dots": (
        PinLayer("p1", polygon=BOX, spacing=0.0001), r'"p1".*more than 1,000,000.*"spacing"',
    ),
    "pin polygon that holds nothing": (
        PinLayer("p1", polygon=((0.1, 0.1), (0.5, 0.5), (0.9, 0.9))), r'"p1".*"polygon"',
    ),
    "two corners": (PinLayer("p1", polygon=BOX[:2]), r'"p1".*3 corners'),
    "NaN corner": (PinLayer("p1", polygon=((NAN, 0.0), *BOX)), r'"p1".*finite'),
    "region polygon that holds nothing": (
        RegionLayer("r1", polygon=((0.1, 0.1), (0.5, 0.1), (0.9, 0.1))), r'region.*"r1".*"polygon"',
    ),
    "region without polygon": (RegionLayer("r1"), r'"r1".*"polygon".*"mask"'),
    "region without keys": (RegionLayer("r1", polygon=BOX, keys=()), r'"r1".*key'),
    "region spacing": (RegionLayer("r1", polygon=BOX, spacing=-1.0), r'"r1".*"spacing"'),
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_bad_layer_is_refused_by_name_and_field(case: str) -> None:
    layer, message = TOO_MUCH[case]
    good = DragLayer("good", path=HERE)
    began = time.perf_counter()
    with pytest.raises(ValueError, match=re.compile(message)):
        expand_document(document(good, layer), WIDE, 5)
    assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_disabled_bad_layer_disturbs_nobody(case: str) -> None:
    layer = TOO_MUCH[case][0]
    disabled = type(layer)(**{**vars(layer), "enabled": False})
    assert expand_document(document(disabled), WIDE, 5).num_points == 0


def test_too_many_dots_in_all() -> None:
    layers = [DragLayer(f"d{n}", path=HERE, brush=Brush(0.4, 0.001, "square")) for n in range(2)]
    with pytest.raises(ValueError, match='"d1".*1,000,000.*layers before'):
        expand_document(document(*layers), WIDE, 1)


@pytest.mark.parametrize(
    "layer",
    [
        brush(0.1, 0.02),
        ball(),
        PinLayer("p1", area="background", spacing=0.1),
        RegionLayer("r1", polygon=BOX, keys=(RegionKey(0.0),)),
    ],
    ids=lambda layer: layer.kind,
)
def test_all_dots_are_counted_before_memory_is_taken(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_DOTS", 10_000)
    own = layer.expand(ExpansionContext(5, WIDE, WIDE)).num_points
    fitting = ExpansionContext(5, WIDE, WIDE, dots=10_000 - own)
    assert layer.expand(fitting).num_points == own
    # What every layer needs to build its tracks.
    monkeypatch.setattr(sys.modules[type(layer).__module__], "layer_ids", None)
    with pytest.raises(ValueError, match=f'"{layer.id}".*layers before'):
        layer.expand(replace(fitting, dots=10_001 - own))


def test_too_many_positions() -> None:
    layer = DragLayer("d", path=HERE, brush=Brush(0.1, 0.001))
    with pytest.raises(ValueError, match='"d".*10,000 frames.*brush.spacing'):
        expand_document(document(layer), WIDE, 10_000)


@pytest.mark.parametrize("frames", [0, -1, 10_001, 10**30])
def test_frames_out_of_range(frames: int) -> None:
    with pytest.raises(ValueError, match="frames must be"):
        expand_document(document(), WIDE, frames)


@pytest.mark.parametrize("frames", [2.0, "5", None, True])
def test_frames_of_another_kind(frames) -> None:
    with pytest.raises(TypeError, match="frames must be a whole number"):
        expand_document(document(), WIDE, frames)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (70_000, 5)])
def test_sizes_out_of_range(size) -> None:
    with pytest.raises(ValueError, match="canvas"):
        expand_document(document(), size, 5)


def test_json_must_be_read_first() -> None:
    with pytest.raises(TypeError, match="read_document"):
        expand_document('{"version": 1}', WIDE, 5)  # type: ignore[arg-type]


MASKED = {
    "pin": PinLayer("m1", area="mask"),
    "region": RegionLayer("m1", area="mask", keys=(RegionKey(0.0),)),
}
MASKS = {
    "none": (None, ValueError, "no mask came"),
    "empty": (torch.zeros(100, 200), ValueError, "mask is empty"),
    "half grey": (torch.full((100, 200), 0.5), ValueError, "mask is empty"),
    "batch": (torch.ones(1, 100, 200), ShapeError, r"\(H, W\)"),
    "no pixels": (torch.ones(0, 200), ShapeError, r"\(H, W\)"),
    "other shape": (torch.ones(100, 100), CanvasError, "100x100.*200x100"),
    "turned": (torch.ones(200, 100), CanvasError, "100x200.*200x100"),
    "NaN": (torch.full((100, 200), NAN), ValueError, "NaN"),
}


@pytest.mark.parametrize("layer", MASKED)
@pytest.mark.parametrize("case", MASKS)
def test_masks_that_do_not_fit(layer: str, case: str) -> None:
    mask, kind, message = MASKS[case]
    with pytest.raises(kind, match=f'"m1".*{message}'):
        expand_document(document(MASKED[layer]), WIDE, 3, mask=mask)


@pytest.mark.parametrize("shape", [(100, 200), (50, 100), (13, 25), (12, 25), (400, 800)])
@pytest.mark.parametrize("dtype", [torch.bool, torch.float16, torch.uint8, np.float64])
def test_masks_that_fit(shape, dtype) -> None:
    ones = np.ones(shape, dtype) if dtype is np.float64 else torch.ones(shape).to(dtype)
    tracks = expand_document(document(MASKED["pin"]), WIDE, 1, mask=ones)
    assert tracks.num_points >= 24 * 48 and tracks.visible.all()


def test_positions_far_out_stay_finite() -> None:
    path = line((-100.0, 100.0), (100.0, -100.0))
    doc = document(DragLayer("d", path=path), SphereLayer("s", path=path, radius=100, spacing=50))
    tracks = expand_document(doc, (65_536, 65_536), 3)
    assert torch.isfinite(tracks.xy).all()
