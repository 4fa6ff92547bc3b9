"""The loss for training a control on Wan."""
