"""Depth Map: depth from many sources, with its lens and unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import Size
from ..motion_core.images import with_even_sides
from . import host
from .schema import EVEN_SIDES, DepthSocket, schema, settings_of
from .wire import canvas_size, depth_out

if TYPE_CHECKING:
    from ..motion_core.depth.depth_map import DepthMap


SUFFIXES = {".npy", ".exr", ".png"}
MAX_PICTURE = 100_000
MAX_DEPTH = 1_000_000.0


def fov_input() -> Any:
    """fov_deg: the lens, where the source does not say it."""
    return io.Float.Input(
        "fov_deg",
        default=0.0,
        min=0.0,
        max=179.0,
        step=0.1,
        tooltip="Horizontal field of view in degrees; 0 takes the source's value, or 60 if it has "
        "none. A wrong value distorts the scene.",
    )


def flying_input() -> Any:
    """remove_flying: whether smeared edges are cleaned."""
    return io.Boolean.Input(
        "remove_flying",
        default=True,
        tooltip="Remove pixels that float between two surfaces. Depth models produce them at "
        "edges; they look like a veil when the camera moves.",
    )


def depth_outputs() -> list[Any]:
    """What every node that makes depth gives."""
    return [
        DepthSocket.Output(
            "depth", display_name="depth", tooltip="Depth with its lens: connect Camera Path."
        ),
        io.Image.Output(
            "picture",
            display_name="image",
            tooltip="The depth in grey: white is near; black where depth is unknown. Of a video: "
            + EVEN_SIDES,
        ),
        io.Mask.Output(
            "valid", display_name="valid", tooltip="White where depth is known and usable."
        ),
    ]


def frames_input() -> Any:
    """all_frames: whether a batch is one image or a video."""
    return io.Boolean.Input(
        "all_frames",
        default=False,
        optional=True,
        tooltip="Take the batch as a video and give the depth of every frame, for Camera Tracks. "
        "Off: the depth of one image.",
    )


def shown_depth(depths: Sequence[DepthMap], node: type[io.ComfyNode]) -> io.NodeOutput:
    """A node's outputs for the depth of an image or of a video, the first frame on its face."""
    from ..motion_core.depth.depth_video import DepthVideo
    from ..motion_core.depth.draw_depth import draw_depth_video

    valid = torch.stack([depth.valid for depth in depths])
    drawn = draw_depth_video(torch.stack([depth.z for depth in depths]), valid, host.progress())
    value = depths[0] if len(depths) == 1 else DepthVideo.of(depths)
    if len(depths) > 1:
        drawn = with_even_sides(drawn)
    return io.NodeOutput(value, drawn, valid.float(), ui=host.picture_preview(drawn[:1], node))


def cleaned(depth: DepthMap, fov_deg: float, remove_flying: bool) -> DepthMap:
    """The depth with a stated lens, and without flying pixels if they are to be removed."""
    from ..motion_core.depth.edges import filter_flying_pixels
    from ..motion_core.depth.lens import intrinsics_from_fov

    if fov_deg:
        depth = replace(depth, K=intrinsics_from_fov(depth.size, fov_deg), is_K_known=True)
    return filter_flying_pixels(depth) if remove_flying else depth


def near_far() -> list[Any]:
    """near and far: what 0..1 of relative depth runs between."""
    return [
        io.Float.Input(
            "near",
            default=1.0,
            min=0.001,
            max=MAX_DEPTH,
            step=0.01,
            tooltip="Depth of the nearest value, in scene units. Only its ratio to far matters.",
        ),
        io.Float.Input(
            "far",
            default=10.0,
            min=0.001,
            max=MAX_DEPTH,
            step=0.01,
            tooltip="Depth of the farthest value, in scene units. A larger value makes the scene "
            "deeper.",
        ),
    ]


def _reading(meanings: list[str]) -> list[Any]:
    return [
        io.Combo.Input(
            "meaning",
            options=meanings,
            default=meanings[0],
            tooltip="Meaning of the values. inverse: white is near, as in most depth nodes. "
            "linear: black is near. metric: depth in metres after multiplication by scale.",
        ),
        *near_far(),
        io.Boolean.Input("invert", default=False, tooltip="Swap near and far."),
        io.Float.Input(
            "scale",
            default=1.0,
            min=0.000001,
            max=MAX_DEPTH,
            step=0.001,
            tooltip="Metres per unit of metric values: 0.001 for millimetres.",
        ),
    ]


def _index(of: str) -> Any:
    return io.Int.Input(
        "index", default=0, min=0, max=MAX_PICTURE, tooltip=f"Number of the {of}, counted from 0."
    )


def _fraction(name: str, default: float, tooltip: str) -> Any:
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip)


SOURCES = [
    io.DynamicCombo.Option(
        "ground and wall",
        [
            _fraction("horizon", 0.45, "Height of the horizon, 0 (top) to 1 (bottom)."),
            _fraction("wall_foot", 0.6, "Height where floor and wall meet, 0 (top) to 1 (bottom)."),
        ],
    ),
    io.DynamicCombo.Option("plane", []),
    io.DynamicCombo.Option("sphere", []),
    io.DynamicCombo.Option(
        "depth image",
        [
            io.Image.Input("depth_image", tooltip="A grey depth image from any depth node."),
            *_reading(["inverse", "linear", "metric"]),
            _index("image in the batch"),
        ],
    ),
    io.DynamicCombo.Option(
        "moge",
        [
            io.Custom("MOGE_GEOMETRY").Input(
                "moge_geometry",
                tooltip="Geometry of ComfyUI's MoGe Inference, with its lens.",
            ),
            _index("image in the batch"),
        ],
    ),
    io.DynamicCombo.Option(
        "da3",
        [
            io.Custom("DA3_GEOMETRY").Input(
                "da3_geometry", tooltip="Geometry of ComfyUI's Depth Anything 3."
            ),
            _index("image or view"),
            io.Boolean.Input(
                "is_metric",
                default=False,
                tooltip="Whether the model is the Metric one, whose values are metres.",
            ),
        ],
    ),
]


def _file_option() -> Any:
    files = io.Combo.Input(
        "file",
        options=host.input_files(SUFFIXES),
        tooltip="A .npy, .exr or 16-bit .png depth file in ComfyUI's input folder.",
    )
    return io.DynamicCombo.Option(
        "file", [files, *_reading(["auto", "inverse", "linear", "metric"])]
    )


@dataclass(frozen=True)
class _Room:
    """What geometries without a model need: the image's size and a lens."""

    size: Size | None
    fov_deg: float

    def canvas(self) -> Size:
        if self.size is None:
            raise ValueError("this source needs a size: connect the image that the depth is for.")
        return self.size


def _ground(room: _Room, horizon: float, wall_foot: float) -> DepthMap:
    from ..motion_core.depth.fallback import ground_and_wall

    return ground_and_wall(
        room.canvas(), horizon=horizon, wall_foot=wall_foot, fov_deg=room.fov_deg
    )


def _plane(room: _Room) -> DepthMap:
    from ..motion_core.depth.fallback import plane

    return plane(room.canvas(), fov_deg=room.fov_deg)


def _sphere(room: _Room) -> DepthMap:
    from ..motion_core.depth.fallback import sphere

    return sphere(room.canvas(), fov_deg=room.fov_deg)


def _image(room: _Room, depth_image: Tensor, index: int, **reading: Any) -> DepthMap:
    from ..motion_core.depth.sources import DepthReading, from_depth_image

    image = depth_image.cpu()
    return from_depth_image(image, DepthReading(**reading), index=index, fov_deg=room.fov_deg)


def _moge(room: _Room, moge_geometry: Any, index: int) -> DepthMap:
    from ..motion_core.depth.host import from_moge

    return from_moge(moge_geometry, index)


def _da3(room: _Room, da3_geometry: Any, index: int, is_metric: bool) -> DepthMap:
    from ..motion_core.depth.host import from_da3

    return from_da3(da3_geometry, index, is_metric=is_metric)


def _file(room: _Room, file: str, meaning: str, **reading: Any) -> DepthMap:
    from ..motion_core.depth.sources import DepthReading, read_depth

    stated: Any = None if meaning == "auto" else DepthReading(meaning, **reading)  # type: ignore[arg-type]
    return read_depth(host.input_file(file), stated, fov_deg=room.fov_deg)


READERS: dict[str, Callable[..., DepthMap]] = {
    "ground and wall": _ground,
    "plane": _plane,
    "sphere": _sphere,
    "depth image": _image,
    "moge": _moge,
    "da3": _da3,
    "file": _file,
}


def _frames_of(source: Mapping[str, Any]) -> range:
    """The indices of all frames of a source. Raises ValueError for one that is no batch."""
    batch = source.get("depth_image")
    for name in ("moge_geometry", "da3_geometry"):
        if isinstance(source.get(name), Mapping):
            batch = source[name].get("depth")
    if not isinstance(batch, Tensor):
        raise ValueError(
            f"all_frames needs the depth of a whole video, but {source['source']!r} gives one. "
            "Choose depth image, moge or da3 and connect a batch, or switch all_frames off."
        )
    return range(len(batch))


class DepthMapNode(io.ComfyNode):
    """A source of depth in, a depth map out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "DepthMap",
            aliases=["depth", "moge", "depth anything", "geometry", "zdepth", "exr", "3d"],
            is_interactive=True,
            display_name="Depth Map",
            category="Motion Prompting/Camera",
            description="Provides depth for camera moves: from a depth image, ComfyUI's MoGe or "
            "Depth Anything 3, a file, or simple geometry that needs no model.",
            inputs=[
                io.DynamicCombo.Input(
                    "source",
                    options=[*SOURCES, _file_option()],
                    tooltip="Source of the depth. The first three need no model: a floor with a "
                    "wall, a flat wall, a sphere around the camera.",
                ),
                fov_input(),
                flying_input(),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The image the depth belongs to. The depth is resized to its size in "
                    "pixels. Needed for the sources without a model.",
                ),
                frames_input(),
            ],
            outputs=depth_outputs(),
        )

    @classmethod
    def fingerprint_inputs(cls, source, **others):
        file = source.get("file") if isinstance(source, dict) else None
        if file is None:
            return ""
        state = host.input_file(file).stat()
        return f"{file}:{state.st_size}:{state.st_mtime_ns}"

    @classmethod
    def execute(cls, source, fov_deg, remove_flying, image=None, all_frames=False):
        from ..motion_core.depth.sources import ASSUMED_FOV_DEG

        room = _Room(canvas_size(image), fov_deg or ASSUMED_FOV_DEG)
        read, settings = READERS[source["source"]], settings_of(source, "source")
        frames = _frames_of(source) if all_frames else [None]
        depths, progress = [], host.progress()
        for done, frame in enumerate(frames):
            found = read(room, **settings | ({} if frame is None else {"index": frame}))
            depths.append(depth_out(cleaned(found, fov_deg, remove_flying), image))
            progress(done + 1, len(frames))
        return shown_depth(depths, cls)
