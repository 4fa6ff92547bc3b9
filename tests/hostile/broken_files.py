"""Broken, lying and malicious files, made on the spot."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import struct
import warnings
import zipfile

import numpy as np
import torch

from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.tracks.model import make_tracks

SIZE = Size(64, 48)


def tracks_of(frames=4, points=3):
    xy = torch.arange(frames * points * 2, dtype=torch.float32).reshape(frames, points, 2)
    return make_tracks(xy, SIZE, fps=16)


class Bomb:
    """Unpickled, it would leave a file behind."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (str(self.marker),))


def data(content):
    return lambda path: path.write_bytes(content)


def text(content):
    return lambda path: path.write_text(content, encoding="utf-8")


def good(name):
    """Write a good file of this format, whatever the path is called."""
    return lambda path: write_tracks(path, tracks_of(), format=name)


def cut(name, share):
    def make(path):
        good(name)(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])

    return make


def flipped(name, place):
    """One byte of a good file changed."""

    def make(path):
        good(name)(path)
        whole = bytearray(path.read_bytes())
        whole[int(len(whole) * place)] ^= 0xFF
        path.write_bytes(bytes(whole))

    return make


def ours(**changes):
    """Our own .npz with some arrays changed, or left out when None."""
    arrays = {
        "motion_tracks_version": np.int64(1),
        "xy": np.ones((4, 3, 2), np.float32),
        "visible": np.ones((4, 3), bool),
        "ids": np.arange(3),
        "size": np.array([64, 48]),
    }
    arrays.update(changes)
    return npz(**{name: array for name, array in arrays.items() if array is not None})


def npz(**arrays):
    def make(path):
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    return make


def npy(array):
    def make(path):
        with path.open("wb") as file:
            np.save(file, array, allow_pickle=True)

    return make


def npy_header(header, body=b"\0" * 64):
    content = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content + body


def described(descr="'<f4'", shape="(1, 4, 3, 2)"):
    return npy_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")


def zip_of(**members):
    def make(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "/"), content)

    return make


def bomb_npz(path):
    """A small file whose array claims 800 GB."""
    ours(xy=None)(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xy.npy", described(shape="(100000, 1000000, 2)"))


def real_bomb_npz(path):
    """A small file whose array really unpacks to more than it says."""
    ours(xy=None)(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xy.npy", npy_header("{'descr': '<f4', 'fortran_order': False, "
                         "'shape': (4, 3, 2), }", b"\0" * 50_000_000))  # fmt: skip


def lying_zip(path):
    """The central directory claims 4 GB for each member."""
    ours()(path)
    content = bytearray(path.read_bytes())
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        content[place + 24 : place + 28] = struct.pack("<I", 0xFFFFFFF0)
        place = content.find(b"PK\x01\x02", place + 1)
    path.write_bytes(bytes(content))


def crowded_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(2_000):
            archive.writestr(f"{index}.npy", b"")


def overcrowded_zip(path):
    """A table of contents that claims 3 GB."""
    crowded_zip(path)
    content = bytearray(path.read_bytes())
    content[-10:-6] = struct.pack("<I", 3_000_000_000)
    path.write_bytes(bytes(content))


def doubled_zip(path):
    ours()(path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("xy.npy", described())


def locked_zip(path):
    """Members flagged as encrypted."""
    ours()(path)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 1)
    path.write_bytes(bytes(content))


def lzma_zip(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xy.npy", described())


def escaping_zip(path):
    ours()(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.npy", described())
        archive.writestr("/etc/escaped.npy", described())


def torch_file(value):
    return lambda path: torch.save(value, path)


def ati_bytes(**arrays):
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)
    return torch_file(held.getvalue())


def pickle_bomb(path):
    path.write_bytes(pickle.dumps(Bomb(path.parent / "ran")))


def torch_bomb(path):
    torch.save(Bomb(path.parent / "ran"), path)


def codec_bomb(path):
    """Torch's own shape of file, but another function is called on the text."""
    program = b"\x80\x02cos\nmkdir\n" + pickle.dumps(str(path.parent / "ran"), 2)[2:-1] + b"\x85R."
    zip_of(**{"a__data.pkl": program, "a__version": "3\n", "a__byteorder": "little"})(path)


def object_array_bomb(path):
    array = np.empty(1, dtype=object)
    array[0] = Bomb(path.parent / "ran")
    npz(tracks=array, visibility=np.ones((1, 4, 3), bool))(path)


def loop_of_links(path):
    other = path.with_name("other")
    other.symlink_to(path)
    path.symlink_to(other)


def pair(positions, visible):
    def make(path):
        np.save(path, positions)
        np.save(path.with_name("dog_visibility.npy"), visible)

    return make


def csv(*lines):
    return text("frame,track,x,y,visible\n" + "\n".join(lines))


def moved_pair(path):
    good("wan_move")(path.with_name("dog_tracks.npy"))
    path.with_name("dog_visibility.npy").unlink()
    shutil.move(path.with_name("dog_tracks.npy"), path)


ONES = np.ones((1, 4, 3, 2), np.float32)
SHOWN = np.ones((1, 4, 3), bool)
ATI = np.ones((3, 121, 1, 3), np.float32)
NAN_ONES = np.where(np.arange(24).reshape(4, 3, 2) == 10, np.nan, 1).astype(np.float32)
