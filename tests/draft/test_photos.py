"""A real picture with tracks that another system wrote."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from motion_core.draft import LAYERED, draft_frames
from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.image_files import read_image
from motion_core.tracks import scale_to

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ati"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/ati")
def test_the_giraffe_turns_its_head_and_keeps_its_neck() -> None:
    large = read_image(DATA / "giraffe.jpg").numpy()
    small = cv2.resize(large, (320, 480), interpolation=cv2.INTER_AREA)
    picture = torch.from_numpy(small)
    tracks = read_tracks(DATA / "giraffe.pth", size=Size(large.shape[1], large.shape[0]))
    tracks = scale_to(tracks, Size(320, 480))
    nose, neck = tracks.xy.numpy().transpose(1, 0, 2)
    frames = list(draft_frames(picture, tracks, method=LAYERED))
    assert len(frames) == 121 and torch.equal(frames[0], picture)
    for index in (20, 40, 80):
        frame = frames[index].numpy()
        assert np.isfinite(frame).all()
        face, y = patch(small, nose[0]), patch(frame, nose[index])
        assert np.corrcoef(face.ravel(), y.ravel())[0, 1] > 0.95
        assert np.abs(patch(frame, neck[index]) - patch(small, neck[0])).max() < 0.1
        assert np.array_equal(frame[:16, -16:], small[:16, -16:])


def patch(picture: np.ndarray, place: np.ndarray, radius: int = 8) -> np.ndarray:
    """The square around a place, sampled between pixels."""
    side = 2 * radius + 1
    return cv2.getRectSubPix(picture, (side, side), (float(place[0] - 0.5), float(place[1] - 0.5)))
