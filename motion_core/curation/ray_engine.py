"""The engine for many machines: jobs as tasks of Ray.

Every machine must reach the sources and the output folder under the same paths (a shared file
system). Tasks of Ray Core are used and not Ray Data: a job writes files and returns a short record,
so there is no data to stream, and a job that kills its process must be reported by itself and not
end the whole data set.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MissingExtraError
from .engine import MOST_TRIES, Job, Outcome, Record, died, limit_threads

# Tasks that are handed over at once, per core: enough to keep all busy, few enough to stop soon.
AHEAD = 2


@dataclass(frozen=True)
class RayEngine:
    """Runs jobs on a cluster.

    Attributes:
        address: Of a running cluster, "auto" for the one of this machine, or None to start one of
            `workers` cores here.
        workers: Tasks at the same time; for a cluster, 0 takes all of its cores.
        gpus: Of each task; a fraction shares a GPU.
    """

    address: str | None = None
    workers: int = 0
    gpus: float = 0.0

    def run(
        self, function: Callable[[Job], Record], jobs: Sequence[Job]
    ) -> Generator[Outcome, None, None]:
        """See Engine."""
        ray = import_ray()
        is_ours = not ray.is_initialized()
        if is_ours:
            options: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False}
            if self.address is None:
                options["num_cpus"] = max(1, self.workers)
            ray.init(address=self.address, **options)
        try:
            yield from self._outcomes(ray, function, jobs)
        finally:
            if is_ours:
                ray.shutdown()

    def _outcomes(
        self, ray: Any, function: Callable, jobs: Sequence
    ) -> Generator[Outcome, None, None]:
        # A task whose process dies is repeated by Ray, as one of the local pool by the pool.
        task = ray.remote(
            num_cpus=1, num_gpus=self.gpus, max_retries=MOST_TRIES - 1, retry_exceptions=False
        )(_run_job)
        cores = self.workers or int(ray.cluster_resources().get("CPU", 1))
        waiting = iter(enumerate(jobs))
        running: dict[Any, int] = {}
        while True:
            while len(running) < AHEAD * cores and (following := next(waiting, None)):
                running[task.remote(function, following[1])] = following[0]
            if not running:
                return
            done, _ = ray.wait(list(running))
            yield _outcome(ray, running.pop(done[0]), done[0])


def _outcome(ray: Any, index: int, reference: Any) -> Outcome:
    try:
        return Outcome(index, ray.get(reference))
    except ray.exceptions.WorkerCrashedError:
        return Outcome(index, None, died(MOST_TRIES, None))
    except ray.exceptions.RayTaskError as error:
        raise getattr(error, "cause", error) from error


def _run_job(function: Callable, job: Any) -> Any:
    limit_threads()
    return function(job)


def import_ray() -> Any:
    """The module ray. Raises MissingExtraError where it is not installed."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError as missing:
        raise MissingExtraError(
            "--engine ray needs Ray: python -m pip install 'motion-prompting[ray]'. The engine "
            "local needs nothing."
        ) from missing
    return ray
