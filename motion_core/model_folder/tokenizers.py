"""Tokenizers from a folder: only their data files are read, from a private copy."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import FormatError
from .config import read_config
from .offline import offline

# Vocabularies and rules; a tokenizer of 256,000 pieces has 17 MB.
DATA = ("tokenizer.json", "spiece.model", "vocab.json", "merges.txt", "added_tokens.json")
MOST_BYTES = 256 << 20
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
KEYS = frozenset(
    [
        "added_tokens_decoder",
        "additional_special_tokens",
        "add_prefix_space",
        "bos_token",
        "clean_up_tokenization_spaces",
        "cls_token",
        "do_lower_case",
        "eos_token",
        "errors",
        "extra_ids",
        "legacy",
        "mask_token",
        "model_max_length",
        "pad_token",
        "padding_side",
        "sep_token",
        "truncation_side",
        "unk_token",
    ]
)


def read_tokenizer(folder: Path, classes: Mapping[str, Any]) -> Any:
    """A tokenizer of transformers from a folder's vocabulary.

    Args:
        folder: With the files that the tokenizer saves.
        classes: Classes of transformers by the names that a folder may have for them. The first is
            taken where the folder names none; no other name is looked up.

    Raises:
        FormatError: The folder holds no vocabulary, is broken, names another class, or sets a key
            that could run code.
    """
    tokenizer = _class(folder, classes)
    with tempfile.TemporaryDirectory() as copy:
        if not _copied(folder, Path(copy)):
            raise FormatError(
                f"{folder} is broken or incomplete (it holds none of {', '.join(DATA[:4])}), so "
                "the tokenizer cannot be read; copy or download it again."
            )
        with offline():
            try:
                return tokenizer.from_pretrained(
                    copy, local_files_only=True, trust_remote_code=False
                )
            except Exception as error:
                raise FormatError(
                    f"{folder} is broken or incomplete, so the tokenizer cannot be read "
                    f"({str(error)[:300]}); copy or download it again."
                ) from error


def _class(folder: Path, classes: Mapping[str, Any]) -> Any:
    path = folder / SETTINGS[0]
    named = read_config(path).get("tokenizer_class") if path.is_file() else None
    if named is None:
        return next(iter(classes.values()))
    if not isinstance(named, str) or named not in classes:
        raise FormatError(
            f"{path} names the class {named!r:.60}; supported are {', '.join(classes)}. Take the "
            "tokenizer of the model's own release."
        )
    return classes[named]


def _copied(folder: Path, target: Path) -> bool:
    """Copies data and the allowed settings; whether there is a vocabulary."""
    for name in SETTINGS:
        if (folder / name).is_file():
            settings = {k: v for k, v in read_config(folder / name).items() if k in KEYS}
            _check_length(settings.get("model_max_length"), folder / name)
            (target / name).write_text(json.dumps(settings), encoding="utf-8")
    found = [name for name in DATA if (folder / name).is_file()]
    if sum((folder / name).stat().st_size for name in found) > MOST_BYTES:
        raise FormatError(f"{folder} has more than {MOST_BYTES >> 20} MB of vocabulary.")
    for name in found:
        shutil.copyfile(folder / name, target / name)
    return bool(set(found) & set(DATA[:4]))


def _check_length(value: Any, path: Path) -> None:
    """Raises FormatError unless a length is absent or a number of at least 1; huge means none."""
    if value is not None and (type(value) not in (int, float) or not value >= 1):
        raise FormatError(
            f"{path} has model_max_length = {value!r:.60}; expected a number above 0."
        )
