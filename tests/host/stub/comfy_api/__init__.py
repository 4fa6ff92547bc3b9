"""Stand-in for ComfyUI's comfy_api: only what this pack's nodes say, as strict as the real one."""
