"""Training: procedural scenes with exact motion, and the stages that learn from them."""
