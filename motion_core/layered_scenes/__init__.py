"""Layered 2-D scenes: procedural textured layers whose motion is known exactly."""
