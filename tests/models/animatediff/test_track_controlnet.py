"""Track-ControlNet: nothing at first, the same from points as from the volume, learns, is saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from motion_core.errors import FormatError, ShapeError
from motion_core.geometry import Size
from motion_core.models.animatediff.control import AnimateDiffControl
from motion_core.models.animatediff.family import AnimateDiffFamily
from motion_core.models.animatediff.sparse_conv import dense_conv, sparse_conv
from motion_core.models.animatediff.track_controlnet import (
    AnimateDiffTrackControlNet,
    copy_track_controlnet,
)
from motion_core.models.animatediff.weights import (
    KIND,
    load_track_controlnet,
    save_track_controlnet,
)
from motion_core.models.protocols import Branch, GenerationRequest
from motion_core.raster.ids import IdEmbedding
from motion_core.raster.sparse import random_id_volume
from motion_core.sampling import Sampling, sample
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

from .originals import WORDS, values
from .parts import FRAMES, SIZE, drags, picture, tiny_base

CODES = IdEmbedding(8, 256)
CELLS = Size(9, 8)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def fresh(fold: int = 1) -> AnimateDiffTrackControlNet:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return copy_track_controlnet(tiny_base().unet, CODES, fold)


def woken(fold: int = 1) -> AnimateDiffTrackControlNet:
    """One whose zero convolutions are not zero any more."""
    network = fresh(fold)
    for conv in (*network.controlnet_down_blocks, network.controlnet_mid_block):
        torch.nn.init.eye_(conv.weight.data[:, :, 0, 0])  # type: ignore[union-attr, operator]
    return network.eval().requires_grad_(False)


def many(points: int, frames: int, size: Size) -> Tracks:
    generator = torch.Generator().manual_seed(points)
    xy = torch.rand(frames, points, 2, generator=generator) * (torch.tensor(size) + 8.0) - 4
    visible = torch.rand(frames, points, generator=generator) > 0.2
    return make_tracks(xy, size, visible=visible)


def made(control: AnimateDiffControl | None, tracks: Tracks) -> Tensor:
    family = AnimateDiffFamily(tiny_base())
    return sample(
        family, control, GenerationRequest(picture(), FRAMES), tracks, Sampling(1, seed=4)
    ).frames


def test_at_first_the_clip_is_the_bases_bit_for_bit_and_then_it_is_not() -> None:
    base = made(None, drags())
    assert torch.equal(made(AnimateDiffControl(fresh()), drags()), base)
    assert not torch.equal(made(AnimateDiffControl(woken()), drags()), base)
    assert torch.equal(made(AnimateDiffControl(woken()), empty_tracks(FRAMES, SIZE)), base)


def test_it_is_a_copy_of_the_encoder_that_can_be_trained_alone() -> None:
    network, unet = fresh(), tiny_base().unet
    copied = dict(network.down_blocks.named_parameters())
    for name, weight in unet.down_blocks.named_parameters():
        assert torch.equal(copied[name], weight) and copied[name] is not weight
        assert copied[name].requires_grad and not weight.requires_grad
    volume = network.volume(drags(), CELLS, seed=0)
    prompt_embeds = values("words", (1, 5, WORDS)).float()
    found = network(network.features(volume), torch.tensor(421), prompt_embeds)
    assert all(not part.any() for part in (*found.down_block_residuals, found.mid_block_residual))
    (
        sum(part.sum() for part in found.down_block_residuals) + found.mid_block_residual.sum()
    ).backward()
    assert all(conv.weight.grad.any() for conv in network.controlnet_down_blocks)  # type: ignore[union-attr, operator]
    woke = woken().requires_grad_(True)
    found = woke(woke.features(volume), torch.tensor(421), prompt_embeds)
    (found.mid_block_residual**2).sum().backward()
    assert woke.first.weight.grad is not None and bool(woke.first.weight.grad.any())


@pytest.mark.parametrize(("fold", "points"), [(1, 40), (4, 40), (1, 0), (1, 5000)])
def test_the_convolution_of_points_equals_that_of_the_volume(fold: int, points: int) -> None:
    tracks = many(points, 4, Size(72, 64))
    volume = random_id_volume(tracks, CELLS, IdEmbedding(8, 8192), seed=1, fold=fold)
    weight = values("weight", (6, 8 * fold**2, 3, 3)).requires_grad_(True)
    bias = values("bias", (6,)).requires_grad_(True)
    sparse, dense = sparse_conv(volume, weight, bias), dense_conv(volume, weight, bias)
    assert sparse.shape == (4, 6, 8, 9)
    # The volume rounds its sums to float32, the points do not.
    torch.testing.assert_close(sparse, dense, rtol=1e-4, atol=1e-4)
    asked = values("gradient", tuple(sparse.shape))
    got = torch.autograd.grad((sparse * asked).sum(), (weight, bias))
    wanted = torch.autograd.grad((dense * asked).sum(), (weight, bias))
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


class Alive(TorchDispatchMode):
    """The most bytes that tensors made while it is on held at one time; views of what was there
    before hold nothing."""

    def __init__(self, *there: Tensor) -> None:
        super().__init__()
        self.most = 0
        self._there = {part.untyped_storage().data_ptr() for part in there}
        self._made: list[ref[Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        parts = made if isinstance(made, (tuple, list)) else (made,)
        self._made += [ref(part) for part in parts if isinstance(part, Tensor)]
        self._made = [one for one in self._made if one() is not None]
        held = {}
        for one in self._made:
            part = one()
            if part is not None:
                held[part.untyped_storage().data_ptr()] = part.untyped_storage().nbytes()
        new = (size for place, size in held.items() if place not in self._there)
        self.most = max(self.most, sum(new))
        return made


def beyond_result(fold: int, points: int, width: int) -> tuple[int, int]:
    """Bytes of the convolution of points beyond its result, its entries included, and bytes of the
    volume that it does without. 8 frames of 256x192 pixels."""
    tracks = many(points, 8, Size(256, 192))
    volume = random_id_volume(tracks, Size(32, 24), IdEmbedding(), fold=fold)
    weight, bias = torch.ones(width, 64 * fold**2, 3, 3), torch.zeros(width)
    entries = (volume.cells, volume.tracks, volume.rows)
    with Alive(weight, bias, *entries) as alive:
        result = sparse_conv(volume, weight, bias)
    own = sum(part.nbytes for part in entries)
    return alive.most - result.nbytes + own, 8 * 24 * 32 * 64 * fold**2 * 4


def test_at_full_resolution_points_take_a_hundredth_of_the_volume_beyond_the_result() -> None:
    beyond, volume = beyond_result(fold=8, points=1000, width=32)
    assert beyond < 0.02 * volume


def test_at_the_latent_grid_the_volume_itself_is_small() -> None:
    """There points save no memory; the docstring says so."""
    beyond, volume = beyond_result(fold=1, points=1000, width=320)
    result = 320 // 64 * volume
    assert volume < beyond < 2 * result


def test_a_kernel_of_other_channels_is_refused() -> None:
    volume = random_id_volume(drags(), CELLS, CODES)
    for shape in ((4, 9, 3, 3), (4, 8, 2, 2), (4, 8, 3, 1)):
        with pytest.raises(ShapeError, match="a volume with 8 channels needs a kernel"):
            sparse_conv(volume, torch.zeros(shape), torch.zeros(4))


def test_tracks_that_weigh_less_say_less() -> None:
    control, family = AnimateDiffControl(woken()), AnimateDiffFamily(tiny_base())
    given = family.condition(GenerationRequest(picture(), FRAMES))
    prompt_embeds, time = given.prompt_embeds, torch.tensor(421)

    def mid(*weights: float) -> Tensor:
        prepared = control.prepare(drags(), torch.tensor(weights), given)
        with torch.no_grad():
            return prepared.residuals(time, prompt_embeds, None).mid_block_residual

    assert torch.equal(mid(1, 1), mid(1, 1)) and not torch.equal(mid(1, 1), mid(1, 0.5))
    prepared = control.prepare(drags(), torch.ones(2), given)
    with pytest.raises(ValueError, match="no adapters; got 'object'"):
        prepared.residuals(time, prompt_embeds, "object")
    assert Branch().adapter is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, dtype: torch.dtype) -> None:
    network = woken(fold=2).to(dtype)
    save_track_controlnet(network, tmp_path / "a.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]
    loaded = load_track_controlnet(tmp_path / "a.safetensors")
    assert (loaded.codes, loaded.fold) == (CODES, 2)
    prompt_embeds = values("words", (1, 5, WORDS)).to(dtype)
    volume = network.volume(drags(), CELLS, seed=3)
    with torch.no_grad():
        found = [
            one(one.features(volume), torch.tensor(421), prompt_embeds).mid_block_residual
            for one in (network, loaded)
        ]
    kept, saved = loaded.state_dict(), network.state_dict()
    assert kept.keys() == saved.keys()
    assert all(torch.equal(kept[name], value) for name, value in saved.items())
    # Some processors add up otherwise where memory begins elsewhere: the last digits may differ.
    assert found[0].dtype == dtype
    torch.testing.assert_close(*found, rtol=0, atol=1e-4)


def test_broken_files_of_a_track_net_say_so(tmp_path: Path) -> None:
    whole = tmp_path / "whole.safetensors"
    save_track_controlnet(fresh(), whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(FormatError, match="cut.safetensors is truncated"):
        load_track_controlnet(cut)
    with pytest.raises(FileNotFoundError, match="gone"):
        load_track_controlnet(tmp_path / "gone.safetensors")
    config = json.dumps({"unet": {"no_such": 1}, "dim": 8, "pool": 9, "fold": 1})
    for metadata, message in (
        (None, "something else .'unnamed'"),
        ({"kind": "other"}, "something else .'other'"),
        ({"kind": KIND, "config": "{"}, "has a config that cannot be read"),
        ({"kind": KIND, "config": "[]"}, "has a config that is no object"),
        ({"kind": KIND, "config": config}, "567 missing"),
    ):
        save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors", metadata)
        with pytest.raises(FormatError, match=message):
            load_track_controlnet(tmp_path / "x.safetensors")
