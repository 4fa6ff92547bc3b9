"""The package says the truth about itself: names, dependencies, sizes of files and functions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    tomllib = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("motion_core", "nodes", "bench", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.fixture(scope="module")
def project() -> dict:
    if tomllib is None:
        pytest.skip("reading pyproject.toml needs Python 3.11")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirement_lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return sorted(line for line in lines if line and not line.startswith("#"))


def test_requirements_equal_the_base_dependencies(project: dict) -> None:
    wanted = sorted(project["project"]["dependencies"])
    assert requirement_lines(ROOT / "requirements.txt") == wanted


def test_torch_stays_the_hosts(project: dict) -> None:
    names = {re.split(r"[<>=\[ ]", line)[0] for line in project["project"]["dependencies"]}
    assert names.isdisjoint({"torch", "torchvision", "torchaudio"})


def test_the_registry_accepts_the_metadata(project: dict) -> None:
    name = project["project"]["name"]
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name)
    assert "comfyui" not in name.lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["project"]["version"])
    assert {"PublisherId", "DisplayName"} <= set(project["tool"]["comfy"])
    extras = set(project["project"]["optional-dependencies"])
    assert extras == {"standalone", "dev", "depth", "pose", "train", "eval"}


def test_the_version_is_said_once(project: dict) -> None:
    source = (ROOT / "motion_core" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{project["project"]["version"]}"' in source


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "motion_core").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_public_functions_explain_themselves(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module says what it is for"
    for node in tree.body:
        is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
        assert not is_public or ast.get_docstring(node), f"{node.name} has no docstring"
