"""Calls of diffusers and transformers without the network."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")
# The libraries read the variables once, at import, into these.
_FLAGS = (
    ("huggingface_hub.constants", "HF_HUB_OFFLINE"),
    ("huggingface_hub.constants", "HF_HUB_DISABLE_TELEMETRY"),
    ("transformers.utils.hub", "_is_offline_mode"),
    ("diffusers.utils.constants", "HF_HUB_OFFLINE"),
)
_lock = threading.RLock()


@contextmanager
def offline() -> Iterator[None]:
    """The hub's libraries refuse every request inside; their flags are restored after it."""
    with _lock:
        variables = {name: os.environ.get(name) for name in _VARIABLES}
        os.environ.update(dict.fromkeys(_VARIABLES, "1"))
        flags = [
            (module, name, getattr(module, name))
            for path, name in _FLAGS
            if (module := sys.modules.get(path)) is not None and hasattr(module, name)
        ]
        for module, name, _ in flags:
            setattr(module, name, True)
        try:
            yield
        finally:
            for module, name, value in flags:
                setattr(module, name, value)
            for name, value in variables.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
