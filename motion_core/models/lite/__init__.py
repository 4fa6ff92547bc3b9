"""lite: dense motion from a picture and tracks, small enough for any machine."""

from __future__ import annotations

from typing import Any

from ..signature import Signature
from ..track_model import Family, Setting, TrackModel


def _load(**settings: Any) -> TrackModel:
    from .load import load_model

    return load_model(**settings)


FAMILY = Family(
    "lite",
    _load,
    settings=(
        Setting(
            "file",
            "path",
            "Empty for the weights that come with this pack, or the name of a file of your own "
            "training.",
        ),
        Setting(
            "generate",
            "switch",
            "Off: the model answers the tracks directly, in any number of frames, and areas "
            "without moving tracks stay still. On: motion is generated, different for every "
            "seed, also where there is no track; in 16 frames, which are resampled to the number "
            "of the tracks.",
            False,
        ),
        Setting(
            "layers",
            "switch",
            "Off: every cell of the image moves by itself. On: the things that tracks move are cut "
            "out and bent as a whole, over a filled background: nothing tears inside a thing, but "
            "a wrong outline moves too much or too little.",
            False,
        ),
    ),
    signatures=(Signature("lite", lambda shapes: "encoder.affinity.weight" in shapes),),
    traits=frozenset({"motion_features"}),
    aliases=("lite",),
)
