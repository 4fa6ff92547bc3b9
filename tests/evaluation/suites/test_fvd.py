"""The Fréchet distance against a closed form, and I3D's layers against plain ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from motion_core.errors import FormatError, ShapeError
from motion_core.evaluation.suites.fvd import (
    I3D,
    I3DFeatures,
    Unit3D,
    frechet_distance,
    load_i3d,
    padded,
    pooled,
    prepared,
)
from motion_core.weights_io import write_safetensors


def test_of_a_shifted_set_it_is_the_squared_shift() -> None:
    rng = np.random.default_rng(0)
    one = torch.from_numpy(rng.normal(size=(50, 6)))
    shift = torch.tensor([1.0, -2.0, 0.0, 0.5, 0.0, 0.0], dtype=torch.float64)
    assert frechet_distance(list(one), list(one)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(list(one + shift), list(one)) == pytest.approx(5.25, abs=1e-6)


def test_it_equals_scipys_matrix_root() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5))
    s1, s2 = np.cov(one.T), np.cov(two.T)
    apart = one.mean(0) - two.mean(0)
    wanted = apart @ apart + np.trace(s1 + s2 - 2 * np.real(sqrtm(s1 @ s2)))
    found = frechet_distance(list(torch.from_numpy(one)), list(torch.from_numpy(two)))
    assert found == pytest.approx(wanted, rel=1e-8)


def test_one_video_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="2 videos or more"):
        frechet_distance([torch.zeros(3)], [torch.zeros(3)] * 2)


def test_padding_is_tensorflows() -> None:
    x = torch.ones(1, 1, 5, 6, 7)
    # ceil(5/2)=3, ceil(6/2)=3, ceil(7/2)=4 places of a kernel of 3.
    assert padded(x, (3, 3, 3), (2, 2, 2)).shape[2:] == (7, 7, 9)
    # An even side lacks one, which comes last.
    line = padded(torch.arange(1.0, 7).view(1, 1, 1, 1, 6), (1, 1, 3), (1, 1, 2))
    assert line.flatten().tolist() == [1, 2, 3, 4, 5, 6, 0]
    assert pooled(line[..., :6], (1, 1, 3), (1, 1, 2)).flatten().tolist() == [3, 5, 6]


def test_a_unit_is_convolution_norm_and_relu() -> None:
    generator = torch.Generator().manual_seed(0)
    unit = Unit3D(2, 3, 3).eval()
    for value in unit.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) + 0.1)
    x = torch.randn(1, 2, 4, 5, 6, generator=generator)
    plain = nn.functional.conv3d(x, unit.conv3d.weight, padding=1)
    bn = unit.bn
    assert bn is not None
    shape = (1, 3, 1, 1, 1)
    scale = (bn.running_var + 1e-3).rsqrt() * bn.weight
    wanted = (plain - bn.running_mean.view(shape)) * scale.view(shape) + bn.bias.view(shape)
    assert torch.allclose(unit(x), wanted.relu(), atol=1e-5)


@pytest.fixture(scope="module")
def network() -> I3D:
    torch.manual_seed(0)
    return I3D().eval()


def test_the_network_has_the_published_size(network: I3D) -> None:
    # Carreira and Zisserman, table 1: two streams of I3D have 25 M parameters.
    count = sum(value.numel() for value in network.parameters())
    assert count == pytest.approx(12.5e6, rel=0.05)
    names = set(network.state_dict())
    assert {
        "Conv3d_1a_7x7.conv3d.weight",
        "Mixed_5c.b2b.bn.running_var",
        "logits.conv3d.bias",
    } <= names


def test_weights_are_read_and_others_refused(network: I3D, tmp_path: Path) -> None:
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("tracked")}
    write_safetensors(tmp_path / "i3d.safetensors", state, {})
    loaded = load_i3d(tmp_path / "i3d.safetensors").model
    assert not loaded.training
    own = loaded.state_dict()
    assert all(torch.equal(own[name], value) for name, value in state.items())
    state.pop("logits.conv3d.bias")
    write_safetensors(tmp_path / "odd.safetensors", state, {})
    with pytest.raises(FormatError, match="is not I3D"):
        load_i3d(tmp_path / "odd.safetensors")


@pytest.mark.slow
def test_features_are_the_mean_logits(network: I3D) -> None:
    video = torch.rand(10, 32, 48, 3, generator=torch.Generator().manual_seed(1))
    found = I3DFeatures(network)(video)
    outputs: list[torch.Tensor] = []
    handle = network.logits.register_forward_hook(lambda *call: outputs.append(call[-1]))
    again = I3DFeatures(network)(video)
    handle.remove()
    assert torch.equal(found, again) and found.shape == (400,)
    assert torch.allclose(found, outputs[0].mean(dim=(2, 3, 4))[0], atol=1e-6)


def test_videos_are_scaled_and_cropped() -> None:
    video = torch.zeros(10, 50, 100, 3)
    video[:, :, 25:75] = 1.0
    ready = prepared(video)
    assert ready.shape == (1, 3, 10, 224, 224)
    assert float(ready[..., 4:-4].min()) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ShapeError, match="10 frames or more"):
        prepared(video[:9])
