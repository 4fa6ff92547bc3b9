"""Wan from files: what was saved comes back, original names map, what is wrong is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.models.wan.control import WanControl, WanMoveControl
from motion_core.models.wan.family import WanFamily, released_scheduler
from motion_core.models.wan.folder import WanFiles, load_wan, original_to_diffusers
from motion_core.models.wan.parts import WanParts
from motion_core.models.wan.track_controlnet import WanTrackControlNet
from motion_core.raster.ids import IdEmbedding
from motion_core.sampling.loop import Sampling, sample

from . import tiny

KEYS = Path(__file__).parent / "keys.txt"
INDEX = {"_class_name": "WanImageToVideoPipeline"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release as diffusers writes one, with CLIP and without a text encoder."""
    folder = tmp_path_factory.mktemp("wan")
    tiny.transformer(image_dim=8).save_pretrained(folder / "transformer")
    tiny.vae().save_pretrained(folder / "vae")
    tiny.clip().save_pretrained(folder / "image_encoder")
    released_scheduler(5.0).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(INDEX))
    return folder


@pytest.fixture
def release(saved: Path, tmp_path: Path) -> Path:
    """One that a test may break."""
    return Path(shutil.copytree(saved, tmp_path / "release"))


def loaded(folder: Path, **more: Any) -> WanParts:
    return load_wan(WanFiles(folder, dtype=torch.float32, **more))


def run(parts: WanParts) -> Tensor:
    settings = Sampling(steps=1)
    return sample(
        WanFamily(parts), WanMoveControl(), tiny.request(), tiny.tracks(), settings
    ).frames


def test_a_saved_release_makes_the_same_clip(saved: Path) -> None:
    parts = loaded(saved)
    ours = WanParts(tiny.transformer(8), tiny.vae(), released_scheduler(5.0), None, tiny.clip())
    assert torch.equal(run(parts), run(ours))
    assert parts.scheduler.config.flow_shift == 5.0 and parts.text is None
    assert not any(one.requires_grad or one.is_meta for one in parts.network().parameters())
    assert not any(one.is_meta for one in parts.network().buffers())
    half = load_wan(WanFiles(saved))
    assert half.transformer.dtype == torch.bfloat16 and half.vae.dtype == torch.float32
    stored = {name: one.dtype for name, one in half.transformer.state_dict().items()}
    assert stored["blocks.0.attn1.to_q.weight"] == torch.bfloat16
    assert stored["blocks.0.norm2.weight"] == stored["scale_shift_table"] == torch.float32
    assert (run(half) - run(ours)).abs().max() < 0.05
    control = WanTrackControlNet(half.transformer, (0,), IdEmbedding(4, 64))
    kept = {one.dtype for one in control.blocks[0].norm2.parameters()}  # type: ignore[union-attr]
    assert kept == {torch.float32} and control.embed.weight.dtype == torch.bfloat16
    steered = WanControl(control)
    clip = sample(WanFamily(half), steered, tiny.request(), tiny.tracks(), Sampling(steps=1))
    assert torch.isfinite(clip.frames).all()


def test_pieces_and_files_elsewhere_are_read(release: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    whole = release / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(whole)
    wanted = run(loaded(release))
    other = tmp_path / "wan_move.safetensors"
    save_file({f"model.diffusion_model.{name}": one for name, one in tensors.items()}, other)
    whole.unlink()
    assert torch.equal(run(loaded(release, transformer=other)), wanted)
    names = sorted(tensors)
    pieces = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for piece, held in pieces.items():
        save_file({name: tensors[name] for name in held}, whole.parent / piece)
    index = whole.with_name(whole.name + ".index.json")
    weight_map = {name: piece for piece, held in pieces.items() for name in held}
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert torch.equal(run(loaded(release)), wanted)
    index.write_text(json.dumps({"weight_map": {"x": "../a.safetensors"}}))
    with pytest.raises(FormatError, match="points outside of its folder"):
        loaded(release)


def test_every_key_of_the_original_maps_onto_the_full_size_transformer() -> None:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    original: dict[str, Tensor] = {}
    for line in KEYS.read_text().splitlines():
        name, *shape = line.split()
        layers = range(40) if name.startswith("blocks.0.") else range(1)
        for layer in layers:
            renamed = name.replace("blocks.0.", f"blocks.{layer}.")
            original[renamed] = torch.empty([int(side) for side in shape], device="meta")
    with torch.device("meta"):
        full = WanTransformer3DModel(
            in_channels=36, image_dim=1280, added_kv_proj_dim=5120, num_layers=40
        )
    wanted = {name: one.shape for name, one in full.state_dict().items()}
    for prefix in ("", "model.diffusion_model.", "diffusion_model."):
        named = {prefix + name: one for name, one in original.items()}
        found = {name: one.shape for name, one in original_to_diffusers(named).items()}
        assert found == wanted and len(found) == len(original) == 1303


def test_prompts_come_with_the_release(release: Path) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    sizes = {"d_model": 16, "d_ff": 8, "d_kv": 4, "num_heads": 2, "num_layers": 1}
    encoder = UMT5EncoderModel(UMT5Config(vocab_size=8, **sizes)).eval()
    encoder.save_pretrained(release / "text_encoder")
    with pytest.raises(FormatError, match="tokenizer cannot be read"):
        loaded(release)
    vocabulary = Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1, "ball": 2}, unk_token="<unk>"))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=vocabulary, pad_token="<pad>", unk_token="<unk>"
    )
    fast.save_pretrained(release / "tokenizer")
    parts = loaded(release)
    assert parts.text is not None
    assert parts.text.encode("ball").shape == (1, 512, 16)
    assert "text_encoder" in parts.network()
    assert loaded(release, read_text=False).text is None


def test_what_is_no_wan_image_to_video_is_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model_index\.json, where a diffusers release"):
        loaded(tmp_path / "nowhere")
    index = release / "model_index.json"
    for config, what in (
        ({"_class_name": "StableVideoDiffusionPipeline"}, "holds a StableVideoDiffusionPipeline"),
        ({**INDEX, "boundary_ratio": 0.9}, "Wan 2.2"),
        ({**INDEX, "expand_timesteps": True}, "Wan 2.2"),
        ([], "expected a JSON object"),
    ):
        index.write_text(json.dumps(config))
        with pytest.raises(FormatError, match=what):
            loaded(release)
    index.write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        loaded(release)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"_class_name": "LTXVideoTransformer3DModel"}, "not Wan's WanTransformer3DModel"),
        ({"num_layers": 10**9}, "num_layers = 1000000000"),
        ({"rope_max_seq_len": "x"}, "rope_max_seq_len = 'x'"),
        ({"patch_size": 3}, "cannot be built"),
        ({"num_layers": 4}, r"missing \(blocks\.3\.attn1\..* more\)\.$"),
        ({"ffn_dim": 40}, r"of the wrong shape \(blocks\.0\.ffn.*instead of"),
        ({"in_channels": 16}, r"of the wrong shape \(patch_embedding"),
    ],
)
def test_configs_that_do_not_fit_are_refused(
    release: Path, changes: dict[str, Any], what: str
) -> None:
    path = release / "transformer" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(FormatError, match=what):
        loaded(release)


def test_weights_that_are_broken_pickled_or_of_something_else_are_refused(release: Path) -> None:
    from safetensors.torch import save_file

    file = release / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(FormatError, match="truncated"):
        loaded(release)
    save_file({f"lora.{n}.up": torch.ones(1) for n in range(12)}, file)
    with pytest.raises(FormatError) as caught:
        loaded(release)
    message = str(caught.value)
    assert "12 too many (lora.0.up, " in message and "lora.7.up and 2 more)" in message
    assert message.split("missing (")[1].split(")")[0].count(",") == 9
    file.unlink()
    with pytest.raises(FileNotFoundError, match="diffusion_pytorch_model"):
        loaded(release)
    (release / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(FormatError, match="holds pickles only"):
        loaded(release)


def test_other_parts_of_a_release_are_checked_too(release: Path) -> None:
    clip = release / "image_encoder" / "model.safetensors"
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"image_encoder/model\.safetensors is truncated"):
        loaded(release)
    clip.unlink()
    (clip.parent / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(FormatError, match="pickles only"):
        loaded(release)
    shutil.rmtree(clip.parent)
    with pytest.raises(FileNotFoundError, match="reads the image through CLIP"):
        loaded(release)
    scheduler = release / "scheduler" / "scheduler_config.json"
    scheduler.write_text(json.dumps({"_class_name": "DDIMScheduler"}))
    with pytest.raises(FormatError, match="DDIMScheduler; Wan runs with"):
        loaded(release)
