"""Engines: the processes that do the jobs of a curation.

An engine runs a function on jobs and yields outcomes as they come. Functions write their results
to files and return short records, so that an engine carries no pictures. Which process does a job,
and in which order, changes nothing in the result.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol, TypeVar

Job = TypeVar("Job")
Record = TypeVar("Record")
# A job in whose course so many processes have died is given up.
MOST_TRIES = 3
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        index: Of the job.
        record: What the function returned; None where the processes that worked on it died.
        problem: How they died; "" otherwise.
    """

    index: int
    record: Any
    problem: str = ""


class Engine(Protocol):
    """Runs jobs."""

    def run(
        self, function: Callable[[Job], Record], jobs: Sequence[Job]
    ) -> Generator[Outcome, None, None]:
        """Run a function on every job.

        Args:
            function: Of a module, so that another process can import it.
            jobs: Its arguments.

        Yields:
            One outcome per job, in the order in which they end. A process that dies loses only the
            job that it was at, which is given to another. Closing the generator ends the work.

        Raises:
            Exception: What the function raises.
        """
        ...


class InProcess:
    """Runs jobs one after the other in this process."""

    def run(
        self, function: Callable[[Job], Record], jobs: Sequence[Job]
    ) -> Generator[Outcome, None, None]:
        """See Engine."""
        with _one_thread():
            for index, job in enumerate(jobs):
                yield Outcome(index, function(job))


@dataclass(frozen=True)
class LocalPool:
    """Runs jobs in processes of this machine.

    Attributes:
        workers: Number of processes.
    """

    workers: int

    def run(
        self, function: Callable[[Job], Record], jobs: Sequence[Job]
    ) -> Generator[Outcome, None, None]:
        """See Engine."""
        with closing(_Pool(function, jobs, min(self.workers, len(jobs)))) as pool:
            yield from pool.outcomes()


class _Worker:
    """A process, and the job that it is at."""

    def __init__(self, number: int) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, number), daemon=True)
        self.process.start()
        theirs.close()
        self.number = number
        self.job: int | None = None

    def stop(self) -> None:
        self.connection.close()
        self.process.join(STOP_SECONDS if self.job is None else 0)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool:
    def __init__(self, function: Callable, jobs: Sequence, workers: int) -> None:
        self.function, self.jobs = function, jobs
        self.waiting = deque(range(len(jobs)))
        self.tries = [0] * len(jobs)
        self.workers = [_Worker(number) for number in range(workers)]

    def close(self) -> None:
        for worker in self.workers:
            worker.stop()

    def outcomes(self) -> Generator[Outcome, None, None]:
        left = len(self.jobs)
        for worker in self.workers:
            self._hand_out(worker)
        while left:
            busy = {one.connection: one for one in self.workers if one.job is not None}
            for ready in wait(list(busy)):
                outcome = self._received(busy[ready])  # type: ignore[index]
                if outcome is not None:
                    left -= 1
                    yield outcome

    def _received(self, worker: _Worker) -> Outcome | None:
        """The outcome of a worker's job, which gets the next one; None if the job starts again."""
        index = worker.job
        assert index is not None
        try:
            record, error = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(worker, index)
        if error is not None:
            raise error
        self._hand_out(worker)
        return Outcome(index, record)

    def _replace(self, worker: _Worker, index: int) -> Outcome | None:
        worker.stop()
        place = self.workers.index(worker)
        self.workers[place] = _Worker(worker.number)
        self.tries[index] += 1
        outcome = None
        if self.tries[index] < MOST_TRIES:
            self.waiting.appendleft(index)
        else:
            outcome = Outcome(index, None, died(MOST_TRIES, worker.process.exitcode))
        self._hand_out(self.workers[place])
        return outcome

    def _hand_out(self, worker: _Worker) -> None:
        worker.job = self.waiting.popleft() if self.waiting else None
        if worker.job is not None:
            try:
                worker.connection.send((self.function, self.jobs[worker.job]))
            except OSError:  # it died meanwhile; recv says so
                return


def died(times: int, code: int | None) -> str:
    """How the processes that worked on a job ended, as a sentence."""
    how = "" if code is None else f" by signal {-code}" if code < 0 else f" with code {code}"
    return f"{times} processes ended{how} while they worked on it; it may be damaged or too large."


def limit_threads() -> None:
    """One thread in OpenCV and torch: a process per core is faster, and results do not depend on
    the number of cores."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


@contextmanager
def _one_thread():
    import cv2
    import torch

    before = cv2.getNumThreads(), torch.get_num_threads()
    limit_threads()
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def _serve(connection: Connection, number: int) -> None:
    """The life of a worker: receives jobs until the other end closes."""
    # The parent decides when to stop; Ctrl-C reaches the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ |= {"MOTION_WORKER": str(number), "OMP_NUM_THREADS": "1"}
    while True:
        try:
            function, job = connection.recv()
            if "torch" in sys.modules:  # imported with the function
                limit_threads()
            answer = function(job), None
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001
            answer = None, error
        try:
            connection.send(answer)
        except (BrokenPipeError, OSError):
            return
