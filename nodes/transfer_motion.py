"""Transfer Motion: motion of one video on another first frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import Size
from . import host
from .schema import MAX_FRAMES, canvas_input, schema, settings_of, tracks_input, tracks_output
from .wire import canvas_size, mask_of_frame, on_canvas, single_mask, tracks_in, tracks_out

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks
    from ..motion_core.transfer import Alignment


MAX_POINTS = 1_000_000


def _mask(name: str, of: str, optional: bool) -> Any:
    return io.Mask.Input(
        name,
        optional=optional,
        tooltip=f"White (above 0.5) on the object in the {of}. Same aspect ratio as the {of}."
        + (" Without it the whole image is used." if optional else ""),
    )


def _points_text(name: str, of: str) -> Any:
    return io.String.Input(
        name,
        multiline=True,
        default="[]",
        tooltip=f"Points in pixels of the {of}, as coordinate text: [x/y, ...]. Source and "
        "target points are paired by their order.",
    )


OPTIONS = [
    io.DynamicCombo.Option(
        "fit",
        [
            _mask("source_mask", "source video's frame", True),
            _mask("target_mask", "target image", True),
            io.Boolean.Input(
                "keep_aspect",
                default=True,
                tooltip="On: one scale factor for both axes. Off: width and height are scaled "
                "separately.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "shapes",
        [
            _mask("source_mask", "source video's frame", False),
            _mask("target_mask", "target image", False),
            io.Combo.Input(
                "kind",
                options=["similarity", "affine"],
                default="similarity",
                tooltip="similarity: translation, scale and rotation. affine: also matches the "
                "spread of the shapes.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "points",
        [
            _points_text("source_points", "source video's anchor frame"),
            _points_text("target_points", "target image"),
            io.Combo.Input(
                "kind",
                options=["similarity", "affine", "thin_plate"],
                default="thin_plate",
                tooltip="similarity: translation, scale and rotation, from 2 pairs. affine: also "
                "shear, from 3. thin_plate: bends the image so that all pairs match, from 3 to "
                "1,000.",
            ),
        ],
    ),
    io.DynamicCombo.Option("none", []),
]


def _fit(
    tracks: Tracks,
    size: Size,
    keep_aspect: bool,
    source_mask: Tensor | None = None,
    target_mask: Tensor | None = None,
) -> Alignment:
    from ..motion_core.transfer import box_of_mask, fit_boxes, whole_box

    pairs = ((source_mask, tracks.size), (target_mask, size))
    here, there = (
        whole_box(canvas) if mask is None else box_of_mask(on_canvas(mask, canvas), canvas)
        for mask, canvas in pairs
    )
    return fit_boxes(here, there, keep_aspect=keep_aspect)


def _shapes(
    tracks: Tracks, size: Size, source_mask: Tensor, target_mask: Tensor, kind: Any
) -> Alignment:
    from ..motion_core.transfer import match_masks

    source = on_canvas(source_mask, tracks.size)
    return match_masks(source, on_canvas(target_mask, size), kind)


def _points(
    tracks: Tracks, size: Size, source_points: str, target_points: str, kind: Any
) -> Alignment:
    from ..motion_core.formats.coordinates import parse_coordinates
    from ..motion_core.transfer import match_points

    here, there = (
        parse_coordinates(text, canvas).xy.transpose(0, 1).reshape(-1, 2)
        for text, canvas in ((source_points, tracks.size), (target_points, size))
    )
    return match_points(here, there, kind)


def _none(tracks: Tracks, size: Size) -> Alignment:
    from ..motion_core.transfer import keep_place

    return keep_place(tracks.size, size)


def _chosen_masks(settings: dict[str, Any], frame: int, frames: int) -> dict[str, Any]:
    """The masks among the settings of an alignment: of the source's anchor frame, of the image."""
    of_source = mask_of_frame(settings.get("source_mask"), frame, frames, "the source_mask")
    of_target = single_mask(settings.get("target_mask"), "the target_mask")
    found = {"source_mask": of_source, "target_mask": of_target}
    return {name: mask for name, mask in found.items() if name in settings}


ALIGNMENTS: dict[str, Callable[..., Alignment]] = {
    "fit": _fit,
    "shapes": _shapes,
    "points": _points,
    "none": _none,
}


def _inputs() -> list[Any]:
    return [
        tracks_input("Tracks of the source video."),
        io.DynamicCombo.Input(
            "alignment",
            options=OPTIONS,
            tooltip="How the source is mapped to the target. fit: box to box. shapes: position, "
            "size and orientation of two masks. points: pairs of points. none: pixels stay the "
            "same.",
        ),
        io.Float.Input(
            "displacement_scale",
            default=1.0,
            min=-32.0,
            max=32.0,
            step=0.05,
            tooltip="Factor on the displacements, in addition to the scale of the alignment. "
            "Negative values reverse them.",
        ),
        io.Int.Input(
            "count",
            default=1024,
            min=0,
            max=MAX_POINTS,
            tooltip="Maximum number of tracks, selected by seed; 0 keeps all. The paper uses "
            "1024, and 1500 if the image is very unlike the video.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**32 - 1,
            control_after_generate=False,
            tooltip="Seed of the selection; the same seed selects the same tracks.",
        ),
        io.Int.Input(
            "anchor_frame",
            default=0,
            min=0,
            max=MAX_FRAMES,
            tooltip="Source frame, counted from 0, that is aligned with the image. The result "
            "begins there.",
        ),
        io.Combo.Input(
            "leaving",
            options=["hide", "drop", "keep"],
            default="hide",
            tooltip="Points that leave the image. hide: invisible while outside. drop: the whole "
            "track is removed. keep: unchanged.",
        ),
        io.Image.Input(
            "image",
            optional=True,
            tooltip="The image to animate. Its size in pixels is the canvas; without it, the "
            "canvas of the tracks is used.",
        ),
        canvas_input(),
    ]


class TransferMotion(io.ComfyNode):
    """Tracks of a source video in, the same motion on another image out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TransferMotion",
            aliases=["motion transfer", "retarget motion", "borrow motion", "copy motion"],
            display_name="Transfer Motion",
            category="Motion Prompting/Video",
            description="Transfers the motion of tracks from one video to another first frame: "
            "aligned by boxes, shapes or points, scaled, and reduced to the number of tracks "
            "that the model takes.",
            inputs=_inputs(),
            outputs=[tracks_output("The motion on the target image. Points keep their ids.")],
        )

    @classmethod
    def execute(
        cls,
        tracks,
        alignment,
        displacement_scale,
        count,
        seed,
        anchor_frame,
        leaving,
        image=None,
        canvas_image=None,
    ):
        from ..motion_core.transfer import TransferSettings, transfer_motion

        source = tracks_in(tracks, canvas_image)
        size = canvas_size(image) or source.size
        chosen = settings_of(alignment, "alignment")
        chosen |= _chosen_masks(chosen, anchor_frame, source.num_frames)
        laid = ALIGNMENTS[alignment["alignment"]](source, size, **chosen)
        settings = TransferSettings(anchor_frame, displacement_scale, count or None, seed, leaving)
        moved = transfer_motion(source, laid, size, settings, progress=host.progress())
        return io.NodeOutput(tracks_out(moved))
