"""Training of the motion adapter of Stable Video Diffusion."""
