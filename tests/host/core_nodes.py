"""Stand-ins for the few ComfyUI nodes that our workflows use: same ids, sockets and results.

They do the least that lets a workflow run; the same workflows also run on a real ComfyUI, whose
own nodes are then the judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import torch
from comfy_api.latest import io, ui

TracksSocket = io.Custom("TRACKS")
AudioSocket = io.Custom("AUDIO")
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def input_names(suffixes: set[str]) -> list[str]:
    """Names of the input folder's files with one of these suffixes, sorted."""
    folder = Path(folder_paths.get_input_directory())
    return sorted(path.name for path in folder.iterdir() if path.suffix.lower() in suffixes)


class LoadImage(io.ComfyNode):
    """A picture of the input folder, and the inverse of its alpha as a mask."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        names = input_names(IMAGE_SUFFIXES)
        return io.Schema(
            node_id="LoadImage",
            inputs=[io.Combo.Input("image", options=names, extra_dict={"image_upload": True})],
            outputs=[io.Image.Output(), io.Mask.Output()],
        )

    @classmethod
    def execute(cls, image: str) -> io.NodeOutput:
        from PIL import Image

        with Image.open(folder_paths.get_annotated_filepath(image)) as file:
            pixels = torch.from_numpy(np.array(file.convert("RGBA"))).float() / 255
            has_alpha = "A" in file.getbands()
        mask = 1 - pixels[None, ..., 3] if has_alpha else torch.zeros(1, 64, 64)
        return io.NodeOutput(pixels[None, ..., :3], mask)


class ImageScale(io.ComfyNode):
    """Pictures at another size, the overhang cut off where asked."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        methods = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
        return io.Schema(
            node_id="ImageScale",
            inputs=[
                io.Image.Input("image"),
                io.Combo.Input("upscale_method", options=methods),
                io.Int.Input("width", default=512, min=0, max=16384),
                io.Int.Input("height", default=512, min=0, max=16384),
                io.Combo.Input("crop", options=["disabled", "center"]),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, width: int, height: int, crop: str, **_: Any
    ) -> io.NodeOutput:
        picture = image.movedim(-1, 1)
        if crop == "center":
            tall, wide = picture.shape[2:]
            cut_x = round((wide - wide * min(tall * width / (wide * height), 1)) / 2)
            cut_y = round((tall - tall * min(wide * height / (tall * width), 1)) / 2)
            picture = picture[:, :, cut_y : tall - cut_y, cut_x : wide - cut_x]
        scaled = torch.nn.functional.interpolate(picture, (height, width), mode="bilinear")
        return io.NodeOutput(scaled.movedim(1, -1))


class PreviewImage(io.ComfyNode):
    """Pictures shown and forgotten."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="PreviewImage", inputs=[io.Image.Input("images")], is_output_node=True
        )

    @classmethod
    def execute(cls, images: torch.Tensor) -> io.NodeOutput:
        return io.NodeOutput(ui=ui.PreviewImage(images, cls=cls))


class LoadVideo(io.ComfyNode):
    """A video of the input folder: pictures and a frame rate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        names = input_names({".mp4"})
        return io.Schema(
            node_id="LoadVideo",
            inputs=[io.Combo.Input("file", options=names, extra_dict={"video_upload": True})],
            outputs=[io.Video.Output()],
        )

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        from motion_core.video import read_video

        video, fps = read_video(folder_paths.get_annotated_filepath(file))
        return io.NodeOutput((video.float() / 255, fps))


class GetVideoComponents(io.ComfyNode):
    """What a video is made of; the stand-in's have no sound."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GetVideoComponents",
            inputs=[io.Video.Input("video")],
            outputs=[
                io.Image.Output(display_name="images"),
                AudioSocket.Output(display_name="audio"),
                io.Float.Output(display_name="fps"),
            ],
        )

    @classmethod
    def execute(cls, video: Any) -> io.NodeOutput:
        images, fps = video
        return io.NodeOutput(images, None, fps)


class CreateVideo(io.ComfyNode):
    """Pictures and a frame rate."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="CreateVideo",
            inputs=[
                io.Image.Input("images"),
                io.Float.Input("fps", default=30.0, min=1.0, max=120.0, step=1.0),
            ],
            outputs=[io.Video.Output()],
        )

    @classmethod
    def execute(cls, images: torch.Tensor, fps: float) -> io.NodeOutput:
        return io.NodeOutput((images, fps))


class SaveVideo(io.ComfyNode):
    """A video file in the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SaveVideo",
            inputs=[
                io.Video.Input("video"),
                io.String.Input("filename_prefix", default="video/ComfyUI"),
                io.Combo.Input("format", options=["auto", "mp4"], default="auto"),
                io.Combo.Input("codec", options=["auto", "h264"], default="auto"),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, video: Any, filename_prefix: str, format: str, codec: str) -> io.NodeOutput:
        from motion_core.video import write_video

        images, fps = video
        folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        path = Path(folder) / f"{name}_{counter:05}_.mp4"
        write_video(path, images, fps)
        saved = ui.SavedResult(path.name, subfolder, io.FolderType.output)
        return io.NodeOutput(ui={"images": [saved], "animated": (True,)})


class WanMoveTracksFromCoords(io.ComfyNode):
    """Coordinate JSON to the host's bare TRACKS: no canvas, no ids."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="WanMoveTracksFromCoords",
            inputs=[
                io.String.Input("track_coords", force_input=True, default="[]", optional=True),
                io.Mask.Input("track_mask", optional=True),
            ],
            outputs=[TracksSocket.Output(), io.Int.Output(display_name="track_length")],
        )

    @classmethod
    def execute(cls, track_coords: str, track_mask: torch.Tensor | None = None) -> io.NodeOutput:
        rows = [[(point["x"], point["y"]) for point in row] for row in json.loads(track_coords)]
        path = torch.tensor(rows, dtype=torch.float32).transpose(0, 1)
        visible = torch.ones(path.shape[:2], dtype=torch.bool)
        if track_mask is not None:
            visible = (track_mask > 0).flatten(1).any(dim=1)[:, None]
        return io.NodeOutput({"track_path": path, "track_visibility": visible}, len(path))


class WanMoveConcatTrack(io.ComfyNode):
    """Two TRACKS side by side; everything beyond path and visibility is lost."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="WanMoveConcatTrack",
            inputs=[
                TracksSocket.Input("tracks_1"),
                TracksSocket.Input("tracks_2", optional=True),
            ],
            outputs=[TracksSocket.Output()],
        )

    @classmethod
    def execute(cls, tracks_1: dict, tracks_2: dict | None = None) -> io.NodeOutput:
        both = [tracks_1] if tracks_2 is None else [tracks_1, tracks_2]
        joined = {
            key: torch.cat([one[key] for one in both], dim=1)
            for key in ("track_path", "track_visibility")
        }
        return io.NodeOutput(joined)


class WanMoveVisualizeTracks(io.ComfyNode):
    """A picture repeated per frame with a square at every visible point."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="WanMoveVisualizeTracks",
            inputs=[
                io.Image.Input("images"),
                TracksSocket.Input("tracks", optional=True),
                io.Int.Input("line_resolution", default=24, min=1, max=1024),
                io.Int.Input("circle_size", default=12, min=1, max=128),
                io.Float.Input("opacity", default=0.75, min=0.0, max=1.0, step=0.01),
                io.Int.Input("line_width", default=16, min=1, max=128),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls, images: torch.Tensor, tracks: dict, circle_size: int, **_: Any
    ) -> io.NodeOutput:
        path, visible = tracks["track_path"], tracks["track_visibility"]
        video = images[:1].repeat(len(path), 1, 1, 1)
        for frame, point in torch.nonzero(visible).tolist():
            x, y = (max(int(value), 0) for value in path[frame, point])
            video[frame, y : y + circle_size, x : x + circle_size] = torch.tensor([1.0, 1.0, 0.0])
        return io.NodeOutput(video)


CORE_NODES = {
    node.GET_SCHEMA().node_id: node
    for node in (
        ImageScale,
        PreviewImage,
        GetVideoComponents,
        CreateVideo,
        SaveVideo,
        WanMoveTracksFromCoords,
        WanMoveConcatTrack,
        WanMoveVisualizeTracks,
    )
} | {"LoadImage": LoadImage, "LoadVideo": LoadVideo}
