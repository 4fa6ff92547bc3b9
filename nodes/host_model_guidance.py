"""Guidance on ComfyUI's own MODEL, beside host_model.py: the second module that patches it.

The same rules hold: patches go on a clone, no weight of the model is read, and the state of a run
travels in the run's own model options.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..motion_core.guidance.linear import with_motion_guidance
from .host_wan_control import NativeTrackControlNet, as_native_controlnet, padded

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks

CONTROL_KEY = "motion_prompting_track_controlnet"
# In the transformer options of a prediction for which no patch of ours may act on the tracks.
UNTRACKED = "motion_prompting_untracked"

# ---- Motion guidance ---------------------------------------------------------------------------


def motion_guider(
    model: Any,
    positive: Any,
    negative: Any,
    untracked: Any,
    scales: tuple[float, float],
    untracked_model: Any = None,
) -> Any:
    """A GUIDER with text guidance and motion guidance.

    Args:
        model: MODEL.
        positive: CONDITIONING with the tracks.
        negative: CONDITIONING with the tracks and the negative prompt.
        untracked: CONDITIONING with the prompt and without the tracks.
        scales: Of the text and of the motion; 1 is off.
        untracked_model: The MODEL without a control that another node has put on its blocks, such
            as Uni3C; None where the conditioning carries the motion.

    Raises:
        ValueError: untracked_model is another model, or has other LoRAs.
    """
    import comfy.samplers

    blocks = None if untracked_model is None else block_patches(model, untracked_model)

    class MotionGuider(comfy.samplers.CFGGuider):
        """The host's guider, and one more prediction without the tracks."""

        def predict_noise(
            self, x: Tensor, timestep: Tensor, model_options: Any = None, seed: Any = None
        ) -> Tensor:
            """The guided denoised latents."""
            options = {} if model_options is None else model_options
            if scales[1] == 1.0:
                return super().predict_noise(x, timestep, options, seed)
            tracked: list[Tensor] = []
            watched = with_observer(options, tracked.append)
            guided = super().predict_noise(x, timestep, watched, seed)
            plain = {**options.get("transformer_options", {}), UNTRACKED: True}
            if blocks is not None:
                plain |= {key: _copied(value) for key, value in blocks.items()}
                comfy.samplers.cast_transformer_options(plain, device=x.device)
            (without,) = comfy.samplers.calc_cond_batch(
                self.inner_model,
                [self.conds["untracked"]],
                x,
                timestep,
                {**options, "transformer_options": plain},
            )
            return with_motion_guidance(guided, tracked[-1], without, scales[1])

    guider = MotionGuider(model)
    guider.inner_set_conds({"positive": positive, "negative": negative, "untracked": untracked})
    guider.set_cfg(scales[0])
    return guider


def block_patches(model: Any, other: Any) -> dict[str, Any]:
    """The patches that nodes have put on the blocks of another clone of a MODEL.

    Raises:
        ValueError: It is no clone of the model, or has other weights (LoRAs).
    """
    if not model.is_clone(other) or model.patches_uuid != other.patches_uuid:
        raise ValueError(
            "untracked_model must be the same model with the same LoRAs, only without the motion "
            "control: connect what goes into the node that adds the control (such as Apply Wan "
            "Uni3C ControlNet)."
        )
    options = other.model_options.get("transformer_options", {})
    return {key: options.get(key, {}) for key in ("patches", "patches_replace")}


def _copied(patches: dict[str, Any]) -> dict[str, Any]:
    """Patches in lists and dicts of their own: moving them to a device replaces entries."""
    return {key: value.copy() for key, value in patches.items()}


def with_observer(options: dict[str, Any], observe: Callable[[Tensor], None]) -> dict[str, Any]:
    """Model options that hand the prediction of the positive conditioning to a function."""

    def after(args: dict[str, Any]) -> Tensor:
        observe(args["cond_denoised"])
        return args["denoised"]

    return {
        **options,
        "sampler_post_cfg_function": [after, *options.get("sampler_post_cfg_function", [])],
    }


# ---- Track-ControlNet --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ControlSettings:
    """A Track-ControlNet and what it acts on.

    Attributes:
        patch: The MODEL_PATCH.
        tracks: On the canvas of the video.
        strength: Factor on the residuals.
        start, end: Fractions of the sampling between which it acts.
        seed: Of the random codes of the tracks.
    """

    patch: Any
    tracks: Tracks
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    seed: int = 0


@dataclass
class _ControlRun:
    """The state of one run: the sigmas between which it acts, the encoded tracks, and the places in
    a context window at which the host keeps the clip's own latents."""

    most: float
    least: float
    control: Tensor | None = None
    retained: tuple[int, ...] = ()


def controlled(model: Any, settings: ControlSettings) -> Any:
    """A clone of a Wan MODEL under a Track-ControlNet.

    Raises:
        TypeError: The MODEL_PATCH is of another node.
        ValueError: The model is no Wan, or not of the size that the weights were made for.
    """
    from comfy.patcher_extension import WrappersMP

    network = as_native_controlnet(settings.patch)
    check_base(model.get_model_object("diffusion_model"), network)
    clone = model.clone()
    count = len(clone.get_wrappers(WrappersMP.DIFFUSION_MODEL, CONTROL_KEY))
    key = f"{CONTROL_KEY}_{count}"
    clone.add_wrapper_with_key(
        WrappersMP.SAMPLER_SAMPLE, CONTROL_KEY, _begin_control(key, settings)
    )
    clone.add_wrapper_with_key(
        WrappersMP.DIFFUSION_MODEL, CONTROL_KEY, _ControlledForward(key, settings, network)
    )
    loaded = clone.get_additional_models_with_key(CONTROL_KEY)
    clone.set_additional_models(CONTROL_KEY, [*loaded, settings.patch])
    return clone


def is_controlled(model: Any) -> bool:
    """Whether a MODEL is under a Track-ControlNet of `controlled`."""
    return bool(model.get_additional_models_with_key(CONTROL_KEY))


def check_base(base: Any, network: NativeTrackControlNet) -> None:
    """Raise ValueError unless the weights fit the base."""
    width, blocks = getattr(base, "dim", None), getattr(base, "blocks", None)
    heads, patch = getattr(base, "num_heads", None), getattr(base, "patch_size", None)
    if not (width and blocks and heads and patch) or not hasattr(blocks[0], "cross_attn"):
        raise ValueError(
            f"this Track-ControlNet is for Wan; the MODEL is {type(base).__name__}. Connect a Wan "
            "image-to-video model."
        )
    found = (width, heads, patch[-1], hasattr(blocks[0].cross_attn, "k_img"))
    wanted = (network.width, network.heads, network.patch, network.reads_image)
    if found != wanted or max(network.layers) >= len(blocks):
        raise ValueError(
            f"the Track-ControlNet was made for a Wan of width {wanted[0]} with {wanted[1]} heads "
            f"and blocks up to {max(network.layers)}, {'with' if wanted[3] else 'without'} image "
            f"embeddings; this one has width {found[0]}, {found[1]} heads, {len(blocks)} blocks, "
            f"{'with' if found[3] else 'without'}. Take the weights made for this model."
        )


def _begin_control(key: str, settings: ControlSettings) -> Callable[..., Tensor]:
    def begin(executor: Any, guider: Any, sigmas: Tensor, extra_args: Any, *rest: Any) -> Tensor:
        sampling = guider.inner_model.model_sampling
        limits = [float(sampling.percent_to_sigma(one)) for one in (settings.start, settings.end)]
        if settings.start == 0.0:
            limits[0] = math.inf
        options = extra_args["model_options"]
        handler = options.get("context_handler")
        retained = tuple(getattr(handler, "latent_retain_index_list", None) or ())
        options["transformer_options"][key] = _ControlRun(*limits, retained=retained)
        return executor(guider, sigmas, extra_args, *rest)

    return begin


class _ControlledForward:
    """The wrapper around the network: the first block's inputs go to the copied blocks too."""

    def __init__(self, key: str, settings: ControlSettings, network: NativeTrackControlNet) -> None:
        self.key, self.settings, self.network = key, settings, network

    def __call__(
        self,
        executor: Any,
        x: Tensor,
        timestep: Tensor,
        context: Tensor,
        clip_fea: Tensor | None = None,
        time_dim_concat: Tensor | None = None,
        transformer_options: Any = None,
        **more: Any,
    ) -> Tensor:
        """The network's output under control."""
        options = {} if transformer_options is None else transformer_options
        run = options.get(self.key)
        if self._acts(run, options):
            length = None if clip_fea is None else clip_fea.shape[-2]
            has_reference = "reference_latent" in more and executor.class_obj.ref_conv is not None
            options = self._hooked(run, options, length, has_reference)
        return executor(x, timestep, context, clip_fea, time_dim_concat, options, **more)

    def _acts(self, run: _ControlRun | None, options: dict[str, Any]) -> bool:
        if run is None or self.settings.strength == 0.0 or options.get(UNTRACKED):
            return False
        return run.least <= float(options["sigmas"].max()) <= run.most

    def _hooked(
        self, run: _ControlRun, options: dict[str, Any], length: int | None, has_reference: bool
    ) -> dict[str, Any]:
        """The options of one call, with hooks beside those of other nodes."""
        residuals: list[Tensor] = []
        frames = windowed_frames(options.get("context_window"), run.retained)
        replaced = options.get("patches_replace", {})
        blocks = replaced.get("dit", {})
        earlier = blocks.get(("double_block", 0))

        def first(args: dict[str, Any], extra: dict[str, Any]) -> Any:
            before, grid = 0, args["transformer_options"]["grid_sizes"]
            if has_reference:
                before = math.prod(grid[1:])
            control = self._control(run, tuple(grid), args["img"], frames)
            whole = padded(control, before, args["img"].shape[1])
            residuals.extend(self.network.block_residuals(whole, args, length))
            return extra["original_block"](args) if earlier is None else earlier(args, extra)

        def after(args: dict[str, Any]) -> dict[str, Any]:
            if args["block_index"] in self.network.layers:
                place = self.network.layers.index(args["block_index"])
                added = residuals[place].to(args["img"]) * self.settings.strength
                residuals[place] = added.new_empty(0)
                args = {**args, "img": args["img"] + added}
            return args

        hooks = options.get("patches", {})
        return {
            **options,
            "patches_replace": {**replaced, "dit": {**blocks, ("double_block", 0): first}},
            "patches": {**hooks, "double_block": [after, *hooks.get("double_block", [])]},
        }

    def _control(
        self, run: _ControlRun, grid: tuple[int, ...], like: Tensor, window: WindowFrames | None
    ) -> Tensor:
        """(S, width), the encoded tracks of the latent frames that the network gets. They are
        encoded once per run; a context window takes its frames from them."""
        if run.control is None or run.control.device != like.device:
            tracks = self.settings.tracks
            everything = torch.ones(tracks.num_points)
            control = self.network.encode_tracks(tracks, everything, self.settings.seed)
            run.control = control.to(like)
        frames, height, width = grid
        total = frames if window is None else window.total
        if len(run.control) != total * height * width:
            patch = self.network.patch * 8
            raise ValueError(
                f"the run makes {4 * (total - 1) + 1} frames of {width * patch}x{height * patch}; "
                f"the tracks have {self.settings.tracks.num_frames} frames on "
                f"{self.settings.tracks.size}. Use Transform Tracks (fit) and Retime Tracks, or "
                "change the size of the latents."
            )
        if window is None:
            return run.control
        by_frame = run.control.unflatten(0, (total, height * width))
        return by_frame[list(window.frames)].flatten(0, 1)


@dataclass(frozen=True)
class WindowFrames:
    """Which latent frames of a clip a context window holds.

    Attributes:
        frames: Their indices in the clip, in the order in which the network gets them.
        total: Latent frames of the clip.
    """

    frames: tuple[int, ...]
    total: int


def windowed_frames(window: Any, retained: tuple[int, ...] = ()) -> WindowFrames | None:
    """The frames of a context window of the host, or None for a run without windows.

    Args:
        window: transformer_options["context_window"]. The frame that `causal_window_fix` puts
            before it, and cuts off after the network, counts.
        retained: Places in the window where the host puts the frame of the same index of the clip.
    """
    if window is None:
        return None
    anchor = getattr(window, "causal_anchor_index", None)
    before = [] if anchor is None or anchor < 0 else [anchor]
    frames = [*before, *window.index_list]
    for place in retained:
        frames[place] = range(window.total_frames)[place]
    return WindowFrames(tuple(frames), window.total_frames)
