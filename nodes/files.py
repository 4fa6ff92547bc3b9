"""Load Tracks and Save Tracks: files in the host's own folders."""

from __future__ import annotations

from comfy_api.latest import io

from ..motion_core.formats import read_tracks, write_tracks
from ..motion_core.formats.registry import FORMATS
from ..motion_core.geometry import MAX_SIDE
from . import host
from .schema import TracksSocket, canvas_input, schema, tracks_input, tracks_output
from .stillness import joined, still_note
from .wire import canvas_size, tracks_in, tracks_out


class LoadTracks(io.ComfyNode):
    """A track file in, tracks out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        suffixes = {suffix for entry in FORMATS for suffix in entry.suffixes}
        return schema(
            "LoadTracks",
            aliases=["import tracks", "read tracks", "open trajectory", "cotracker", "tapvid"],
            display_name="Load Tracks",
            category="Motion Prompting/Files",
            description="Reads point tracks from a file in ComfyUI's input folder. The content "
            "determines the format: this pack's .npz, coordinate JSON, Wan-Move .npy, ATI .pth, "
            "TAP-Vid and CoTracker .npz, lists of pairs, CSV.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=host.input_files(suffixes),
                    tooltip="A track file in ComfyUI's input folder.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The image the tracks belong to. Its size in pixels is the canvas; "
                    "needed for files that do not store one.",
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    optional=True,
                    tooltip="Canvas width in pixels for files that do not store it; 0 takes it "
                    "from the file or the image.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    optional=True,
                    tooltip="Canvas height in pixels for files that do not store it; 0 takes it "
                    "from the file or the image.",
                ),
                io.Float.Input(
                    "fps",
                    default=0.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    optional=True,
                    tooltip="Frames per second for files that do not store it; 0 takes the file's "
                    "value.",
                ),
            ],
            outputs=[tracks_output("The point tracks of the file, in pixels of their canvas.")],
        )

    @classmethod
    def validate_inputs(cls, file):
        if file is None:  # comes over a link, so execute looks at it
            return True
        try:
            host.input_file(file)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file, **others):
        state = host.input_file(file).stat()
        return f"{file}:{state.st_size}:{state.st_mtime_ns}"

    @classmethod
    def execute(cls, file, image=None, width=0, height=0, fps=0.0):
        size = canvas_size(image, width, height)
        path, progress = host.input_file(file), host.progress()
        tracks = read_tracks(path, size=size, fps=fps or None, progress=progress)
        return io.NodeOutput(tracks_out(tracks))


class SaveTracks(io.ComfyNode):
    """Tracks in, a file in the output folder out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "SaveTracks",
            aliases=["export tracks", "write tracks", "save trajectory", "npz", "csv"],
            display_name="Save Tracks",
            category="Motion Prompting/Files",
            description="Writes point tracks to a numbered file in ComfyUI's output folder. The "
            "first format stores everything; the others are for other tools.",
            is_output_node=True,
            inputs=[
                tracks_input("The tracks to save."),
                io.String.Input(
                    "filename_prefix",
                    default="tracks/motion",
                    tooltip="Folder and beginning of the file name, inside ComfyUI's output "
                    "folder. A number and the suffix of the format are added.",
                ),
                io.Combo.Input(
                    "format",
                    options=[entry.name for entry in FORMATS],
                    default=FORMATS[0].name,
                    tooltip=" ".join(f"{entry.name}: {entry.description}" for entry in FORMATS),
                ),
                canvas_input(),
            ],
            outputs=[
                TracksSocket.Output(
                    "tracks", display_name="tracks", tooltip="The input tracks, unchanged."
                ),
                io.String.Output(
                    "path",
                    display_name="path",
                    tooltip="The file's path inside ComfyUI's output folder.",
                ),
            ],
        )

    @classmethod
    def execute(cls, tracks, filename_prefix, format, canvas_image=None):
        found = tracks_in(tracks, canvas_image)
        suffix = next(entry.suffixes[0] for entry in FORMATS if entry.name == format)
        suffix = "tracks.npy" if format == "wan_move" else suffix
        path, shown = host.new_output_file(filename_prefix, suffix)
        write_tracks(path, found, format=format, progress=host.progress())
        name = f"{shown['subfolder']}/{path.name}".lstrip("/")
        return io.NodeOutput(
            tracks_out(found),
            name,
            ui={"tracks": [shown], "text": [joined(name, still_note(found))]},
        )
