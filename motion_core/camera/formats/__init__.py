"""Text formats of camera paths, one module each; `camera.files` chooses among them."""
