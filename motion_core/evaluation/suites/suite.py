"""The suites by name: how their folders are read and what is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...progress import Progress
from . import scores
from .case import SuiteCase
from .readers import (
    read_davis,
    read_drag_bench,
    read_mc_bench,
    read_move_bench,
    read_prompts,
    read_videos,
)
from .scores import Measure


@dataclass(frozen=True)
class Suite:
    """A benchmark.

    Attributes:
        name: Selects it.
        about: A description for users, with the paper.
        read: Gives the cases of a folder; its progress is called per case.
        measures: Columns of the report, the one that ranks first.
        has_fvd: Whether FVD is also measured, where I3D's weights are given.
    """

    name: str
    about: str
    read: Callable[[Path, Progress], list[SuiteCase]]
    measures: tuple[Measure, ...]
    has_fvd: bool = False


VIDEO = (scores.EPE, scores.FOUND, scores.PSNR, scores.SSIM, scores.LPIPS)
FRAMES = (scores.CONSISTENCY, scores.FLICKER)

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("davis", "DAVIS protocol of Motion Prompting (A.8)", read_davis, VIDEO, True),
        Suite(
            "mc-bench",
            "MC-Bench of MotionPro: MD-Img, MD-Vid; CTD and background CTD of Time-to-Move",
            read_mc_bench,
            (scores.MD_VID, scores.MD_IMG, scores.BACKGROUND),
        ),
        Suite(
            "move-bench",
            "MoveBench of Wan-Move, one object",
            read_move_bench,
            VIDEO,
            True,
        ),
        Suite(
            "move-bench-multi",
            "MoveBench of Wan-Move, several objects",
            partial(read_move_bench, mode="multi"),
            VIDEO,
            True,
        ),
        Suite(
            "drag-bench",
            "DragBench of DragDiffusion: image fidelity and mean distance of edited pictures",
            read_drag_bench,
            (scores.MD, scores.IMAGE_FIDELITY),
        ),
        Suite(
            "image-conductor",
            "CamMC and ObjMC of Image Conductor, on prompts in folders camera and object",
            read_prompts,
            (scores.CAM_MC, scores.OBJ_MC),
        ),
        Suite(
            "prompts",
            "your own motion prompts: tracks with pictures, and true videos where there are any",
            read_prompts,
            (*VIDEO, scores.BACKGROUND, scores.FIDELITY, *FRAMES),
            True,
        ),
        Suite(
            "frames",
            "frame consistency and flickering as VBench takes them; needs nothing but videos",
            read_videos,
            FRAMES,
        ),
    )
}
