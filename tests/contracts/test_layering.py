"""Arrows point down: the house's import rules, checked on every file."""

from __future__ import annotations

import ast
from pathlib import Path

from .faults import ROOT, faults_of, tree_of

CORE = ROOT / "motion_core"

# What each part of motion_core may import from motion_core, beside itself and __init__.
GROUND = {"errors", "geometry", "progress", "atomic_write", "regular_files", "safe_json"} | {
    "file_lock",
    "npy_files",
    "weights_io",
    "images",
    "masks",
    "memory",
}
ON_TRACKS = GROUND | {"tracks"}
EVERYTHING = (
    ON_TRACKS
    | {"kernels", "document", "expand", "raster", "draft", "formats", "overlay", "video"}
    | {"image_files", "motion_signal"}
    | {"model_folder", "depth", "camera", "scene", "trackers", "transfer", "pose"}
    | {"fields", "layers", "models", "guidance", "sampling"}
    | {"layered_scenes", "curation", "training", "evaluation"}
)
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "geometry": {"errors"},
    "progress": set(),
    "atomic_write": set(),
    "file_lock": set(),
    "weights_io": {"errors", "atomic_write", "safe_json"},
    "regular_files": {"errors"},
    "safe_json": {"errors", "progress", "regular_files"},
    "npy_files": {"errors", "regular_files"},
    "model_folder": {"errors", "weights_io", "safe_json"},
    "images": {"errors", "geometry"},
    "masks": {"errors", "geometry"},
    "memory": {"errors", "geometry"},
    "kernels": GROUND,
    "tracks": GROUND,
    "document": ON_TRACKS,
    "expand": ON_TRACKS | {"document", "layers"},
    "depth": ON_TRACKS | {"model_folder"},
    "camera": ON_TRACKS | {"kernels", "depth", "document", "fields"},
    "raster": ON_TRACKS | {"kernels"},
    "fields": ON_TRACKS | {"kernels"},
    "layers": ON_TRACKS | {"fields"},
    "draft": ON_TRACKS | {"kernels", "fields", "layers"},
    "formats": ON_TRACKS | {"pose"},
    "overlay": ON_TRACKS,
    "containers": set(),
    "image_files": GROUND,
    "video": GROUND | {"containers", "image_files"},
    "motion_signal": GROUND | {"video", "image_files"},
    "scene": ON_TRACKS | {"depth", "camera", "video"},
    "trackers": ON_TRACKS | {"video"},
    "transfer": ON_TRACKS,
    "pose": ON_TRACKS | {"model_folder", "document", "expand"},
    "models": ON_TRACKS | {"model_folder", "raster", "fields", "layers"},
    "guidance": ON_TRACKS | {"models", "fields"},
    "sampling": ON_TRACKS | {"models", "guidance"},
    "layered_scenes": ON_TRACKS,
    "curation": ON_TRACKS
    | {"trackers", "transfer", "overlay", "video", "image_files", "__version__"},
    "training": ON_TRACKS
    | {"layered_scenes", "models", "guidance", "sampling", "curation", "video", "formats"}
    | {"evaluation", "trackers", "layers", "image_files", "overlay"},
    "evaluation": ON_TRACKS
    | {"layered_scenes", "draft", "fields", "layers", "raster", "models", "guidance", "sampling"}
    | {"overlay", "trackers", "video", "image_files", "formats", "model_folder"},
    "cli": EVERYTHING,
    "__main__": {"cli"},
}
FOREIGN = {"comfy", "comfy_api", "comfy_extras", "folder_paths", "server", "nodes", "execution"}
# host.py uses the host's services; the modules host_* patch its MODEL and build its networks.
HOST_FILES = {
    "host.py": FOREIGN,
    "host_model.py": {"comfy"},
    "host_model_guidance.py": {"comfy"},
    "host_model_refine.py": {"comfy"},
    "host_model_transfer.py": {"comfy"},
    "host_wan_control.py": {"comfy"},
    "host_wan_tracks.py": {"comfy"},
}
LAZY = {"cv2", "av", "PIL", "kornia", "diffusers", "transformers", "scipy", "skimage"} | {
    "accelerate",
    "filelock",
    "matplotlib",
    "pyarrow",
    "ray",
    "scenedetect",
    "torchmetrics",
    "torchvision",
}


def part_of(path: Path, root: Path = ROOT) -> str:
    """The name by which the rules know a file of motion_core."""
    return path.relative_to(root / "motion_core").parts[0].removesuffix(".py")


def imported_modules(path: Path, root: Path = ROOT) -> list[str]:
    """Every module a file imports, relative ones spelled out from the project root."""
    found: list[str] = []
    package = list(path.relative_to(root).parent.parts)
    for node in ast.walk(tree_of(path)):
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
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


CORE_FILES = sorted(CORE.rglob("*.py"))
NODE_FILES = sorted((ROOT / "nodes").rglob("*.py"))


def arrow_faults(path: Path, root: Path = ROOT) -> list[str]:
    """What is wrong with the imports of one file of motion_core."""
    part = part_of(path, root)
    if part not in ALLOWED:
        return [f"give {part} a place in the layering"]
    return violations(part, imported_modules(path, root))


def eager_imports(path: Path) -> list[str]:
    """The heavy libraries that a file imports as soon as it is imported itself."""
    return [f"imports {name} at the top" for name in sorted(top_level_imports(path) & LAZY)]


def host_faults(path: Path, root: Path = ROOT) -> list[str]:
    """What is wrong with the imports of one file of nodes/."""
    allowed = HOST_FILES.get(path.name, {"comfy_api"})
    heads = {module.split(".")[0] for module in imported_modules(path, root)}
    faults = [f"imports the host's {name}" for name in heads & (FOREIGN - {"nodes"}) - allowed]
    source = path.read_text(encoding="utf-8")
    if "from motion_core" in source or "import motion_core" in source:
        faults.append("imports motion_core absolutely: the host loads the pack under its own name")
    return sorted(faults)


def test_core_imports_only_downwards() -> None:
    assert faults_of(CORE_FILES, arrow_faults) == []


def test_heavy_libraries_wait_until_they_are_used() -> None:
    assert faults_of(CORE_FILES + NODE_FILES, eager_imports) == []


def test_only_one_door_to_the_host() -> None:
    assert faults_of(NODE_FILES, host_faults) == []


def planted(root: Path, name: str, source: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    return path


def test_the_rules_catch_a_reversed_arrow(tmp_path: Path) -> None:
    source = "from ..formats import registry\nimport folder_paths\n"
    bad = planted(tmp_path, "motion_core/tracks/bad.py", source)
    assert arrow_faults(bad, tmp_path) == [
        "tracks may not import motion_core.formats",
        "tracks imports the host's folder_paths",
    ]


def test_the_rules_catch_a_part_without_a_place(tmp_path: Path) -> None:
    bad = planted(tmp_path, "motion_core/novel/bad.py", "")
    assert arrow_faults(bad, tmp_path) == ["give novel a place in the layering"]


def test_the_rules_catch_an_eager_import(tmp_path: Path) -> None:
    bad = planted(tmp_path, "motion_core/bad.py", "import cv2\nfrom scipy import sparse\n")
    assert eager_imports(bad) == ["imports cv2 at the top", "imports scipy at the top"]


def test_the_rules_catch_a_second_door_to_the_host(tmp_path: Path) -> None:
    source = "import comfy.utils\nfrom motion_core import video\nfrom comfy_api import latest\n"
    bad = planted(tmp_path, "nodes/bad.py", source)
    assert host_faults(bad, tmp_path) == [
        "imports motion_core absolutely: the host loads the pack under its own name",
        "imports the host's comfy",
    ]
