"""One input under the rules: own errors only, within 2 s, and within 1 GB above its result."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from .target import Target

# Of processor time; a hang is stopped by the clock. Processor time doubles on a busy machine whose
# cores share caches and units, so what is too slow is run again and judged by its best time.
MOST_SECONDS = 2.0
TRIES = 3
# Of processor time, so that a machine with other work to do makes no findings, and of the clock.
HANG_SECONDS, ASLEEP_SECONDS = 20, 900
# How fast honest results are expected to be made.
BYTES_PER_SECOND = 1 << 30
MOST_BYTES = 1 << 30
LONGEST_MESSAGE = 1000
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ROOT = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        is_refused: Whether it was answered by one of the target's refusals.
        seconds: Processor time.
        extra_bytes: Memory at its peak above that before, less that of the result; 0 where the
            system does not tell.
    """

    is_refused: bool
    seconds: float
    extra_bytes: int


class Finding(AssertionError):
    """A broken rule. `signature` is the same for inputs that break it at the same place."""

    def __init__(self, kind: str, place: str, detail: str) -> None:
        super().__init__(f"{kind} at {place}: {detail}")
        self.signature = f"{kind} at {place}"


class _Hang(BaseException):
    """Raised into what takes longer than HANG_SECONDS or ASLEEP_SECONDS."""


def judge(target: Target, value: Any) -> Outcome:
    """Run one input. Raises Finding when a rule is broken."""
    for module in target.imports:
        importlib.import_module(module)
    outcomes = []
    for _ in range(TRIES):
        outcome, allowed = _run_once(target, value)
        if outcome.seconds <= allowed:
            return outcome
        outcomes.append(outcome)
    seconds = min(outcome.seconds for outcome in outcomes)
    raise Finding("slow", target.name, f"{seconds:.1f} s of processor time")


def _run_once(target: Target, value: Any) -> tuple[Outcome, float]:
    """One run and the processor time allowed for it."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        before = _resident_bytes(reset_peak=True)
        started = time.process_time()
        is_refused, result = _call(target, value, Path(folder))
        seconds = time.process_time() - started
        extra = _resident_bytes(peak=True) - before - size_of(result)
    if extra > MOST_BYTES:
        raise Finding("memory", target.name, f"{extra / 2**30:.2f} GiB")
    allowed = MOST_SECONDS + size_of(result) / BYTES_PER_SECOND
    return Outcome(is_refused, seconds, max(0, extra)), allowed


def size_of(result: Any, depth: int = 4) -> int:
    """Bytes of the arrays in a result, which its input honestly needs, with copies on the way."""
    if isinstance(result, Tensor | np.ndarray):
        return 4 * result.nbytes
    if isinstance(result, nn.Module):
        return sum(size_of(weight) for weight in result.state_dict().values())
    if depth and isinstance(result, dict | list | tuple):
        parts = result.values() if isinstance(result, dict) else result
        return sum(size_of(part, depth - 1) for part in parts)
    if depth and hasattr(result, "__dataclass_fields__"):
        return sum(size_of(part, depth - 1) for part in vars(result).values())
    return 0


def _call(target: Target, value: Any, folder: Path) -> tuple[bool, Any]:
    try:
        with _stopped_when_hanging():
            result = target.run(value, folder)
    except target.refusals as error:
        message = str(error)
        if not 10 < len(message) <= LONGEST_MESSAGE:
            raise Finding("message", _place(error), f"{len(message)} characters") from error
        return True, None
    except _Hang as error:
        raise Finding("hang", _place(error), f"over {HANG_SECONDS} s") from error
    except Finding:
        raise
    except Exception as error:
        name = type(error).__name__
        raise Finding(f"foreign {name}", _place(error), str(error)[:200]) from error
    try:
        target.check(result)
    except AssertionError as error:
        text = str(error)[:200]
        place = f"{target.name} ({' '.join(text.split()[:2])})"
        raise Finding("silent acceptance", place, text) from error
    return False, result


def _place(error: BaseException) -> str:
    """The innermost line of the project's own code that an error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(ROOT) and "site-packages" not in f.filename]
    inside = [f for f in own if "/tests/" not in f.filename] or own
    last = inside[-1]
    return f"{Path(last.filename).relative_to(ROOT)}:{last.lineno}"


@contextlib.contextmanager
def _stopped_when_hanging() -> Iterator[None]:
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise _Hang

    clocks = (
        (signal.SIGPROF, signal.ITIMER_PROF, HANG_SECONDS),
        (signal.SIGALRM, signal.ITIMER_REAL, ASLEEP_SECONDS),
    )
    before = [signal.signal(number, stop) for number, _, _ in clocks]
    for _, timer, seconds in clocks:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(clocks, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def _resident_bytes(*, peak: bool = False, reset_peak: bool = False) -> int:
    """Resident memory of this process, or its peak since it was reset; Linux only, else 0."""
    if sys.platform != "linux":
        return 0
    if reset_peak:
        with contextlib.suppress(OSError):
            CLEAR.write_text("5")
    wanted = "VmHWM:" if peak else "VmRSS:"
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(wanted))
