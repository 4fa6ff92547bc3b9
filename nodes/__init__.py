"""Every node of the pack, in the order of a typical workflow."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

from comfy_api.latest import ComfyExtension, io

from . import host
from .apply_track_controlnet import ApplyTrackControlNet, LoadTrackControlNetPatch
from .camera_free_guidance import CameraFreeGuidance
from .camera_path import CameraPathNode
from .camera_save import SaveCamera
from .camera_tracks import CameraTracks
from .camera_wan_embedding import CameraToWanEmbedding
from .combine import CombineTracks
from .compose_motion import ComposeMotion
from .control_video import TracksToControlVideo
from .coordinates import TracksFromCoordinates, TracksToCoordinates
from .depth_estimate import EstimateDepth
from .depth_map import DepthMapNode
from .draw import DrawMotion
from .edit_by_drag import EditByDrag
from .evaluate_motion import EvaluateMotion
from .expand import ExpandMotion
from .files import LoadTracks, SaveTracks
from .filter import FilterTracks
from .follow_motion import FollowMotion, FollowRegion
from .guard import guard
from .image_conductor_lora import ImageConductorLora
from .info import TracksInfo
from .load_motion_signal import LoadMotionSignal
from .load_track_controlnet import LoadTrackControlNet
from .load_track_model import LoadTrackModel
from .long_clip import ContinueLatents, JoinWindows, TrackWindow
from .magnify import MagnifyMotion
from .moft_guidance import MoftGuidance
from .moft_reference import MoftReference
from .moft_similarity import MoftSimilarity
from .motion_guidance_host import MotionGuidance
from .motion_mask import MotionMask
from .motion_noise import MotionNoise
from .motion_transfer_guidance import MotionTransferGuidance
from .pose_motion import PoseMotion
from .preview import DraftMotion, PreviewTracks
from .refine_along_reference import RefineAlongReference
from .retime import RetimeTracks
from .samples import install_samples
from .save_motion_signal import SaveMotionSignal
from .separate import SeparateMotion
from .track_sampler import TrackSampler
from .track_video import TrackVideo
from .tracks_to_wan import TracksToWan
from .transfer_motion import TransferMotion
from .transform import TransformTracks

log = logging.getLogger(__name__)

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
NEEDED = ("av", "cv2", "diffusers", "numpy", "PIL", "safetensors")

NODES: list[type[io.ComfyNode]] = [
    DrawMotion,
    ExpandMotion,
    PreviewTracks,
    DraftMotion,
    LoadTrackModel,
    LoadTrackControlNet,
    ImageConductorLora,
    MotionMask,
    CameraFreeGuidance,
    MoftReference,
    MoftGuidance,
    MoftSimilarity,
    MotionNoise,
    MotionGuidance,
    MotionTransferGuidance,
    RefineAlongReference,
    LoadTrackControlNetPatch,
    ApplyTrackControlNet,
    TrackSampler,
    EditByDrag,
    FollowMotion,
    FollowRegion,
    TracksToWan,
    TrackWindow,
    ContinueLatents,
    JoinWindows,
    EvaluateMotion,
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
    TrackVideo,
    TransferMotion,
    MagnifyMotion,
    SaveMotionSignal,
    LoadMotionSignal,
    SeparateMotion,
    PoseMotion,
    DepthMapNode,
    EstimateDepth,
    CameraPathNode,
    CameraToWanEmbedding,
    CameraTracks,
    ComposeMotion,
    SaveCamera,
]
for _node in NODES:
    guard(_node)


class MotionPrompting(ComfyExtension):
    """The extension that ComfyUI loads."""

    async def on_load(self) -> None:
        """Log which libraries are missing, and put the templates' media into the input folder."""
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            log.warning(
                "Motion Prompting misses %s. With ComfyUI's own Python, run: "
                'python -m pip install -r "%s"',
                ", ".join(missing),
                REQUIREMENTS,
            )
        install_samples(host.input_folder())

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node class of the pack."""
        return NODES
