"""python -m motion_core: the command line."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from .cli import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
