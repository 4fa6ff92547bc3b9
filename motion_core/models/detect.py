"""Which kind of weights a file holds, by the signatures that the families declare."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from ..errors import FormatError
from ..weights_io import PICKLES, first_names, read_shapes, read_weights
from .registry import families
from .signature import Signature, shapes_of


def detect_kind(weights: Iterable[str]) -> str:
    """The kind of the first signature that weights match.

    Args:
        weights: Names of all weights. A mapping from names to tensors (on the meta device will
            do) also tells apart networks that differ in shapes only.

    Raises:
        FormatError: For weights of any other kind, with the first ten names.
    """
    shapes = shapes_of(weights)
    known = signatures()
    for signature in known:
        if signature.matches(shapes):
            return signature.kind
    first = first_names(shapes)
    kinds = ", ".join(signature.kind for signature in known)
    raise FormatError(
        f"these weights belong to no model that is known here: {kinds}. They are {first}."
    )


def detect_file(path: Path) -> str:
    """The kind of weights that a file holds; see detect_kind.

    Of a safetensors file only the header is read; a pickle is read as weights only.

    Raises:
        FileNotFoundError: When there is no file.
        FormatError: For files that are broken, hostile or of another kind.
    """
    if path.suffix.lower() in PICKLES:
        weights = read_weights(path)
    else:
        shapes = read_shapes(path)
        weights = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    try:
        return detect_kind(weights)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def check_kind(path: Path, *wanted: Signature) -> None:
    """Raises FormatError, which names what it is, for a file of any but the wanted kinds."""
    found, kinds = detect_file(path), [signature.kind for signature in wanted]
    if found not in kinds:
        raise FormatError(
            f"{path} holds weights of {found}, not of {' or '.join(kinds)}; choose another file "
            "or another family."
        )


def signatures() -> list[Signature]:
    """Signatures of all families, each kind once, in the order of the registry."""
    declared = [one for family in families().values() for one in family.signatures]
    return list({signature.kind: signature for signature in declared}.values())
