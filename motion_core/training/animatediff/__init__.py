"""AnimateDiff as the frozen base of a Track-ControlNet that is trained."""
