"""Upgrades of older documents to the supported version.

Every change of meaning is a new version: raise `VERSION`, add to `UPGRADES` a function from a
document of the old version to the next, and keep an old file in the tests. Version 1 is the first,
so the table is still empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DocumentError
from .fields import describe

VERSION = 1

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: Mapping[int, Upgrade] = {}


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
