"""A Track-ControlNet as a MODEL_PATCH: our weights in blocks of ComfyUI's own Wan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..motion_core.models.wan.native_keys import NativeWeights, read_native_weights
from ..motion_core.models.wan.track_embedding import TrackEmbedding

if TYPE_CHECKING:
    from ..motion_core.tracks import Tracks


class NativeTrackControlNet(nn.Module):
    """WanTrackControlNet with blocks of ComfyUI, which cast their weights to the input's dtype.

    Args:
        weights: Its sizes; the tensors are not loaded here.
        settings: device, dtype and operations, as ComfyUI's networks take them.
    """

    def __init__(self, weights: NativeWeights, **settings: Any) -> None:
        from comfy.ldm.wan.model import WanAttentionBlock

        super().__init__()
        self.layers, self.ids, self.width = weights.layers, weights.ids, weights.width
        self.patch, self.heads = weights.patch, weights.heads
        self.reads_image = weights.reads_image
        kind = "i2v_cross_attn" if weights.reads_image else "t2v_cross_attn"
        sizes = (weights.width, weights.hidden, weights.heads)
        more = {"cross_attn_norm": True, "operation_settings": settings}
        self.embed = TrackEmbedding(weights.ids.dim, weights.width, weights.patch)
        self.embed.to(settings["device"], settings["dtype"])
        self.blocks = nn.ModuleList(WanAttentionBlock(kind, *sizes, **more) for _ in weights.layers)
        linear, place = settings["operations"].Linear, {**settings}
        del place["operations"]
        self.outs = nn.ModuleList(
            linear(weights.width, weights.width, **place) for _ in self.layers
        )

    def encode_tracks(self, tracks: Tracks, strengths: Tensor, seed: int = 0) -> Tensor:
        """(S, width); see WanTrackControlNet.encode_tracks."""
        device = self.embed.weight.device
        codes = self.ids.rows(tracks.num_points, seed) * strengths.float().cpu()[:, None]
        return self.embed(tracks.to(device), codes.to(device))

    def block_residuals(
        self, control: Tensor, args: dict[str, Any], image_length: int | None
    ) -> list[Tensor]:
        """(B, L, width) for each copied block.

        Args:
            control: (L, width), encoded tracks, zero for tokens that are not the video's.
            args: What ComfyUI hands to a replaced first block: img, txt, vec, pe.
            image_length: Tokens of image embeddings at the start of txt.
        """
        state, residuals = args["img"] + control.to(args["img"]), []
        options = _without_patches(args["transformer_options"])
        for block, out in zip(self.blocks, self.outs, strict=True):
            state = block(
                state,
                e=args["vec"],
                freqs=args["pe"],
                context=args["txt"],
                context_img_len=image_length,
                transformer_options=options,
            )
            residuals.append(out(state))
        return residuals


def _without_patches(options: dict[str, Any]) -> dict[str, Any]:
    """The options without patches of attention, which are the base's and not the copy's."""
    return {**options, "patches": {}}


def load_native_controlnet(path: Path) -> Any:
    """A MODEL_PATCH with the Track-ControlNet in a file.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, of another kind, or lacks weights.
    """
    import comfy.model_management
    import comfy.model_patcher
    import comfy.ops
    import comfy.utils

    weights = read_native_weights(path)
    offload = comfy.model_management.unet_offload_device()
    dtype = comfy.utils.weight_dtype(weights.tensors)
    network = NativeTrackControlNet(
        weights, device=offload, dtype=dtype, operations=comfy.ops.manual_cast
    )
    load = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.CoreModelPatcher(network, load, offload)
    _load(network, weights.tensors, path, patcher.is_dynamic())
    return patcher


def _load(network: nn.Module, tensors: dict[str, Tensor], path: Path, assign: bool) -> None:
    from ..motion_core.weights_io import load_into

    load_into(network, tensors, str(path), assign=assign)
    network.eval().requires_grad_(False)


def as_native_controlnet(patch: Any) -> NativeTrackControlNet:
    """The network of a MODEL_PATCH. Raises TypeError for a patch of another node."""
    network = getattr(patch, "model", None)
    if not isinstance(network, NativeTrackControlNet):
        raise TypeError(
            "this MODEL_PATCH holds no Track-ControlNet; connect Load Track-ControlNet Patch."
        )
    return network


def padded(control: Tensor, before: int, length: int) -> Tensor:
    """(length, width): the encoded tracks, with zeros for tokens before and after the video's."""
    if before == 0 and length == len(control):
        return control
    whole = torch.zeros(length, control.shape[1], dtype=control.dtype, device=control.device)
    whole[before : before + len(control)] = control
    return whole
