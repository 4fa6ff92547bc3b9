"""Motion of an existing video, as tracks: transferred, magnified, and separated."""

from __future__ import annotations

from .align import (
    AffineAlignment,
    Alignment,
    Box,
    ThinPlateAlignment,
    box_of_mask,
    fit_boxes,
    keep_place,
    match_masks,
    match_points,
    whole_box,
)
from .frequency_band import FrequencyBand
from .magnify import MagnifySettings, magnify_motion
from .separate import Separation, separate_motion, stabilised_frames
from .slices import SliceLine, busiest_line, slice_picture
from .transfer import TransferSettings, transfer_motion

__all__ = [
    "AffineAlignment",
    "Alignment",
    "FrequencyBand",
    "Box",
    "MagnifySettings",
    "Separation",
    "SliceLine",
    "ThinPlateAlignment",
    "TransferSettings",
    "box_of_mask",
    "busiest_line",
    "fit_boxes",
    "keep_place",
    "magnify_motion",
    "match_masks",
    "match_points",
    "separate_motion",
    "slice_picture",
    "stabilised_frames",
    "transfer_motion",
    "whole_box",
]
