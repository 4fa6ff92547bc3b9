"""Measurements on real pictures: photographs with one drag, and clips with their own tracks."""
