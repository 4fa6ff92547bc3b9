"""Training: the stages of `lite`, the loop that runs them, and the loss for Wan."""
