"""VMAF of two videos, by an FFmpeg that was built with libvmaf.

The program is not part of the project. The package imageio-ffmpeg holds one (FFmpeg's licence is
the GPL, so it is run as a program of its own and never linked):

    python -m pip download imageio-ffmpeg==0.8.1 --no-deps --dest out
    python -m zipfile -e out/imageio_ffmpeg-0.8.1-*.whl out

gives out/imageio_ffmpeg/binaries/ffmpeg-*; it must be made executable.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from torch import Tensor

from ...errors import FormatError, ShapeError

# The model was trained on pictures of 1920 x 1080; on smaller ones its values are a scale of their
# own, on which only figures of one size can be compared.
LEAST_SIDE = 32
# A program that hangs is stopped, seconds.
LONGEST = 600
FIRST, SECOND, LOG = "video.rgb", "truth.rgb", "vmaf.json"


class Vmaf:
    """Video Multimethod Assessment Fusion (Li et al. 2016), with libvmaf's default model.

    Args:
        program: an ffmpeg with the filter libvmaf.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it does not run, or lacks the filter.
    """

    def __init__(self, program: Path) -> None:
        if not program.is_file():
            raise FileNotFoundError(f"there is no program {program}.")
        self.program = program.resolve()
        filters = _run([str(self.program), "-hide_banner", "-filters"], Path.cwd())
        if "libvmaf" not in filters:
            raise FormatError(
                f"{program} has no filter libvmaf; use an ffmpeg that was built with it, for "
                "example that of the package imageio-ffmpeg 0.8.1."
            )

    def __call__(self, video: Tensor, truth: Tensor) -> float:
        """The mean over the frames of two videos (T, H, W, 3) in 0..1: 0 to 100, higher is better.

        Raises:
            ShapeError: the shapes differ, or a side is shorter than LEAST_SIDE.
            FormatError: the program fails.
        """
        if video.shape != truth.shape or video.ndim != 4 or min(video.shape[1:3]) < LEAST_SIDE:
            raise ShapeError(
                f"VMAF needs two videos (T, H, W, 3) of one size, at least {LEAST_SIDE} pixels a "
                f"side; got {tuple(video.shape)} and {tuple(truth.shape)}."
            )
        _, height, width, _ = video.shape
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i"]
        graph = (
            "[0:v]format=yuv420p[video];[1:v]format=yuv420p[truth];"
            f"[video][truth]libvmaf=log_fmt=json:log_path={LOG}:n_threads=1"
        )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _eight_bit(video).tofile(folder / FIRST)
            _eight_bit(truth).tofile(folder / SECOND)
            command = [str(self.program), "-hide_banner", "-loglevel", "error", "-nostdin"]
            command += [*raw, FIRST, *raw, SECOND, "-lavfi", graph, "-f", "null", "-"]
            _run(command, folder)
            return _mean_score(folder / LOG, len(video))


def _eight_bit(video: Tensor) -> np.ndarray:
    levels = video.detach().cpu().float().clamp(0, 1).mul(255).round()
    return np.ascontiguousarray(levels.numpy().astype(np.uint8))


def _run(command: list[str], folder: Path) -> str:
    """What a program prints; it runs in a folder."""
    try:
        found = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FormatError(f"{command[0]} cannot be run: {error}") from error
    if found.returncode:
        raise FormatError(f"{command[0]} failed: {found.stderr.strip()[-500:]}")
    return found.stdout


def _mean_score(log: Path, frames: int) -> float:
    try:
        scores = [
            float(frame["metrics"]["vmaf"]) for frame in json.loads(log.read_text())["frames"]
        ]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FormatError(f"libvmaf's log cannot be read: {error}") from error
    if len(scores) != frames:
        raise FormatError(f"libvmaf measured {len(scores)} frames of {frames}.")
    return float(np.mean(scores))
