"""Training of Track-ControlNets: clips, draws of tracks, the task, and its command."""
