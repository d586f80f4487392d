"""Running independent pieces of work on a dask scheduler."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from stride_data.errors import DataError, hint

Piece = TypeVar("Piece")
Result = TypeVar("Result")

LOCAL_SCHEDULERS = ("synchronous", "threads", "processes")
DEFAULT_SCHEDULER = "synchronous"

CONNECT_SECONDS = 10.0
"""How long a distributed scheduler may take to answer."""


def check_scheduler(scheduler: str, workers: int | None) -> None:
    """Check the choice of a scheduler before any work begins.

    Args:
        scheduler: One of ``LOCAL_SCHEDULERS``, or the address of a distributed scheduler.
        workers: Number of threads or processes.

    Raises:
        DataError: If there is no such scheduler, it needs a package that is missing, or it takes no workers.
    """
    if workers is not None and workers < 1:
        raise DataError(f"workers is {workers}; give 1 or more.")
    if scheduler in LOCAL_SCHEDULERS:
        if scheduler == "synchronous" and workers not in (None, 1):
            raise DataError(f"the synchronous scheduler has no {workers} workers; choose threads or processes.")
        return
    if "://" not in scheduler:
        raise DataError(
            f"'{scheduler}' is no scheduler{hint(scheduler, LOCAL_SCHEDULERS)}; or give the address of a distributed "
            "one, such as tcp://host:8786."
        )
    if workers is not None:
        raise DataError(f"the scheduler at {scheduler} brings its own workers; leave workers out.")
    _distributed(scheduler)


def run(
    work: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    *,
    scheduler: str = DEFAULT_SCHEDULER,
    workers: int | None = None,
    finished: Callable[[Piece], None] = lambda piece: None,
) -> list[Result]:
    """Do the same work on every piece.

    Args:
        work: Does it; picklable for processes and distributed schedulers.
        pieces: What to do it on; hashable.
        scheduler: One of ``LOCAL_SCHEDULERS``, or the address of a distributed scheduler, whose workers must find the
            same files under the same paths.
        workers: Number of threads or processes; the processor's number of cores when omitted.
        finished: Told each piece when it is done, in any order.

    Returns:
        Results in the order of the pieces.

    Raises:
        DataError: As ``check_scheduler``, or if a distributed scheduler does not answer.
    """
    check_scheduler(scheduler, workers)
    if scheduler not in LOCAL_SCHEDULERS:
        return _run_distributed(work, pieces, scheduler, finished)
    from dask.base import compute
    from dask.callbacks import Callback
    from dask.delayed import delayed

    # Wrapped, so that dask does not look for arrays inside; named, so that it does not spell them out for a name.
    do = delayed(functools.partial(work), name="work", pure=False)
    # Counted down: dask begins with the last name, and the first piece is to come first.
    tasks = [do(piece, dask_key_name=f"piece-{len(pieces) - number:06d}") for number, piece in enumerate(pieces)]
    by_key = dict(zip((task.key for task in tasks), pieces, strict=True))

    def after(key: Any, *_: Any) -> None:
        if key in by_key:
            finished(by_key[key])

    options: dict[str, Any] = {"num_workers": workers} if workers is not None else {}
    if scheduler == "processes":
        options["chunksize"] = 1
    with Callback(posttask=after):
        return list(compute(*tasks, scheduler=scheduler, **options))


def _distributed(address: str) -> Any:
    try:
        import distributed  # pyright: ignore[reportMissingImports]  # an optional extra
    except ImportError:
        raise DataError(
            f"the scheduler at {address} needs the package 'distributed', which is not installed; run "
            '`pip install "stride-data[distributed]"`, or choose threads or processes.'
        ) from None
    return distributed


def _run_distributed(
    work: Callable[[Piece], Result], pieces: Sequence[Piece], address: str, finished: Callable[[Piece], None]
) -> list[Result]:
    distributed = _distributed(address)
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as exc:
        raise DataError(
            f"no distributed scheduler answers at {address} ({type(exc).__name__}); start it, or correct the address."
        ) from exc
    with client:
        # Sent once to each worker: it holds the times of all files.
        there = client.scatter(work, hash=False)
        futures = {client.submit(_apply, there, piece, pure=False): piece for piece in pieces}
        for future in distributed.as_completed(futures, loop=client.loop):
            future.result()  # an error ends the work at once
            finished(futures[future])
        return [future.result() for future in futures]


def _apply(work: Callable[[Piece], Result], piece: Piece) -> Result:
    return work(piece)
