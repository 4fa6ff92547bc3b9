"""Memory and operations of a training step at full size, computed on the meta device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from ..geometry import Size


@dataclass(frozen=True, eq=False)
class Step:
    """A base with its branch, and one training step of a clip.

    Attributes:
        base: The network that predicts, frozen.
        control: The branch, which is trained.
        blocks: Whose activations can be computed again.
        loss: Runs the step forward.
    """

    base: nn.Module
    control: nn.Module
    blocks: list[nn.Module]
    loss: Callable[[], Tensor]


@dataclass(frozen=True)
class Estimate:
    """What one step of one clip takes. Bytes, numbers of weights, and floating-point operations.

    Attributes:
        base_weights, control_weights: Numbers of weights.
        base_bytes: Of the base's weights.
        forward_flops: Of base and branch; a multiplication and an addition are two.
        step_flops: Forward and backward.
        block_flops: Forward, of the blocks, which checkpointing computes once more.
        kept_bytes: Activations that the forward pass keeps.
        checkpointed_bytes: The same with checkpointing: the inputs of all blocks, what is kept
            outside of them, and everything of the largest one.
        factored: Numbers that Adafactor keeps in place of the squared gradients.
    """

    base_weights: int
    control_weights: int
    base_bytes: int
    forward_flops: int
    step_flops: int
    block_flops: int
    kept_bytes: int
    checkpointed_bytes: int
    factored: int

    def bytes_of(
        self, optimizer: str = "adafactor", checkpointing: bool = True, processes: int = 1
    ) -> int:
        """Bytes of one process with shard=base over `processes`; encoders are not in it.

        The branch counts three times: weights, gradients and moving average, in float32.
        """
        state = self.factored if optimizer == "adafactor" else 2 * self.control_weights
        kept = self.checkpointed_bytes if checkpointing else self.kept_bytes
        return self.base_bytes // processes + 4 * (3 * self.control_weights + state) + kept

    def flops_of(self, checkpointing: bool = True) -> int:
        """Operations of a step."""
        return self.step_flops + (self.block_flops if checkpointing else 0)


@dataclass
class _Kept:
    """What the forward pass keeps, by the block it belongs to; None outside of all blocks."""

    weights: set[int]
    now: int | None = None
    saved: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    inputs: dict[int, int] = field(default_factory=dict)

    def pack(self, value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage._cdata not in self.weights:
            self.saved.setdefault(storage._cdata, (self.now, storage.nbytes()))
        return value

    def of(self, block: int | None) -> int:
        return sum(size for owner, size in self.saved.values() if owner == block)


def estimate(family: str, size: Size, frames: int) -> Estimate:
    """A training step of one clip on a released base of a family, in bfloat16 with checkpoints.

    No weights are read and no memory is taken.

    Args:
        family: Of STEPS.
        size: Of the clip in pixels.
        frames: T.

    Raises:
        ValueError: There is no such family.
    """
    if family not in STEPS:
        raise ValueError(f"there are estimates for {', '.join(STEPS)}; got {family}.")
    with torch.device("meta"):
        return measure(STEPS[family](size, frames))


def measure(step: Step) -> Estimate:
    """The estimate of a step, which is run on the meta device."""
    block_flops: list[int] = []
    # Attention by its products, which are counted; a fused kernel computes as many.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        with _around(
            step.blocks,
            lambda *_: block_flops.append(-counter.get_total_flops()),
            lambda: block_flops.append(counter.get_total_flops()),
        ):
            loss = step.loss()
        forward = counter.get_total_flops()
        loss.backward()
    kept = _kept(step)
    blocks = range(len(step.blocks))
    largest = max((kept.of(block) for block in blocks), default=0)
    parameters = list(step.control.parameters())
    return Estimate(
        _count(step.base),
        _count(step.control),
        sum(one.numel() * one.element_size() for one in step.base.parameters()),
        forward,
        counter.get_total_flops(),
        sum(block_flops),
        sum(size for _, size in kept.saved.values()),
        sum(kept.inputs.values()) + kept.of(None) + largest,
        sum(_factored(tuple(one.shape)) for one in parameters),
    )


def _count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def _factored(shape: tuple[int, ...]) -> int:
    """Numbers that Adafactor keeps of a weight: rows and columns of its last two axes."""
    if len(shape) < 2:
        return max(1, *shape) if shape else 1
    *outer, rows, columns = shape
    product = 1
    for one in outer:
        product *= one
    return product * (rows + columns)


@contextmanager
def _around(
    blocks: list[nn.Module],
    enter: Callable[[int, tuple[Any, ...]], None],
    leave: Callable[[], None],
) -> Iterator[None]:
    """Calls functions before and after every block, inside of its hooks, which may run others."""

    def wrapped(number: int, forward: Any) -> Any:
        def run(*given: Any, **named: Any) -> Any:
            enter(number, (*given, *named.values()))
            found = forward(*given, **named)
            leave()
            return found

        return run

    for number, block in enumerate(blocks):
        vars(block)["forward"] = wrapped(number, block.forward)
    try:
        yield
    finally:
        for block in blocks:
            del vars(block)["forward"]


class _Fused(torch.autograd.Function):
    """Keeps what a fused attention keeps: not the matrix of all pairs."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(query, key, value, out)
        return out

    @staticmethod
    def backward(ctx: Any, *_: Any) -> Any:
        raise NotImplementedError


class _FusedAttention(TorchFunctionMode):
    """The meta device would compute attention by its products."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            given = dict(zip(("query", "key", "value"), args, strict=False)) | (kwargs or {})
            return _Fused.apply(given["query"], given["key"], given["value"])
        return func(*args, **(kwargs or {}))


def _kept(step: Step) -> _Kept:
    """What the forward pass keeps for the backward pass."""
    modules = (step.base, step.control)
    kept = _Kept({one.untyped_storage()._cdata for part in modules for one in part.parameters()})

    def enter(number: int, given: tuple[Any, ...]) -> None:
        kept.now = number
        for one in given:
            if isinstance(one, Tensor):
                storage = one.untyped_storage()
                kept.inputs[storage._cdata] = storage.nbytes()

    def leave() -> None:
        kept.now = None

    hooks = torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda value: value)
    with hooks, _FusedAttention(), _around(step.blocks, enter, leave):
        loss = step.loss()
    # Until here, so that no storage took the place of another.
    del loss
    return kept


def wan_step(size: Size, frames: int, **changes: Any) -> Step:
    """Wan 2.1 image-to-video 14B in bfloat16. changes: of the transformer's sizes."""
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    from ..models.wan.latents import CELL_PX, FRAME_STRIDE, latent_frames
    from ..models.wan.track_controlnet import IdEmbedding, WanTrackControlNet
    from .wan.loss import velocity_errors

    sizes: dict[str, Any] = {
        "num_attention_heads": 40,
        "attention_head_dim": 128,
        "in_channels": 36,
        "out_channels": 16,
        "text_dim": 4096,
        "ffn_dim": 13824,
        "num_layers": 40,
        "image_dim": 1280,
        "added_kv_proj_dim": 5120,
    }
    base: Any = WanTransformer3DModel(**(sizes | changes))
    base = base.to(torch.bfloat16).requires_grad_(False)
    with torch.device("cpu"):
        # Its first layer is drawn on the CPU: here with codes of two numbers, then in full.
        control = WanTrackControlNet(base, ids=IdEmbedding(2, 1))
    places, _, width = control.embed.weight.shape
    full = torch.empty(places, IdEmbedding().dim, width, dtype=torch.bfloat16)
    control.embed.weight = nn.Parameter(full)
    rows, columns = size.height // CELL_PX, size.width // CELL_PX
    shape = (1, 16, latent_frames(frames), rows, columns)
    image_dim = base.config.image_dim
    embeds = None if image_dim is None else torch.zeros(1, 257, image_dim, dtype=torch.bfloat16)
    prompt = torch.zeros(1, 512, base.config.text_dim, dtype=torch.bfloat16)

    def loss() -> Tensor:
        tokens = shape[2] * (rows // 2) * (columns // 2)
        # In place of the embedding of tracks, whose cost grows with the tracks and is small.
        states = control.embed.weight[0, :1].expand(tokens, -1)[None]
        condition = torch.zeros(1, 16 + FRAME_STRIDE, *shape[2:])
        clean, noise = torch.zeros(shape), torch.zeros(shape)
        given = (clean, condition, prompt, noise, torch.zeros(1), embeds)
        with control.attached(base, states):
            return velocity_errors(base, *given).mean()

    return Step(base, control, [*base.blocks, *control.blocks], loss)


def svd_step(size: Size, frames: int) -> Step:
    """Stable Video Diffusion in float16, whose cost bfloat16 stands for."""
    from diffusers.models.unets.unet_spatio_temporal_condition import (
        UNetSpatioTemporalConditionModel,
    )

    from ..models.svd.adapter import MotionAdapter
    from ..models.svd.encoding import CELL_PX
    from .svd.base import blocks_of

    heads: Any = (5, 10, 20, 20)
    unet: Any = UNetSpatioTemporalConditionModel(num_attention_heads=heads)
    # One of its weights is made on the CPU whatever the device.
    unet = unet.to("meta", torch.bfloat16).requires_grad_(False)
    control = MotionAdapter(unet.config.block_out_channels).bfloat16()
    cells = (size.height // CELL_PX, size.width // CELL_PX)
    channels = torch.zeros(1, frames, 8, *cells, dtype=torch.bfloat16)
    embeds = torch.zeros(1, 1, 1024, dtype=torch.bfloat16)

    def loss() -> Tensor:
        condition = torch.zeros(frames, 3, size.height, size.width, dtype=torch.bfloat16)
        with control.attached(unet, control.modulations(condition), 1.0):
            found = unet(channels, torch.zeros(1), embeds, torch.zeros(1, 3)).sample
        return found.float().square().mean()

    return Step(unet, control, blocks_of(unet, control), loss)


def animatediff_step(size: Size, frames: int) -> Step:
    """AnimateDiff on Stable Diffusion 1.5 in bfloat16."""
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    from ..models.animatediff.track_controlnet import copy_track_controlnet
    from ..models.animatediff.unet import HEADS
    from ..models.sd15.encoding import CELL_PX
    from .animatediff.base import blocks_of

    unet: Any = UNetMotionModel(
        num_attention_heads=HEADS, cross_attention_dim=768, use_motion_mid_block=False
    )
    unet = unet.to(torch.bfloat16).requires_grad_(False)
    control = copy_track_controlnet(unet)
    cells = (size.height // CELL_PX, size.width // CELL_PX)
    noisy = torch.zeros(1, 4, frames, *cells, dtype=torch.bfloat16)
    embeds = torch.zeros(1, 77, 768, dtype=torch.bfloat16)

    def loss() -> Tensor:
        # In place of the layer that reads the points of the tracks.
        bias = control.first.bias
        assert bias is not None
        features = bias[:, None, None].expand(1, frames, -1, *cells)
        out = control(features, torch.zeros(1), embeds)
        found = unet(
            noisy,
            torch.zeros(1),
            encoder_hidden_states=embeds.repeat_interleave(frames, dim=0),
            down_block_additional_residuals=out.down_block_residuals,
            mid_block_additional_residual=out.mid_block_residual,
        ).sample
        return found.float().square().mean()

    return Step(unet, control, blocks_of(unet, control), loss)


STEPS: dict[str, Callable[[Size, int], Step]] = {
    "animatediff": animatediff_step,
    "motionpro": svd_step,
    "wan": wan_step,
}
