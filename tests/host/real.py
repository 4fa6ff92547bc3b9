"""A real ComfyUI, started from a checkout on a free port with folders of its own.

COMFYUI_DIR names the checkout, COMFYUI_PYTHON the interpreter that has its packages (default: the
one running the tests). Nothing is written into the checkout.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .pack import ROOT
from .prompt import WorkflowError
from .runner import Run

LAUNCHER = Path(__file__).with_name("launch_comfyui.py")
START_SECONDS = 240
RUN_SECONDS = 240
PACK_FOLDER = "motion-prompting"


class RealHost:
    """ComfyUI in a subprocess; the same face as StandInHost. Use as a context manager."""

    def __init__(self, base: Path) -> None:
        for name in ("input", "output", "temp", "user", "models", "custom_nodes"):
            (base / name).mkdir(parents=True, exist_ok=True)
        link = base / "custom_nodes" / PACK_FOLDER
        if not link.exists():
            link.symlink_to(ROOT, target_is_directory=True)
        self.base = base
        self.input_dir, self.output_dir = base / "input", base / "output"
        self.models_dir = base / "models"
        self.log = base / "comfyui.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> RealHost:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        python = os.environ.get("COMFYUI_PYTHON", sys.executable)
        flags = ["--cpu", "--port", str(port), "--base-directory", str(self.base)]
        flags += ["--disable-auto-launch", "--database-url", "sqlite:///:memory:"]
        command = [python, str(LAUNCHER), os.environ["COMFYUI_DIR"], *flags]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def get(self, path: str) -> Any:
        """The JSON answer to a GET, or the text where it is not JSON."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            body = answer.read().decode()
        return json.loads(body) if "json" in answer.headers.get("Content-Type", "") else body

    def object_info(self) -> dict[str, Any]:
        """Every node the host knows."""
        return self.get("/object_info")

    def run(self, prompt: Mapping[str, Any]) -> Run:
        """Queues a workflow and waits for it. Raises WorkflowError with what the host says."""
        prompt_id = self._queue(prompt)
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry is not None and entry["status"]["completed"]:
                return Run(ui=entry["outputs"])
            if entry is not None and entry["status"]["status_str"] == "error":
                raise WorkflowError(_failure(entry["status"]["messages"]))
            time.sleep(0.2)
        raise WorkflowError(f"the workflow did not finish in {RUN_SECONDS} s; see {self.log}.")

    def _queue(self, prompt: Mapping[str, Any]) -> str:
        # With a client, even one that is not listening, cached results are reported again.
        body = json.dumps({"prompt": prompt, "client_id": "tests"}).encode()
        request = urllib.request.Request(
            self.url + "/prompt", data=body, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())["prompt_id"]
        except urllib.error.HTTPError as error:
            raise WorkflowError(error.read().decode()) from error

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                self.get("/system_stats")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.5)
        raise RuntimeError(
            f"ComfyUI did not start:\n{self.log.read_text(errors='replace')[-3000:]}"
        )


def _failure(messages: list[Any]) -> str:
    for kind, details in messages:
        if kind == "execution_error":
            where = f"node {details['node_id']} ({details['node_type']})"
            return f"{where}: {details['exception_message'].strip()}"
    return f"the workflow failed: {messages}"
