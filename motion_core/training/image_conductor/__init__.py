"""Image Conductor's camera and object LoRA, trained on its frozen flow network."""
