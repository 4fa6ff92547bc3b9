"""transfer and magnify on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from motion_core.formats import read_tracks, write_tracks
from motion_core.image_files import read_image, write_image
from motion_core.tracks import Tracks, make_tracks
from motion_core.video import write_video
from tests.transfer.test_magnify import amplitude_of, vibrating


def test_transfer_fits_a_larger_picture(motion_core, folder: Path, drawn_tracks: Tracks) -> None:
    write_image(folder / "large.png", torch.zeros(96, 128, 3))
    result = motion_core("transfer", "tracks.npz", "--image", "large.png", "-o", "out.npz")
    assert result.code == 0, result.err
    found = read_tracks(folder / "out.npz")
    assert found.size == (128, 96)
    torch.testing.assert_close(found.xy, drawn_tracks.xy * 2)


def test_transfer_by_masks_points_and_scale(motion_core, folder: Path, drawn_tracks) -> None:
    here, there = torch.zeros(48, 64, 3), torch.zeros(48, 64, 3)
    here[10:20, 10:30], there[20:40, 20:60] = 1, 1
    write_image(folder / "here.png", here)
    write_image(folder / "there.png", there)
    masks = ("--source-mask", "here.png", "--target-mask", "there.png", "--leaving", "keep")
    for align in ("fit", "shapes"):
        result = motion_core("transfer", "tracks.npz", "--align", align, *masks, "-o", "out.npz")
        assert result.code == 0, result.err
        torch.testing.assert_close(
            read_tracks(folder / "out.npz").xy, drawn_tracks.xy * 2, atol=0.2, rtol=0
        )
    for name, shift in (("a", 0), ("b", 5)):
        points = [{"x": x + shift, "y": y} for x, y in ((0, 0), (30, 0), (0, 30))]
        (folder / f"{name}.json").write_text(json.dumps(points), encoding="utf-8")
    pairs = ("--align", "points", "--source-points", "a.json", "--target-points", "b.json")
    words = (*pairs, "--kind", "thin_plate", "--scale", "0", "--leaving", "keep")
    assert motion_core("transfer", "tracks.npz", *words, "-o", "out.npz").code == 0
    wanted = (drawn_tracks.xy[:1] + torch.tensor([5.0, 0.0])).expand_as(drawn_tracks.xy)
    torch.testing.assert_close(read_tracks(folder / "out.npz").xy, wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--align", "shapes"), "needs --source-mask and --target-mask"),
        (("--align", "points"), "needs --source-points"),
        (("--source-mask", "no.png"), "no.png"),
        (("--anchor-frame", "99"), "lies beyond the tracks' 5 frames"),
        (("--scale", "nan"), "expected a number"),
        (("--source-mask", "large.png"), "mask is 8x4 but the canvas is 64x48"),
    ],
)
def test_transfer_refuses(motion_core, folder: Path, words, message: str) -> None:
    write_image(folder / "large.png", torch.ones(4, 8, 3))
    result = motion_core("transfer", "tracks.npz", *words, "-o", "out.npz")
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not (folder / "out.npz").exists()


def test_magnify_writes_tracks_and_a_slice(motion_core, folder: Path) -> None:
    tracks = vibrating()
    write_tracks(folder / "small.npz", tracks)
    write_video(folder / "clip.mp4", torch.zeros(61, 120, 160, 3, dtype=torch.uint8), 20.0)
    still = ("--space-sigma", "0", "--time-sigma", "0")
    for more in ((), ("--video", "clip.mp4"), ("--low-hz", "0.3", "--high-hz", "4")):
        result = motion_core(
            "magnify", "small.npz", *still, *more, "--slice", "slice.png", "-o", "out.npz"
        )
        assert result.code == 0, result.err
        assert amplitude_of(read_tracks(folder / "out.npz"), 1.0) == pytest.approx(3.2, rel=0.05)
        assert read_image(folder / "slice.png").shape[0] == 160


def test_magnify_refuses(motion_core, folder: Path) -> None:
    write_tracks(folder / "still.npz", make_tracks(vibrating().xy, vibrating().size))
    result = motion_core("magnify", "still.npz", "--low-hz", "1", "-o", "out.npz")
    assert (result.code, "needs the frame rate" in result.err) == (2, True)
    result = motion_core("magnify", "still.npz", "--slice", "slice.gif", "-o", "out.npz")
    assert result.code == 2
    result = motion_core("magnify", "still.npz", "--factor", "-2", "-o", "out.npz")
    assert "factor must be 0 or more" in result.err
    assert not (folder / "out.npz").exists()


def test_a_magnify_that_cannot_finish_leaves_nothing_behind(
    motion_core, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tracks(folder / "small.npz", vibrating(frames=9))
    write_video(folder / "short.mp4", torch.zeros(3, 120, 160, 3, dtype=torch.uint8), 20.0)
    words = ("magnify", "small.npz", "--slice", "slice.png", "-o", "out.npz")
    result = motion_core(*words, "--video", "short.mp4")
    assert result.code == 2
    assert "the video has 3 frames but the tracks have 9" in result.err
    before = set(folder.iterdir())

    def stop(picture: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr("motion_core.cli.magnify.slice_picture", stop)
    assert motion_core(*words).code != 0
    assert set(folder.iterdir()) == before
    assert not (folder / "out.npz").exists()
