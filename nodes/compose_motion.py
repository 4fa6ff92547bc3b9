"""Compose Motion: objects that move, and a camera that moves too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.images import with_even_sides
from . import host
from .camera_tracks import (
    hole_finish,
    hole_inputs,
    occlusion_inputs,
    spacing_input,
    valid_and_depth_outputs,
)
from .schema import (
    EVEN_SIDES,
    CameraSocket,
    DepthSocket,
    TracksSocket,
    canvas_input,
    schema,
    settings_of,
    tracks_output,
)
from .wire import camera_in, depth_in, mask_of_frame, on_canvas, picture, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks


MAX_SETS = 16

MODES = [
    io.DynamicCombo.Option("concatenate", []),
    io.DynamicCombo.Option("add", []),
    io.DynamicCombo.Option(
        "3d",
        [
            DepthSocket.Input("depth", tooltip="Depth of the image the motions are drawn on."),
            CameraSocket.Input("camera", tooltip="The camera path of the clip."),
            spacing_input(
                16.0,
                0.0,
                "Pixels between points of the background; 0 adds none.",
            ),
            io.String.Input(
                "depth_offset",
                multiline=True,
                default="",
                tooltip="Additional distance of each set from the camera over time, in scene "
                "units: one line per set with pairs time:value, such as 0:0 1:2.5; times 0..1. "
                "Empty: none.",
            ),
            *occlusion_inputs(),
            io.Image.Input(
                "image",
                optional=True,
                tooltip="The image, to be rendered: objects with a mask move over it while the "
                "camera moves. Without it only tracks are made.",
            ),
            *hole_inputs(),
        ],
    ),
]


class Composed(NamedTuple):
    """The outputs of the node.

    Attributes:
        tracks: The combined motion.
        render: What is rendered: the video (T, H, W, 3), the masks of its holes and of what is
            valid, and its depth as a video; None without an image.
    """

    tracks: Tracks
    render: tuple[Tensor, Tensor, Tensor, Tensor] | None = None


@dataclass(frozen=True)
class _Motions:
    """The connected sets, and the mask of each or None."""

    sets: list[Tracks]
    masks: list[Tensor | None]


def _concatenate(motions: _Motions) -> Composed:
    from ..motion_core.tracks import concat

    return Composed(concat(motions.sets))


def _add(motions: _Motions) -> Composed:
    from ..motion_core.camera.compose import add_nearest

    result, *others = motions.sets
    for other, mask in zip(others, motions.masks[1:], strict=True):
        result = add_nearest(result, other, mask)
    return Composed(result)


def _in_space(
    motions: _Motions,
    depth: Any,
    camera: Any,
    spacing: float,
    depth_offset: str,
    occlusion_radius: int,
    occlusion_threshold: float,
    image: Any = None,
    **holes: Any,
) -> Composed:
    from ..motion_core.camera.camera_scene import CameraScene
    from ..motion_core.camera.compose import ObjectMotion, compose_3d
    from ..motion_core.camera.compose_render import render_composed
    from ..motion_core.camera.holes import finish_holes
    from ..motion_core.camera.zbuffer import Occlusion
    from ..motion_core.depth.draw_depth import draw_depth_video
    from ..motion_core.tracks.seeding import grid_points

    occlusion = Occlusion(occlusion_radius, occlusion_threshold)
    scene = CameraScene(depth_in(depth), camera_in(camera), occlusion)
    offsets = _offsets(depth_offset, [tracks.num_frames for tracks in motions.sets])
    parts = zip(motions.sets, motions.masks, offsets, strict=True)
    objects = [ObjectMotion(*part) for part in parts]
    background = grid_points(scene.path.size, spacing) if spacing else torch.zeros(0, 2)
    finish = hole_finish(**holes)
    tracks = compose_3d(objects, background, scene, progress=host.progress())
    if image is None:
        return Composed(tracks)
    render = render_composed(picture(image), objects, scene, progress=host.progress())
    done = finish_holes(render, finish, overwrite=True, progress=host.progress())
    video, mask, valid = done.video, done.mask, done.valid
    drawn = draw_depth_video(done.depth, valid)
    # The depth is not needed any more; it takes a third of the video's memory.
    del render, done
    return Composed(tracks, (video, mask, valid.float(), drawn))


COMPOSERS: dict[str, Callable[..., Composed]] = {
    "concatenate": _concatenate,
    "add": _add,
    "3d": _in_space,
}


def _offsets(text: str, frames: Sequence[int]) -> list[Tensor | None]:
    """One offset curve for each set; sets beyond the last line, and empty lines, have none."""
    from ..motion_core.camera.script import offsets_from_text

    lines = [line.strip() for line in text.rstrip().splitlines()]
    if len(lines) > len(frames):
        raise ValueError(
            f"depth_offset has {len(lines)} lines for {len(frames)} sets of tracks; write one line "
            "for each set."
        )
    lines += [""] * (len(frames) - len(lines))
    return [
        offsets_from_text(line, count) if line else None
        for line, count in zip(lines, frames, strict=True)
    ]


def _connected(
    tracks: Mapping[str, Any], masks: Mapping[str, Any], canvas_image: Tensor | None
) -> _Motions:
    """The sets that are connected, each with the mask of its own number."""
    sets, own = [], []
    for number in range(MAX_SETS):
        value, mask = tracks.get(f"tracks_{number}"), masks.get(f"mask_{number}")
        if value is None and mask is not None:
            raise ValueError(f"mask_{number} belongs to tracks_{number}, which is not connected.")
        if value is not None:
            sets.append(tracks_in(value, canvas_image))
            first = mask_of_frame(mask, 0, sets[-1].num_frames, f"mask_{number}")
            own.append(None if first is None else on_canvas(first, sets[-1].size))
    return _Motions(sets, own)


class ComposeMotion(io.ComfyNode):
    """Sets of tracks in, one motion out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        one_set = TracksSocket.Input(
            "tracks", tooltip="A set of tracks. All sets must have the same canvas and frame count."
        )
        one_mask = io.Mask.Input(
            "mask",
            optional=True,
            tooltip="White on the moving object. It belongs to the tracks with the same number.",
        )
        return schema(
            "ComposeMotion",
            aliases=["combine motion", "camera and object", "add tracks", "compose", "orbit"],
            display_name="Compose Motion",
            category="Motion Prompting/Camera",
            description="Combines motions: concatenated, by adding displacements, or in 3-D, "
            "where objects move at their depth while the camera moves.",
            inputs=[
                io.Autogrow.Input(
                    "tracks",
                    template=io.Autogrow.TemplatePrefix(
                        one_set, prefix="tracks_", min=1, max=MAX_SETS
                    ),
                    tooltip="Sets of tracks, in order. A new socket appears when the last one is "
                    "connected.",
                ),
                io.Autogrow.Input(
                    "masks",
                    template=io.Autogrow.TemplatePrefix(
                        one_mask, prefix="mask_", min=0, max=MAX_SETS
                    ),
                    tooltip="Masks of the moving objects; each belongs to the tracks with the "
                    "same number.",
                ),
                io.DynamicCombo.Input(
                    "mode",
                    options=MODES,
                    tooltip="concatenate: all tracks in one set. add: displacements of the other "
                    "sets are added to the first, as in the paper; right for small motion. 3d: "
                    "objects at their depth under a moving camera.",
                ),
                canvas_input(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, tracks, mode, masks=None, canvas_image=None):
        motions = _connected(tracks, masks or {}, canvas_image)
        composed = COMPOSERS[mode["mode"]](motions, **settings_of(mode, "mode"))
        return io.NodeOutput(tracks_out(composed.tracks), *_rendered(composed))


def _outputs() -> list[Any]:
    return [
        tracks_output("The combined motion. Points keep their ids."),
        io.Image.Output(
            "render",
            display_name="render",
            tooltip="3d with an image: objects with a mask move while the camera moves, one frame "
            f"per pose; holes have the hole colour. Else black. {EVEN_SIDES}",
        ),
        io.Mask.Output(
            "holes",
            display_name="holes",
            tooltip="White where the render has holes, one mask per frame; soft outside of them "
            "where feathered. White everywhere without a render.",
        ),
        *valid_and_depth_outputs(),
    ]


def _rendered(composed: Composed) -> tuple[Tensor, ...]:
    """Render, holes, valid and depth; nothing but holes where nothing is rendered."""
    found, size = composed.render, composed.tracks.size
    if found is None:
        shape = (max(composed.tracks.num_frames, 1), size.height, size.width)
        black = torch.zeros(1, 1, 1).expand(shape)
        nothing = black[..., None].expand(*shape, 3)
        found = nothing, torch.ones(1, 1, 1).expand(shape), black, nothing
    return tuple(map(with_even_sides, found))
