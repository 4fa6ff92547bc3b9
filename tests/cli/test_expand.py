from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from motion_core.document import (
    Brush,
    CameraGrabLayer,
    DragLayer,
    MotionDocument,
    PinLayer,
    TimedPoint,
    document_to_json,
)
from motion_core.document import Path as DrawnPath
from motion_core.expand import expand_document
from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.image_files import write_image
from tests.layers.pictures import CENTRE, RADIUS, disc_picture
from tests.layers.pictures import SIZE as DISC_SIZE

from .conftest import DRAWING, Command


def test_the_file_holds_what_expand_document_gives(folder: Path, motion_core: Command) -> None:
    result = motion_core(
        "expand", "drawing.json", "--size", "128x96", "--frames", 7, "--fps", 24, "-o", "a.npz"
    )
    assert result == (0, "", "wrote a.npz: 7 tracks, 7 frames, 128x96\n")
    got, wanted = read_tracks("a.npz"), expand_document(DRAWING, Size(128, 96), 7, fps=24)
    assert torch.equal(got.xy, wanted.xy) and torch.equal(got.visible, wanted.visible)
    assert torch.equal(got.ids, wanted.ids) and got.fps == 24


def test_a_picture_sets_the_canvas(folder: Path, motion_core: Command) -> None:
    write_image("wide.png", torch.zeros(20, 90, 3))
    result = motion_core(
        "expand", "drawing.json", "--image", "wide.png", "--frames", 2, "-o", "a.npz"
    )
    assert result.code == 0 and read_tracks("a.npz").size == (90, 20)


def test_without_a_canvas_it_is_the_one_drawn_on_and_is_reported(
    folder: Path, motion_core: Command
) -> None:
    result = motion_core("expand", "drawing.json", "--frames", 2, "-o", "a.npz")
    assert result.code == 0 and "64x48 drawn on" in result.err
    assert read_tracks("a.npz").size == (64, 48)


def test_mask_layers_take_a_picture(folder: Path, motion_core: Command) -> None:
    layer = PinLayer("masked", area="mask", spacing=0.1)
    drawing = document_to_json(MotionDocument(Size(64, 48), (layer,)))
    (folder / "masked.json").write_text(drawing, encoding="utf-8")
    mask = torch.zeros(48, 64, 3)
    mask[:, :32] = 1
    write_image("mask.png", mask)
    line = ["expand", "masked.json", "--frames", 1, "-o", "a.npz"]
    assert motion_core(*line, "--mask", "mask.png").code == 0
    xy = read_tracks("a.npz").xy
    assert xy.shape[1] >= 50 and xy[..., 0].max() < 32
    result = motion_core(*line)
    assert result.code == 2 and '"masked"' in result.err and "no mask" in result.err


def test_a_camera_layer_is_noted_and_the_rest_is_written(
    folder: Path, motion_core: Command
) -> None:
    camera = CameraGrabLayer("c1", "orbit", path=DrawnPath((TimedPoint(0.0, 0.5, 0.5),)))
    drawing = document_to_json(replace(DRAWING, layers=(*DRAWING.layers, camera)))
    (folder / "camera.json").write_text(drawing, encoding="utf-8")
    result = motion_core("expand", "camera.json", "--frames", 2, "-o", "a.npz")
    assert result.code == 0 and '"orbit"' in result.err and "Camera Path" in result.err
    wanted = expand_document(DRAWING, DRAWING.drawn_on, 2)
    assert torch.equal(read_tracks("a.npz").xy, wanted.xy)


def test_the_suffix_and_the_name_choose_the_format(folder: Path, motion_core: Command) -> None:
    line = ["expand", "drawing.json", "--frames", 121]
    assert motion_core(*line, "-o", "a.json", "--format", "ati_coordinates").code == 0
    assert motion_core(*line, "-o", "a.csv").code == 0
    for name in ("a.json", "a.csv"):
        got = read_tracks(name, size=Size(64, 48))
        wanted = replace(expand_document(DRAWING, Size(64, 48), 121), ids=got.ids)
        torch.testing.assert_close(got.xy, wanted.xy, atol=1e-3, rtol=0)


def test_the_rest_keeps_off_what_a_drag_moves_in_the_picture(
    folder: Path, motion_core: Command
) -> None:
    rest = PinLayer("rest", area="background", spacing=0.05)
    at = (CENTRE[0] / DISC_SIZE.width, CENTRE[1] / DISC_SIZE.height)
    path = DrawnPath((TimedPoint(None, *at), TimedPoint(None, 0.7, 0.5)))
    drag = DragLayer("drag", path=path, brush=Brush(0.06, 0.03))
    drawn = MotionDocument(DISC_SIZE, (drag, rest))
    (folder / "rest.json").write_text(document_to_json(drawn), encoding="utf-8")
    write_image(folder / "disc.png", disc_picture())
    line = ["expand", "rest.json", "--image", "disc.png", "--frames", 2, "-o", "a.npz"]
    result = motion_core(*line)
    assert result.code == 0 and "cut out of the image" in result.err
    tracks = read_tracks("a.npz")
    still = (tracks.xy[0] == tracks.xy[1]).all(dim=-1)
    away = (tracks.xy[0, still] - torch.tensor(CENTRE)).norm(dim=-1)
    assert len(away) > 50 and away.min() > RADIUS
