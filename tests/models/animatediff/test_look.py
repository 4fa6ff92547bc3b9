"""Image Conductor with the look of another base (section 3.2), and CLIP without a prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import FormatError
from motion_core.models.image_conductor.load import find_files, load_image_conductor
from motion_core.models.sd15.encoding import encode_prompt
from motion_core.models.sd15.lora import LoraFile

from .originals import tiny, tiny_with_lora, values
from .parts import save_tokenizer, tiny_vae
from .stable import clip, single_file, spatial

LAYER = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Image Conductor as released, a personalised base in one file, and a LoRA of its style."""
    folder = tmp_path_factory.mktemp("look")
    styled = {name: one * 0.5 for name, one in spatial().items()}
    whole = single_file(styled, tiny_vae().state_dict(), clip().state_dict())
    save_file({name: one.contiguous() for name, one in whole.items()}, folder / "toon.safetensors")
    width = spatial()[f"{LAYER}.weight"].shape[0]
    halves = {"down": values("down", (2, width)), "up": values("up", (width, 2))}
    flat = f"lora_unet_{LAYER.replace('.', '_')}"
    lora = {f"{flat}.lora_{side}.weight": one.float() for side, one in halves.items()}
    save_file(lora, folder / "style.safetensors")
    torch.save(tiny("unet", torch.float16), folder / "unet.ckpt")
    torch.save(tiny("image", torch.float32), folder / "image_controlnet.ckpt")
    torch.save(tiny_with_lora(torch.float32), folder / "flow_controlnet.ckpt")
    return folder


@pytest.mark.slow
def test_still_layers_are_the_bases_and_moving_ones_image_conductors(folder: Path) -> None:
    plain = find_files(folder, folder / "toon.safetensors")
    unets = []
    for files in (
        plain,
        replace(plain, has_base_look=True),
        replace(plain, has_base_look=True, loras=(LoraFile(folder / "style.safetensors", 2.0),)),
    ):
        model: Any = load_image_conductor(files).model
        unets.append(model.network.unet.state_dict())
    own, preview, styled = unets
    wanted = {name: (one * 0.5).half() for name, one in spatial().items()}
    for name, weight in preview.items():
        assert torch.equal(weight, wanted[name] if name in wanted else own[name]), name
        assert weight.dtype == torch.float16
    assert any(".motion_modules." in name for name in preview)
    changed = [name for name in preview if not torch.equal(preview[name], styled[name])]
    assert changed == [f"{LAYER}.weight"]
    added = 2.0 * values("up", (32, 2)) @ values("down", (2, 32))
    expected = preview[changed[0]].double() + added
    torch.testing.assert_close(styled[changed[0]].double(), expected, rtol=1e-3, atol=1e-3)


def test_a_base_of_another_size_is_refused(folder: Path, tmp_path: Path) -> None:
    wide = {name: torch.cat([one, one]) for name, one in spatial().items() if "conv_in" in name}
    whole = single_file(spatial() | wide, tiny_vae().state_dict(), clip().state_dict())
    save_file({name: one.contiguous() for name, one in whole.items()}, tmp_path / "w.safetensors")
    files = replace(find_files(folder, tmp_path / "w.safetensors"), has_base_look=True)
    with pytest.raises(FormatError, match="of the wrong shape .*conv_in.bias"):
        load_image_conductor(files)


def test_an_empty_prompt_needs_no_vocabulary(tmp_path: Path) -> None:
    """What CLIP's own tokenizer makes of an empty prompt: its last two tokens, one repeated."""
    from transformers import CLIPTextConfig, CLIPTextModel

    from motion_core.models.sd15.folder import load_tokenizer

    save_tokenizer(tmp_path / "tokenizer")
    vocabulary = tmp_path / "tokenizer" / "vocab.json"
    letters = {x: n for n, x in enumerate(["a</w>", "b</w>", "<|startoftext|>", "<|endoftext|>"])}
    vocabulary.write_text(str(letters).replace("'", '"'))
    with torch.random.fork_rng():
        sizes = {"vocab_size": 4, "hidden_size": 8, "intermediate_size": 8}
        config = CLIPTextConfig(**sizes, num_hidden_layers=1, num_attention_heads=1)
        encoder = CLIPTextModel(config).eval()
    tokenizer = load_tokenizer(tmp_path / "tokenizer")
    with torch.no_grad():
        found = [encode_prompt(one, encoder, "") for one in (None, tokenizer)]
    assert found[0].shape == (1, 77, 8) and torch.equal(*found)
    with torch.no_grad():
        assert not torch.equal(encode_prompt(tokenizer, encoder, "a b"), found[0])
