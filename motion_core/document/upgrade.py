"""Upgrades of older documents to the supported version.

Every change of meaning is a new version: raise `VERSION`, add to `UPGRADES` a function from a
document of the old version to the next, and keep an old file in the tests. Version 2 added the
curve "bezier" and the field "handles".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DocumentError
from .fields import describe

VERSION = 2

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


def _to_version_2(raw: dict[str, Any]) -> dict[str, Any]:
    """The same document: version 2 only adds. What it adds is refused in version 1."""
    layers = raw.get("layers")
    for place, layer in enumerate(layers if isinstance(layers, list) else [], start=1):
        if isinstance(layer, dict) and ("handles" in layer or layer.get("curve") == "bezier"):
            name = "handles" if "handles" in layer else "curve"
            raise DocumentError(
                f'layer {place}: "{name}" needs a document of version 2; this one says "version": '
                "1."
            )
    return raw


UPGRADES: Mapping[int, Upgrade] = {1: _to_version_2}


def upgraded(
    raw: dict[str, Any], *, newest: int = VERSION, upgrades: Mapping[int, Upgrade] = UPGRADES
) -> dict[str, Any]:
    """The same document at version `newest`; `raw` itself is not modified.

    Args:
        raw: The parsed document.
        newest: The version to reach.
        upgrades: Version -> step from that version to the next; each step returns a new dict.

    Raises:
        DocumentError: The version is absent, not a whole number, newer than `newest`, or no step
            starts from it.
    """
    version = _version_of(raw, newest)
    while version < newest:
        if version not in upgrades:
            raise DocumentError(
                f'document: "version" {describe(version)} is not known; this program reads '
                f"version {min([newest, *upgrades])} to {newest}."
            )
        raw = {**upgrades[version](raw), "version": version + 1}
        version += 1
    return raw


def _version_of(raw: dict[str, Any], newest: int) -> int:
    if "version" not in raw:
        raise DocumentError(
            'document: "version" is missing, so its meaning is not known; a document of the '
            f'current version says "version": {newest}.'
        )
    version = raw["version"]
    if isinstance(version, bool) or not isinstance(version, int):
        raise DocumentError(f'document: "version" must be a whole number; got {describe(version)}.')
    if version > newest:
        raise DocumentError(
            f'document: "version" {describe(version)} is newer than this program, which reads up '
            f"to version {newest}; update Motion Prompting to open it."
        )
    return version
