"""Which keys of a config are passed on, per kind of network, and which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Keys that make a library import code, fetch weights or a network from elsewhere, or choose a
# kernel. They are refused at every depth unless they are empty (null, false, "", [], {}).
REFUSED = frozenset(
    [
        "auto_map",
        "custom_pipeline",
        "custom_pipelines",
        "custom_generate",
        "trust_remote_code",
        "backbone",
        "backbone_kwargs",
        "use_pretrained_backbone",
        "use_timm_backbone",
        "timm_backbone",
        "base_model_name_or_path",
        "quantization_config",
        "attn_implementation",
        "_attn_implementation",
        "_attn_implementation_internal",
        "experts_implementation",
        "_experts_implementation",
        "use_kernels",
        "kernel_config",
    ]
)
# Numbers of layers: each is a module that takes memory even without weights.
LAYER_COUNTS = frozenset(
    [
        "num_hidden_layers",
        "num_layers",
        "num_decoder_layers",
        "num_fov_head_layers",
        "num_res_blocks",
        "layers_per_block",
        "transformer_layers_per_block",
        "depths",
        "num_experts",
        "auxiliary_num_convs",
    ]
)
MOST_LAYERS = 512
# Layers times levels times what each layer holds.
MOST_BLOCKS = 4096
# Sizes of tables that are computed, so that no weight bounds them.
TABLE_SIZES = {"rope_max_seq_len": 1 << 13, "attention_head_dim": 1 << 10, "window_size": 64}
# Quantities that are 0 or below in no real model: a negative one turns depth over or gives NaN.
POSITIVE = frozenset(["max_depth", "layer_norm_eps", "layer_norm_epsilon"])
# All other integers; the largest real one is a vocabulary of 256,384.
LARGEST = 1 << 20
# Patches along one side of a picture, whose number decides the size of tables of positions.
MOST_PATCHES = 128

_VIT = (
    "hidden_size num_hidden_layers num_attention_heads hidden_act hidden_dropout_prob "
    "attention_probs_dropout_prob initializer_range layer_norm_eps image_size patch_size "
    "num_channels"
)
_STAGES = "out_features out_indices"
_CLIP = (
    "hidden_size intermediate_size projection_dim num_hidden_layers num_attention_heads "
    "hidden_act layer_norm_eps attention_dropout initializer_range initializer_factor"
)
_FUSION = (
    "reassemble_factors neck_hidden_sizes fusion_hidden_size head_in_index initializer_range "
    "use_batch_norm_in_fusion_residual use_bias_in_fusion_residual"
)


@dataclass(frozen=True)
class ConfigKind:
    """The config of one kind of network.

    Attributes:
        config_class: Its class in transformers.
        keys: Names of plain values that a file may set.
        children: Kinds of config that a key may hold, by the key; the first is taken where the
            file names none.
    """

    config_class: str
    keys: frozenset[str]
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _kind(config_class: str, *keys: str, **children: tuple[str, ...]) -> ConfigKind:
    return ConfigKind(config_class, frozenset(" ".join(keys).split()), children)


_DINOV2 = ("dinov2",)
KINDS: dict[str, ConfigKind] = {
    "depth_anything": _kind(
        "DepthAnythingConfig",
        "patch_size initializer_range reassemble_hidden_size reassemble_factors",
        "neck_hidden_sizes fusion_hidden_size head_in_index head_hidden_size",
        "depth_estimation_type max_depth",
        backbone_config=_DINOV2,
    ),
    "dpt": _kind(
        "DPTConfig",
        _VIT,
        _FUSION,
        "intermediate_size is_hybrid qkv_bias backbone_out_indices readout_type add_projection",
        "use_auxiliary_head auxiliary_loss_weight semantic_loss_ignore_index",
        "semantic_classifier_dropout backbone_featmap_shape neck_ignore_stages",
        "pooler_output_size pooler_act",
        backbone_config=("bit", "beit", "dinov2", "swinv2"),
    ),
    "depth_pro": _kind(
        "DepthProConfig",
        "fusion_hidden_size patch_size initializer_range intermediate_hook_ids",
        "intermediate_feature_dims scaled_images_ratios scaled_images_overlap_ratios",
        "scaled_images_feature_dims merge_padding_value use_batch_norm_in_fusion_residual",
        "use_bias_in_fusion_residual use_fov_model num_fov_head_layers",
        image_model_config=_DINOV2,
        patch_model_config=_DINOV2,
        fov_model_config=_DINOV2,
    ),
    "vitpose": _kind(
        "VitPoseConfig",
        "initializer_range scale_factor use_simple_decoder num_labels",
        backbone_config=("vitpose_backbone",),
    ),
    "vitpose_backbone": _kind(
        "VitPoseBackboneConfig",
        _VIT,
        _STAGES,
        "mlp_ratio num_experts part_features qkv_bias",
    ),
    "dinov2": _kind(
        "Dinov2Config",
        _VIT,
        _STAGES,
        "mlp_ratio qkv_bias layerscale_value drop_path_rate use_swiglu_ffn apply_layernorm",
        "reshape_hidden_states use_mask_token",
    ),
    "bit": _kind(
        "BitConfig",
        _STAGES,
        "num_channels embedding_size hidden_sizes depths layer_type hidden_act global_padding",
        "num_groups drop_path_rate embedding_dynamic_padding output_stride width_factor",
    ),
    "beit": _kind(
        "BeitConfig",
        _VIT,
        _STAGES,
        "vocab_size intermediate_size use_mask_token use_absolute_position_embeddings",
        "use_relative_position_bias use_shared_relative_position_bias layer_scale_init_value",
        "drop_path_rate use_mean_pooling pool_scales use_auxiliary_head auxiliary_loss_weight",
        "auxiliary_channels auxiliary_num_convs auxiliary_concat_input",
        "semantic_loss_ignore_index add_fpn reshape_hidden_states",
    ),
    "swinv2": _kind(
        "Swinv2Config",
        _STAGES,
        "image_size patch_size num_channels embed_dim depths num_heads window_size",
        "pretrained_window_sizes mlp_ratio qkv_bias hidden_dropout_prob",
        "attention_probs_dropout_prob drop_path_rate hidden_act use_absolute_embeddings",
        "initializer_range layer_norm_eps encoder_stride",
    ),
    "clip_text_model": _kind(
        "CLIPTextConfig",
        _CLIP,
        "vocab_size max_position_embeddings pad_token_id bos_token_id eos_token_id",
    ),
    "clip_vision_model": _kind(
        "CLIPVisionConfig",
        _CLIP,
        "num_channels image_size patch_size",
    ),
    "umt5": _kind(
        "UMT5Config",
        "vocab_size d_model d_kv d_ff num_layers num_decoder_layers num_heads",
        "relative_attention_num_buckets relative_attention_max_distance dropout_rate",
        "layer_norm_epsilon initializer_factor feed_forward_proj is_encoder_decoder use_cache",
        "pad_token_id eos_token_id decoder_start_token_id classifier_dropout",
        "tie_word_embeddings",
    ),
}
