"""TAPIR, BootsTAPIR and TAPNext through the `tapnet` package (Apache-2.0), where it is installed.

Both count pixels from the corner of the top-left one, as we do, and take queries as frame, y, x.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FormatError, MissingExtraError
from ..geometry import Size
from ..npy_files import check_npz
from ..progress import Progress, silent
from ..tracks import Tracks
from ..weights_io import read_weights
from .clip import Clip, Video, as_clip
from .dense_flow import with_weights
from .networks import scale_of, small_frames
from .tracker import ShouldStop, Work, checked_queries, never, tracks_of

INSTALL = (
    "this tracker needs the tapnet package (Apache-2.0): "
    'pip install "tapnet @ git+https://github.com/google-deepmind/tapnet".'
)
TAPNEXT_SIDE = 256


@dataclass(frozen=True, eq=False)
class Tapir:
    """TAPIR (Doersch et al., ICCV 2023) and BootsTAPIR.

    Attributes:
        model: tapnet.torch.tapir_model.TAPIR.
        side: Pictures are resized to side x side, a multiple of 8; the models were trained at 256.
        threshold: A point is visible when the probability that it is not occluded, times the
            probability that its position is accurate, is above this.
        chunk: Queries processed at once.
    """

    model: Any
    side: int = 256
    threshold: float = 0.5
    chunk: int = 64

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """See Tracker."""
        clip = as_clip(video)
        queries = checked_queries(queries, clip)
        size = Size(self.side, self.side)
        scale = scale_of(clip, size)
        xy = queries[None, :, 1:].repeat(clip.num_frames, 1, 1)
        visible = torch.zeros(xy.shape[:2], dtype=torch.bool)
        if not len(queries):
            return tracks_of(clip, queries, xy, visible)
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            pictures = torch.stack(list(small_frames(clip, size, 0, clip.num_frames - 1)))
            pictures = as_signed(pictures).to(device)[None]
            work = Work(len(queries), progress, should_stop)
            work.step(0)
            grids = self.model.get_feature_grids(pictures, is_training=False)
            for start in range(0, len(queries), self.chunk):
                part = slice(start, start + self.chunk)
                model_queries = frame_y_x(queries[part], scale)[None].to(device)
                places, is_visible = self._estimate(pictures, grids, model_queries)
                xy[:, part], visible[:, part] = places.cpu() / scale, is_visible.cpu()
                work.step(len(queries[part]))
        return tracks_of(clip, queries, xy, visible)

    def _estimate(
        self, pictures: Tensor, grids: Any, model_queries: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(T, n, 2) x, y in the model's pixels and (T, n) visible."""
        features = self.model.get_query_features(
            pictures, is_training=False, query_points=model_queries, feature_grids=grids
        )
        found = self.model.estimate_trajectories(
            pictures.shape[-3:-1], False, grids, features, model_queries, self.chunk
        )
        rounds = slice(self.model.num_pips_iter, None, self.model.num_pips_iter)
        tracks, occlusion, uncertainty = (
            torch.stack(list(found[name][rounds])).mean(0)[0].transpose(0, 1)
            for name in ("tracks", "occlusion", "expected_dist")
        )
        confidence = (1 - occlusion.sigmoid()) * (1 - uncertainty.sigmoid())
        return tracks, confidence > self.threshold


@dataclass(frozen=True, eq=False)
class TapNext:
    """TAPNext (Zholus et al., 2025), which runs frame by frame, so a long clip never is in memory.

    It runs forward only; for frames before the queries the reversed clip is tracked.

    Attributes:
        model: tapnet.tapnext.tapnext_torch.TAPNext.
        threshold: A point is visible when its probability of being visible is above this.
        chunk: Queries processed at once.
    """

    model: Any
    threshold: float = 0.5
    chunk: int = 256

    def track(
        self,
        video: Video,
        queries: Tensor,
        progress: Progress = silent,
        should_stop: ShouldStop = never,
    ) -> Tracks:
        """See Tracker."""
        clip = as_clip(video)
        queries = checked_queries(queries, clip)
        xy = queries[None, :, 1:].repeat(clip.num_frames, 1, 1)
        visible = torch.zeros(xy.shape[:2], dtype=torch.bool)
        parts = [slice(at, at + self.chunk) for at in range(0, len(queries), self.chunk)]
        legs = [
            (part, is_back)
            for part in parts
            for is_back in (False, True)
            if not is_back or bool((queries[part, 0] > 0).any())
        ]
        work = Work(len(legs) * clip.num_frames, progress, should_stop)
        for part, is_back in legs:
            for frame, places, is_visible in self._walk(clip, queries[part], is_back):
                applies = queries[part, 0] > frame if is_back else queries[part, 0] <= frame
                xy[frame, part] = torch.where(applies[:, None], places, xy[frame, part])
                visible[frame, part] = torch.where(applies, is_visible, visible[frame, part])
                work.step()
        return tracks_of(clip, queries, xy, visible)

    def _walk(self, clip: Clip, queries: Tensor, is_back: bool):
        """Yields frame, (n, 2) x, y in the clip's pixels, (n,) visible."""
        size = Size(TAPNEXT_SIDE, TAPNEXT_SIDE)
        scale, newest = scale_of(clip, size), clip.num_frames - 1
        model_queries = frame_y_x(queries, scale)
        if is_back:
            model_queries[:, 0] = newest - model_queries[:, 0]
        ends = (newest, 0) if is_back else (0, newest)
        device, state = next(self.model.parameters()).device, None
        for index, small in enumerate(small_frames(clip, size, *ends)):
            inputs = (
                {"query_points": model_queries[None].to(device)}
                if state is None
                else {"state": state}
            )
            with torch.inference_mode():
                tracks, _, shown, state = self.model(
                    video=as_signed(small)[None, None].to(device), **inputs
                )
            places = tracks[0, 0].flip(-1).float().cpu() / scale
            is_visible = shown[0, 0, :, 0].sigmoid().cpu() > self.threshold
            yield (newest - index if is_back else index), places, is_visible


def load_tapir(path: Path, device: torch.device | str = "cpu", threshold: float = 0.5) -> Tapir:
    """TAPIR or BootsTAPIR from a .pt file of its authors.

    Args:
        path: The weight file.
        device: Where the model runs.
        threshold: Visibility threshold, 0..1.

    Raises:
        MissingExtraError: tapnet is not installed.
        FormatError: The file holds other weights.
    """
    try:
        from tapnet.torch.tapir_model import TAPIR  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(f"{INSTALL} ({error})") from error
    state = read_weights(path)
    has_extra = any(name.startswith("extra_convs") for name in state)
    model = TAPIR(pyramid_level=1 if has_extra else 0, extra_convs=has_extra)
    return Tapir(with_weights(model, state, path).to(device), threshold=threshold)


def load_tapnext(path: Path, device: torch.device | str = "cpu", threshold: float = 0.5) -> TapNext:
    """TAPNext from its authors' .npz, or TAPNext++ from their .pt or .ckpt.

    Args:
        path: The weight file.
        device: Where the model runs.
        threshold: Visibility threshold, 0..1.

    Raises:
        MissingExtraError: tapnet is not installed.
        FormatError: The file holds other weights.
    """
    try:
        from tapnet.tapnext.tapnext_torch import TAPNext  # pyright: ignore[reportMissingImports]
        from tapnet.tapnext.tapnext_torch_utils import (  # pyright: ignore[reportMissingImports]
            restore_model_from_jax_checkpoint,
        )
    except ImportError as error:
        raise MissingExtraError(f"{INSTALL} ({error})") from error
    model: nn.Module = TAPNext(image_size=(TAPNEXT_SIDE, TAPNEXT_SIDE))
    if path.suffix.lower() == ".npz":
        try:
            check_npz(path)
            model = restore_model_from_jax_checkpoint(model, str(path)).eval()
        except MemoryError:
            raise
        except Exception as error:
            # The package lets whatever NumPy and PyTorch stumble on through.
            raise FormatError(f"{path} holds no TAPNext weights: {str(error)[:300]}") from error
    else:
        state = {name.removeprefix("tapnext."): v for name, v in read_weights(path).items()}
        model = with_weights(model, state, path)
    return TapNext(model.to(device), threshold=threshold)


def as_signed(pictures: Tensor) -> Tensor:
    """uint8 pictures as float32 -1..1."""
    return pictures.float() / 127.5 - 1.0


def frame_y_x(queries: Tensor, scale: Tensor) -> Tensor:
    """Convert queries (frame, x, y) to (frame, y, x) in the model's pixels.

    Args:
        queries: (N, 3) in the clip's pixels.
        scale: (2,) factors to the model's pixels.
    """
    return torch.cat([queries[:, :1], (queries[:, 1:] * scale).flip(-1)], dim=1)
