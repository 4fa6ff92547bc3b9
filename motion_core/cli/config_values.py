"""Values of a training config from the command line."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, fields
from typing import Any


def config_values(args: Namespace, kind: Any, read_config: Any) -> dict[str, Any]:
    """Values of a config from --set and --steps, over those of the checkpoint to be resumed.

    Args:
        args: Of the command.
        kind: The class of the config.
        read_config: Makes one from values.
    """
    from ..training.checkpoint import load_checkpoint
    from ..training.run import CHECKPOINT

    values = _settings(args.set, kind)
    if args.resume:
        _, saved, _ = load_checkpoint(args.out / CHECKPOINT, read_config)
        values = asdict(saved) | values
    if args.steps is not None:
        values["steps"] = args.steps
    return values


def _settings(pairs: list[str], kind: Any) -> dict[str, Any]:
    """NAME=VALUE pairs as values of the types of a config's fields."""
    kinds = {field.name: type(field.default) for field in fields(kind)}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in kinds:
            raise ValueError(f"--set takes {', '.join(kinds)}; got {pair!r}.")
        try:
            values[name] = _switch(text) if kinds[name] is bool else kinds[name](text)
        except ValueError as error:
            word = kinds[name].__name__
            taken = "true or false" if kinds[name] is bool else f"{word} values"
            raise ValueError(f"--set {name} takes {taken}; got {text!r}.") from error
    return values


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"
