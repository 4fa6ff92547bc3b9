"""MOTION documents, camera files, keys, moves and logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.files import camera_from_text, read_camera, write_camera
from motion_core.camera.formats.native_json import camera_to_json
from motion_core.camera.formats.realestate import camera_to_realestate
from motion_core.camera.script import keys_from_json, moves_from_text, offsets_from_text
from motion_core.camera.setup import CameraSetup
from motion_core.document import read_document
from motion_core.document.motion_document import MotionDocument
from motion_core.document.write import document_to_json
from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.regular_files import read_text
from motion_core.safe_json import read_json_object
from motion_core.training.log import read_log

from .judge import Finding
from .mutations import as_bytes, changed_values, damaged, json_text, table_text
from .target import AS_JSON, OWN_ERRORS, Target, file_target, text_target

SIZE = Size(64, 48)
GOLDEN = Path(__file__).parents[1] / "golden"
LENS = torch.tensor([[50.0, 0, 32], [0, 50, 24], [0, 0, 1]], dtype=torch.float64)


def documents() -> list[Any]:
    """Documents with layers of every type."""
    point = {"id": "a", "type": "drag", "points": [[0.1, 0.2, 0], [0.5, 0.6, 1]]}
    pin = {"id": "b", "type": "pin", "points": [[0.5, 0.5]]}
    drawn_on = {"width": 64, "height": 48}
    found: list[Any] = [{"version": 1, "drawn_on": drawn_on, "layers": [point]}]
    for layers in ([pin], [point, pin]):
        found.append({"version": 1, "drawn_on": drawn_on, "layers": layers})
    for file in sorted(GOLDEN.glob("*document*.json")):
        found.extend(_inside(json.loads(file.read_text(encoding="utf-8"))))
    return [_written(document) for document in found if _is_valid(document)]


def _is_valid(document: Any) -> bool:
    try:
        read_document(document)
    except ValueError:
        return False
    return True


def _written(document: Any) -> Any:
    """A document with every field spelled out."""
    return json.loads(document_to_json(read_document(document)))


def _inside(value: Any) -> list[Any]:
    """The documents anywhere in a value of JSON."""
    if isinstance(value, dict) and "layers" in value and "drawn_on" in value:
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [document for part in parts for document in _inside(part)]


def _read_and_write(source: Any) -> MotionDocument:
    """A document, which must come back from its own JSON."""
    document = read_document(source)
    text = document_to_json(document)
    try:
        again = document_to_json(read_document(text))
    except ValueError as error:
        raise Finding("refused what was written", "document", str(error)) from error
    if again != text:
        raise Finding("changed by writing", "document", text[:200])
    return document


def camera() -> CameraPath:
    """Two frames, 0.4 apart."""
    poses = torch.eye(4, dtype=torch.float64).repeat(2, 1, 1)
    poses[1, 0, 3] = 0.4
    return CameraPath(poses, LENS.repeat(2, 1, 1), SIZE, 16.0)


def _check_camera(path: CameraPath) -> None:
    assert path.num_frames >= 1, "no frames"
    last = torch.tensor([0.0, 0, 1], dtype=torch.float64)
    assert bool((path.K[:, 2] == last).all()), "K without its last row"
    assert path.fps is None or 1e-3 <= path.fps <= 1e5, f"fps {path.fps}"


def _read_and_write_camera(path: Path) -> CameraPath:
    found = read_camera(path, default_size=SIZE)
    for name in ("b.json", "b.txt"):
        written = path.with_name(name)
        write_camera(written, found)
        try:
            again = read_camera(written, default_size=found.size)
        except ValueError as error:
            raise Finding("refused what was written", name, str(error)) from error
        if again.num_frames != found.num_frames:
            raise Finding("changed by writing", name, f"{again.num_frames} frames")
    return found


SETUP = CameraSetup(SIZE, LENS, torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64), 5, 16.0)
ROWS = [[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], [1, 0, 0, 0.4, 0, 1, 0, 0, 0, 0, 1, 0]]
KEYS: list[Any] = [
    [{"t": 0}, {"t": 1, "position": [0.2, 0, 0.3], "pan_deg": 10, "zoom": 1.2, "easing": "linear"}]
]
MOVES = ["orbit_left 30\ndolly_in 0.4 share=2 easing=linear # slow\nhandheld 1 seed=7"]
LOG = '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25, "probe": {"a/b": 1.0}}\n'
NATIVE = json.loads(camera_to_json(camera()))
DOCUMENTS = documents()

TARGETS = [
    text_target("document", json_text(DOCUMENTS), _read_and_write, examples=150),
    Target(
        "document_value",
        changed_values(DOCUMENTS),
        lambda value, folder: _read_and_write(value),
        refusals=(*OWN_ERRORS, TypeError),
        **AS_JSON,
    ),
    file_target(
        "camera_json",
        as_bytes(json_text([NATIVE, ROWS])),
        "a.json",
        _read_and_write_camera,
        check=_check_camera,
        refusals=(*OWN_ERRORS, ValueError),
    ),
    file_target(
        "camera_lines",
        as_bytes(table_text([camera_to_realestate(camera())])),
        "a.txt",
        _read_and_write_camera,
        check=_check_camera,
        refusals=(*OWN_ERRORS, ValueError),
    ),
    text_target(
        "camera_text",
        json_text([NATIVE, ROWS]),
        lambda text: camera_from_text(text, SIZE),
        check=_check_camera,
    ),
    text_target("camera_keys", json_text(KEYS), lambda text: keys_from_json(text, SETUP)),
    text_target("camera_moves", table_text(MOVES, ("nan", "share=", "seed=x")), moves_from_text),
    text_target(
        "camera_offsets",
        table_text(["0:0 0.5:1 1:2.5", "3"], ("1:nan", "0:", ":")),
        lambda line: offsets_from_text(line, 5),
    ),
    file_target("training_log", as_bytes(table_text([LOG])), "log.jsonl", read_log),
    file_target(
        "text_file", damaged([b"a\n", "\ufeffa".encode("utf-16")]), "a", lambda p: read_text(p, 99)
    ),
    file_target(
        "json_object", as_bytes(json_text([{"a": [1, {"b": 2.5}]}])), "a.json", read_json_object
    ),
]

assert FormatError in OWN_ERRORS
