"""The Track-ControlNet: its first layer, silence at birth, one hearing per run, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from motion_core.errors import FormatError, ShapeError
from motion_core.geometry import Size
from motion_core.models.wan.control import WanControl
from motion_core.models.wan.family import WanFamily
from motion_core.models.wan.track_controlnet import WanTrackControlNet
from motion_core.models.wan.track_embedding import TrackEmbedding
from motion_core.models.wan.weights import KIND, load_track_controlnet, save_track_controlnet
from motion_core.raster.ids import IdEmbedding
from motion_core.raster.sparse import fold_volume, id_volume
from motion_core.sampling.loop import Sampling, sample
from motion_core.sampling.schedule import ControlSchedule
from motion_core.tracks import Tracks, empty_tracks, make_tracks

from . import tiny
from .clips import walking

IDS = IdEmbedding(dim=4, pool=64)


@pytest.fixture(scope="module")
def family() -> WanFamily:
    return WanFamily(tiny.parts(tiny.Letters()))


def control_of(family: WanFamily, *, trained: bool = True, **more: Any) -> WanTrackControlNet:
    """A control; a trained one has outputs that are not zero any more."""
    control = WanTrackControlNet(family.parts.transformer, ids=IDS, **more).eval()
    if trained:
        generator = torch.Generator().manual_seed(11)
        for out in control.outs:
            with torch.no_grad():
                out.weight.copy_(torch.randn(out.weight.shape, generator=generator) * 0.2)
    return control


def tracks_in_frames(tracks: Tracks, start: int, stop: int) -> Tracks:
    """The frames of tracks, with all points."""
    visible = tracks.visible[start:stop]
    return make_tracks(tracks.xy[start:stop], tracks.size, visible=visible, ids=tracks.ids)


def run(family: WanFamily, control: Any, settings: Sampling) -> Tensor:
    return sample(family, control, tiny.request(), tiny.tracks(), settings).frames


def test_the_first_layer_is_the_convolution_over_the_folded_volume() -> None:
    _, tracks = walking(3, frames=5, points=12, grid=Size(4, 2))
    codes = IDS.rows(12, seed=1).requires_grad_()
    embed = TrackEmbedding(4, 6, 2)
    embeds = embed(tracks, codes)
    # Densely: three empty frames first, 8x8 pixels and 4 frames into channels, then 2x2 patches.
    volume = id_volume(tracks, tracks.size, rows=codes)
    volume = torch.cat([torch.zeros_like(volume[:1]).expand(3, -1, -1, -1), volume])
    folded = fold_volume(volume, 8).view(2, 4, 2, 4, 4, 64)
    latent = folded.permute(4, 1, 5, 0, 2, 3).reshape(1, 4 * 4 * 64, 2, 2, 4)
    # weight[(dt, y16, x16), id, width] as a Conv3d of (width, (id, dt, y8, x8), 1, 2, 2).
    kernel = embed.weight.view(4, 2, 8, 2, 8, 4, 6).permute(6, 5, 0, 2, 4, 1, 3)
    dense = functional.conv3d(latent, kernel.reshape(6, 1024, 1, 2, 2), stride=(1, 2, 2))
    torch.testing.assert_close(embeds, dense[0].flatten(1).T, atol=1e-5, rtol=1e-5)
    wanted = torch.autograd.grad(dense.square().sum(), [embed.weight, codes], retain_graph=True)
    found = torch.autograd.grad(embeds.square().sum(), [embed.weight, codes])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def test_a_window_of_latent_frames_has_the_embeddings_of_its_own_pictures() -> None:
    """Context windows take rows of the clip's embeddings: beyond a window's first latent frame,
    which stands for one picture, these are the embeddings of the tracks cut to its pictures."""
    _, tracks = walking(4, frames=17, points=9, grid=Size(4, 2))
    codes, embed = IDS.rows(9, seed=2), TrackEmbedding(4, 6, 2)
    whole = embed(tracks, codes).unflatten(0, (5, -1))
    cut = embed(tracks_in_frames(tracks, 8, 17), codes).unflatten(0, (3, -1))
    torch.testing.assert_close(cut[1:], whole[3:], atol=1e-6, rtol=0)
    assert whole[3:].abs().max() > 0.1
    assert (cut[0] - whole[2]).abs().max() > 1e-3, "the first one lacks three pictures"


def test_a_new_control_changes_nothing_bit_for_bit(family: WanFamily) -> None:
    settings = Sampling(steps=2, seed=4)
    base = run(family, None, settings)
    new = control_of(family, trained=False)
    assert torch.equal(run(family, WanControl(new), settings), base)
    trained = control_of(family)
    steered = run(family, WanControl(trained), settings)
    assert not torch.equal(steered, base)
    assert torch.equal(run(family, WanControl(trained), settings), steered)
    off = Sampling(steps=2, seed=4, schedule=ControlSchedule(strength=0.0))
    assert torch.equal(run(family, WanControl(trained), off), base)
    assert torch.equal(run(family, None, settings), base)
    none = empty_tracks(tiny.FRAMES, tiny.tracks().size)
    assert torch.equal(
        sample(family, WanControl(trained), tiny.request(), none, settings).frames, base
    )


def test_building_one_leaves_the_base_and_the_global_draw_alone(family: WanFamily) -> None:
    before = {name: one.clone() for name, one in family.parts.transformer.state_dict().items()}
    state = torch.get_rng_state()
    control = control_of(family, trained=False, layers=(0, 2))
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        for weight in control.parameters():
            weight.add_(1.0)
    for name, one in family.parts.transformer.state_dict().items():
        assert torch.equal(one, before[name])
    assert len(control.blocks) == 2 and all(one.requires_grad for one in control.parameters())
    assert WanTrackControlNet(family.parts.transformer, ids=IDS).layers == (0, 1, 2)


def test_tracks_are_encoded_once_per_run_and_hooks_do_not_stay(family: WanFamily) -> None:
    control, calls = control_of(family), []
    control.embed.register_forward_hook(lambda *_: calls.append(1))
    run(family, WanControl(control), Sampling(steps=3))
    assert len(calls) == 1
    blocks = family.parts.transformer.blocks
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in blocks)

    def broken(*_: Any) -> None:
        raise RuntimeError("out of memory")

    handle = control.blocks[1].register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        run(family, WanControl(control), Sampling(steps=1))
    handle.remove()
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in blocks)


def test_residuals_are_outputs_of_the_copied_blocks_times_the_strength(family: WanFamily) -> None:
    transformer = family.parts.transformer
    control = control_of(family, layers=(0, 2))
    hidden_states = control.encode_tracks(tiny.tracks(), torch.ones(5))
    given = {
        "hidden_states": torch.randn(1, 12, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
        "timestep": torch.tensor([300]),
        "encoder_hidden_states": tiny.Letters().encode("ball"),
        "return_dict": False,
    }
    inputs: list[tuple[Tensor, ...]] = []
    with torch.no_grad():
        watch = [
            block.register_forward_pre_hook(lambda _, a: inputs.append(a))
            for block in transformer.blocks
        ]
        last = transformer.blocks[2].register_forward_hook(lambda _, a, out: inputs.append((out,)))
        with control.attached(transformer, hidden_states, 0.7):
            transformer(**given)
        for handle in [*watch, last]:
            handle.remove()
        # By hand, block after block.
        hidden, *rest = inputs[0]
        first = control.blocks[0](hidden + hidden_states, *rest)
        second = control.blocks[1](first, *rest)
        wanted = transformer.blocks[0](hidden, *rest) + 0.7 * control.outs[0](first)
        torch.testing.assert_close(inputs[1][0], wanted)
        after = transformer.blocks[1](wanted, *rest)
        torch.testing.assert_close(inputs[2][0], after)
        made = transformer.blocks[2](after, *rest)
        torch.testing.assert_close(inputs[3][0], made)
        assert control.outs[1](second).abs().max() > 0


def test_weights_of_tracks_scale_what_they_say(family: WanFamily) -> None:
    control = control_of(family)
    whole = control.encode_tracks(tiny.tracks(), torch.ones(5))
    torch.testing.assert_close(
        control.encode_tracks(tiny.tracks(), torch.full((5,), 0.25)), whole * 0.25
    )
    assert not torch.equal(control.encode_tracks(tiny.tracks(), torch.ones(5), seed=1), whole)
    with pytest.raises(ValueError, match="pool holds 64"):
        control.encode_tracks(tiny.tracks(points=65), torch.ones(65))
    with pytest.raises(ShapeError, match=r"\(N, 4\); got \(5, 3\)"):
        control.embed(tiny.tracks(), torch.ones(5, 3))


def test_gradients_reach_the_control_and_not_the_base(family: WanFamily) -> None:
    control, transformer = control_of(family), family.parts.transformer
    transformer.requires_grad_(False)
    hidden_states = control.encode_tracks(tiny.tracks(), torch.ones(5))
    with control.attached(transformer, hidden_states):
        out = transformer(
            torch.ones(1, 12, 2, 4, 4),
            torch.tensor([500]),
            torch.zeros(1, 512, 16),
            return_dict=False,
        )[0]
        out.square().mean().backward()
    transformer.requires_grad_(True)
    assert all(one.grad is None for one in transformer.parameters())
    silent = [name for name, one in control.named_parameters() if one.grad is None]
    assert not silent
    assert control.embed.weight.grad is not None and control.embed.weight.grad.abs().sum() > 0


def test_a_control_in_another_dtype_serves_the_base(family: WanFamily) -> None:
    control = control_of(family)
    wide = run(family, WanControl(control), Sampling(steps=1))
    half = run(family, WanControl(control_of(family).to(torch.bfloat16)), Sampling(steps=1))
    assert half.dtype == torch.float32 and (half - wide).abs().max() < 0.05


def test_a_saved_control_is_the_same_when_loaded(family: WanFamily, tmp_path: Path) -> None:
    control, file = control_of(family, layers=(0, 2)), tmp_path / "control.safetensors"
    save_track_controlnet(control, file)
    assert [one.name for one in tmp_path.iterdir()] == ["control.safetensors"]
    again = load_track_controlnet(file, family.parts.transformer)
    assert again.layers == (0, 2) and again.ids == IDS and not again.training
    for (name, one), (other, two) in zip(
        control.state_dict().items(), again.state_dict().items(), strict=True
    ):
        assert name == other and torch.equal(one, two)
    settings = Sampling(steps=1)
    ours, theirs = (run(family, WanControl(one), settings) for one in (control, again))
    assert torch.equal(ours, theirs)


def test_broken_and_foreign_control_files_are_refused(family: WanFamily, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    transformer, file = family.parts.transformer, tmp_path / "control.safetensors"
    control = control_of(family)
    save_track_controlnet(control, file)
    whole = file.read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="truncated"):
        load_track_controlnet(tmp_path / "short.safetensors", transformer)
    (tmp_path / "control.pth").write_bytes(b"\x80\x04.")
    with pytest.raises(FormatError, match="pickle"):
        load_track_controlnet(tmp_path / "control.pth", transformer)
    with pytest.raises(FileNotFoundError, match="no file"):
        load_track_controlnet(tmp_path / "none.safetensors", transformer)
    save_file({"a": torch.ones(1)}, file)
    with pytest.raises(FormatError, match=f"wanted '{KIND}'"):
        load_track_controlnet(file, transformer)
    tensors = control.state_dict()
    config = {"layers": [0, 1, 2], "width": 24, "patch": 2, "ids": 4, "pool": 64}

    def written(changes: dict[str, Any], kept: dict[str, Tensor]) -> Path:
        metadata = {"kind": KIND, "config": json.dumps({**config, **changes})}
        save_file(kept, file, metadata)
        return file

    with pytest.raises(FormatError, match=r"width 96 over 2 cells; this base has 24 over 2"):
        load_track_controlnet(written({"width": 96}, tensors), transformer)
    with pytest.raises(FormatError, match=r"another base: layers must"):
        load_track_controlnet(written({"layers": [0, 7]}, tensors), transformer)
    with pytest.raises(FormatError, match="layers that are no numbers"):
        load_track_controlnet(written({"layers": ["x"]}, tensors), transformer)
    with pytest.raises(FormatError, match="pool = 0"):
        load_track_controlnet(written({"pool": 0}, tensors), transformer)
    few = {name: one for name, one in tensors.items() if not name.startswith("blocks.0.attn")}
    few["stranger"] = torch.ones(1)
    few["outs.0.bias"] = torch.ones(3)
    with pytest.raises(FormatError) as caught:
        load_track_controlnet(written({}, few), transformer)
    message = str(caught.value)
    assert "missing (blocks.0.attn1" in message and "and 10 more);" in message
    assert "1 too many (stranger)" in message and "outs.0.bias (3,) instead of (24,)" in message
    save_file(tensors, file, {"kind": KIND, "config": "{"})
    with pytest.raises(FormatError, match="cannot be read"):
        load_track_controlnet(file, transformer)
