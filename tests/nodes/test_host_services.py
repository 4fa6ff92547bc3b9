"""nodes/host.py: the door to ComfyUI lets nothing out of its folders, and stops when told to."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.host.pack import pack_module
from tests.host.runner import StandInHost

ESCAPES = [
    "",
    " ",
    ".",
    "./",
    "..",
    "../secret.npz",
    "a/../../secret.npz",
    "..\\secret.npz",
    "a\\..\\..\\secret.npz",
    "/etc/passwd",
    "//server/share/x",
    "\\\\server\\share\\x",
    "C:\\windows\\x.npz",
    "c:x.npz",
    "link/secret.npz",
    "link.npz",
    "zero\0byte",
    "line\nbreak",
    "long" * 100,
]


@pytest.fixture
def door(host: StandInHost) -> Any:
    """nodes/host.py, beside a secret file that links in the input and output folders lead to."""
    outside = host.input_dir.parent / "outside"
    outside.mkdir()
    (outside / "secret.npz").write_bytes(b"secret")
    for folder in (host.input_dir, host.output_dir):
        (folder / "link").symlink_to(outside, target_is_directory=True)
        (folder / "link.npz").symlink_to(outside / "secret.npz")
    return pack_module("nodes.host")


@pytest.mark.parametrize("name", ESCAPES, ids=repr)
def test_no_name_leads_out_of_the_input_folder(door: Any, name: str) -> None:
    with pytest.raises(ValueError, match="inside ComfyUI's input folder"):
        door.input_file(name)


@pytest.mark.parametrize("name", ESCAPES, ids=repr)
def test_no_prefix_leads_out_of_the_output_folder(door: Any, host: StandInHost, name: str) -> None:
    before = sorted(host.output_dir.parent.rglob("*"))
    with pytest.raises(ValueError, match="inside ComfyUI's output folder"):
        door.new_output_file(name, ".npz")
    assert sorted(host.output_dir.parent.rglob("*")) == before, "nothing was created"


def test_a_plain_name_is_found(door: Any, host: StandInHost) -> None:
    (host.input_dir / "sub").mkdir()
    (host.input_dir / "sub" / "a b.npz").write_bytes(b"")
    assert door.input_file("sub/a b.npz").read_bytes() == b""
    assert door.input_file("sub\\a b.npz") == door.input_file("sub/a b.npz")


def test_a_missing_file_is_named(door: Any) -> None:
    with pytest.raises(ValueError, match="no file 'nothing.npz' in ComfyUI's input folder"):
        door.input_file("nothing.npz")


def test_the_list_holds_matching_files_and_no_links_out(door: Any, host: StandInHost) -> None:
    (host.input_dir / "b.CSV").write_text("")
    (host.input_dir / "folder.npz").mkdir()
    assert door.input_files({".npz", ".csv"}) == ["b.CSV", "motion_prompting_tracks.npz"]


def test_output_files_are_numbered(door: Any, host: StandInHost) -> None:
    first, shown = door.new_output_file("tracks/motion", ".npz")
    first.write_bytes(b"")
    second, _ = door.new_output_file("tracks/motion", ".npz")
    assert first == host.output_dir / "tracks" / "motion_00001_.npz"
    assert second == host.output_dir / "tracks" / "motion_00002_.npz"
    assert shown == {"filename": first.name, "subfolder": "tracks", "type": "output"}


def test_without_a_host_progress_is_silent(door: Any) -> None:
    door.progress()(1, 2)


class Cancelled(BaseException):
    """Like ComfyUI's InterruptProcessingException: not an Exception."""


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A comfy module whose progress bar remembers and whose cancel button can be pressed."""
    state = types.SimpleNamespace(shown=[], is_cancelled=False)

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.total = total

        def update_absolute(self, value: int, total: int) -> None:
            state.shown.append((value, total))

    def throw() -> None:
        if state.is_cancelled:
            raise Cancelled

    management = types.ModuleType("comfy.model_management")
    management.throw_exception_if_processing_interrupted = throw  # type: ignore[attr-defined]
    utils = types.ModuleType("comfy.utils")
    utils.ProgressBar = ProgressBar  # type: ignore[attr-defined]
    package = types.ModuleType("comfy")
    for name, module in (("", package), (".model_management", management), (".utils", utils)):
        monkeypatch.setitem(sys.modules, f"comfy{name}", module)
    return state


def test_the_bar_follows_the_work(door: Any, comfy: Any) -> None:
    show = door.progress()
    show(1, 4)
    show(4, 4)
    assert comfy.shown == [(1, 4), (4, 4)]


def test_cancel_stops_a_draft(host: StandInHost, comfy: Any) -> None:
    picture = torch.rand(1, 24, 32, 3)
    tracks = {
        "track_path": torch.zeros(6, 1, 2) + torch.arange(6.0)[:, None, None],
        "track_visibility": torch.ones(6, 1, dtype=torch.bool),
        "canvas": (32, 24),
    }
    draft = host.nodes["MotionPromptingDraftMotion"].execute
    assert draft(picture, tracks).args[0].shape == (6, 24, 32, 3)
    assert comfy.shown[-1][0] == comfy.shown[-1][1], "the bar reaches its end"
    comfy.is_cancelled = True
    with pytest.raises(Cancelled):
        draft(picture, tracks)


def test_links_inside_the_folder_are_followed(door: Any, host: StandInHost, tmp_path: Path) -> None:
    (host.input_dir / "near.npz").symlink_to(host.input_dir / "motion_prompting_tracks.npz")
    assert door.input_file("near.npz") == (host.input_dir / "motion_prompting_tracks.npz").resolve()


def test_text_is_sent_to_the_node(door: Any) -> None:
    assert door.text_preview("two\nlines").as_dict() == {"text": ("two\nlines",)}
    assert door.text_preview("").as_dict() == {"text": ("",)}
