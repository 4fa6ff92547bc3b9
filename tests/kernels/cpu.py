"""The kernels' own source compiled for the CPU, launched as the loader launches it on a device."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from motion_core.kernels import loader
from motion_core.kernels.loader import Dim3, Launch

HERE = Path(__file__).resolve().parent
FILES = sorted(path.name for path in loader.FOLDER.glob("*.cu"))
SIGNATURE = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
FLAGS = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-Wall", "-Wextra"]
# On Windows all code can move, and a library must bring the compiler's own along.
FLAGS += ["-static"] if sys.platform == "win32" else ["-fPIC"]


def compiler() -> str:
    """g++ or another C++ compiler that takes its options. Fails in CI where there is none."""
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        report = pytest.fail if "CI" in os.environ else pytest.skip
        report("the kernels are UNTESTED here: no g++ or clang++ was found; install one")
    return str(found)


def kernels_in(file: str) -> dict[str, list[str]]:
    """Every kernel of a file and its parameters, in order of the source."""
    source = (loader.FOLDER / file).read_text(encoding="utf-8")
    return {
        name: [" ".join(parameter.split()) for parameter in parameters.split(",")]
        for name, parameters in SIGNATURE.findall(source)
    }


def translation_unit(file: str) -> str:
    """The shim, the untouched source, and for every kernel a function that runs its grid."""
    runs = []
    for name, parameters in kernels_in(file).items():
        names = ", ".join(re.findall(r"\w+$", parameter)[0] for parameter in parameters)
        runs.append(
            f'extern "C" void run_{name}(const int *grid, const int *block, int backward, '
            f"{', '.join(parameters)}) {{ run_grid(grid, block, backward, "
            f"[&] {{ {name}({names}); }}); }}"
        )
    shim = (HERE / "shim.h").read_text(encoding="utf-8")
    return "\n".join([shim, loader.source_of(file), *runs])


def built(file: str, folder: Path) -> ctypes.CDLL:
    """A library of one kernel file."""
    unit, library = folder / f"{file}.cpp", folder / f"{file}.so"
    unit.write_text(translation_unit(file), encoding="utf-8")
    done = subprocess.run(
        [compiler(), *FLAGS, "-Werror", "-Wno-unused-function", str(unit), "-o", str(library)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


class CpuLaunchers:
    """Stands in for loader.launchers: kernels run on tensors of the CPU, in either order."""

    def __init__(self, folder: Path) -> None:
        self.libraries = {file: built(file, folder) for file in FILES}
        self.is_backward = False
        self.launched: list[str] = []

    def __call__(self, file: str, names: Sequence[str], device: torch.device) -> list[Launch]:
        return [self._launcher(file, name) for name in names]

    def _launcher(self, file: str, name: str) -> Launch:
        function = getattr(self.libraries[file], f"run_{name}")
        parameters = kernels_in(file)[name]

        def launch(grid: Dim3, block: Dim3, args: Sequence[Tensor | int | float]) -> None:
            assert len(args) == len(parameters), f"{name} takes {parameters}"
            assert max(block) <= 1024
            assert max(grid[1:]) <= 65535
            pairs = zip(args, parameters, strict=True)
            converted = [_argument(value, parameter, name) for value, parameter in pairs]
            dim3 = ctypes.c_int * 3
            function(dim3(*grid), dim3(*block), int(self.is_backward), *converted)
            self.launched.append(name)

        return launch


C_TYPES = {
    "float": (torch.float32,),
    "double": (torch.float64,),
    "int": (torch.int32,),
    "long long": (torch.int64,),
    "u64": (torch.int64,),
    "unsigned char": (torch.bool, torch.uint8),
    "void": (torch.float32, torch.float16, torch.bfloat16),
}


def _argument(value: Tensor | int | float, parameter: str, kernel: str) -> object:
    """As PyTorch converts it, and refused where the kernel's declaration says otherwise."""
    kind = re.sub(r"^const | ?\*?\w+$", "", parameter).strip()
    if isinstance(value, Tensor):
        assert "*" in parameter, f"{kernel}: {parameter} is no pointer"
        assert value.is_contiguous(), f"{kernel}: {parameter} is not contiguous"
        kinds = C_TYPES[kind]
        assert value.dtype in kinds, f"{kernel}: {parameter} got {value.dtype}"
        return ctypes.c_void_p(value.data_ptr())
    if isinstance(value, int):
        assert kind == "int", f"{kernel}: {parameter} got a whole number"
        assert abs(value) <= loader.MAX_INT32, f"{kernel}: {parameter} does not fit 32 bits"
        return ctypes.c_int(value)
    assert kind == "double", f"{kernel}: {parameter} got a fraction"
    return ctypes.c_double(value)
