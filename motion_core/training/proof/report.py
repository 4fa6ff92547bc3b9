"""What a proof has found: a table of endpoint errors, and the last frames side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...evaluation.statistics import Figure, figure, ratio
from ...evaluation.suites.case import read_frames
from ...evaluation.suites.readers import read_prompts
from ...evaluation.suites.report import read_report
from ...overlay import OverlayStyle, draw_tracks

EPE = "EPE"
TILE_PX, GAP_PX, LABEL_PX = 128, 4, 16
INK, PAPER = 32, 255


def as_table(report: Path, baseline: str) -> str:
    """Markdown: endpoint error of every model, and as a share of that of `baseline`.

    report: Written by `evaluate --suite prompts --json`.
    """
    found = read_report(report)
    cases = found.common_cases()
    errors = {
        entry.name: [entry.rows[case].get(EPE, math.nan) for case in cases]
        for entry in found.entries
    }
    lines = [
        f"| videos | endpoint error, px | of that of {baseline} | clips |",
        "|---|---|---|---|",
    ]
    for name, values in errors.items():
        share = ratio(values, errors[baseline])
        mean = figure(values)
        percent = Figure(100 * share.mean, 100 * share.error, share.clips)
        lines.append(f"| {name} | {_cell(mean, 2)} | {_cell(percent, 0)} % | {mean.clips} |")
    return "\n".join(lines) + "\n"


def proof_sheet(prompts: Path, videos: dict[str, Path], most: int = 12) -> Tensor:
    """(H, W, 3) uint8: a row per prompt with its tracks, and the last frame of truth and videos.

    Args:
        prompts: The folder of prompts.
        videos: Folders of the models' videos by name.
        most: Prompts that are shown, the first ones.
    """
    rows = []
    for case in read_prompts(prompts)[:most]:
        assert case.image is not None and case.truth is not None and case.tracks is not None
        truth = read_frames(case.truth)
        style = OverlayStyle(tail_frames=len(truth))
        tiles = [("tracks", draw_tracks(truth[:1].expand_as(truth), case.tracks, style)[-1])]
        tiles.append(("truth", truth[-1]))
        tiles += [(name, read_frames(folder / case.name)[-1]) for name, folder in videos.items()]
        rows.append(_row(tiles))
    return torch.from_numpy(np.concatenate(rows))


def _row(tiles: Sequence[tuple[str, Tensor]]) -> np.ndarray:
    import cv2

    columns = []
    for name, tile in tiles:
        values = tile if tile.dtype == torch.uint8 else (tile.clamp(0, 1) * 255).round().byte()
        pixels = cv2.resize(
            values.cpu().numpy(), (TILE_PX, TILE_PX), interpolation=cv2.INTER_NEAREST
        )
        label = np.full((LABEL_PX, TILE_PX, 3), PAPER, np.uint8)
        font, place = cv2.FONT_HERSHEY_SIMPLEX, (2, LABEL_PX - 4)
        cv2.putText(label, name, place, font, 0.4, (INK,) * 3, 1, cv2.LINE_AA)
        gap = np.full((LABEL_PX + TILE_PX, GAP_PX, 3), PAPER, np.uint8)
        columns += [np.concatenate([label, pixels]), gap]
    return np.concatenate(columns[:-1], axis=1)


def _cell(value: Figure, digits: int) -> str:
    spread = "" if math.isnan(value.error) else f" ± {value.error:.{digits}f}"
    return f"{value.mean:.{digits}f}{spread}"
