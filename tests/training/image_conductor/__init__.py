"""Tests of the training of Image Conductor's LoRA."""
