"""The package says the truth about itself: names, dependencies, sizes of files and functions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .faults import ROOT, faults_of, tree_of
from .lowest import lowest, tomllib

SOURCES = sorted(
    path
    for folder in ("motion_core", "nodes", "bench", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.fixture(scope="module")
def project() -> dict:
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


def test_every_requirement_has_one_lower_bound(project: dict) -> None:
    pinned = lowest(project)
    bases = {re.split(r"[<>=]", line)[0] for line in project["project"]["dependencies"]}
    assert bases <= {line.split("==")[0] for line in pinned}
    assert all(re.fullmatch(r"[A-Za-z0-9-]+==[0-9.]+", line) for line in pinned)


@pytest.mark.parametrize("lines", [["numpy"], ["numpy>=1.25", "numpy>=1.26"]])
def test_a_missing_or_second_lower_bound_is_refused(lines: list[str]) -> None:
    table = {"dependencies": lines, "optional-dependencies": {}}
    with pytest.raises(ValueError, match="numpy.*lower bound"):
        lowest({"project": table})


def test_diffusers_is_capped_because_its_internals_are_used(project: dict) -> None:
    (line,) = (one for one in project["project"]["dependencies"] if one.startswith("diffusers"))
    assert re.fullmatch(r"diffusers>=0\.\d+(\.\d+)?,<0\.\d+", line)


def test_the_registry_accepts_the_metadata(project: dict) -> None:
    name = project["project"]["name"]
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name)
    assert "comfyui" not in name.lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["project"]["version"])
    assert {"PublisherId", "DisplayName"} <= set(project["tool"]["comfy"])
    assert all(url.startswith("https://") for url in project["project"]["urls"].values())
    extras = set(project["project"]["optional-dependencies"])
    training = ("train", "tensorboard", "curation", "ray")
    assert extras == {*("standalone", "dev", "depth", "pose", "eval"), *training}


def test_the_version_stands_in_one_place(project: dict) -> None:
    source = (ROOT / "motion_core" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{project["project"]["version"]}"' in source


def size_faults(path: Path) -> list[str]:
    """Files of more than 400 lines and functions of more than 60."""
    source = path.read_text(encoding="utf-8")
    lines = source.count("\n")
    faults = [f"has {lines} lines, more than 400"] if lines > 400 else []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > 60:
                faults.append(f"{node.name} has {length} lines, more than 60")
    return faults


def js_size_faults(path: Path) -> list[str]:
    """JavaScript files of more than 400 lines and top-level functions of more than 60."""
    lines = path.read_text(encoding="utf-8").splitlines()
    faults = [f"has {len(lines)} lines, more than 400"] if len(lines) > 400 else []
    for start, line in enumerate(lines):
        name = re.match(r"(?:export )?(?:async )?function (\w+)", line)
        if name:
            length = lines.index("}", start) - start + 1
            if length > 60:
                faults.append(f"{name[1]} has {length} lines, more than 60")
    return faults


def docstring_faults(path: Path) -> list[str]:
    """The module and its public functions and classes that have no docstring."""
    tree = tree_of(path)
    faults = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    for node in tree.body:
        is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
        if is_public and not ast.get_docstring(node):
            faults.append(f"{node.name} has no docstring")
    return faults


def test_files_and_functions_stay_short() -> None:
    assert faults_of(SOURCES, size_faults) == []


def test_files_and_functions_of_the_editor_stay_short() -> None:
    assert faults_of(sorted((ROOT / "web").rglob("*.js")), js_size_faults) == []


def test_public_functions_explain_themselves() -> None:
    core = sorted((ROOT / "motion_core").rglob("*.py"))
    assert faults_of(core, docstring_faults) == []


def test_the_rules_catch_a_long_file_and_a_long_function(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def long():\n" + "    pass\n" * 60 + "\n" * 340, encoding="utf-8")
    assert size_faults(bad) == ["has 401 lines, more than 400", "long has 61 lines, more than 60"]


def test_the_rules_catch_a_long_function_of_the_editor(tmp_path: Path) -> None:
    bad = tmp_path / "bad.js"
    bad.write_text("export function long() {\n" + "  f();\n" * 59 + "}\n", encoding="utf-8")
    assert js_size_faults(bad) == ["long has 61 lines, more than 60"]


def test_the_rules_catch_a_missing_docstring(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def public(): ...\ndef _private(): ...\n", encoding="utf-8")
    assert docstring_faults(bad) == ["the module has no docstring", "public has no docstring"]
