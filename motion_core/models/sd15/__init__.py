"""Stable Diffusion 1.5: its checkpoints, LoRA, autoencoder and CLIP, for families built on it."""
