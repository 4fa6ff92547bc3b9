"""A procedural scene with exact depth, masks, poses and tracks, to hold everything else against."""
