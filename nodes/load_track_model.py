"""Load Track Model: a model that follows tracks, for Track Sampler and Edit by Drag."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import host
from .schema import ModelSocket, schema, settings_of

# The host's folders that users keep such models in, beside our own.
KINDS = ("diffusers", "checkpoints", "diffusion_models", "controlnet", "loras")
# Inputs that name a file or folder.
PLACES = ("file", "folder", "base", "checkpoint", "transformer", "motion", "image")
PLACES += ("lora", "tokenizer")
WHERE = "in ComfyUI's models/motion_prompting or its other model folders (see the help page)"


def _place(name: str, default: str, tooltip: str) -> Any:
    return io.String.Input(name, default=default, tooltip=tooltip)


def _dtype(auto: str) -> Any:
    return io.Combo.Input(
        "dtype",
        options=["auto", "float32", "float16", "bfloat16"],
        tooltip=f"The precision that the networks run in. auto: {auto}. float16 and bfloat16 take "
        "half the memory of float32.",
    )


def _tiling() -> Any:
    return io.Boolean.Input(
        "vae_tiling",
        default=False,
        tooltip="Turn pictures into latents and back piece by piece: less memory, more time, and "
        "seams now and then.",
    )


def _looks() -> list[Any]:
    """What changes the look of Stable Diffusion 1.5."""
    return [
        _place("lora", "", f"A LoRA of Stable Diffusion 1.5, {WHERE}. Empty: none."),
        io.Float.Input(
            "lora_strength",
            default=1.0,
            min=-4.0,
            max=4.0,
            step=0.05,
            tooltip="Factor on the LoRA: 1 as trained.",
        ),
        _place(
            "tokenizer",
            "",
            "A folder with CLIP's vocabulary, which a single file does not have. Empty: the folder "
            "tokenizer beside or in the base.",
        ),
    ]


# The families of motion_core.models.registry, which a node does not import before it runs. Each
# brings the keywords of its loader; a test compares.
FAMILIES = [
    io.DynamicCombo.Option(
        "lite",
        [
            _place(
                "file",
                "",
                "Leave empty for the weights that come with this pack. Or the name of a "
                "file of your own training in ComfyUI's models/motion_prompting.",
            ),
            io.Boolean.Input(
                "generate",
                default=False,
                tooltip="Off: the tracks are answered directly, in any number of frames, and what "
                "no track speaks for rests. On: motion is generated, another for every seed, also "
                "where no track speaks; in 16 frames, which are resampled to the tracks'.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "image_conductor",
        [
            _place(
                "folder",
                "ImageConductor",
                "A folder with unet.ckpt, flow_controlnet.ckpt and image_controlnet.ckpt of "
                f"TencentARC/ImageConductor, {WHERE}.",
            ),
            _place(
                "base",
                "stable-diffusion-v1-5",
                "A folder of Stable Diffusion 1.5 in diffusers' layout, of which vae, text_encoder "
                "and tokenizer are read, or a single file of a personalised one. Empty: they lie "
                "in the folder above.",
            ),
            io.Boolean.Input(
                "has_base_look",
                default=False,
                tooltip="Take the look of the base: its U-Net in place of Image Conductor's, whose "
                "motion modules stay.",
            ),
            *_looks(),
            _dtype("as the files were saved"),
            _tiling(),
        ],
    ),
    io.DynamicCombo.Option(
        "motionpro",
        [
            _place(
                "checkpoint",
                "MotionPro/MotionPro-gs_16k.pt",
                f"The file MotionPro-gs_16k.pt or MotionPro_Dense-gs_14k.pt, {WHERE}.",
            ),
            _place(
                "base",
                "stable-video-diffusion-img2vid",
                "A folder of Stable Video Diffusion in diffusers' layout, of which vae and "
                "image_encoder are read. Empty: they lie beside the checkpoint.",
            ),
            io.Combo.Input(
                "weights",
                options=["sparse", "dense"],
                tooltip="dense for MotionPro_Dense, which wants tracks that start everywhere; "
                "nothing in the file tells the two apart.",
            ),
            _dtype("as the file was saved"),
            io.Int.Input(
                "decode_at_once",
                default=16,
                min=1,
                max=16,
                tooltip="How many frames are decoded together. Fewer take less memory and flicker "
                "more.",
            ),
        ],
    ),
    io.DynamicCombo.Option(
        "wan",
        [
            _place(
                "folder",
                "Wan2.1-I2V-14B-480P-Diffusers",
                f"A folder of Wan 2.1 image-to-video in diffusers' layout, {WHERE}.",
            ),
            _place(
                "transformer",
                "",
                "Weights that take the place of the folder's transformer, such as Wan-Move's or "
                "ATI's: a .safetensors file, or a folder of its pieces. Empty: the folder's own.",
            ),
            io.Combo.Input(
                "follow",
                options=["wan_move", "ati", "nothing"],
                tooltip="What the weights learned to follow; nothing in the file tells. nothing: "
                "the plain model, for a Track-ControlNet.",
            ),
            io.Boolean.Input(
                "read_text",
                default=True,
                tooltip="Load the network that reads prompts (11 GB). Without it there are no "
                "words, and every step takes half the time.",
            ),
            _dtype("bfloat16"),
            _tiling(),
        ],
    ),
    io.DynamicCombo.Option(
        "animatediff",
        [
            _place(
                "base",
                "stable-diffusion-v1-5",
                "Stable Diffusion 1.5 or a model personalised from it: a folder in diffusers' "
                f"layout or a single file, {WHERE}.",
            ),
            _place(
                "motion",
                "v3_sd15_mm.ckpt",
                f"AnimateDiff's motion module (mm_sd_v15_v2 or v3_sd15_mm), {WHERE}.",
            ),
            _place(
                "image",
                "v3_sd15_sparsectrl_rgb.ckpt",
                f"SparseCtrl RGB, which sees the first frame, {WHERE}. Empty: the picture is not "
                "seen.",
            ),
            *_looks(),
            _dtype("as the files were saved"),
            _tiling(),
        ],
    ),
]


class LoadTrackModel(io.ComfyNode):
    """The name of a family in, its model out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            "LoadTrackModel",
            aliases=["motion model", "image conductor", "motionpro", "wan move", "ati", "lite"],
            display_name="Load Track Model",
            category="Motion Prompting/Sampling",
            description="Loads a model that makes a video of a picture and follows tracks. lite "
            "comes with this pack, needs no file and no graphics card; the others are files that "
            "you get from their authors.",
            inputs=[
                io.DynamicCombo.Input(
                    "model", options=FAMILIES, tooltip="Which family of models to load."
                )
            ],
            outputs=[
                ModelSocket.Output(
                    "model",
                    display_name="model",
                    tooltip="The model, for Track Sampler or Edit by Drag.",
                )
            ],
        )

    @classmethod
    def execute(cls, model):
        from ..motion_core.models.registry import load_track_model

        given = {
            name: host.model_place(value.strip(), *KINDS) if name in PLACES else value
            for name, value in settings_of(model, "model").items()
            if name not in PLACES or value.strip()
        }
        return io.NodeOutput(load_track_model(model["model"], **given))
