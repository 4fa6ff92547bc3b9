"""The kernels' sources reach whoever installs the pack."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from motion_core.kernels import loader

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in loader.FOLDER.iterdir()
    if path.suffix in (".cu", ".cuh")
)


def test_a_wheel_would_hold_every_kernel_source() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = text.split("[tool.setuptools.package-data]")[1].split("[tool.ruff]")[0]
    line = next(one for one in table.splitlines() if one.startswith('"motion_core.kernels"'))
    patterns = re.findall(r'"(\*[^"]*)"', line)
    shipped = {path.as_posix() for one in patterns for path in loader.FOLDER.glob(one)}
    assert {(ROOT / source).as_posix() for source in SOURCES} == shipped
    assert len(shipped) == 4


def test_the_registry_archive_would_hold_every_kernel_source(tmp_path: Path) -> None:
    """.comfyignore has the rules of .gitignore: git itself says what they drop."""
    if shutil.which("git") is None:
        pytest.skip("there is no git to read the ignore rules")
    shutil.copy(ROOT / ".comfyignore", tmp_path / ".gitignore")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    asked = [*SOURCES, "tests/kernels/shim.h"]
    done = subprocess.run(
        ["git", "check-ignore", *asked], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split() == ["tests/kernels/shim.h"]
