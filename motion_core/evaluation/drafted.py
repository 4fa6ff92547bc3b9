"""The dense motion that the draft gives a picture, so that it can be measured like any other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..draft.field import Field
from ..draft.group import Group, field_at
from ..draft.membership import make_guide, share_map
from ..draft.motion import FloatArray, Motion, motion_of
from ..draft.sheets import Sheet, Sheets, find_sheets
from ..draft.stage import LEAST_SHARE
from ..fields.picture import checked_picture
from .baselines import Question, centres

COMPLETION = "pull_push"
# The draft's fields answer where a place of a frame comes from; turned round by so many steps.
STEPS = 12


def drafted(question: Question) -> Tensor:
    """Displacements (T, G, G, 2): every place moves with the topmost sheet that it belongs to, as
    the draft completes that sheet's motion; places of no sheet move with its base."""
    motion = motion_of(question.tracks)
    sheets = find_sheets(motion)
    places = centres(question).astype(np.float32)
    shares = _shares(question, motion, sheets, places)
    frames = [
        _moved(motion, sheets, shares, places, frame) for frame in range(question.tracks.num_frames)
    ]
    grid = question.grid
    shift = np.stack(frames) if frames else np.zeros((0, grid * grid, 2))
    return torch.from_numpy(shift.astype(np.float32)).view(-1, grid, grid, 2)


def _shares(
    question: Question, motion: Motion, sheets: Sheets, places: FloatArray
) -> list[FloatArray]:
    """Per sheet, lowest first: (P,) how much of its motion each place takes."""
    if not sheets.over:
        return []
    guide = make_guide(checked_picture(question.image, question.tracks.size))
    column, row = places.astype(np.int64).T
    return [share_map(guide, motion, sheets, sheet)[row, column] for sheet in sheets.over]


def _moved(
    motion: Motion, sheets: Sheets, shares: list[FloatArray], places: FloatArray, frame: int
) -> FloatArray:
    base = None
    if sheets.moving_base:
        whole = np.ones(len(sheets.base), np.float32)
        base = field_at(motion, Group(sheets.base, whole), frame, None, COMPLETION)
    below = _followed(base, places)
    shift = below
    for sheet, share in zip(sheets.over, shares, strict=True):
        there = np.flatnonzero(share > 0)
        full = _followed(_sheet_field(motion, sheet, frame, base), places[there])
        part = share[there, None]
        shift = shift.copy()
        # A soft sheet takes its places along in part, over what lies below all sheets.
        taken = below[there] + part * (full - below[there])
        shift[there] = np.where(part >= LEAST_SHARE, taken, shift[there])
    return shift


def _sheet_field(motion: Motion, sheet: Sheet, frame: int, base: Field | None) -> Field | None:
    strong = sheet.share >= LEAST_SHARE
    return field_at(
        motion, Group(sheet.members[strong], sheet.share[strong]), frame, base, COMPLETION
    )


def _followed(field: Field | None, places: FloatArray) -> FloatArray:
    """(P, 2) how far places of the picture go: where they arrive, the field says as much."""
    shift = np.zeros_like(places)
    if field is None:
        return shift
    for _ in range(STEPS):
        shift = field.at(places + shift).astype(np.float32)
    return shift
