"""Who computes: this process, several processes or threads of this machine, or a dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from stride_eval.errors import EvalError
from stride_eval.recorded_config import RecordedConfig

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.config import EvalConfig
    from stride_eval.systems import Systems


@dataclass(frozen=True)
class Workers:
    """How many families are computed at once, and where; results do not depend on it.

    Attributes:
        count: families at once; each holds a block of fields of its own. 1: in this process, one after the other.
        threads: threads of this process in place of processes.
        scheduler: address of a dask scheduler (``tcp://host:8786``) whose workers see the same files; ``count`` is
            theirs then.
    """

    count: int = 1
    threads: bool = False
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise EvalError(f"--workers is {self.count}; give 1 or more")


Task = tuple[str, "Systems"]
"""Module of a family, and what it computes from."""


def compute(module: str, systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, dict[str, Any]]:
    """A family's results, and the keys of the configuration that it read with their values."""
    recorded = RecordedConfig.of(config)
    return import_module(module).compute(systems, recorded).load(), recorded.used()


def computed(
    tasks: Mapping[str, Task], config: EvalConfig, executor: Executor | None
) -> Iterator[tuple[str, xr.Dataset, dict[str, Any]]]:
    """Results of tasks as they get ready.

    Args:
        tasks: by a name of the caller's.
        config: of all.
        executor: who computes; None: this process, in order.

    Yields:
        Name, results and the keys that were read.

    Raises:
        EvalError: what a family says.
    """
    if executor is None:
        for name, (module, systems) in tasks.items():
            yield (name, *compute(module, systems, config))
        return
    # Each has a cache of its own: threads would take each other's away.
    jobs = {
        executor.submit(compute, module, systems.alone(), config): name for name, (module, systems) in tasks.items()
    }
    try:
        for job in as_completed(jobs):
            yield (jobs[job], *job.result())
    finally:
        for job in jobs:
            job.cancel()


@contextmanager
def hired(workers: Workers) -> Iterator[Executor | None]:
    """The workers as an executor; None where this process does the work alone.

    Raises:
        EvalError: the scheduler cannot be reached, or the package for it is not installed.
    """
    if workers == Workers():
        yield None
    elif workers.scheduler is not None:
        with _client(workers.scheduler) as client, client.get_executor(pure=False) as executor:
            yield executor
    elif workers.threads:
        with ThreadPoolExecutor(workers.count) as executor:
            yield executor
    else:
        # Forks of a process with threads (NetCDF, BLAS) may hang: workers start afresh.
        with ProcessPoolExecutor(workers.count, mp_context=get_context("spawn")) as executor:
            yield executor


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise EvalError(
            "--scheduler needs the package distributed, which is not installed; pip install 'stride-eval[distributed]'"
        ) from None
    try:
        return Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise EvalError(
            f"no dask scheduler answers at {address!r} ({str(error)[:120]}); start one with dask-scheduler, or leave "
            "--scheduler out"
        ) from error
