"""Follow Motion: the host's own MODEL follows a reference video, region by region."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import host
from .schema import (
    FollowSocket,
    HostModelSocket,
    LatentSocket,
    VaeSocket,
    schema,
    tracks_input,
)
from .stillness import joined, still_video_note
from .wire import follow_in, frames

FOLLOW_TIP = (
    "the share of the model's own schedule, 0..1, after which it is released: 0 is free at once, 1 "
    "follows to the end"
)
SIGMA_TIP = "the noise level (sigma) of the model at which it is released"


def clock_options() -> list[Any]:
    """The ways to state the two clocks."""
    weak, strong = (0.06, "outside the mask"), (0.14, "inside the mask")
    return [
        io.DynamicCombo.Option("cut_and_drag", []),
        io.DynamicCombo.Option("camera", []),
        io.DynamicCombo.Option(
            "follow",
            [
                io.Float.Input(
                    name,
                    default=value,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=f"How long the video follows {where}: {FOLLOW_TIP}.",
                )
                for name, (value, where) in (("weak", weak), ("strong", strong))
            ],
        ),
        io.DynamicCombo.Option(
            "sigma",
            [
                io.Float.Input(
                    name,
                    default=value,
                    min=0.0,
                    max=1000.0,
                    step=0.001,
                    tooltip=f"How long the video follows {where}: {SIGMA_TIP}.",
                )
                for name, (value, where) in (
                    ("weak_sigma", (0.979, "outside the mask")),
                    ("strong_sigma", (0.949, "inside the mask")),
                )
            ],
        ),
    ]


class FollowMotion(io.ComfyNode):
    """A MODEL and a reference video in, the MODEL that follows it out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "FollowMotion",
            aliases=["time-to-move", "ttm", "dual clock", "motion control", "cut and drag", "v2v"],
            display_name="Follow Motion",
            category="Motion Prompting/Sampling",
            description="Makes any video MODEL follow a reference video: a draft, a camera render, "
            "a sampled video or any clip. Dual-clock denoising (Time-to-Move): the run begins from "
            "the noised reference; each region follows it until its clock and is then free. "
            "Training-free, for any sampler, scheduler and number of steps.",
            inputs=[*_sockets(), *_settings(), *_optional_sockets()],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        model,
        vae,
        reference,
        clocks,
        ramp,
        feather,
        exact_frames,
        mask=None,
        regions=None,
        latent=None,
    ):
        from .follow_request import FollowRequest, patched

        request = FollowRequest(
            *(frames(reference), clocks, ramp, feather, exact_frames, mask, follow_in(regions)),
            latent,
        )
        clone, out, report = patched(model, vae, request)
        report = joined(report, still_video_note(request.pictures))
        return io.NodeOutput(clone, out, report, ui=host.text_preview(report))


def _sockets() -> list[Any]:
    return [
        HostModelSocket.Input(
            "model",
            tooltip="The video model, as its loader gives it: any precision, GGUF, with LoRAs.",
        ),
        VaeSocket.Input("vae", tooltip="The VAE that belongs to the model."),
        io.Image.Input(
            "reference",
            tooltip="The video to follow, one image per frame, in the size of the result: Draft "
            "Motion, a camera render with filled holes, or any clip.",
        ),
    ]


def _settings() -> list[Any]:
    return [
        io.DynamicCombo.Input(
            "clocks",
            options=clock_options(),
            tooltip="How long the video follows the reference. cut_and_drag, camera: the values of "
            "Time-to-Move for this kind of reference and the kind of model. follow: your own, as "
            "shares of the schedule. sigma: your own, as noise levels.",
        ),
        io.Float.Input(
            "ramp",
            default=0.0,
            min=0.0,
            max=0.5,
            step=0.01,
            tooltip="The share of the schedule over which a region is released, around its clock. "
            "0 is a hard switch.",
        ),
        io.Float.Input(
            "feather",
            default=8.0,
            min=0.0,
            max=256.0,
            step=1.0,
            tooltip="Softness of the mask's edge, in pixels to both sides. 0 is a hard edge.",
        ),
        io.Int.Input(
            "exact_frames",
            default=1,
            min=0,
            max=4096,
            tooltip="Frames at the start that follow to the end, so that the result begins with "
            "them exactly: 1 for a reference that begins with the start image, 0 for none.",
        ),
    ]


def _optional_sockets() -> list[Any]:
    return [
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Where the strong clock holds: the moving objects of a draft, or the valid "
            "pixels of a camera render. One mask, or one per frame. Without mask and regions it "
            "holds everywhere.",
        ),
        FollowSocket.Input(
            "regions",
            optional=True,
            tooltip="More regions, each with a clock of its own; connect Follow Region. They lie "
            "over the mask.",
        ),
        LatentSocket.Input(
            "latent",
            optional=True,
            tooltip="The latents that would go to the sampler, from the model's own node. They "
            "keep what their noise mask keeps, and their audio. Without them the size is the "
            "reference's.",
        ),
    ]


def _outputs() -> list[Any]:
    return [
        HostModelSocket.Output(
            "model",
            display_name="model",
            tooltip="The model that follows. Any sampler node, with denoise 1.",
        ),
        LatentSocket.Output(
            "latent", display_name="latent", tooltip="Latents of the right size for the sampler."
        ),
        io.String.Output(
            "report",
            display_name="report",
            tooltip="The clocks as noise levels, and how much the masks cover.",
        ),
    ]


class FollowRegion(io.ComfyNode):
    """A mask or tracks and a clock in, a region of Follow Motion out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "FollowRegion",
            aliases=["region clock", "time-to-move region", "pin background", "motion region"],
            display_name="Follow Region",
            category="Motion Prompting/Sampling",
            description="Adds a region with a clock of its own to Follow Motion: a hero object "
            "that follows tightly, a loose one, a pinned background. Chain as many as you like.",
            inputs=[
                io.DynamicCombo.Input(
                    "area",
                    options=_area_options(),
                    tooltip="Where the region is: a mask, or discs around tracks.",
                ),
                io.Float.Input(
                    "follow",
                    default=0.2,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip=f"How long the region follows: {FOLLOW_TIP}.",
                ),
                io.Float.Input(
                    "ramp",
                    default=0.0,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="The share of the schedule over which the region is released, around "
                    "its clock. 0 is a hard switch.",
                ),
                io.Float.Input(
                    "feather",
                    default=8.0,
                    min=0.0,
                    max=256.0,
                    step=1.0,
                    tooltip="Softness of the region's edge, in pixels to both sides.",
                ),
                FollowSocket.Input(
                    "regions", optional=True, tooltip="Regions that lie under this one."
                ),
            ],
            outputs=[
                FollowSocket.Output(
                    "regions",
                    display_name="regions",
                    tooltip="The regions so far, for Follow Motion or another Follow Region.",
                ),
                io.Mask.Output(
                    "mask", display_name="mask", tooltip="The region before feathering."
                ),
            ],
        )

    @classmethod
    def execute(cls, area, follow, ramp, feather, regions=None):
        from .follow_request import region_of

        region = region_of(area, follow, ramp, feather)
        return io.NodeOutput((*follow_in(regions), region), region.mask)


def _area_options() -> list[Any]:
    # The page cannot make a node whose first choice brings sockets alone.
    return [
        io.DynamicCombo.Option(
            "tracks",
            [
                tracks_input("The tracks that the region surrounds, such as Draw Motion's."),
                io.Combo.Input(
                    "which",
                    options=["moving", "still", "all"],
                    tooltip="moving: tracks that move by more than one pixel. still: the others, "
                    "such as pins. all: every track.",
                ),
                io.Float.Input(
                    "radius",
                    default=24.0,
                    min=0.5,
                    max=1024.0,
                    step=0.5,
                    tooltip="Radius of the disc around every visible point, in pixels.",
                ),
            ],
        ),
        io.DynamicCombo.Option(
            "mask",
            [io.Mask.Input("mask", tooltip="White areas. One mask, or one per frame.")],
        ),
    ]
