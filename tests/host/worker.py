"""A ComfyUI checkout in a subprocess that runs functions of the tests; see host_worker.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("host_worker.py")


class HostError(Exception):
    """A function failed inside the host; the message has its error and traceback."""


class HostWorker:
    """Functions of the tests, called inside a ComfyUI checkout. Use as a context manager.

    COMFYUI_DIR names the checkout, COMFYUI_PYTHON the interpreter with its packages. Arguments and
    results travel as JSON: compare tensors inside the host, and return numbers.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> HostWorker:
        python = os.environ.get("COMFYUI_PYTHON", sys.executable)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [python, str(SCRIPT), os.environ["COMFYUI_DIR"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=environment,
        )
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(timeout=60)

    def call(self, function: str, **args: Any) -> Any:
        """The result of "module:function" with these arguments, inside the host.

        Raises HostError when it fails there.
        """
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": function, "args": args}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            log = self.log.read_text(errors="replace")[-3000:]
            raise HostError(f"the host ended unexpectedly:\n{log}")
        reply = json.loads(line)
        if "error" in reply:
            raise HostError(f"{reply['error']}\n{reply['trace']}")
        return reply["result"]
