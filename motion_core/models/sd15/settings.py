"""Settings of every family built on Stable Diffusion 1.5."""

from __future__ import annotations

from ..track_model import Setting


def lora_settings() -> tuple[Setting, ...]:
    """A LoRA with its strength, and CLIP's vocabulary."""
    return (
        Setting("lora", "path", "A LoRA of Stable Diffusion 1.5. Empty: none."),
        Setting(
            "lora_strength",
            "number",
            "Factor on the LoRA: 1 as trained.",
            1.0,
            limits=(-4.0, 4.0, 0.05),
        ),
        Setting(
            "tokenizer",
            "path",
            "A folder with CLIP's vocabulary, which a single file does not contain. Empty: the "
            "folder tokenizer beside the base or inside it.",
        ),
    )
