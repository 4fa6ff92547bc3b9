"""A type of layer is one module: nothing else in the core mentions it, except the registry."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import motion_core
from motion_core.document import LAYER_TYPES, Layer

CORE = Path(motion_core.__file__).parent
REGISTRY = CORE / "document" / "layers" / "__init__.py"
PARTS = [path for part in ("document", "expand") for path in (CORE / part).rglob("*.py")]


@pytest.mark.parametrize("layer_type", LAYER_TYPES, ids=lambda layer_type: layer_type.kind)
def test_only_its_module_and_the_registry_mention_a_type(layer_type: type[Layer]) -> None:
    module = Path(inspect.getfile(layer_type))
    names = rf"\b{layer_type.__name__}\b|[\"']{layer_type.kind}[\"']|layers\.{module.stem}\b"
    mentions = {path for path in PARTS if re.search(names, path.read_text(encoding="utf-8"))}
    assert mentions == {module, REGISTRY}


def test_every_module_of_a_type_is_registered() -> None:
    modules = {Path(inspect.getfile(layer_type)) for layer_type in LAYER_TYPES}
    others = {REGISTRY, REGISTRY.parent / "field_groups.py"}
    assert set(REGISTRY.parent.glob("*.py")) == modules | others
