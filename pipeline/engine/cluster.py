"""Where parts run: in this process, in local Dask worker processes, or on a Dask cluster at an address.

Dask is imported and started only when a part has to run. It moves job descriptions, never rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.errors import EnvironmentalError

if TYPE_CHECKING:
    from pipeline.config import ClusterConfig

Task = dict[str, Any]


class Executor(AbstractContextManager["Executor"], Protocol):
    """Runs tasks, yielding `(task, result)` as they end, in any order. Errors of a task are raised."""

    def run(self, function: Callable[[Task], Any], tasks: list[Task]) -> Iterator[tuple[Task, Any]]: ...


class InlineExecutor(Executor):
    """One after another in this process: for tests, debugging and tiny inputs."""

    def run(self, function: Callable[[Task], Any], tasks: list[Task]) -> Iterator[tuple[Task, Any]]:
        for task in tasks:
            yield task, function(task)

    def __exit__(self, *_: object) -> None:
        return None


class DaskExecutor(Executor):
    """Dask worker processes: `local` ones of our own, or those behind a scheduler's address."""

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._client: Any = None

    def _connect(self) -> Any:
        import dask
        from distributed import Client

        # No part waits at a worker: when one dies, only the part that it ran is held to account.
        dask.config.set({"distributed.scheduler.worker-saturation": 1.0, "distributed.admin.tick.limit": "60s"})
        if self._config.kind == "address":
            try:
                client = Client(self._config.address, timeout=self._config.connect_seconds, set_as_default=False)
                client.get_versions(check=True)
            except OSError as error:
                raise EnvironmentalError(
                    f"no Dask scheduler answered at {self._config.address} ({error}). "
                    "Start one, or use --set execution.cluster.kind=local."
                ) from error
            return client
        return Client(
            n_workers=self._config.workers or os.cpu_count() or 1,
            threads_per_worker=1,
            processes=True,
            memory_limit=self._config.memory_limit,
            dashboard_address="127.0.0.1:0",  # only here, and never in the way of another cluster
            worker_dashboard_address=None,
            silence_logs="CRITICAL",
            set_as_default=False,
        )

    def run(self, function: Callable[[Task], Any], tasks: list[Task]) -> Iterator[tuple[Task, Any]]:
        if not tasks:
            return
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        if self._client is None:
            self._client = self._connect()
        futures = {self._client.submit(function, task, pure=False): task for task in tasks}
        for future in as_completed(list(futures), loop=self._client.loop):
            task = futures.pop(future)
            try:
                result = future.result()
            except KilledWorker as error:
                raise EnvironmentalError(
                    f"step {task['step']} part {task['part']}: the worker process died each time that it tried "
                    f"(out of memory or killed). Give workers more memory (execution.cluster.memory_limit) or make "
                    f"parts smaller (execution.buckets, execution.parts), then run again: what is finished is kept."
                    f"{_suspects(task)}"
                ) from error
            future.release()
            yield task, result

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
            if self._client.cluster is not None:
                self._client.cluster.close()


def _suspects(task: Task) -> str:
    """The inputs that the part reads itself: a library that decodes a damaged file may crash on it."""
    files = sorted({str(item["locator"]) for item in task.get("items", ()) if item.get("locator")})
    if not files:
        return ""
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f" If it dies again, an input may be damaged; this part reads {', '.join(files[:3])}{more}."


def executor_for(config: ClusterConfig) -> Executor:
    return InlineExecutor() if config.kind == "inline" else DaskExecutor(config)
