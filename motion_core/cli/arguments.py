"""Arguments that several commands share: conversion from text, and common options."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from ..geometry import Size, checked_size

MAX_SIDE = 1280


def size_argument(text: str) -> Size:
    """A canvas from text such as 832x480. Raises ArgumentTypeError that shows the form."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*[xX×]\s*(\d{1,9})\s*", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 832x480; got {text!r}")
    try:
        return checked_size(int(match[1]), int(match[2]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count_argument(text: str) -> int:
    """A whole number of 1 or more. Raises ArgumentTypeError."""
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more; got {text!r}")
    return int(text)


def seed_argument(text: str) -> int:
    """A whole number of 0 or more. Raises ArgumentTypeError."""
    if not re.fullmatch(r"\d{1,9}", text):
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more; got {text!r}")
    return int(text)


def point_argument(text: str) -> tuple[float, float]:
    """A point in pixels from text such as 120,80.5. Raises ArgumentTypeError."""
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"expected X,Y such as 120,80.5; got {text!r}")
    return number_argument(parts[0]), number_argument(parts[1])


def number_argument(text: str) -> float:
    """A finite number. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number; got {text!r}")
    return number


def rate_argument(text: str) -> float:
    """Frames per second, above 0. Raises ArgumentTypeError."""
    # Imported here, so that --help does not wait for torch.
    from ..tracks.frame_rate import HIGHEST_RATE, LOWEST_RATE

    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise argparse.ArgumentTypeError(
            f"expected frames per second above 0, {LOWEST_RATE:g} to {HIGHEST_RATE:,.0f}; got "
            f"{text!r:.60}"
        )
    return rate


def add_tracks(command: argparse.ArgumentParser, name: str, shown: str) -> None:
    """A track file as input, and its canvas where the file does not store it."""
    command.add_argument(name, type=Path, metavar=shown, help="a track file of any known format")
    command.add_argument(
        "--size",
        type=size_argument,
        metavar="WxH",
        help=f"canvas of {shown} in pixels, where the file does not store it",
    )


def add_fps(command: argparse.ArgumentParser, about: str) -> None:
    """--fps."""
    command.add_argument("--fps", type=rate_argument, metavar="F", help=about)


def add_max_side(command: argparse.ArgumentParser) -> None:
    """--max-side."""
    command.add_argument(
        "--max-side",
        type=count_argument,
        default=MAX_SIDE,
        metavar="N",
        help=f"shrink larger images to N pixels on the longer side (default {MAX_SIDE})",
    )


def add_output(command: argparse.ArgumentParser, about: str) -> None:
    """-o, required."""
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help=about)


def add_format(command: argparse.ArgumentParser) -> None:
    """--format of tracks to write."""
    command.add_argument(
        "--format", metavar="NAME", help="format to write; a name that is none lists them all"
    )
