"""The methods of the evaluation: lite with and without its generative half."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_core.evaluation import methods
from motion_core.evaluation.methods import SampledLite
from motion_core.geometry import Size
from motion_core.models.lite.densifier import LiteDensifier
from motion_core.tracks import Tracks, make_tracks
from tests.lite.models import lite_with_control, lite_without_base, picture, wandering


def test_lite_makes_a_field_by_its_encoder_or_by_sampling() -> None:
    size = Size(64, 48)
    image, tracks = picture(*size), wandering(5, 7, size)
    lite = lite_without_base()
    torch.testing.assert_close(
        LiteDensifier(lite)(image, tracks).displacement, lite.field(image, tracks).displacement
    )
    steered = lite_with_control(gain=0.0, sure=50.0)
    sampled = SampledLite(steered, 8)(image, tracks)
    torch.testing.assert_close(
        sampled.displacement, steered.field(image, tracks).displacement, atol=0.05, rtol=0.01
    )
    empty: Tracks = make_tracks(torch.zeros(5, 0, 2), size)
    alone = SampledLite(steered, 8)(image, empty)
    assert alone.displacement.shape == (5, 8, 8, 2)


def test_steps_are_compared_where_weights_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    size = Size(64, 48)
    image, tracks = picture(*size), wandering(5, 7, size)
    files = {Path("whole"): lite_with_control(gain=0.05), Path("half"): lite_without_base()}
    monkeypatch.setattr(methods, "load_lite", files.__getitem__)
    found = methods.lite_densifiers({path.name: path for path in files}, steps=(1, 3))
    assert list(found) == ["whole", "whole, steps 1", "whole, steps 3", "half", "half by ids"]
    one, three = (found[f"whole, steps {n}"](image, tracks).displacement for n in (1, 3))
    assert not torch.allclose(one, three)
