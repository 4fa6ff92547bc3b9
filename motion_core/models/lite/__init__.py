"""lite: dense motion from a picture and tracks, small enough for any machine."""

from __future__ import annotations

from pathlib import Path

from ...errors import FormatError
from ..signature import Signature
from ..track_model import Defaults, Family, Setting, TrackModel


def _load(file: Path | None = None, generate: bool = False) -> TrackModel:
    from .control import LiteControl
    from .family import LiteFamily
    from .load import load_lite

    lite = load_lite(file)
    if not generate:
        lite.base = lite.control = None
    elif lite.base is None:
        raise FormatError(
            f"{file} holds lite's encoder alone, which generates nothing. Switch generate off, or "
            "train a base: python -m motion_core train base."
        )
    # More steps change little; see docs/evaluation.md.
    defaults = Defaults(steps=4)
    return TrackModel("lite", LiteFamily(lite), LiteControl(lite), lite, defaults)


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
    ),
    signatures=(Signature("lite", lambda shapes: "encoder.affinity.weight" in shapes),),
    traits=frozenset({"motion_features"}),
    aliases=("lite",),
)
