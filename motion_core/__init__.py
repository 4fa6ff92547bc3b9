"""Motion prompting without ComfyUI: tracks, drawn motion, expansion, rasters, formats, draft."""

__version__ = "0.1.0"
