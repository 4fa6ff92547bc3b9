"""Camera Path: how the camera moves through the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..motion_core.camera.keyframes import path_from_keys
from ..motion_core.camera.moves import PRESETS, CameraMove, make_path
from ..motion_core.camera.path_edit import fit_path, join_paths, layer_paths
from ..motion_core.camera.script import EASINGS, keys_from_json, moves_from_text
from ..motion_core.camera.setup import CameraSetup, make_setup
from ..motion_core.geometry import MAX_SIDE
from . import host
from .schema import MAX_FRAMES, CameraSocket, DepthSocket, schema, settings_of
from .wire import EMPTY_DRAWING, camera_in, depth_in, document_in

if TYPE_CHECKING:
    from ..motion_core.camera.camera_path import CameraPath
    from ..motion_core.depth.depth_map import DepthMap


SUFFIXES = {".json", ".txt"}
HostCamera = io.Custom("LOAD3D_CAMERA")
EXAMPLE_MOVES = "orbit_left 20\ndolly_in 0.2 share=0.5"
EXAMPLE_KEYS = '[{"t": 0}, {"t": 1, "position": [0.3, 0, 0.2], "pan_deg": -12}]'


def _text(name: str, default: str, tooltip: str) -> Any:
    return io.String.Input(name, multiline=True, default=default, tooltip=tooltip)


def _easing() -> Any:
    return io.Combo.Input(
        "easing",
        options=["preset's own", *EASINGS],
        default="preset's own",
        tooltip="How the move speeds up and slows down.",
    )


def _scale() -> Any:
    return io.Float.Input(
        "travel_scale",
        default=1.0,
        min=0.0001,
        max=10000.0,
        step=0.01,
        tooltip="Factor on all distances, to match the path's units to the depth of the image.",
    )


MOVE = io.DynamicCombo.Option(
    "move",
    [
        io.Combo.Input(
            "preset",
            options=list(PRESETS),
            default="orbit_left",
            tooltip=" ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items()),
        ),
        io.Float.Input(
            "amount",
            default=0.0,
            min=-10000.0,
            max=10000.0,
            step=0.01,
            tooltip="Size of the move: degrees for orbits, arcs, pans, tilts, rolls and handheld, "
            "a distance for the others. 0 takes the preset's default; negative values reverse "
            "the direction.",
        ),
        io.Combo.Input(
            "unit",
            options=["pivot", "scene"],
            default="pivot",
            tooltip="Unit of distances. pivot: multiples of the distance to the pivot. scene: "
            "units of the depth.",
        ),
        _easing(),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**32 - 1,
            control_after_generate=False,
            tooltip="Seed of the random sway; only used by handheld.",
        ),
    ],
)
MOVES = io.DynamicCombo.Option(
    "chain",
    [
        _text(
            "moves",
            EXAMPLE_MOVES,
            "One move per line: a preset, its amount, then optionally share=2 (relative "
            "duration), easing=linear, unit=scene or seed=7. At most 1,000 lines.",
        )
    ],
)
KEYS = io.DynamicCombo.Option(
    "keys",
    [
        _text(
            "keys",
            EXAMPLE_KEYS,
            "A JSON list of keys: t, 0..1 of the clip; position in pivot distances, x right, y "
            "down, z forward; pan_deg, tilt_deg, roll_deg; zoom, a factor on the focal length; "
            "easing to the next key. At most 1,000 keys.",
        ),
        io.Boolean.Input(
            "smooth", default=True, tooltip="Interpolate smoothly, without a kink at the keys."
        ),
    ],
)
FOLLOW = io.DynamicCombo.Option(
    "follow",
    [
        _text(
            "drawing",
            EMPTY_DRAWING,
            "A drawing with a camera layer, from Draw Motion. The grabbed point stays under the "
            "drawn path.",
        ),
        io.Combo.Input(
            "within",
            options=["plane", "sphere"],
            default="plane",
            tooltip="Where the camera moves. plane: up, down and sideways without rotation. "
            "sphere: around the pivot.",
        ),
    ],
)
LOAD3D = io.DynamicCombo.Option(
    "load3d",
    [
        HostCamera.Input(
            "start_camera",
            tooltip="Camera of ComfyUI's 3D nodes with the view of the image. Its target is the "
            "pivot.",
        ),
        HostCamera.Input(
            "end_camera", tooltip="Camera of ComfyUI's 3D nodes at the end of the path."
        ),
        io.Combo.Input(
            "easing",
            options=list(EASINGS),
            default="ease_in_out",
            tooltip="How the move speeds up and slows down.",
        ),
    ],
)
TEXT = io.DynamicCombo.Option(
    "text",
    [
        _text(
            "camera_text",
            "",
            "A path as lines of RealEstate10K or CameraCtrl, or as JSON of MotionCtrl, "
            "HY-WorldPlay, ReCamMaster or this pack.",
        ),
        _scale(),
    ],
)
PIVOTS = [
    io.DynamicCombo.Option("median depth", []),
    io.DynamicCombo.Option(
        "point",
        [
            io.Float.Input(
                name,
                default=0.0,
                min=0.0,
                max=MAX_SIDE,
                step=1.0,
                tooltip=f"The {name} coordinate of the point, in pixels of the image.",
            )
            for name in ("x", "y")
        ],
    ),
]


def _file_option() -> Any:
    files = io.Combo.Input(
        "file",
        options=host.input_files(SUFFIXES),
        tooltip="A camera file in ComfyUI's input folder: this pack's .json, or .txt of "
        "RealEstate10K or CameraCtrl, or .json of MotionCtrl, HY-WorldPlay or ReCamMaster.",
    )
    return io.DynamicCombo.Option("file", [files, _scale()])


def _move(setup: CameraSetup, depth: DepthMap, preset, amount, unit, easing, seed) -> CameraPath:

    eased = easing if easing in EASINGS else None
    return make_path(
        [CameraMove(preset, amount or None, unit, eased, seed=seed)],
        setup,
        progress=host.progress(),
    )


def _chain(setup: CameraSetup, depth: DepthMap, moves: str) -> CameraPath:

    return make_path(moves_from_text(moves), setup, progress=host.progress())


def _keys(setup: CameraSetup, depth: DepthMap, keys: str, smooth: bool) -> CameraPath:

    return path_from_keys(keys_from_json(keys, setup), setup, smooth=smooth)


def _follow(setup: CameraSetup, depth: DepthMap, drawing: str, within: str) -> CameraPath:
    from ..motion_core.camera.follow import follow_drawing

    document = document_in(drawing)
    return follow_drawing(
        document, depth, setup, on_sphere=within == "sphere", progress=host.progress()
    ).path


def _load3d(setup: CameraSetup, depth: DepthMap, start_camera, end_camera, easing) -> CameraPath:
    from ..motion_core.camera.host_camera import path_between_host_cameras

    return path_between_host_cameras(start_camera, end_camera, setup, easing=easing)


def _text_path(
    setup: CameraSetup, depth: DepthMap, camera_text: str, travel_scale: float
) -> CameraPath:
    from ..motion_core.camera.files import camera_from_text

    return fit_path(camera_from_text(camera_text, setup.size), setup, travel_scale)


def _file(setup: CameraSetup, depth: DepthMap, file: str, travel_scale: float) -> CameraPath:
    from ..motion_core.camera.files import read_camera

    camera = read_camera(host.input_file(file), default_size=setup.size)
    return fit_path(camera, setup, travel_scale)


MAKERS: dict[str, Callable[..., CameraPath]] = {
    "move": _move,
    "chain": _chain,
    "keys": _keys,
    "follow": _follow,
    "load3d": _load3d,
    "text": _text_path,
    "file": _file,
}


def _pivot(depth: DepthMap, frames: int, fps: float, point: dict[str, Any]) -> CameraSetup:

    picked = (point["x"], point["y"]) if point else None
    return make_setup(depth, frames, point=picked, fps=fps or None)


def _inputs() -> list[Any]:
    return [
        DepthSocket.Input("depth", tooltip="Depth of the image, with its lens."),
        io.DynamicCombo.Input(
            "motion",
            options=[MOVE, MOVES, KEYS, FOLLOW, LOAD3D, TEXT, _file_option()],
            tooltip="The kind of motion. move: one preset. chain: several presets in sequence. "
            "keys: keyframes. follow: a drawn camera layer. load3d: between two cameras of "
            "ComfyUI's 3D nodes. text, file: paths from other tools.",
        ),
        io.DynamicCombo.Input(
            "pivot",
            options=PIVOTS,
            tooltip="The point that the camera turns about: straight ahead at the median depth, "
            "or the scene under a point of the image. Its distance is the unit of distances.",
        ),
        io.Int.Input(
            "frames",
            default=81,
            min=1,
            max=MAX_FRAMES,
            tooltip="Number of frames of the move. A path from text or a file is resampled to it.",
        ),
        io.Float.Input(
            "fps",
            default=16.0,
            min=0.0,
            max=240.0,
            step=0.01,
            tooltip="Frames per second, stored with the path; sets the rate of a handheld sway. 0 "
            "if unknown.",
        ),
        CameraSocket.Input(
            "camera",
            optional=True,
            tooltip="Another path to combine with this one, from a Camera Path node.",
        ),
        io.Combo.Input(
            "combine",
            options=["after", "together"],
            default="after",
            tooltip="How the connected path is combined with this one. after: it comes first, and "
            "the frame counts add up. together: both at once, such as a sway on an orbit.",
        ),
    ]


class CameraPathNode(io.ComfyNode):
    """Depth and a move in, a camera path out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "CameraPath",
            aliases=["orbit", "dolly", "pan", "camera motion", "trajectory", "crane", "cameractrl"],
            is_interactive=True,
            display_name="Camera Path",
            category="Motion Prompting/Camera",
            description="Creates a camera path through the depth of an image: named moves, "
            "sequences, keyframes, a drawing, files of other tools. Shows the path from above "
            "and from the side.",
            inputs=_inputs(),
            outputs=[
                CameraSocket.Output(
                    "camera", display_name="camera", tooltip="The path, one pose per frame."
                ),
                io.Image.Output(
                    "picture",
                    display_name="image",
                    tooltip="A plot of the path from above and from the right, blue at its start.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, motion, **others):
        file = motion.get("file") if isinstance(motion, dict) else None
        if file is None:
            return ""
        state = host.input_file(file).stat()
        return f"{file}:{state.st_size}:{state.st_mtime_ns}"

    @classmethod
    def execute(cls, depth, motion, pivot, frames, fps, combine, camera=None):
        from ..motion_core.camera.draw_path import draw_path

        scene = depth_in(depth)
        setup = _pivot(scene, frames, fps, settings_of(pivot, "pivot"))
        path = MAKERS[motion["motion"]](setup, scene, **settings_of(motion, "motion"))
        if camera is not None:
            combine_paths = join_paths if combine == "after" else layer_paths
            path = combine_paths(camera_in(camera), path)
        drawn = draw_path(path, scene)[None]
        return io.NodeOutput(path, drawn, ui=host.picture_preview(drawn, cls))
