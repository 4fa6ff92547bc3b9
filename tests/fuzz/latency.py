"""How soon each node reacts to a press on cancel: python -m tests.fuzz.latency

Every node works on inputs of a moderate size. Between two calls of its progress, and before the
first and after the last one, at most half a second of processor time may pass.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tests.host.pack import pack_nodes
from tests.host.runner import StandInHost
from tests.host.stand_in_models import comfy_parts
from tests.pose.people import waving

MOST_SECONDS = 0.5
WIDTH, HEIGHT, FRAMES = 832, 480, 49


class Clock:
    """Processor time between calls of progress."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.latest = time.process_time()

    def tick(self) -> None:
        """A call of progress, or the end of the work."""
        now = time.process_time()
        self.gaps.append(now - self.latest)
        self.latest = now


@contextlib.contextmanager
def host_with(bar: type, throw: Callable[[], None]) -> Iterator[None]:
    """ComfyUI's modules of progress: the class of its bar, and what a press on cancel raises in."""
    modules = {"comfy": types.ModuleType("comfy")}
    for part, words in comfy_parts().items():
        modules[f"comfy.{part}"] = types.ModuleType(f"comfy.{part}")
        vars(modules[f"comfy.{part}"]).update(words)
    vars(modules["comfy.model_management"])["throw_exception_if_processing_interrupted"] = throw
    vars(modules["comfy.utils"])["ProgressBar"] = bar
    for name, module in list(modules.items()):
        parent, _, part = name.rpartition(".")
        if parent:
            vars(modules[parent])[part] = module
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


@contextlib.contextmanager
def ticking(clock: Clock) -> Iterator[None]:
    """A host whose progress bar moves the clock."""

    class ProgressBar:
        def __init__(self, total: int) -> None: ...

        def update_absolute(self, value: int, total: int, preview: Any = None) -> None: ...

    with host_with(ProgressBar, clock.tick):
        yield


def picture(frames: int = 1) -> torch.Tensor:
    """A textured image whose content moves to the right from frame to frame."""
    noise = torch.rand(1, 3, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(0))
    whole = torch.nn.functional.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    whole = whole[0].movedim(0, -1)
    return torch.stack([whole.roll(2 * frame, dims=1) for frame in range(frames)])


def tracks(points: int = 2000, frames: int = FRAMES) -> dict[str, Any]:
    """A TRACKS value of points that walk over the canvas."""
    generator = torch.Generator().manual_seed(1)
    start = torch.rand(points, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT])
    step = torch.randn(points, 2, generator=generator)
    xy = start + torch.arange(frames)[:, None, None] * step
    return {
        "track_path": xy,
        "track_visibility": torch.ones(frames, points, dtype=torch.bool),
        "canvas": (WIDTH, HEIGHT),
        "fps": 16.0,
    }


def drawing() -> str:
    """Drags, a sphere, a region and pins on the rest."""
    line = [[place / 40, 0.2 + place / 80, 0.3 + (place % 7) / 40] for place in range(41)]
    layers: list[dict[str, Any]] = [
        {"type": "drag", "points": line, "brush": {"radius": 0.1, "spacing": 0.01}},
        {"type": "sphere", "points": line, "center": [0.5, 0.5], "radius": 0.3, "spacing": 0.01},
        {
            "type": "region",
            "polygon": [[0.6, 0.6], [0.9, 0.6], [0.8, 0.9]],
            "keys": [{"t": 0}, {"t": 1, "dx": -0.2, "rotate_deg": 90}],
            "spacing": 0.01,
        },
        {"type": "pin", "area": "background", "spacing": 0.01},
    ]
    named = [{"id": str(place), **layer} for place, layer in enumerate(layers)]
    canvas = {"width": WIDTH, "height": HEIGHT}
    return json.dumps({"version": 1, "drawn_on": canvas, "layers": named})


def grab() -> str:
    """One camera layer."""
    line = [[place / 40, 0.5 + place / 400, 0.5] for place in range(41)]
    layers = [{"id": "c", "type": "camera_grab", "points": line}]
    canvas = {"width": WIDTH, "height": HEIGHT}
    return json.dumps({"version": 1, "drawn_on": canvas, "layers": layers})


def first_runs(nodes: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """What imports libraries when it runs for the first time in a process."""
    load = nodes["MotionPromptingLoadTrackModel"]
    return {"LoadTrackModel": lambda: load.execute({"model": "lite"})}


def moderate_runs(nodes: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Calls of nodes at moderate sizes, by name; what they need is made when they are listed."""

    def call(name: str, *args: Any, **widgets: Any) -> Callable[[], Any]:
        return lambda: nodes[f"MotionPrompting{name}"].execute(*args, **widgets)

    groups = (_camera_runs, _track_runs, _model_runs, _file_runs, _window_runs, _guidance_runs)
    return {name: run for group in groups for name, run in group(call).items()}


def _camera_runs(call: Any) -> dict[str, Callable[[], Any]]:
    one, some = picture(), tracks()
    depth = call("DepthMap", {"source": "ground and wall"}, 0.0, False, image=one)().args[0]

    def path(frames: int, **motion: Any) -> Callable[[], Any]:
        middle = {"pivot": "median depth"}
        return call("CameraPath", depth, motion, middle, frames, 16.0, "after")

    camera = path(FRAMES, motion="move")().args[0]
    chain = "\n".join(["orbit_left 5", "dolly_in 0.1"] * 50)
    grid = {"points": "grid", "spacing": 4.0}
    space = {"mode": "3d", "depth": depth, "camera": camera}
    return {
        "CameraPath": path(FRAMES, motion="move"),
        "CameraPath chain": path(480, motion="chain", moves=chain),
        "CameraPath sphere": path(64, motion="follow", drawing=grab(), within="sphere"),
        "CameraTracks": call("CameraTracks", one, depth, camera, grid, 1, 0.03, 1),
        "ComposeMotion 3d": call("ComposeMotion", {"tracks_0": some}, space),
        "DepthMap": call("DepthMap", {"source": "sphere"}, 0.0, True, image=one),
    }


def _track_runs(call: Any) -> dict[str, Callable[[], Any]]:
    one, clip, some = picture(), picture(FRAMES), tracks()
    both = {"tracks_0": some, "tracks_1": some}
    magnified = (16.0, 24.0, 1.0, 0.0, 0.0, 0.0, "homography", {"slice": "busiest"})
    fitted = ({"alignment": "fit"}, 1.0, 1024, 0, 0, "hide")
    grid = ({"points": "grid", "spacing": 8.0}, 0, 0.0, 16.0)
    return {
        "CombineTracks": call("CombineTracks", both),
        "ComposeMotion add": call("ComposeMotion", both, {"mode": "add"}),
        "DraftMotion": call("DraftMotion", one, some),
        "DrawMotion": call("DrawMotion", WIDTH, HEIGHT, FRAMES, 16.0, drawing(), image=one),
        "EvaluateMotion": call("EvaluateMotion", some, images=clip, truth=clip),
        "ExpandMotion": call("ExpandMotion", drawing(), FRAMES, 16.0, image=one),
        "FilterTracks": call("FilterTracks", some, {"keep": "farthest", "count": 1000}),
        "MagnifyMotion": call("MagnifyMotion", some, *magnified, images=clip),
        "PreviewTracks": call("PreviewTracks", some, image=clip),
        "RetimeTracks": call("RetimeTracks", some, {"action": "smooth"}),
        "SeparateMotion": call("SeparateMotion", some, "homography", 2.0, images=clip),
        "TrackVideo": call("TrackVideo", clip, "lucas_kanade", *grid),
        "TrackVideo dense": call("TrackVideo", clip[:8], "flow_dis", *grid),
        "TracksInfo": call("TracksInfo", some),
        "TracksToControlVideo": call("TracksToControlVideo", some, {"style": "ltx_trails"}),
        "TracksToCoordinates": call("TracksToCoordinates", some, "frames"),
        "TransferMotion": call("TransferMotion", some, *fitted),
        "TransformTracks": call("TransformTracks", some, {"action": "move", "rotate_deg": 9.0}),
    }


def _model_runs(call: Any) -> dict[str, Callable[[], Any]]:
    one, some = picture(), tracks()
    lite = call("LoadTrackModel", {"model": "lite"})().args[0]
    generating = call("LoadTrackModel", {"model": "lite", "generate": True})().args[0]
    settings = {"steps": 0, "seed": 0, "strength": 1.0, "motion_guidance": 1.0}
    right = {"motion": "direction", "frames": 16}
    return {
        "EditByDrag": call("EditByDrag", lite, one, some, **settings),
        "MoftReference": call("MoftReference", generating, one, right),
        "TrackSampler": call("TrackSampler", lite, one, some, **settings),
    }


def _file_runs(call: Any) -> dict[str, Callable[[], Any]]:
    clip, some, fewer = picture(FRAMES), tracks(), tracks(500)
    depth = call("DepthMap", {"source": "ground and wall"}, 0.0, False, image=clip[:1])().args[0]
    middle = {"pivot": "median depth"}
    camera = call("CameraPath", depth, {"motion": "move"}, middle, 481, 16.0, "after")().args[0]
    mask = torch.ones(FRAMES, HEIGHT, WIDTH)
    coordinates = call("TracksToCoordinates", fewer, "frames")().args[0]
    kinds = ("motion_npz", "coordinates", "wan_move", "ati", "csv")
    saved = {kind: call("SaveTracks", some, "latency/tracks", kind) for kind in kinds}
    return {
        **{f"SaveTracks {kind}": run for kind, run in saved.items()},
        "SaveCamera": call("SaveCamera", camera, "json", "latency/camera", 0, 1.0),
        "SaveMotionSignal": call("SaveMotionSignal", clip, mask, "", 16.0, "latency/signal"),
        "TracksFromCoordinates": call("TracksFromCoordinates", coordinates, None, WIDTH, HEIGHT),
    }


def _window_runs(call: Any) -> dict[str, Callable[[], Any]]:
    clip, long = picture(FRAMES), tracks(2000, 481)
    return {
        "TrackWindow": call("TrackWindow", long, 1, 81, 5, "in overlap"),
        "JoinWindows": call("JoinWindows", clip, clip, 5, 5),
    }


def _guidance_runs(call: Any) -> dict[str, Callable[[], Any]]:
    clip, some = picture(FRAMES), tracks()
    size = {"canvas_width": 320, "canvas_height": 240}
    people = [{**one, **size} for one in waving(FRAMES)]
    posed = {"source": "text", "pose_text": json.dumps(people)}
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, 100:300, 200:500] = 1
    latent = {"samples": torch.zeros(1, 16, 13, HEIGHT // 8, WIDTH // 8)}
    drawn = {"motion": "tracks", "image": clip[:1], "tracks": some, "method": "nearest"}
    measured = {"motion": "video", "images": clip}

    def noise(motion: dict[str, Any]) -> Callable[[], Any]:
        return lambda: call("MotionNoise", motion, 0, 0.5, 2)().args[0].generate_noise(latent)

    return {
        "FollowRegion mask": call("FollowRegion", {"area": "mask", "mask": mask}, 0.2, 0.0, 8.0),
        "MotionNoise tracks": noise(drawn),
        "MotionNoise video": noise(measured),
        "PoseMotion": call("PoseMotion", posed, {"motion": "as it is"}, 1.0, 0.1, 16.0),
    }


def longest_gap(run: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor time: the longest without a call of progress, and all of the run."""
    clock = Clock()
    began = clock.latest
    with ticking(clock):
        run()
    clock.tick()
    return max(clock.gaps), clock.latest - began


def main() -> int:
    """Print a table of all runs. Returns 1 if one waits too long."""
    torch.set_num_threads(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        StandInHost(Path(folder))
        # Before the models that the moderate runs need import the libraries.
        for runs in (first_runs, moderate_runs):
            for name, run in runs(pack_nodes()).items():
                if len(sys.argv) < 2 or name.startswith(sys.argv[1]):
                    worst = max(worst, _measured(name, run))
    return int(worst > MOST_SECONDS)


def _measured(name: str, run: Callable[[], Any]) -> float:
    """The longest gap of a run, after a line of the table is printed."""
    gap, whole = longest_gap(run)
    mark = "  <--" if gap > MOST_SECONDS else ""
    sys.stdout.write(f"{name:28}{gap:8.2f} s of {whole:8.2f} s{mark}\n")
    sys.stdout.flush()
    return gap


if __name__ == "__main__":
    sys.exit(main())
