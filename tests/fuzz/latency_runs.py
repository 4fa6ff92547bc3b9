"""Calls of nodes at moderate sizes, whose reaction to a press on cancel is measured.

What a run needs is made when it is listed. Networks are tiny and VAEs do nothing, so that the time
is the pack's own; the host's networks report their own progress.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

from motion_core.formats import write_tracks
from motion_core.formats.host import from_host
from motion_core.formats.registry import FORMATS, TrackFormat
from tests.host.runner import StandInHost
from tests.host.stand_in_models import StandInVae, wan_model
from tests.pose.people import waving

from .host_modules import SilentBar, host_with
from .host_values import CONTROL_FILE, write_control

WIDTH, HEIGHT, FRAMES = 832, 480, 49
KINDS = tuple(entry.name for entry in FORMATS)
Runs = dict[str, Callable[[], Any]]


def picture(frames: int = 1) -> torch.Tensor:
    """A textured image whose content moves to the right from frame to frame."""
    noise = torch.rand(1, 3, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(0))
    whole = torch.nn.functional.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    whole = whole[0].movedim(0, -1)
    return torch.stack([whole.roll(2 * frame, dims=1) for frame in range(frames)])


def tracks(points: int = 2000, frames: int = FRAMES, *, walk: bool = False) -> dict[str, Any]:
    """A TRACKS value of points that go straight over the canvas, or each at random."""
    generator = torch.Generator().manual_seed(1)
    start = torch.rand(points, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT])
    step = torch.randn(frames if walk else 1, points, 2, generator=generator)
    xy = start + (3.0 * step.cumsum(0) if walk else torch.arange(frames)[:, None, None] * step)
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


def first_runs(host: StandInHost) -> Runs:
    """What imports libraries when it runs for the first time in a process."""
    load = host.nodes["MotionPromptingLoadTrackModel"]
    return {"LoadTrackModel": lambda: load.execute({"model": "lite"})}


def moderate_runs(host: StandInHost) -> Runs:
    """Calls of nodes by the name of the node, which a word may follow."""

    def call(name: str, *args: Any, **widgets: Any) -> Callable[[], Any]:
        return lambda: host.nodes[f"MotionPrompting{name}"].execute(*args, **widgets)

    _write_files(host)
    groups = (_camera_runs, _track_runs, _model_runs, _file_runs, _window_runs, _guidance_runs)
    groups += (_native_runs, _estimate_runs)
    return {name: run for group in groups for name, run in group(call).items()}


def _write_files(host: StandInHost) -> None:
    """Tracks of every format, weights and networks in the folders of the host."""
    from tests.depth.test_estimate import depth_anything
    from tests.pose.test_estimate import vitpose

    some = from_host(tracks(walk=True))
    for entry in FORMATS:
        write_tracks(host.input_dir / file_name(entry), some, format=entry.name)
    write_control(host.models_dir)
    depth_anything(host.models_dir / "depth" / "tiny")
    vitpose(host.models_dir / "pose" / "tiny")


def file_name(entry: TrackFormat) -> str:
    """The file of a format in the input folder."""
    return f"{entry.name}_tracks{entry.suffixes[0]}"


def _camera_runs(call: Any) -> Runs:
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
        "CameraToWanEmbedding": call("CameraToWanEmbedding", camera, 1.0, {"lens": "path"}),
        "DepthMap": call("DepthMap", {"source": "sphere"}, 0.0, True, image=one),
    }


def _track_runs(call: Any) -> Runs:
    one, clip, some = picture(), picture(FRAMES), tracks()
    both = {"tracks_0": some, "tracks_1": some}
    magnified = (16.0, 24.0, 1.0, 0.0, 0.0, 0.0, "homography", {"slice": "busiest"})
    fitted = ({"alignment": "fit"}, 1.0, 1024, 0, 0, "hide")
    grid = ({"points": "grid", "spacing": 8.0}, 0, 0.0, 16.0)
    many = {"points": "random", "count": 100_000, "seed": 0}
    return {
        "CombineTracks": call("CombineTracks", both),
        "ComposeMotion add": call("ComposeMotion", both, {"mode": "add"}),
        "DraftMotion": call("DraftMotion", one, some),
        "DraftMotion walk": call("DraftMotion", one, tracks(walk=True)),
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
        "TrackVideo many": call("TrackVideo", clip[:8], "lucas_kanade", many, 0, 0.0, 16.0),
        "TracksInfo": call("TracksInfo", some),
        "TracksToControlVideo": call("TracksToControlVideo", some, {"style": "ltx_trails"}),
        "TracksToCoordinates": call("TracksToCoordinates", some, "frames"),
        "TransferMotion": call("TransferMotion", some, *fitted),
        "TransformTracks": call("TransformTracks", some, {"action": "move", "rotate_deg": 9.0}),
    }


def _model_runs(call: Any) -> Runs:
    one, some = picture(), tracks()
    lite = call("LoadTrackModel", {"model": "lite"})().args[0]
    generating = call("LoadTrackModel", {"model": "lite", "generate": True})().args[0]
    settings = {"steps": 0, "seed": 0, "strength": 1.0, "motion_guidance": 1.0}
    right = {"motion": "direction", "frames": 16}
    read = call("MoftReference", generating, one, right)().args[0]
    return {
        "CameraFreeGuidance": call("CameraFreeGuidance", 7.5, 7.5),
        "MoftGuidance": call("MoftGuidance", read, step="adaptive", match="mean"),
        "MoftSimilarity": call("MoftSimilarity", generating, read, picture(16)),
        "EditByDrag": call("EditByDrag", lite, one, some, **settings),
        "MoftReference": call("MoftReference", generating, one, right),
        "TrackSampler": call("TrackSampler", lite, one, some, **settings),
    }


def _file_runs(call: Any) -> Runs:
    clip, some, fewer = picture(FRAMES), tracks(), tracks(500)
    depth = call("DepthMap", {"source": "ground and wall"}, 0.0, False, image=clip[:1])().args[0]
    middle = {"pivot": "median depth"}
    camera = call("CameraPath", depth, {"motion": "move"}, middle, 481, 16.0, "after")().args[0]
    mask = torch.ones(FRAMES, HEIGHT, WIDTH)
    coordinates = call("TracksToCoordinates", fewer, "frames")().args[0]
    signal = (clip, mask, "", 16.0, "latency/signal")
    folder = call("SaveMotionSignal", *signal)().args[0]
    return {
        **{f"LoadTracks {name}": run for name, run in _loads(call).items()},
        **{f"SaveTracks {one}": call("SaveTracks", some, "latency/tracks", one) for one in KINDS},
        "LoadMotionSignal": call("LoadMotionSignal", folder),
        "SaveCamera": call("SaveCamera", camera, "json", "latency/camera", 0, 1.0),
        "SaveMotionSignal": call("SaveMotionSignal", *signal),
        "TracksFromCoordinates": call("TracksFromCoordinates", coordinates, None, WIDTH, HEIGHT),
    }


def _loads(call: Any) -> Runs:
    """What Load Tracks makes of the files of _write_files."""
    sizes = {"width": WIDTH, "height": HEIGHT}
    return {
        entry.name: call("LoadTracks", file_name(entry), **(sizes if entry.needs_size else {}))
        for entry in FORMATS
    }


def _window_runs(call: Any) -> Runs:
    clip, long = picture(FRAMES), tracks(2000, 481)
    latent = {"samples": torch.zeros(1, 16, 121, HEIGHT // 8, WIDTH // 8)}
    return {
        "TrackWindow": call("TrackWindow", long, 1, 81, 5, "in overlap"),
        "JoinWindows": call("JoinWindows", clip, clip, 5, 5),
        "ContinueLatents": call("ContinueLatents", latent, latent, 2),
    }


def _guidance_runs(call: Any) -> Runs:
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


def _native_runs(call: Any) -> Runs:
    """Nodes that set up a run of the host's MODEL; its sampler calls what they return."""
    clip, some = picture(FRAMES), tracks()
    model, vae, mask = wan_model(), StandInVae(), torch.zeros(FRAMES, HEIGHT, WIDTH)
    mask[:, 100:300, 200:500] = 1
    prompt = [[torch.zeros(1, 5, 24), {}]]
    with host_with(SilentBar, lambda: None):
        patch = call("LoadTrackControlNetPatch", CONTROL_FILE)().args[0]
    clocks, rest = {"clocks": "cut_and_drag"}, (0.1, 8.0, 1)
    wan = (prompt, prompt, vae, some, clip[:1])
    moved, other = {"follow": "wan_move", "strength": 1.0}, {"follow": "ati"}
    transfer = {"iterations": 2, "rate": 0.01, "keep": 0.1, "start": 0.0, "end": 0.2}
    return {
        "ApplyTrackControlNet": call("ApplyTrackControlNet", model, patch, some, 1.0, 0.0, 1.0, 0),
        "FollowMotion": call("FollowMotion", model, vae, clip, clocks, *rest),
        "FollowMotion mask": call("FollowMotion", model, vae, clip, clocks, *rest, mask=mask),
        "FollowRegion tracks": call(
            "FollowRegion", {"area": "tracks", "tracks": some, "which": "moving"}, 0.2, 0.0, 8.0
        ),
        "LoadTrackControlNetPatch": call("LoadTrackControlNetPatch", CONTROL_FILE),
        "MotionGuidance": call("MotionGuidance", model, prompt, prompt, 5.0, 2.0, prompt),
        "MotionTransferGuidance": call(
            "MotionTransferGuidance", model, vae, clip, seed=0, **transfer
        ),
        "RefineAlongReference": call(
            "RefineAlongReference", model, vae, clip, mask, start=0.0, end=0.5
        ),
        "TracksToWan wan_move": call("TracksToWan", *wan, moved),
        "TracksToWan ati": call("TracksToWan", *wan, other),
    }


def _estimate_runs(call: Any) -> Runs:
    """Nodes that run a network of transformers on every frame."""
    clip = picture(FRAMES)
    estimated = {"source": "estimate", "video": clip, "model": "tiny"}
    return {
        "EstimateDepth": call("EstimateDepth", clip, "tiny", 1.0, 10.0, 0.0, True, True),
        "PoseMotion estimate": call(
            "PoseMotion", estimated, {"motion": "as it is"}, 24.0, 0.1, 16.0
        ),
    }
