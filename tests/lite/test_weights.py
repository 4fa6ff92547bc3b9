"""The weights file: what ships loads, what is broken is refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.models.lite.lite import Lite
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.weights import KIND, OLDER_KIND, SHIPPED, renamed_keys

from .models import BASE, SIZES, lite_with_control, picture, wandering


def test_the_shipped_weights_load_and_repeat_themselves() -> None:
    torch.set_num_threads(1)
    tracks = wandering(4, 6, Size(48, 48))
    first, second = (load_lite().field(picture(48, 48), tracks) for _ in range(2))
    assert torch.equal(first.displacement, second.displacement)
    assert SHIPPED.stat().st_size < 20 << 20


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="reinstall"):
        load_lite(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 400, 100_000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(SHIPPED.read_bytes()[:keep])
    with pytest.raises(FormatError, match="again"):
        load_lite(path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(3)}, path)
    with pytest.raises(FormatError, match="something else"):
        load_lite(path)


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "[]",
        "{}",
        '{"encoder": 3}',
        '{"encoder": {"grid": 1000000000}}',
        '{"encoder": {"grid": 8.5}}',
        '{"encoder": {"hats": 3}}',
        '{"encoder": {"grid": 8}, "base": {"widths": [8, 8, 8], "grid": 16}}',
        '{"encoder": {"grid": 8}, "base": {"grid": 8}}',
    ],
)
def test_configs_that_make_no_sense_are_refused(tmp_path: Path, config: str | None) -> None:
    path = tmp_path / "other.safetensors"
    metadata = {"kind": KIND} | ({} if config is None else {"config": config})
    save_file({"x": torch.zeros(3)}, path, metadata)
    with pytest.raises(FormatError, match="config"):
        load_lite(path)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(3)}, path, {"kind": KIND, "config": '{"encoder": {"grid": 8}}'})
    with pytest.raises(FormatError, match="do not fit lite's encoder"):
        load_lite(path)


# Keys of files of OLDER_KIND, as their writer named them.
OLDER_KEYS = (Path(__file__).parent / "older_keys.txt").read_text("utf-8").split()
# Written by hand, one of every kind: an older key and today's.
RENAMED = {
    "encoder.accord.tell.2.bias": "encoder.track_transformer.embed.2.bias",
    "encoder.accord.say.weight": "encoder.track_transformer.value.weight",
    "encoder.accord.ask.0.weight": "encoder.track_transformer.query.0.weight",
    "encoder.accord.key.bias": "encoder.track_transformer.key.bias",
    "encoder.accord.voice.bias": "encoder.track_transformer.modulation.bias",
    "encoder.accord.norm.weight": "encoder.track_transformer.norm.weight",
    "encoder.accord.rounds.0.before.weight": "encoder.track_transformer.layers.0.norm1.weight",
    "encoder.accord.rounds.1.between.bias": "encoder.track_transformer.layers.1.norm2.bias",
    "encoder.accord.rounds.1.query.bias": "encoder.track_transformer.layers.1.query.bias",
    "encoder.accord.rounds.1.keys.weight": "encoder.track_transformer.layers.1.key_value.weight",
    "encoder.accord.rounds.0.write.bias": "encoder.track_transformer.layers.0.out.bias",
    "encoder.accord.rounds.0.think.2.bias": "encoder.track_transformer.layers.0.mlp.2.bias",
    "encoder.accord.rounds.0.strictness": "encoder.track_transformer.layers.0.distance_scale",
    "encoder.rumour.weight": "encoder.context_proj.weight",
    "encoder.seeing": "encoder.visibility_coefficients",
    "encoder.sharpness": "encoder.logit_scale",
    "encoder.reach": "encoder.log_sigma",
    "encoder.ridge": "encoder.log_ridge",
    "encoder.gate.2.bias": "encoder.gate.2.bias",
    "encoder.picture.near.weight": "encoder.backbone.local_conv.weight",
    "encoder.picture.around.1.read.bias": "encoder.backbone.attention.1.qkv.bias",
    "encoder.picture.around.0.write.weight": "encoder.backbone.attention.0.out.weight",
    "encoder.picture.around.0.norm.bias": "encoder.backbone.attention.0.norm.bias",
    "encoder.picture.sharpen.1.4.weight": "encoder.backbone.refine.1.4.weight",
    "base.eyes.picture.stem.3.bias": "base.image_encoder.backbone.stem.3.bias",
    "base.eyes.picture.sharpen.0.1.bias": "base.image_encoder.backbone.refine.0.1.bias",
    "base.eyes.affinity.weight": "base.image_encoder.affinity.weight",
    "base.heard.weight": "base.estimate_proj.weight",
    "base.encoder.level.mix.2.weight": "base.encoder.noise_embedding.mlp.2.weight",
    "base.encoder.near.2.bias": "base.encoder.local_conv.2.bias",
    "base.encoder.around.read.weight": "base.encoder.attention.qkv.weight",
    "base.decoder.deep.first.2.weight": "base.decoder.deep.first.2.weight",
    "control.encoder.around.write.bias": "control.encoder.attention.out.bias",
    "control.stem.0.weight": "control.condition_embedding.0.weight",
    "control.zeros.2.weight": "control.zero_convs.2.weight",
    "control.when.bias": "control.noise_proj.bias",
    "control.gate.bias": "control.gate.bias",
}


def older_file(path: Path, lite: Lite) -> dict[str, torch.Tensor]:
    """Write a file of OLDER_KIND that fits a model; its tensors by older key."""
    shapes = {name: value.shape for name, value in lite.state_dict().items()}
    generator = torch.Generator().manual_seed(5)
    tensors = {}
    for old in OLDER_KEYS:
        new = next(iter(renamed_keys({old: torch.zeros(1)})), None)
        shape = (7,) if new is None else shapes[new]
        tensors[old] = torch.rand(shape, generator=generator)
    config = {"encoder": asdict(SIZES), "base": asdict(BASE), "control": {"input": "ids"}}
    save_file(tensors, path, {"kind": OLDER_KIND, "config": json.dumps(config)})
    return tensors


def test_every_value_of_an_older_file_arrives(tmp_path: Path) -> None:
    lite, path = lite_with_control(gain=0.5), tmp_path / "older.safetensors"
    tensors = older_file(path, lite)
    dropped = {name for name in OLDER_KEYS if name.startswith("control.reader.")}
    renamed = renamed_keys(tensors)
    assert len(renamed) == len(OLDER_KEYS) - len(dropped) and len(dropped) == 3
    loaded = load_lite(path)
    state = loaded.state_dict()
    assert set(renamed) == set(state)
    for old, new in RENAMED.items():
        assert torch.equal(state[new], tensors[old]), old
    # Each value once: were two keys swapped, one of the pairs above would differ.
    assert {float(value.sum()) for value in state.values()} == {
        float(tensors[name].sum()) for name in OLDER_KEYS if name not in dropped
    }
    assert loaded.control is not None and loaded.control.input == "tracks"


def test_keys_of_today_mean_themselves() -> None:
    """Reading a file twice, or with the wrong kind, confuses nothing."""
    state = lite_with_control(gain=0.5).state_dict()
    assert list(renamed_keys(state)) == list(state)


def test_a_file_of_a_newer_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "newer.safetensors"
    save_file({"x": torch.zeros(3)}, path, {"kind": "motion-prompting lite 99"})
    with pytest.raises(FormatError, match="newer pack"):
        load_lite(path)
