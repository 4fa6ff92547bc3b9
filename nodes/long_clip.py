"""Long clips: a window of tracks, latents that go on, and windows joined to one clip."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from ..motion_core.images import with_even_sides
from . import host
from .schema import EVEN_SIDES, MAX_FRAMES, LatentSocket, schema, tracks_input, tracks_output
from .wire import frames, mask_batch, tracks_in, tracks_out

KEEP = ["in overlap", "at start", "all"]


def _whole(name: str, default: int, least: int, most: int, tooltip: str) -> Any:
    return io.Int.Input(name, default=default, min=least, max=most, tooltip=tooltip)


class TrackWindow(io.ComfyNode):
    """Tracks of a long clip in, one window of them out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "TrackWindow",
            aliases=["long video", "context window", "extend video", "sliding window", "chunk"],
            display_name="Track Window",
            category="Motion Prompting/Edit",
            description="Cuts the tracks of a long clip, and a video and masks beside them, to one "
            "of the overlapping windows in which a model makes it. Points keep their ids, and "
            "windows agree exactly in their overlap.",
            inputs=[
                tracks_input("The tracks of the whole clip."),
                _whole("window", 0, 0, 4095, "Which window, counted from 0."),
                _whole(
                    "length", 81, 2, MAX_FRAMES, "Frames of a window; 4k+1 for Wan, 8k+1 for LTX."
                ),
                _whole(
                    "overlap",
                    5,
                    1,
                    MAX_FRAMES,
                    "Frames that two windows share; 4k+1 for Wan: 1, 5, 9. The last window shares "
                    "more where the clip would end in the middle of it.",
                ),
                io.Combo.Input(
                    "keep",
                    options=KEEP,
                    tooltip="in overlap: tracks that are visible where the window before has made "
                    "the picture, for Tracks to Wan. at start: in the first frame, for ComfyUI's "
                    "own WanMoveTrackToVideo and WanTrackToVideo. all: every track.",
                ),
                io.Image.Input(
                    "video",
                    optional=True,
                    tooltip="A video of the whole clip, such as the draft for Follow Motion.",
                ),
                io.Mask.Input(
                    "mask", optional=True, tooltip="One mask, or one per frame of the whole clip."
                ),
            ],
            outputs=_window_outputs(),
        )

    @classmethod
    def execute(cls, tracks, window, length, overlap, keep, video=None, mask=None):
        from ..motion_core.tracks.windows import tracks_in_window

        whole = tracks_in(tracks, least_frames=1)
        one, count = _planned(whole.num_frames, window, length, overlap)
        part = tracks_in_window(whole, one, keep)
        height, width = whole.size.height, whole.size.width
        pictures = torch.zeros(1, 1, 1, 3).expand(one.length, height, width, 3)
        masks = torch.zeros(1, 1, 1).expand(1, height, width)
        if video is not None:
            pictures = _window_of(frames(video), one, whole, "video")
        if mask is not None:
            masks = _window_of(mask_batch(mask), one, whole, "mask")
        report = _report(one, f"{window} of {count}", whole.num_points, part.num_points)
        return io.NodeOutput(tracks_out(part), pictures, masks, one.overlap, count, report)


def _planned(frames: int, window: int, length: int, overlap: int) -> tuple[Any, int]:
    """A window of a clip, and how many there are. Raises ValueError for one that is none."""
    from ..motion_core.tracks.windows import plan_windows

    plan = plan_windows(frames, length, overlap)
    if window >= len(plan):
        raise ValueError(
            f"window {window} does not exist: {frames} frames make {len(plan)} windows, 0 to "
            f"{len(plan) - 1}. Choose one of them, or a shorter length."
        )
    return plan[window], len(plan)


def _window_outputs() -> list[Any]:
    return [
        tracks_output("The tracks of the window, from its first frame on."),
        io.Image.Output(
            "video",
            display_name="video",
            tooltip="The video of the window; black where none is connected.",
        ),
        io.Mask.Output(
            "mask",
            display_name="mask",
            tooltip="The masks of the window; empty where none are connected.",
        ),
        io.Int.Output(
            "overlap",
            display_name="overlap",
            tooltip="How many of its first frames the window before has made: connect Join "
            "Windows. 1 for the first window.",
        ),
        io.Int.Output("windows", display_name="windows", tooltip="Number of windows of the clip."),
        io.String.Output(
            "report", display_name="report", tooltip="Frames of the window, and tracks left out."
        ),
    ]


def _window_of(values: Any, window: Any, whole: Any, name: str) -> Any:
    """The frames of a window of pictures or masks; a single one counts for every frame."""
    if len(values) == 1 and name == "mask":
        return values
    if len(values) != whole.num_frames:
        raise ValueError(
            f"the {name} has {len(values)} frames and the tracks have {whole.num_frames}. Connect "
            f"the {name} of the whole clip."
        )
    return values[window.start : window.stop]


def _report(window: Any, number: str, before: int, after: int) -> str:
    lines = [
        f"window {number}: frames {window.start} to {window.stop - 1}, the first "
        f"{window.overlap} known"
    ]
    if after < before:
        lines.append(f"{before - after} of {before} tracks are not visible there and left out")
    return "\n".join(lines)


class JoinWindows(io.ComfyNode):
    """Two windows of pictures in, one clip out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "JoinWindows",
            aliases=["concatenate video", "append clip", "crossfade", "long video", "stitch"],
            display_name="Join Windows",
            category="Motion Prompting/Edit",
            description="Joins the windows of a long clip: frames that both have are counted once. "
            "Returns the last frames, too, with which the next window begins.",
            inputs=[
                io.Image.Input("before", tooltip="The clip so far."),
                io.Image.Input("after", tooltip="The window that goes on."),
                _whole(
                    "overlap",
                    5,
                    0,
                    MAX_FRAMES,
                    "Frames that both have: the last of before, the first of after. Connect Track "
                    "Window's overlap.",
                ),
                _whole(
                    "blend",
                    0,
                    0,
                    MAX_FRAMES,
                    "Frames at the end of the overlap over which the first clip fades into the "
                    "second. 0 keeps the first clip's.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images", display_name="images", tooltip=f"The joined clip. {EVEN_SIDES}"
                )
            ],
        )

    @classmethod
    def execute(cls, before, after, overlap, blend):
        from ..motion_core.tracks.windows import join_frames

        joined = join_frames(
            frames(before), frames(after), overlap, blend, progress=host.progress()
        )
        return io.NodeOutput(with_even_sides(joined))


class ContinueLatents(io.ComfyNode):
    """Latents of the clip so far in, latents whose first frames are its last out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "ContinueLatents",
            aliases=["extend video", "continue video", "long video", "overlap latents", "resume"],
            display_name="Continue Latents",
            category="Motion Prompting/Native",
            description="Puts the last latents of a clip at the start of the next one and keeps "
            "them through the sampling, by a noise mask. For any video model; connect Follow "
            "Motion's latent input or the sampler.",
            inputs=[
                LatentSocket.Input("latent", tooltip="The latents of the next window."),
                LatentSocket.Input("previous", tooltip="The latents of the window before."),
                _whole(
                    "latent_frames",
                    2,
                    1,
                    MAX_FRAMES,
                    "Latent frames that both share. 2 are 5 pictures of Wan (1 + 4) and 9 of LTX "
                    "(1 + 8).",
                ),
            ],
            outputs=[
                LatentSocket.Output(
                    "latent", display_name="latent", tooltip="The latents with their noise mask."
                )
            ],
        )

    @classmethod
    def execute(cls, latent, previous, latent_frames):
        from .host_latents import continued_latents

        return io.NodeOutput(continued_latents(latent, previous, latent_frames))
