"""Poses from pictures by a ViTPose model in a local folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import FormatError, MissingExtraError
from ..geometry import Size
from ..images import check_video, image_size
from ..model_folder import read_config, transformers_config, transformers_network
from ..progress import Progress, silent
from .pose_sequence import PoseSequence, with_middles
from .skeleton import COCO_17, JOINTS, joint

SUGGESTION = (
    "ViTPose base (Apache-2.0): put config.json and model.safetensors of "
    "huggingface.co/usyd-community/vitpose-base-simple there."
)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# ViTPose was trained on boxes widened by a quarter.
BOX_GROWTH = 1.25
FRAMES_AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class PoseEstimator:
    """A ViTPose model. `model` may be moved between devices by the host."""

    model: Any

    def estimate(
        self,
        video: Tensor,
        boxes: Sequence[Sequence[float]] | None = None,
        *,
        fps: float | None = None,
        progress: Progress = silent,
    ) -> PoseSequence:
        """Estimate one pose per box in every frame, body joints only.

        Args:
            video: (T, H, W, 3) floats 0..1.
            boxes: (left, top, right, bottom) in pixels around each person, for all frames; None is
                one box around the whole picture, which suits a single person.
            fps: Frames per second of the result; None for unknown.
            progress: Called as the frames are done.

        Raises:
            ShapeError: The video is not (T, H, W, 3).
            ValueError: A box has no area.
            FormatError: The model has other joints.
        """
        check_video(video, least_frames=0)
        size = image_size(video)
        windows = [self._window(box, size) for box in boxes or [(0, 0, *size)]]
        people = np.zeros((len(video), len(windows), JOINTS, 3))
        for first in range(0, len(video), FRAMES_AT_ONCE):
            block = video[first : first + FRAMES_AT_ONCE]
            for person, window in enumerate(windows):
                people[first : first + len(block), person] = self._joints(block, window)
            progress(min(first + len(block), len(video)), len(video))
        xy, confidence = with_middles(people[..., :2], people[..., 2])
        return PoseSequence(
            torch.from_numpy(xy).float(), torch.from_numpy(confidence).float(), size, fps
        )

    def _input_size(self) -> Size:
        """Input size of the model."""
        height, width = self.model.config.backbone_config.image_size
        return Size(width, height)

    def _window(self, box: Sequence[float], size: Size) -> tuple[float, float, float, float]:
        """A box widened to the model's proportions: left, top, width, height."""
        left, top, right, bottom = (float(side) for side in box)
        if not (right - left > 0 and bottom - top > 0):
            raise ValueError(f"a person's box needs width and height above 0; got {list(box)}.")
        aspect = self._input_size().width / self._input_size().height
        width = BOX_GROWTH * max(right - left, (bottom - top) * aspect)
        height = width / aspect
        return (left + right - width) / 2, (top + bottom - height) / 2, width, height

    def _joints(self, block: Tensor, window: tuple[float, float, float, float]) -> np.ndarray:
        """(T, 137, 3) of frames (T, H, W, 3) in one window."""
        weight = next(self.model.parameters())
        views = _views(block.to(weight.device, torch.float32), window, self._input_size())
        with torch.inference_mode():
            maps = self.model(pixel_values=views.to(weight.dtype), **self._expert(len(views)))
        found, confidence = peaks(maps.heatmaps.float().cpu())
        if found.shape[1] < len(COCO_17):
            raise FormatError(
                f"the model finds {found.shape[1]} joints, not COCO's {len(COCO_17)}. {SUGGESTION}"
            )
        left, top, width, height = window
        scale = found.new_tensor([width, height])
        xy = found * scale + found.new_tensor([left, top])
        result = np.zeros((len(block), JOINTS, 3))
        for place, name in enumerate(COCO_17):
            result[:, joint(name), :2] = xy[:, place].numpy()
            result[:, joint(name), 2] = confidence[:, place].clamp(0, 1).numpy()
        return result

    def _expert(self, count: int) -> dict[str, Tensor]:
        """ViTPose+ takes the index of a data set's joints; 0 is COCO."""
        config = self.model.config.backbone_config
        if getattr(config, "num_experts", 1) <= 1:
            return {}
        device = next(self.model.parameters()).device
        return {"dataset_index": torch.zeros(count, dtype=torch.int64, device=device)}


def load_pose_estimator(folder: str | os.PathLike[str]) -> PoseEstimator:
    """Load a ViTPose model from a local folder in the layout of transformers, without a download.

    Returns:
        The model on the CPU, in float32, in eval mode.

    Raises:
        FileNotFoundError: A file is missing; the message says what to put where.
        MissingExtraError: transformers is not installed.
        FormatError: The folder holds another model, a file is damaged or lacks weights, or the
            config could run code.
    """
    folder = Path(folder)
    missing = [n for n in ("config.json", "model.safetensors") if not (folder / n).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)}. {SUGGESTION}")
    path = folder / "config.json"
    config = read_config(path)
    if config.get("model_type") != "vitpose":
        kind = config.get("model_type")
        raise FormatError(f"{path}: expected a vitpose model, got {kind!r:.100}. {SUGGESTION}")
    try:
        from transformers import VitPoseForPoseEstimation
    except ImportError as error:
        raise MissingExtraError(
            "Estimating poses needs transformers: pip install motion-prompting[pose]."
        ) from error
    built = transformers_config(config, "vitpose", path)
    model = transformers_network(folder, VitPoseForPoseEstimation, built, torch.float32)
    return PoseEstimator(model)


def peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Where each heat map is highest, to a fraction of a cell, and how high.

    The fraction comes from a parabola through the logarithms around the highest cell, which is
    exact for a Gaussian.

    Args:
        maps: (B, J, h, w) heat maps.

    Returns:
        (B, J, 2), x and y as fractions of the window, whose ends are the first and the last cell,
        as ViTPose was trained; and (B, J), the highest values.
    """
    height, width = maps.shape[-2:]
    confidence, flat = maps.flatten(2).max(dim=2)
    row, column = flat // width, flat % width
    logs = maps.clamp(min=1e-10).log()
    across = logs.gather(2, row[..., None, None].expand(-1, -1, 1, width))[:, :, 0]
    x = column + _offset(across, column)
    down = logs.gather(3, column[..., None, None].expand(-1, -1, height, 1))[..., 0]
    y = row + _offset(down, row)
    ends = maps.new_tensor([max(width - 1, 1), max(height - 1, 1)])
    return torch.stack([x, y], dim=-1) / ends, confidence


def _offset(line: Tensor, place: Tensor) -> Tensor:
    """(B, J) from the highest place of lines (B, J, n) to the top of the parabola around it."""
    count = line.shape[-1]
    inner = place.clamp(1, max(count - 2, 1))
    if count < 3:
        return torch.zeros_like(place, dtype=line.dtype)
    before, here, after = (line.gather(2, (inner + k)[..., None])[..., 0] for k in (-1, 0, 1))
    bend = before - 2 * here + after
    offset = 0.5 * (before - after) / torch.where(bend < -1e-9, bend, -1.0)
    return torch.where((inner == place) & (bend < -1e-9), offset.clamp(-0.5, 0.5), 0.0)


def _views(video: Tensor, window: tuple[float, float, float, float], wanted: Size) -> Tensor:
    """(T, 3, h, w) of frames (T, H, W, 3) cut out by a window, its ends the first and last pixel;
    black outside the picture."""
    left, top, width, height = window
    size = Size(video.shape[2], video.shape[1])
    x = left + width * torch.linspace(0, 1, wanted.width)
    y = top + height * torch.linspace(0, 1, wanted.height)
    unit = torch.stack(torch.meshgrid(x / size.width, y / size.height, indexing="xy"), dim=-1)
    grid = (unit * 2 - 1).to(video.device).expand(len(video), -1, -1, -1)
    views = nn.functional.grid_sample(
        video.movedim(-1, 1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    mean, deviation = (views.new_tensor(values)[:, None, None] for values in IMAGENET)
    return (views - mean) / deviation
