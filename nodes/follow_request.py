"""What the Follow Motion nodes do: sockets to a DualClock, the host's MODEL and LATENT back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..motion_core.errors import ShapeError
from ..motion_core.geometry import Size
from ..motion_core.guidance.clocks import FAMILIES, Clock, FamilyClocks, FollowScale
from ..motion_core.guidance.dual_clock import DualClock
from ..motion_core.guidance.follow_plan import DrawnRegion, RegionRequest, planned
from ..motion_core.guidance.latent_mask import track_mask
from . import host
from .host_latents import VideoFormat, encoded_reference, family_of, video_format
from .host_model import followed
from .wire import tracks_in
from .wire_host import nested_tensors


@dataclass(frozen=True, eq=False)
class FollowRequest:
    """The sockets and settings of Follow Motion.

    Attributes:
        pictures: (F, H, W, 3) in 0..1, the reference.
        clocks: The DynamicCombo: {"clocks": kind, ...}.
        ramp: Share of the schedule over which a region is released.
        feather_px: Softness of the mask's edge.
        exact_frames: Pictures at the start that follow to the end.
        mask: A MASK for the strong clock, or None for everything.
        regions: More regions over it.
        latent: A LATENT, or None.
    """

    pictures: Tensor
    clocks: dict[str, Any]
    ramp: float
    feather_px: float
    exact_frames: int
    mask: Tensor | None
    regions: tuple[DrawnRegion, ...]
    latent: dict[str, Any] | None


def patched(model: Any, vae: Any, request: FollowRequest) -> tuple[Any, dict[str, Any], str]:
    """The MODEL that follows, the LATENT for its sampler, and a report in text.

    Raises:
        ValueError, ShapeError, CanvasError: Inputs that do not fit together; the message says what
            to connect.
    """
    form = video_format(model)
    family = FAMILIES[family_of(model)]
    count = _fitting_frames(form, len(request.pictures), request.latent)
    pictures = request.pictures[:count]
    reference = encoded_reference(model, vae, pictures)
    weak, strong = stated_clocks(request.clocks, family, request.ramp)
    regions = [one.on(family.scale) for one in request.regions]
    if request.mask is not None:
        regions.insert(0, RegionRequest(request.mask.cpu(), strong, request.feather_px))
    elif not request.regions:
        weak = strong
    regions = [_cut(one, len(request.pictures), count) for one in regions]
    groups = form.groups(form.latent_frames(count))
    canvas = Size(pictures.shape[2], pictures.shape[1])
    exact = request.exact_frames
    clock = planned(reference, groups, canvas, weak, regions, exact, progress=host.progress())
    latent = _latent_for(reference, request.latent)
    report = _report(form, family.scale, clock, len(request.pictures), count)
    return followed(model, clock), latent, report


def stated_clocks(stated: dict[str, Any], family: FamilyClocks, ramp: float) -> tuple[Clock, Clock]:
    """The weak and the strong clock of the node's choice.

    Raises:
        ValueError: A value out of range, or the strong clock strikes before the weak one.
    """
    kind = stated["clocks"]
    if kind == "sigma":
        weak, strong = stated["weak_sigma"], stated["strong_sigma"]
        _check_order(strong <= weak, weak, strong, "sigma at most")
        return Clock.switch(weak), Clock.switch(strong)
    if kind == "follow":
        weak, strong = stated["weak"], stated["strong"]
        _check_order(weak <= strong, weak, strong, "follow at least")
    else:
        weak, strong = family.camera if kind == "camera" else family.cut_and_drag
    return family.scale.clock(weak, ramp), family.scale.clock(strong, ramp)


def region_of(area: dict[str, Any], follow: float, ramp: float, feather: float) -> DrawnRegion:
    """The region of the node Follow Region. Raises ValueError for values out of range."""
    if area["area"] == "tracks":
        found = tracks_in(area["tracks"])
        settings = {"which": area["which"], "progress": host.progress()}
        mask = track_mask(found, area["radius"], **settings)
        if not bool(mask.any()):
            raise ValueError(
                f"no visible track of the kind {area['which']!r} is inside the picture, so the "
                "region is empty. Choose another kind, or connect other tracks."
            )
    else:
        mask = area["mask"].cpu().float()
    return DrawnRegion(mask, follow, ramp, feather)


def _check_order(is_ordered: bool, weak: float, strong: float, wanted: str) -> None:
    if not is_ordered:
        raise ValueError(
            f"the mask must follow longer than the rest: {wanted} the weak clock's; got weak "
            f"{weak}, strong {strong}. Swap the two."
        )


def _fitting_frames(form: VideoFormat, pictures: int, latent: dict[str, Any] | None) -> int:
    """How many of the reference's pictures the latents hold.

    Raises ValueError when a connected LATENT holds another number.
    """
    held = sum(form.groups(form.latent_frames(pictures)))
    if latent is None:
        return held
    samples = _video_samples(latent)
    if samples.ndim != (4 if form.is_batch else 5):
        raise ShapeError(
            f"the latent is {tuple(samples.shape)}, which is no video of this model ({form.name}). "
            "Connect the node that makes the model's empty latents."
        )
    batch_axis_frames = samples.shape[0] if form.is_batch else samples.shape[2]
    if not form.is_batch and samples.shape[0] != 1:
        raise ValueError(
            f"the latent holds a batch of {samples.shape[0]} clips; Follow Motion makes one clip "
            "per run. Set batch_size to 1."
        )
    wanted = sum(form.groups(batch_axis_frames))
    guides = "noise_mask" in latent and held < wanted
    if held != wanted and not guides:
        raise ValueError(
            f"the reference has {pictures} frames and the latent is for {wanted}. Set the length "
            f"of the latent's node to {held}, or make the reference {wanted} frames long (Expand "
            "Motion's frames, or Retime Tracks before the draft)."
        )
    return held


def _video_samples(latent: dict[str, Any]) -> Tensor:
    return nested_tensors(latent["samples"])[0]


def _cut(region: RegionRequest, pictures: int, count: int) -> RegionRequest:
    """A region whose masks, one per picture, end where the pictures end."""
    mask = region.mask
    if mask.ndim == 3 and len(mask) == pictures and pictures > 1:
        mask = mask[:count]
    return RegionRequest(mask, region.clock, region.feather_px)


def _latent_for(reference: Tensor, latent: dict[str, Any] | None) -> dict[str, Any]:
    """The LATENT for the sampler: the connected one, with the reference as its video where no
    noise mask keeps anything.

    Raises ShapeError when the connected one has another size.
    """
    if latent is None:
        return {"samples": reference}
    samples = _video_samples(latent)
    fits = samples.shape[-2:] == reference.shape[-2:]
    if not fits:
        raise ShapeError(
            f"the latent is {samples.shape[-1]}x{samples.shape[-2]} and the reference "
            f"{reference.shape[-1]}x{reference.shape[-2]} on the latent grid. Set width and height "
            "of the latent's node to the size of the reference."
        )
    if "noise_mask" in latent:
        return latent
    if not getattr(latent["samples"], "is_nested", False):
        return {**latent, "samples": reference}
    nested = type(latent["samples"])([reference, *latent["samples"].unbind()[1:]])
    return {**latent, "samples": nested}


def _report(
    form: VideoFormat, scale: FollowScale, clock: DualClock, pictures: int, count: int
) -> str:
    """What was set up, one statement per line."""
    latent_frames = clock.reference.shape[0 if form.is_batch else 2]
    lines = [f"{form.name}: {count} frames in {latent_frames} latent frames"]
    if count < pictures:
        lines.append(f"the last {pictures - count} frames of the reference do not fill a latent")
    lines.append(f"outside all regions: {_clock_text(clock.background, scale)}")
    for index, region in enumerate(clock.regions):
        share = 100.0 * float(region.mask.mean())
        lines.append(
            f"region {index + 1} ({share:.1f} % of the clip): {_clock_text(region.clock, scale)}"
        )
        if share == 0.0:
            lines.append(f"region {index + 1} is empty: connect a mask with white areas")
    if math.isfinite(clock.start_sigma):
        lines.append(f"a run begins at sigma {clock.start_sigma:.4g}")
    return "\n".join(lines)


def _clock_text(clock: Clock, scale: FollowScale) -> str:
    if math.isinf(clock.full):
        return "free at once"
    if clock.full == 0.0:
        return "follows to the end"
    text = f"follows down to sigma {clock.full:.4g}, follow {scale.follow(clock.full):.2f}"
    if clock.full == clock.free:
        return text
    return f"{text}; free from {clock.free:.4g}, follow {scale.follow(clock.free):.2f}"
