"""A lock keeps a second process out, and ends with its holder."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

from motion_core.file_lock import file_lock

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from motion_core.file_lock import file_lock
with file_lock(Path(sys.argv[1]), 0.0):
    print("held", flush=True)
    time.sleep(600)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds a lock until it is killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_lock_keeps_a_second_process_out_until_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    child = holder(path)
    try:
        with pytest.raises(BlockingIOError, match=r"another process.*a\.lock"), file_lock(path, 0):
            pytest.fail("two holders")
    finally:
        child.kill()
        assert child.wait(60) == -signal.SIGKILL
    assert path.exists()
    with file_lock(path, 0.0):
        pass


def test_a_second_thread_waits_for_the_first(tmp_path: Path) -> None:
    path, order = tmp_path / "a.lock", []

    def second() -> None:
        with file_lock(path, 60.0):
            order.append("second")

    thread = threading.Thread(target=second)
    with file_lock(path, 0.0):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(60.0)
    assert order == ["first", "second"]


def test_an_error_in_the_block_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with pytest.raises(KeyboardInterrupt), file_lock(path, 0.0):
        raise KeyboardInterrupt
    with file_lock(path, 0.0):
        pass


def test_without_locks_the_work_goes_on_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise NotImplementedError("no flock here")

    monkeypatch.setattr(filelock.FileLock, "acquire", missing)
    with file_lock(tmp_path / "a.lock", 0.0):
        done = True
    assert done and "no flock here" in caplog.text
