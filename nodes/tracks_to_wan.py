"""Tracks to Wan: tracks in the conditioning of Wan-Move and ATI, and the same without them."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import host
from .schema import (
    ConditioningSocket,
    LatentSocket,
    VaeSocket,
    schema,
    tracks_input,
)
from .wire import frames, picture, tracks_in

ClipVisionSocket = io.Custom("CLIP_VISION_OUTPUT")

FOLLOW = [
    io.DynamicCombo.Option(
        "wan_move",
        [
            io.Float.Input(
                "strength",
                default=1.0,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="How much of the carried features replaces what is there; 1 is the "
                "authors' way.",
            )
        ],
    ),
    io.DynamicCombo.Option(
        "ati",
        [
            io.Float.Input(
                "temperature",
                default=220.0,
                min=1.0,
                max=1000.0,
                step=1.0,
                tooltip="How narrow a track's influence is; 220 is the authors' value.",
            ),
            io.Int.Input(
                "nearest",
                default=2,
                min=1,
                max=10,
                tooltip="How many of the nearest tracks a place blends; 2 is the authors' value.",
            ),
        ],
    ),
]


def _inputs() -> list[Any]:
    return [
        ConditioningSocket.Input("positive", tooltip="The prompt, encoded."),
        ConditioningSocket.Input("negative", tooltip="The negative prompt, encoded."),
        VaeSocket.Input("vae", tooltip="The VAE of Wan 2.1."),
        tracks_input(
            "The tracks, on the canvas of the video; their frames are the length of the clip "
            "(4k+1, such as 81)."
        ),
        io.Image.Input(
            "start_images",
            tooltip="The start image, or the last 1, 5, 9, ... frames of the window before, where "
            "a clip goes on. At the size of the tracks' canvas.",
        ),
        io.DynamicCombo.Input(
            "follow",
            options=FOLLOW,
            tooltip="The model that follows: Wan-Move copies features along tracks, ATI blends "
            "them around tracks.",
        ),
        io.Combo.Input(
            "negative_tracks",
            options=["with tracks", "without tracks"],
            default="with tracks",
            tooltip="with tracks: text guidance leaves the motion alone, as in ComfyUI's own "
            "nodes. without tracks: the cfg of the sampler strengthens the motion with the prompt.",
        ),
    ]


def _optional_inputs() -> list[Any]:
    return [
        io.Image.Input(
            "end_image",
            optional=True,
            tooltip="A picture with which the clip ends. Tracks do not reach the last latent frame "
            "then.",
        ),
        LatentSocket.Input(
            "previous",
            optional=True,
            tooltip="The sampler's latents of the window before. Their last frames take the place "
            "of start_images in the latents, so that nothing is lost by decoding and encoding.",
        ),
        ClipVisionSocket.Input(
            "clip_vision_output",
            optional=True,
            tooltip="CLIP Vision Encode of the start image, which Wan 2.1 models use.",
        ),
    ]


class TracksToWan(io.ComfyNode):
    """Prompts, tracks and known pictures in; conditioning with and without tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TracksToWan",
            aliases=["wan move", "ati", "track conditioning", "long clip", "first last frame"],
            display_name="Tracks to Wan",
            category="Motion Prompting/Native",
            description="Conditioning for Wan-Move and ATI: with tracks, and the same without "
            "them for Motion Guidance. Continues a clip from its last frames or latents, and takes "
            "an end image. Tracks start in any known frame; nothing is random.",
            inputs=[*_inputs(), *_optional_inputs()],
            outputs=[
                ConditioningSocket.Output(
                    "positive", display_name="positive", tooltip="The prompt with the tracks."
                ),
                ConditioningSocket.Output(
                    "negative",
                    display_name="negative",
                    tooltip="The negative prompt, with or without tracks as chosen.",
                ),
                ConditioningSocket.Output(
                    "untracked",
                    display_name="untracked",
                    tooltip="The prompt without tracks: connect Motion Guidance.",
                ),
                LatentSocket.Output(
                    "latent", display_name="latent", tooltip="Empty latents for the sampler."
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="How many tracks the model can follow, and which frames are known.",
                ),
            ],
        )

    @classmethod
    def execute(cls, positive, negative, vae, tracks, start_images, follow, **rest):
        from .host_wan_tracks import WanClip, conditioned, conditions

        end, previous = rest.get("end_image"), rest.get("previous")
        clip = WanClip(
            tracks_in(tracks, least_frames=5),
            frames(start_images),
            None if end is None else picture(end),
            None if previous is None else previous["samples"],
        )
        moved, plain = conditions(vae, clip, follow, host.progress())
        embeds = rest.get("clip_vision_output")
        other = moved if rest["negative_tracks"] == "with tracks" else plain
        return io.NodeOutput(
            conditioned(positive, moved, embeds),
            conditioned(negative, other, embeds),
            conditioned(positive, plain, embeds),
            {"samples": plain.latent.new_zeros(plain.latent.shape)},
            _report(clip),
        )


def _report(clip: Any) -> str:
    from .host_wan_tracks import anchored

    count, found = clip.tracks.num_points, anchored(clip)
    lines = [
        f"{clip.tracks.num_frames} frames of {clip.tracks.size}, of which the first "
        f"{len(clip.start)} are known{'' if clip.end is None else ' and the last one'}",
        f"{found} of {count} tracks are visible in a known frame and are followed",
    ]
    if found < count:
        lines.append("the others appear later: nothing of them is known that could be carried")
    return "\n".join(lines)
