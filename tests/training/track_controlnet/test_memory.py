"""Gradient checkpointing and bfloat16: the same gradients, less that is kept."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from motion_core.training.checkpoint import load_checkpoint
from motion_core.training.memory import checkpointed
from motion_core.training.svd.base import SvdBase
from motion_core.training.track_controlnet.bases import TrainableBase
from motion_core.training.track_controlnet.batches import ClipBatch, StepBatches
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.task import (
    ControlledBase,
    read_config,
    train_track_controlnet,
)

from .squares import Squares
from .tiny_bases import BASES, is_output, side_of, wan

TINY = TrackControlNetConfig(
    steps=3, workers=0, lr=1e-2, probe_steps=99, probe_clips=1, regime="sparse", ema=0.5
)


@pytest.fixture(scope="module", params=list(BASES))
def base(request: pytest.FixtureRequest) -> Any:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return BASES[request.param]()


def batch_for(base: TrainableBase, factor: int = 1) -> ClipBatch:
    """factor: on the sides of the clips."""
    config = TrackControlNetConfig(batch=2 // factor, no_text=0.0)
    return StepBatches(config, Squares(4, factor * side_of(base)), base.frames)[0][0]


def opened(base: TrainableBase) -> nn.Module:
    """A control whose outputs are not zero, so that all of it has a gradient."""
    control, generator = base.new_control(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in control.named_parameters():
            if is_output(name):
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return control


def gradients(
    base: TrainableBase,
    control: nn.Module,
    batch: ClipBatch,
    checkpointing: bool,
    precision: str = "float32",
) -> tuple[Tensor, dict[str, Tensor], int]:
    """Loss, gradients, and bytes that the forward pass keeps for the backward pass."""
    kept: dict[int, int] = {}

    def pack(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return value

    control.zero_grad()
    module = ControlledBase(base, control, precision, checkpointing)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        loss = module(batch)["loss"]
    loss.backward()
    found = {name: one.grad.clone() for name, one in control.named_parameters()}  # type: ignore[union-attr]
    return loss.detach(), found, sum(kept.values())


def test_gradients_with_checkpointing_equal_those_without(base: TrainableBase) -> None:
    batch, control = batch_for(base), opened(base)
    loss, plain, kept = gradients(base, control, batch, False)
    again, recomputed, less = gradients(base, control, batch, True)
    assert loss == again and plain.keys() == recomputed.keys()
    # In a tiny U-Net the motion modules' outputs are zero and hold back what is before them.
    assert sum(bool(value.any()) for value in plain.values()) > 0.6 * len(plain)
    for name, value in plain.items():
        scale = float(value.abs().max())
        torch.testing.assert_close(recomputed[name], value, atol=1e-5 * scale, rtol=1e-5, msg=name)
    assert less < 0.2 * kept
    # Nothing stays: neither hooks nor other forwards, which a copy would share.
    for block in base.blocks(control):
        assert "forward" not in vars(block)
        assert not block._forward_hooks and not block._forward_pre_hooks


def test_blocks_do_not_contain_each_other(base: TrainableBase) -> None:
    blocks = base.blocks(base.new_control())
    inner = {id(part) for block in blocks for part in list(block.modules())[1:]}
    assert len(blocks) > 3 and not inner & {id(block) for block in blocks}


def test_an_error_leaves_no_checkpoints_and_none_are_made_without_gradients() -> None:
    block = nn.Linear(2, 2)
    with pytest.raises(KeyError), checkpointed([block]):
        copied = copy.deepcopy(block)
        raise KeyError
    assert "forward" not in vars(block) and copied.weight is not block.weight
    with torch.no_grad(), checkpointed([block]):
        assert not block(torch.ones(1, 2)).requires_grad
    assert "forward" not in vars(block)


def test_a_run_with_checkpointing_gives_the_weights_of_one_without(tmp_path: Path) -> None:
    found = []
    for name, checkpointing in (("plain", False), ("less", True)):
        config = replace(TINY, checkpointing=checkpointing)
        path = train_track_controlnet(config, wan(), Squares(3), tmp_path / name)
        found.append(load_checkpoint(path, read_config)[0])
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, atol=1e-6, rtol=1e-5, msg=name)
    # Where memory runs out, a run goes on with it.
    more = replace(TINY, steps=4, checkpointing=True)
    path = train_track_controlnet(more, wan(), Squares(3), tmp_path / "plain", resume=True)
    assert load_checkpoint(path, read_config)[2] == 4


def test_bfloat16_gives_about_the_gradients_of_float32(base: TrainableBase) -> None:
    # In the deepest level of a tiny SVD a group of its normalisation is one cell of one channel,
    # whose rounding it would magnify.
    batch, control = batch_for(base, 2 if isinstance(base, SvdBase) else 1), opened(base)
    _, exact, _ = gradients(base, control, batch, False)
    loss, rounded, _ = gradients(base, control, batch, False, "bfloat16")
    _, recomputed, _ = gradients(base, control, batch, True, "bfloat16")
    assert loss.dtype == torch.float32
    assert {value.dtype for value in rounded.values()} == {torch.float32}
    one, other, again = (flat(values) for values in (exact, rounded, recomputed))
    assert 1e-4 < (one - other).norm() / one.norm() < 0.25
    # Autocast holds in what is computed again.
    assert (again - other).norm() < 1e-3 * other.norm()


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


def test_a_run_in_bfloat16_keeps_its_weights_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_base, clips, products = wan(), Squares(2), set()
    config = replace(TINY, precision="bfloat16", checkpointing=True, probe_steps=3)
    layer = torch.nn.functional.linear

    def noting(*given: Any, **named: Any) -> Tensor:
        result = layer(*given, **named)
        products.add((torch.is_grad_enabled(), result.dtype))
        return result

    monkeypatch.setattr(torch.nn.functional, "linear", noting)
    path = train_track_controlnet(config, tiny_base, clips, tmp_path / "run", held_out=clips)
    tensors, saved, _ = load_checkpoint(path, read_config)
    assert saved.precision == "bfloat16"
    assert {one.dtype for one in tensors.values()} <= {torch.float32, torch.int64}
    # Training and the probe alike.
    assert {(True, torch.bfloat16), (False, torch.bfloat16)} <= products
    assert (True, torch.float32) not in products
    with pytest.raises(ValueError, match="precision was 'bfloat16' and is 'float32'"):
        other = replace(config, precision="float32")
        train_track_controlnet(other, tiny_base, clips, tmp_path / "run", resume=True)


def test_precisions_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="precision must be one of: float32, bfloat16; got 'fp8'"):
        TrackControlNetConfig(precision="fp8")
