"""A stand-in for ComfyUI that runs workflows through our nodes, and a way to the real one."""
