"""Wan image-to-video, and three ways to make it follow tracks: Wan-Move, ATI, Track-ControlNet."""
