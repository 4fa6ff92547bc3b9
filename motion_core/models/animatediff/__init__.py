"""AnimateDiff, steered by Image Conductor's networks or by a Track-ControlNet."""
