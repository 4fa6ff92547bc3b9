"""A proof in small: a tiny video diffusion model, and controls trained on it by the commands."""
