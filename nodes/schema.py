"""What the schemas share: the TRACKS socket, canvas inputs, options of newer hosts."""

from __future__ import annotations

import inspect
from typing import Any

from comfy_api.latest import io

PREFIX = "MotionPrompting"
MAX_FRAMES = 4096
# Ends the tooltips of outputs that are videos.
EVEN_SIDES = "Odd sides lose their last row or column: video encoders take even sides only."

# The host's own socket type; io.Custom names it on every version, io.Tracks only on newer ones.
TracksSocket = io.Custom("TRACKS")
# Sockets of our own: a DepthMap, which holds its lens and what its numbers mean, and a CameraPath.
DepthSocket = io.Custom("MOTION_DEPTH")
CameraSocket = io.Custom("MOTION_CAMERA")
# A TrackModel: a loaded model of any family that follows tracks.
ModelSocket = io.Custom("MOTION_MODEL")
# A GuidancePlan: what guides a run beside its tracks.
GuidanceSocket = io.Custom("MOTION_GUIDANCE")
# A MotionReference: a motion in the features of one model.
ReferenceSocket = io.Custom("MOTION_REFERENCE")
# What Follow Motion follows beside its mask: a tuple of DrawnRegion.
FollowSocket = io.Custom("MOTION_FOLLOW")
# The host's own latents.
LatentSocket = io.Custom("LATENT")

# The host's own type of a source of noise.
NoiseSocket = io.Custom("NOISE")
# The host's own types of a model, its conditioning, what guides it, and weights beside it.
HostModelSocket = io.Custom("MODEL")
ConditioningSocket = io.Custom("CONDITIONING")
GuiderSocket = io.Custom("GUIDER")
ModelPatchSocket = io.Custom("MODEL_PATCH")
VaeSocket = io.Custom("VAE")


def schema(
    name: str, *, aliases: list[str], is_interactive: bool = False, **fields: Any
) -> io.Schema:
    """A Schema with our id prefix; options that an older host does not know are left out.

    is_interactive: the node is worked on by hand, so the host should show its last image again
    after a reload.
    """
    newer = {"search_aliases": aliases, "has_intermediate_output": is_interactive}
    known = inspect.signature(io.Schema).parameters
    fields |= {word: value for word, value in newer.items() if word in known}
    return io.Schema(node_id=PREFIX + name, **fields)


def tracks_input(tooltip: str = "The tracks, also from ComfyUI's own nodes.") -> Any:
    """A required TRACKS socket."""
    return TracksSocket.Input("tracks", tooltip=tooltip)


def tracks_output(tooltip: str) -> Any:
    """A TRACKS output socket."""
    return TracksSocket.Output("tracks", display_name="tracks", tooltip=tooltip)


def settings_of(choice: dict[str, Any], name: str) -> dict[str, Any]:
    """What a DynamicCombo called `name` brought beside the choice itself.

    The host gives None for an optional input that an API graph leaves out. Such inputs are left
    out here, too, so that the defaults of the function called hold.
    """
    return {key: value for key, value in choice.items() if key != name and value is not None}


def fraction_input(name: str, default: float, tooltip: str) -> Any:
    """A fraction of the sampling, 0..1."""
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip)


def canvas_input() -> Any:
    """canvas_image: needed only by tracks that lost their canvas on the way."""
    return io.Image.Input(
        "canvas_image",
        optional=True,
        tooltip="An image with the size of the canvas. Connect it only for tracks that lost their "
        "canvas in a node of another pack.",
    )
