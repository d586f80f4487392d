"""What a person is told at the end: what is left to other processes, and what evaluation can do with the ensemble."""

from __future__ import annotations

from stride_train.generation.request import Request
from stride_train.generation.run import Outcome
from stride_train.generation.shares import Share


def report(request: Request, outcome: Outcome, share: Share) -> list[str]:
    """Lines for standard error.

    Args:
        request: What was asked for.
        outcome: How far it is.
        share: What this process was to do.
    """
    if outcome.stopped:
        return [f"{request.name}: stopped as asked, {outcome.missing} pieces are missing; what is done is kept"]
    if not outcome.finished and outcome.missing:
        return [
            f"{request.name}: {share} is done, {outcome.missing} pieces of others are missing; the last process to end "
            "finishes the ensemble (if one was broken off, run its command again, or this one without a share)"
        ]
    if not outcome.finished:
        return [f"{request.name}: {share} is done, another process is finishing the ensemble"]
    return [line for line in (evaluation_note(request),) if line]


def evaluation_note(request: Request) -> str:
    """What `stride-eval` can do with an ensemble that lacks observed fields; empty when it lacks none."""
    observed, all_times = len(request.target_times), len(request.times)
    if observed == all_times:
        return ""
    if observed:
        return (
            f"{request.name}: {observed} of {all_times} times have observed fields: stride-eval scores those, and "
            "leaves the others out"
        )
    return (
        f"{request.name}: no time has observed fields, so stride-eval cannot score it; members, summaries and "
        "conditioning are there to read, and scores become possible when observations are added under /target"
    )
