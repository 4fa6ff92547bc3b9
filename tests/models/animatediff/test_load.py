"""AnimateDiff from files as people have them: layouts are one and the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.models.animatediff.branch import SparseBranch
from motion_core.models.animatediff.checkpoint import Checkpoint, build_unet, renamed
from motion_core.models.animatediff.load import (
    AnimateDiffFiles,
    load_animatediff,
    read_motion_module,
    read_sparse_control,
    with_track_controlnet,
)
from motion_core.models.animatediff.signatures import MOTION_MODULE, STABLE_DIFFUSION
from motion_core.models.animatediff.track_controlnet import copy_track_controlnet
from motion_core.models.animatediff.unet import normalise_per_frame
from motion_core.models.animatediff.weights import save_track_controlnet
from motion_core.models.detect import detect_file
from motion_core.models.protocols import GenerationRequest
from motion_core.models.sd15.checkpoint import load_vae, open_checkpoint, unet_weights
from motion_core.raster.ids import IdEmbedding
from motion_core.sampling import Sampling, sample

from .originals import WIDTHS, WORDS, released, tiny, values
from .parts import FRAMES, drags, picture, save_tokenizer, tiny_base, tiny_vae
from .stable import clip, motion, original_unet, original_vae, single_file, spatial

QUICK = Sampling(1, seed=4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything in every layout: base, motion, sparse, tracks."""
    folder = tmp_path_factory.mktemp("stock")
    whole = single_file(spatial(), tiny_vae().state_dict(), clip().state_dict())
    save_file({name: one.contiguous() for name, one in whole.items()}, folder / "sd.safetensors")
    torch.save({"state_dict": whole, "global_step": 840000}, folder / "sd.ckpt")
    torch.save(motion(), folder / "v3_sd15_mm.ckpt")
    wrapped = {f"module.{name}": one for name, one in motion().items()}
    save_file(wrapped, folder / "wrapped.safetensors")
    torch.save({"controlnet": tiny("image", torch.float32)}, folder / "sparse.ckpt")
    net = copy_track_controlnet(tiny_base().unet, IdEmbedding(8, 256))
    torch.nn.init.eye_(net.controlnet_mid_block.weight.data[:, :, 0, 0])  # type: ignore[union-attr, operator]
    save_track_controlnet(net, folder / "tracks.safetensors")
    _save_diffusers(folder / "sd")
    return folder


def plain_unet() -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    unet = UNet2DConditionModel(block_out_channels=WIDTHS, cross_attention_dim=WORDS)
    unet.load_state_dict(spatial())
    return unet


def adapter() -> Any:
    from diffusers.models.unets.unet_motion_model import MotionAdapter

    made = MotionAdapter(block_out_channels=WIDTHS, use_motion_mid_block=False)
    made.load_state_dict(renamed(motion(), "tiny"))
    return made


def _save_diffusers(folder: Path) -> None:
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel

    with torch.random.fork_rng():
        plain_unet().save_pretrained(folder / "unet")
        adapter().save_pretrained(folder / "motion")
        sparse = SparseControlNetModel(block_out_channels=WIDTHS, cross_attention_dim=WORDS)
    sparse.load_state_dict(renamed(tiny("image", torch.float32), "tiny"))
    sparse.save_pretrained(folder / "sparse")
    tiny_vae().save_pretrained(folder / "vae")
    clip().save_pretrained(folder / "text_encoder")
    save_tokenizer(folder / "tokenizer")


def released_files(folder: Path) -> AnimateDiffFiles:
    return AnimateDiffFiles(
        folder / "sd.safetensors",
        folder / "v3_sd15_mm.ckpt",
        folder / "sparse.ckpt",
        folder / "tracks.safetensors",
        tokenizer=folder / "sd" / "tokenizer",
    )


def frames(files: AnimateDiffFiles, **changes: Any) -> Tensor:
    loaded = load_animatediff(replace(files, **changes))
    request = GenerationRequest(picture(), FRAMES, prompt="a b")
    return sample(loaded.model, loaded.control, request, drags(), QUICK).frames


@pytest.mark.slow
def test_every_layout_of_every_part_is_the_same_network(folder: Path) -> None:
    files, other = released_files(folder), folder / "sd"
    wanted = load_animatediff(files).network.state_dict()
    for same in (
        replace(files, base=folder / "sd.ckpt"),
        replace(files, motion=folder / "wrapped.safetensors"),
        AnimateDiffFiles(other, other / "motion", other / "sparse", files.tracks),
    ):
        found = load_animatediff(same).network.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], one) for name, one in wanted.items())


@pytest.mark.slow
def test_every_part_has_an_effect(folder: Path) -> None:
    files = released_files(folder)
    found = [frames(files), frames(files, tracks=None), frames(files, image=None, tracks=None)]
    assert not torch.equal(found[0], found[1]) and not torch.equal(found[1], found[2])
    assert found[0].shape == (FRAMES, *picture().shape) and bool(torch.isfinite(found[0]).all())


def test_the_unet_is_diffusers_own_assembly_normalising_per_frame() -> None:
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    unet = build_unet(Checkpoint(spatial() | renamed(motion(), "tiny")), "tiny")
    with torch.random.fork_rng():
        wanted = UNetMotionModel.from_unet2d(plain_unet(), adapter()).eval()
    normalise_per_frame(wanted)
    given = values("given", (1, 4, FRAMES, 8, 9)).float()
    prompt_embeds = values("words", (FRAMES, 5, WORDS)).float()
    with torch.no_grad():
        made, asked = (
            one(given, torch.tensor(421), prompt_embeds).sample for one in (unet, wanted)
        )
    kept, expected = unet.state_dict(), wanted.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in expected.items())
    # Some processors add up otherwise where memory begins elsewhere: the last digits may differ.
    torch.testing.assert_close(made, asked, rtol=0, atol=1e-4)


def test_a_module_of_version_2_has_one_in_the_middle(folder: Path, tmp_path: Path) -> None:
    torch.save(motion(middle=True), tmp_path / "mm_sd_v15_v2.ckpt")
    files = replace(released_files(folder), motion=tmp_path / "mm_sd_v15_v2.ckpt")
    unet: Any = load_animatediff(files).model.network.unet  # type: ignore[attr-defined]
    assert unet.config.use_motion_mid_block and len(unet.mid_block.motion_modules) == 1
    name = "down_blocks.3.motion_modules.0.norm.weight"
    middle, last = unet.mid_block.motion_modules[0], unet.get_parameter(name)
    assert torch.equal(middle.norm.weight, last)


def without_memory(names: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in names.items()}


def test_all_keys_of_a_full_single_file_and_motion_module_map_one_to_one() -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    names = released("unet")
    moving = {name: shape for name, shape in names.items() if ".motion_modules." in name}
    still = without_memory({name: names[name] for name in names.keys() - moving.keys()})
    levels = (128, 256, 512, 512)
    sides = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4
    with torch.device("meta"):
        vae = AutoencoderKL(3, 3, *sides, levels, layers_per_block=2, latent_channels=4)
        text_encoder = CLIPTextModel(
            CLIPTextConfig(hidden_size=768, num_attention_heads=12, intermediate_size=3072)
        )
    whole = single_file(still, vae.state_dict(), text_encoder.state_dict())
    # As in v1-5-pruned-emaonly, which has 1,130 names with 686, 248 and 196 of the networks.
    parts = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.")
    assert [sum(name.startswith(one) for name in whole) for one in parts] == [686, 248, 197]
    assert whole["model.diffusion_model.output_blocks.3.1.proj_in.weight"].shape[0] == 1280
    entry = "cond_stage_model.transformer.text_model.encoder.layers.11.mlp.fc1.weight"
    assert whole[entry].shape == (3072, 768)
    base = open_base_of(whole)
    unet = build_unet(
        Checkpoint(unet_weights(base) | renamed(without_memory(moving), "mm")), "full"
    )
    assert len(moving) == 560 and len(unet.state_dict()) == 1226
    assert {n: v.shape for n, v in load_vae(base).state_dict().items()} == {
        n: v.shape for n, v in vae.state_dict().items()
    }


def open_base_of(weights: dict[str, Tensor]) -> Any:
    from motion_core.models.sd15.checkpoint import Sd15Checkpoint

    return Sd15Checkpoint(Path("full.safetensors"), weights)


def test_a_single_files_autoencoder_and_clip_are_those_it_was_made_of(folder: Path) -> None:
    network: Any = load_animatediff(released_files(folder)).model.network  # type: ignore[attr-defined]
    assert network.vae.config.scaling_factor == 0.18215
    tokens = torch.tensor([[0, 5, 6, 1]])
    image = picture().permute(2, 0, 1)[None]
    with torch.no_grad():
        assert torch.equal(network.text_encoder(tokens)[0], clip()(tokens)[0])
        assert torch.equal(
            network.vae.encode(image).latent_dist.mode(),
            tiny_vae().encode(image).latent_dist.mode(),
        )
    assert not any(one.is_meta for one in network.buffers())


def test_names_of_single_files_are_those_everyone_knows() -> None:
    known = {
        "down_blocks.1.resnets.0.conv_shortcut.bias": "input_blocks.4.0.skip_connection.bias",
        "down_blocks.2.downsamplers.0.conv.weight": "input_blocks.9.0.op.weight",
        "mid_block.attentions.0.proj_in.bias": "middle_block.1.proj_in.bias",
        "up_blocks.0.upsamplers.0.conv.bias": "output_blocks.2.1.conv.bias",
        "up_blocks.3.attentions.2.norm.bias": "output_blocks.11.1.norm.bias",
    }
    assert {name: original_unet(name) for name in known} == known
    name = "decoder.up_blocks.0.upsamplers.0.conv.bias"
    assert original_vae(name) == "decoder.up.3.upsample.conv.bias"


def test_precision_is_the_bases(folder: Path, tmp_path: Path) -> None:
    whole = single_file(spatial(), tiny_vae().state_dict(), clip().state_dict())
    half = {name: one.half() if one.is_floating_point() else one for name, one in whole.items()}
    save_file({name: one.contiguous() for name, one in half.items()}, tmp_path / "h.safetensors")
    files = replace(released_files(folder), base=tmp_path / "h.safetensors")
    network: Any = load_animatediff(files).model.network  # type: ignore[attr-defined]
    assert {one.dtype for one in network.unet.parameters()} == {torch.float16}
    for part in (network.vae, network.text_encoder, network.image):
        assert {one.dtype for one in part.parameters()} == {torch.float32}


def test_files_are_recognised_and_prompts_need_a_tokenizer(folder: Path) -> None:
    files = released_files(folder)
    assert detect_file(files.base) == detect_file(folder / "sd.ckpt") == STABLE_DIFFUSION.kind
    assert detect_file(files.motion) == MOTION_MODULE.kind
    loaded = load_animatediff(replace(files, tokenizer=None))
    with pytest.raises(ValueError, match="tokenizer"):
        loaded.model.condition(GenerationRequest(picture(), FRAMES, prompt="a"))
    loaded.model.condition(GenerationRequest(picture(), FRAMES))
    with pytest.raises(FormatError, match="nowhere is broken or incomplete"):
        load_animatediff(replace(files, tokenizer=folder / "nowhere"))


def changed(weights: Mapping[str, Tensor], path: Path, **more: Tensor) -> Path:
    save_file({n: v.contiguous() for n, v in {**weights, **more}.items()}, path)
    return path


def test_bases_of_other_kinds_are_refused(tmp_path: Path) -> None:
    whole = single_file(spatial(), tiny_vae().state_dict(), clip().state_dict())
    unet, vae = "model.diffusion_model.", "first_stage_model."

    def fault(weights: Mapping[str, Tensor], read: Any = unet_weights) -> str:
        with pytest.raises(FormatError) as caught:
            read(open_checkpoint(changed(weights, tmp_path / "x.safetensors")))
        return str(caught.value)

    def without(*ends: str) -> dict[str, Tensor]:
        return {name: one for name, one in whole.items() if not name.endswith(ends)}

    entry = f"{unet}input_blocks.0.0.weight"
    assert "a model for inpainting" in fault(whole | {entry: torch.zeros(32, 9, 3, 3)})
    linear = {f"{unet}input_blocks.1.1.proj_in.weight": torch.zeros(32, 32)}
    assert "Stable Diffusion 2 or XL" in fault(whole | linear)
    second = {name.replace("cond_stage_model.transformer", "cond_stage_model.model"): v
              for name, v in whole.items()}  # fmt: skip
    assert "no checkpoint of Stable Diffusion 1.5" in fault(second)
    assert "1 too many (strange.weight)" in fault(whole | {f"{unet}strange.weight": torch.ones(1)})
    assert "1 too many (other)" in fault(whole | {f"{vae}other": torch.ones(1)}, load_vae)
    no_vae = {name: one for name, one in whole.items() if not name.startswith(vae)}
    assert "no autoencoder in it" in fault(no_vae, load_vae)
    assert "lacks weights of its autoencoder" in fault(without("post_quant_conv.weight"), load_vae)
    assert "lacks weights of its U-Net" in fault(without(".op.weight"))
    assert "1 missing (decoder.conv_in.bias)" in fault(without("decoder.conv_in.bias"), load_vae)


def test_parts_that_are_broken_or_swapped_are_named(folder: Path, tmp_path: Path) -> None:
    files = released_files(folder)

    def fault(kind: type[Exception] = FormatError, **changes: Any) -> str:
        with pytest.raises(kind) as caught:
            load_animatediff(replace(files, **changes))
        return str(caught.value)

    assert "sparse.ckpt is no motion module" in fault(motion=files.image)
    assert "v3_sd15_mm.ckpt is not SparseCtrl RGB" in fault(image=files.motion)
    assert "holds weights of stable diffusion 1.5, not of" in fault(tracks=files.base)
    assert "no checkpoint of Stable Diffusion 1.5" in fault(base=files.motion)
    assert "gone" in fault(FileNotFoundError, motion=tmp_path / "gone.ckpt")
    assert "holds UNet2DConditionModel instead of MotionAdapter" in fault(
        motion=folder / "sd" / "unet"
    )
    cut = tmp_path / "cut.ckpt"
    cut.write_bytes(files.motion.read_bytes()[:2000])
    assert "cut.ckpt is broken or cut short" in fault(motion=cut)
    lacking = "down_blocks.0.motion_modules.0."
    missing = {name: one for name, one in motion().items() if not name.startswith(lacking)}
    assert "27 missing (down_blocks.0" in fault(motion=changed(missing, tmp_path / "a.safetensors"))
    wide = changed({n: v[..., :1] for n, v in motion().items()}, tmp_path / "b.safetensors")
    assert "of the wrong shape" in fault(motion=wide)
    scribble = tiny("image", torch.float32)
    scribble["controlnet_cond_embedding.conv_in.weight"] = scribble.pop(
        "controlnet_cond_embedding.weight"
    )
    assert "not SparseCtrl RGB" in fault(image=changed(scribble, tmp_path / "c.safetensors"))


def test_readers_give_the_networks_alone(folder: Path) -> None:
    files = released_files(folder)
    assert isinstance(read_sparse_control(folder / "sd" / "sparse"), SparseBranch)
    assert read_motion_module(files.motion).keys() == adapter().state_dict().keys()


def test_a_control_for_another_base_is_refused_and_the_first_stays(
    folder: Path, tmp_path: Path
) -> None:
    loaded = load_animatediff(replace(released_files(folder), tracks=None))
    assert loaded.control is None
    steered = with_track_controlnet(loaded, folder / "tracks.safetensors", seed=3)
    assert steered.control is not None and loaded.control is None
    unet: Any = tiny_base().unet
    config = dict(unet.config) | {"cross_attention_dim": 16}
    from motion_core.models.animatediff.unet import empty_unet

    public = {name: value for name, value in config.items() if name[0] != "_"}
    other = copy_track_controlnet(empty_unet(public).to_empty(device="cpu"))
    save_track_controlnet(other, tmp_path / "other.safetensors")
    with pytest.raises(
        FormatError, match=r"text embeddings of 16, and this one has .*embeddings of 24"
    ):
        with_track_controlnet(loaded, tmp_path / "other.safetensors")
