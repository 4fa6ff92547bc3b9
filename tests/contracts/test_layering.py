"""Arrows point down: the house's import rules, checked on every file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "motion_core"

# What each part of motion_core may import from motion_core, beside itself and __init__.
GROUND = {"errors", "geometry", "progress"}
ON_TRACKS = GROUND | {"tracks"}
EVERYTHING = (
    ON_TRACKS
    | {"kernels", "document", "expand", "raster", "draft", "formats", "overlay", "video"}
    | {"depth", "camera", "scene", "trackers", "transfer", "pose"}
    | {"fields", "models", "guidance", "sampling", "training", "evaluation"}
)
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "geometry": {"errors"},
    "progress": set(),
    "kernels": GROUND,
    "tracks": GROUND,
    "document": ON_TRACKS,
    "expand": ON_TRACKS | {"document"},
    "depth": ON_TRACKS,
    "camera": ON_TRACKS | {"kernels", "depth", "document"},
    "raster": ON_TRACKS | {"kernels"},
    "draft": ON_TRACKS | {"kernels"},
    "formats": ON_TRACKS | {"pose"},
    "overlay": ON_TRACKS,
    "containers": set(),
    "video": GROUND | {"containers"},
    "scene": ON_TRACKS | {"depth", "camera", "video"},
    "trackers": ON_TRACKS | {"video"},
    "transfer": ON_TRACKS,
    "pose": ON_TRACKS | {"document", "expand"},
    "fields": ON_TRACKS | {"draft"},
    "models": ON_TRACKS | {"raster", "draft", "fields"},
    "guidance": ON_TRACKS | {"models"},
    "sampling": ON_TRACKS | {"models", "guidance"},
    "evaluation": EVERYTHING,
    "training": EVERYTHING,
    "cli": EVERYTHING,
    "__main__": {"cli"},
}
FOREIGN = {"comfy", "comfy_api", "comfy_extras", "folder_paths", "server", "nodes", "execution"}
LAZY = {"cv2", "av", "PIL", "kornia", "diffusers", "transformers", "scipy", "skimage"} | {
    "accelerate",
    "matplotlib",
    "torchmetrics",
    "torchvision",
}


def part_of(path: Path) -> str:
    """The name by which the rules know a file of motion_core."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imported_modules(path: Path, root: Path = ROOT) -> list[str]:
    """Every module a file imports, relative ones spelled out from the project root."""
    found: list[str] = []
    package = list(path.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found += [stem] if node.module else [f"{stem}.{alias.name}" for alias in node.names]
    return found


def violations(part: str, modules: list[str]) -> list[str]:
    """The imports that the rules forbid to one part of motion_core."""
    broken = []
    for module in modules:
        head, *rest = module.split(".")
        if head in FOREIGN:
            broken.append(f"{part} imports the host's {module}")
        if head == "motion_core" and rest and rest[0] != part and rest[0] not in ALLOWED[part]:
            broken.append(f"{part} may not import {module}")
    return broken


def top_level_imports(path: Path) -> set[str]:
    """First names of what a file imports when it is itself imported."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


CORE_FILES = sorted(CORE.rglob("*.py"))
NODE_FILES = sorted((ROOT / "nodes").rglob("*.py"))


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_only_downwards(path: Path) -> None:
    assert part_of(path) in ALLOWED, f"give {part_of(path)} a place in the layering"
    assert violations(part_of(path), imported_modules(path)) == []


@pytest.mark.parametrize("path", CORE_FILES + NODE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_wait_until_they_are_used(path: Path) -> None:
    assert top_level_imports(path) & LAZY == set()


@pytest.mark.parametrize("path", NODE_FILES, ids=lambda p: p.name)
def test_only_one_door_to_the_host(path: Path) -> None:
    host = FOREIGN if path.name == "host.py" else {"comfy_api"}
    heads = {module.split(".")[0] for module in imported_modules(path)}
    assert heads & (FOREIGN - {"nodes"}) <= host
    source = path.read_text(encoding="utf-8")
    assert "from motion_core" not in source, "the host loads the pack under its own name"
    assert "import motion_core" not in source, "the host loads the pack under its own name"


def test_the_rules_catch_a_reversed_arrow(tmp_path: Path) -> None:
    bad = tmp_path / "motion_core" / "tracks" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("from ..formats import registry\nimport folder_paths\n", encoding="utf-8")
    assert violations("tracks", imported_modules(bad, tmp_path)) == [
        "tracks may not import motion_core.formats",
        "tracks imports the host's folder_paths",
    ]
