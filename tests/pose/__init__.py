"""Poses: read, followed, retargeted and turned into tracks."""
