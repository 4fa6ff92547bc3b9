"""The command line: tracks from drawings and video, pictures from tracks, training, evaluation.

Results go to files (and, for info, to stdout), messages and progress to stderr. The exit code
is 0 on success, 2 with a one-line error for input that cannot be used, 130 after Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from ..errors import MissingExtraError, OutOfMemoryError
from ..memory import is_out_of_memory
from .parser import make_parser
from .terminal import echo

STOPPED = 130
REFUSED = 2
LONGEST_NAME = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. argv: without the program's name.

    Raises SystemExit as argparse does, after --help and for arguments that cannot be read.
    """
    args = make_parser().parse_args(argv)
    try:
        # Only the command that runs is imported, so that --help does not wait for torch.
        module = args.command.replace("-", "_")
        importlib.import_module(f".{module}", __package__).run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        echo("stopped; no file is half written.")
        return STOPPED
    except BrokenPipeError:
        # The reader of stdout has closed it; closing it again must not raise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, MissingExtraError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        echo(f"error: {_one_line(error)}")
        return REFUSED
    return 0


def _one_line(error: BaseException) -> str:
    if is_out_of_memory(error) and not isinstance(error, OutOfMemoryError):
        return "there is not enough memory; ask for fewer frames or a smaller --max-side."
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        name = str(error.filename)
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
        return f"{shown}: {error.strerror[:1].lower()}{error.strerror[1:]}."
    return " ".join(str(error).split()) or type(error).__name__
