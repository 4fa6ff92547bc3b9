"""The kernels compile for real devices wherever a CUDA compiler is at hand, without a device."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

from motion_core.kernels import loader

from .cpu import FILES, kernels_in

# The least that CUDA 13 knows, an RTX 40, and an H200.
TARGETS = ["75", "89", "90"]


def test_every_file_has_kernels() -> None:
    assert FILES == ["draft_splat.cu", "id_volume.cu", "reproject_zbuffer.cu"]
    assert all(kernels_in(file) for file in FILES)


@pytest.mark.parametrize("file", FILES)
def test_a_kernel_file_needs_no_header(file: str) -> None:
    assert "#include" not in loader.source_of(file), "NVRTC finds no headers on users' machines"


def nvcc() -> str | None:
    usual = Path("/usr/local/cuda/bin/nvcc")
    return shutil.which("nvcc") or (str(usual) if usual.exists() else None)


@pytest.mark.slow
@pytest.mark.skipif(nvcc() is None, reason="no nvcc here; the CPU build of the same source ran")
@pytest.mark.parametrize("file", FILES)
def test_nvcc_compiles_the_kernel_file(file: str, tmp_path: Path) -> None:
    source, target = tmp_path / file, tmp_path / "out.cubin"
    source.write_text(loader.source_of(file), encoding="utf-8")
    flags = ["-cubin", "-arch=sm_80", "--fmad=false", "-Werror", "all-warnings"]
    done = subprocess.run(
        [str(nvcc()), *flags, str(source), "-o", str(target)], capture_output=True, text=True
    )
    if "Cannot find compiler" in done.stderr + done.stdout:
        pytest.skip("this nvcc has no host compiler; the CPU build of the same source ran")
    assert done.returncode == 0, done.stderr
    assert target.stat().st_size > 0


def nvrtc_library() -> str | None:
    """libnvrtc of a toolkit, of NVIDIA's Python package, or the one that NVRTC_LIBRARY names."""
    named = os.environ.get("NVRTC_LIBRARY") or ctypes.util.find_library("nvrtc")
    if named:
        return named
    for package in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        try:
            listed = files(package) or []
        except PackageNotFoundError:
            continue
        found = [one for one in listed if one.name.startswith(("libnvrtc.so", "nvrtc64_"))]
        if found:
            return str(found[0].locate())
    return None


def compiled_by_nvrtc(library: ctypes.CDLL, file: str, target: str) -> tuple[int, str]:
    """The result code and the log of compiling one file with the loader's options."""
    source, program = loader.source_of(file).encode(), ctypes.c_void_p()
    options = [f"--gpu-architecture=sm_{target}", *loader.OPTIONS]
    array = (ctypes.c_char_p * len(options))(*[one.encode() for one in options])
    made = library.nvrtcCreateProgram(ctypes.byref(program), source, file.encode(), 0, None, None)
    assert made == 0
    for name in kernels_in(file):
        assert library.nvrtcAddNameExpression(program, name.encode()) == 0
    code, size = library.nvrtcCompileProgram(program, len(options), array), ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, text)
    for name in kernels_in(file) if code == 0 else ():
        lowered = ctypes.c_char_p()
        library.nvrtcGetLoweredName(program, name.encode(), ctypes.byref(lowered))
        assert lowered.value == name.encode()
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return code, text.value.decode()


@pytest.mark.skipif(
    nvrtc_library() is None, reason="no NVRTC here; the CPU build of the same source ran"
)
@pytest.mark.parametrize("file", FILES)
def test_nvrtc_compiles_the_kernel_file(file: str) -> None:
    library = ctypes.CDLL(str(nvrtc_library()))
    for target in TARGETS:
        code, text = compiled_by_nvrtc(library, file, target)
        assert code == 0, text
