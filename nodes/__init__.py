"""Every node of the pack, in the order a beginner meets them."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .combine import CombineTracks
from .control_video import TracksToControlVideo
from .coordinates import TracksFromCoordinates, TracksToCoordinates
from .draw import DrawMotion
from .expand import ExpandMotion
from .files import LoadTracks, SaveTracks
from .filter import FilterTracks
from .info import TracksInfo
from .preview import DraftMotion, PreviewTracks
from .retime import RetimeTracks
from .transform import TransformTracks

NODES: list[type[io.ComfyNode]] = [
    DrawMotion,
    ExpandMotion,
    PreviewTracks,
    DraftMotion,
    TracksInfo,
    LoadTracks,
    SaveTracks,
    TracksFromCoordinates,
    TracksToCoordinates,
    TracksToControlVideo,
    CombineTracks,
    TransformTracks,
    RetimeTracks,
    FilterTracks,
]


class MotionPrompting(ComfyExtension):
    """The pack as the host sees it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node class the pack brings."""
        return NODES
