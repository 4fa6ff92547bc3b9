"""Depth from a picture by a model in a local folder."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import FormatError, MissingExtraError
from ..geometry import Size
from ..images import check_image, check_video, image_size
from ..model_folder import (
    channel_values,
    read_config,
    side_value,
    transformers_config,
    transformers_network,
)
from ..progress import Progress, silent
from .depth_map import DepthMap
from .depth_video import DepthVideo
from .lens import intrinsics_from_fov
from .sources import ASSUMED_FOV_DEG, INVERSE, DepthReading, make_depth

SUGGESTION = (
    "Depth Anything V2 Small (Apache-2.0): put config.json, preprocessor_config.json and "
    "model.safetensors of huggingface.co/depth-anything/Depth-Anything-V2-Small-hf there. Depth "
    "Pro (apple/DepthPro-hf, Apple's research licence) knows its field of view too."
)
# Inverse depth of unknown scale is stretched between these quantiles, so that a few stray pixels
# do not flatten the rest.
LOW_QUANTILE, HIGH_QUANTILE = 0.002, 0.998
# A prediction that varies by less than this fraction of itself is flat, and rounding is no depth.
FLAT_SHARE = 1e-4
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class DepthEstimator(Protocol):
    """A model that estimates depth from a picture."""

    def estimate(self, image: Tensor, *, fov_deg: float | None = None) -> DepthMap:
        """Estimate the depth of a picture on its own canvas.

        Args:
            image: (H, W, 3) float, 0..1.
            fov_deg: Horizontal field of view in degrees; None for the model's own or an assumed
                one.
        """
        ...


@dataclass(frozen=True)
class Preparation:
    """Input preprocessing of a model.

    Attributes:
        width: Wanted width in pixels.
        height: Wanted height in pixels.
        multiple: Both sides become multiples of this many pixels.
        keep_aspect: Scale both sides alike, by the factor that changes the image less.
        mean: Subtracted from every channel of an image in 0..1.
        deviation: The channels are divided by it afterwards.
    """

    width: int
    height: int
    multiple: int = 1
    keep_aspect: bool = False
    mean: tuple[float, float, float] = IMAGENET[0]
    deviation: tuple[float, float, float] = IMAGENET[1]

    def size_for(self, size: Size) -> Size:
        """The sides a picture is resized to, changing its scale as little as it can."""
        across, down = self.width / size.width, self.height / size.height
        if self.keep_aspect:
            across = down = across if abs(1 - across) < abs(1 - down) else down

        def whole(side: float) -> int:
            return max(self.multiple, round(side / self.multiple) * self.multiple)

        return Size(whole(across * size.width), whole(down * size.height))

    def __call__(self, image: Tensor) -> Tensor:
        """(1, 3, h, w) of a picture (H, W, 3)."""
        wanted = self.size_for(image_size(image))
        batch = image.movedim(-1, 0)[None]
        if batch.shape[-1] != wanted.width or batch.shape[-2] != wanted.height:
            batch = nn.functional.interpolate(
                batch, (wanted.height, wanted.width), mode="bicubic", antialias=True
            )
        mean, deviation = (batch.new_tensor(v)[:, None, None] for v in (self.mean, self.deviation))
        return (batch.clamp(0.0, 1.0) - mean) / deviation


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of one image.

    Attributes:
        values: (H, W) float32, as the model's family means them.
        field_of_view: Degrees, where the model gives it.
    """

    values: Tensor
    field_of_view: Tensor | None


@dataclass(frozen=True, eq=False)
class TransformersEstimator:
    """A depth model of the transformers library.

    Attributes:
        model: The network. The host may move it between devices.
        preparation: What the network's input needs.
        reading: How inverse depth of unknown scale is converted, for models that give no more.
    """

    model: nn.Module
    preparation: Preparation
    reading: DepthReading = INVERSE

    def estimate(self, image: Tensor, *, fov_deg: float | None = None) -> DepthMap:
        """See DepthEstimator.

        Raises:
            ShapeError: The image is not (H, W, 3).
            ValueError: The model gives an impossible field of view and none is stated.
        """
        check_image(image)
        return self.estimate_video(image[None], fov_deg=fov_deg).first

    def estimate_video(
        self, video: Tensor, *, fov_deg: float | None = None, progress: Progress = silent
    ) -> DepthVideo:
        """Estimate the depth of every frame of a video, each alone, on one scale and one lens.

        Inverse depth of unknown scale is stretched over the whole video at once, so that no frame
        gets a scale of its own. The lens is that of the first frame.

        Args:
            video: (T, H, W, 3) float, 0..1.
            fov_deg: Horizontal field of view in degrees; None for the model's own or an assumed
                one.
            progress: Called twice per frame.

        Raises:
            ShapeError: The video is not (T, H, W, 3).
            ValueError: As in estimate.
        """
        check_video(video, "the video", least_frames=1)
        size, family = image_size(video), _family(self.model.config)
        predictions = []
        for frame, image in enumerate(video):
            predictions.append(self._predict(image, size))
            progress(frame + 1, 2 * len(video))
        if family == "inverse":
            predictions = _stretched(predictions)
        maps = []
        for frame, prediction in enumerate(predictions):
            maps.append(FAMILIES[family](self, prediction, size, fov_deg))
            progress(len(video) + frame + 1, 2 * len(video))
        return DepthVideo.of(maps)

    def _predict(self, image: Tensor, size: Size) -> Prediction:
        weight = next(self.model.parameters())
        pixels = self.preparation(image.to(weight.device, torch.float32)).to(weight.dtype)
        with torch.inference_mode():
            output = self.model(pixel_values=pixels)
        values = _resized(output.predicted_depth.float(), size).clone()
        return Prediction(values, getattr(output, "field_of_view", None))


def load_estimator(
    folder: str | os.PathLike[str], *, reading: DepthReading = INVERSE
) -> TransformersEstimator:
    """Load a depth model from a local folder in the layout of transformers; nothing is downloaded.

    Args:
        folder: Holds config.json, model.safetensors and, where the model has its own,
            preprocessor_config.json.
        reading: How inverse depth of unknown scale is converted.

    Returns:
        The model on the CPU, in float32, in eval mode.

    Raises:
        FileNotFoundError: A file is missing; the message says what to put where.
        MissingExtraError: transformers is not installed.
        FormatError: The model is not supported, a file is damaged or lacks weights, or the config
            could run code.
    """
    folder = Path(folder)
    missing = [n for n in ("config.json", "model.safetensors") if not (folder / n).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)}. {SUGGESTION}")
    config = read_config(folder / "config.json")
    family = _family_name(config)
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            "Estimating depth needs transformers: pip install motion-prompting[depth]."
        ) from error
    preparation = _preparation(folder, family)
    kind = config["model_type"]
    network = getattr(transformers, NETWORKS[kind])
    built = transformers_config(config, kind, folder / "config.json")
    model = transformers_network(folder, network, built, torch.float32)
    return TransformersEstimator(model, preparation, reading)


def _preparation(folder: Path, family: str) -> Preparation:
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return DEFAULTS[family]
    stored, default = read_config(path), DEFAULTS[family]
    size = stored.get("size") or {}
    if not isinstance(size, dict):
        raise FormatError(f"{path} has size = {size!r:.60}; expected width and height.")
    return Preparation(
        side_value(size, "width", default.width, path),
        side_value(size, "height", default.height, path),
        side_value(stored, "ensure_multiple_of", default.multiple, path),
        bool(stored.get("keep_aspect_ratio", default.keep_aspect)),
        channel_values(stored, "image_mean", default.mean, path),
        channel_values(stored, "image_std", default.deviation, path, positive=True),
    )


def _family(config: Any) -> str:
    return _family_name(config.to_dict())


def _family_name(config: Mapping[str, Any]) -> str:
    """What a model's numbers mean. Raises FormatError for a model this does not know."""
    kind = config.get("model_type")
    if kind == "depth_anything" and config.get("depth_estimation_type") == "metric":
        return "metric"
    if kind in ("depth_anything", "dpt"):
        return "inverse"
    if kind == "depth_pro":
        return "depth_pro"
    raise FormatError(
        f"depth models of the kind {kind!r} are not supported; use depth_anything, dpt or "
        f"depth_pro. {SUGGESTION}"
    )


def _resized(values: Tensor, size: Size) -> Tensor:
    """(H, W) of a prediction (1, h, w)."""
    grown = nn.functional.interpolate(values[:, None], (size.height, size.width), mode="bilinear")
    return grown[0, 0]


def _stretched(predictions: list[Prediction]) -> list[Prediction]:
    """Inverse depths stretched to 0..1 between two quantiles of all of them."""
    count = sum(prediction.values.numel() for prediction in predictions)
    step = max(1, count // 100_000)
    sample = torch.cat([prediction.values.flatten()[::step] for prediction in predictions])
    low, high = (float(torch.quantile(sample, q)) for q in (LOW_QUANTILE, HIGH_QUANTILE))
    span = max(high - low, FLAT_SHARE * max(abs(low), abs(high)), 1e-12)
    return [
        replace(prediction, values=((prediction.values - low) / span).clamp(0.0, 1.0))
        for prediction in predictions
    ]


def _inverse(
    estimator: TransformersEstimator, prediction: Prediction, size: Size, fov: float | None
) -> DepthMap:
    return make_depth(estimator.reading.depth(prediction.values), fov_deg=_stated(fov))


def _metric(
    estimator: TransformersEstimator, prediction: Prediction, size: Size, fov: float | None
) -> DepthMap:
    return make_depth(prediction.values, fov_deg=_stated(fov), is_metric=True)


def _depth_pro(
    estimator: TransformersEstimator, prediction: Prediction, size: Size, fov: float | None
) -> DepthMap:
    """Depth Pro gives inverse depth for a focal length of one width, and the field of view."""
    model_fov = prediction.field_of_view
    fov_deg = fov if fov is not None or model_fov is None else float(model_fov.flatten()[0])
    if fov_deg is None or not (math.isfinite(fov_deg) and 1.0 < fov_deg < 179.0):
        raise ValueError(
            f"the model gave no usable field of view ({fov_deg}); state one (fov_deg)."
        )
    K = intrinsics_from_fov(size, fov_deg)
    z = float(K[0, 0]) / size.width / prediction.values.clamp(1e-4, 1e4)
    return make_depth(z, K=K, is_metric=True)


def _stated(fov_deg: float | None) -> float:
    return ASSUMED_FOV_DEG if fov_deg is None else fov_deg


NETWORKS = {
    "depth_anything": "DepthAnythingForDepthEstimation",
    "dpt": "DPTForDepthEstimation",
    "depth_pro": "DepthProForDepthEstimation",
}
FAMILIES = {"inverse": _inverse, "metric": _metric, "depth_pro": _depth_pro}
DEFAULTS = {
    "inverse": Preparation(518, 518, 14, True),
    "metric": Preparation(518, 518, 14, True),
    "depth_pro": Preparation(1536, 1536, 1, False, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
