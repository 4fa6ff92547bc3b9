"""A ray-cast 3-D scene with exact depth, masks, poses and tracks: the oracle of the tests."""
