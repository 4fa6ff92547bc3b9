"""Stable Video Diffusion, and MotionPro (2505.20287) that makes it follow tracks."""
