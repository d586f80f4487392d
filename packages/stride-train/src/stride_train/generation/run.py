"""Generating one system's ensemble for the times of a split, into the run folder, alone or beside other processes."""

from __future__ import annotations

import datetime
import sys
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from stride_vars.ensemble_format import EnsembleAttrs

from stride_train.config import ExperimentConfig
from stride_train.config.generation import MODEL_SYSTEM
from stride_train.errors import GenerationError
from stride_train.generation.plan import Piece, Plan
from stride_train.generation.request import Request, find_request, times_to_generate
from stride_train.generation.shares import Share
from stride_train.generation.space import require_room
from stride_train.generation.storage_errors import require_writable, writing
from stride_train.generation.summaries import asked_summaries, summarise
from stride_train.generation.system import System
from stride_train.generation.work_folder import WorkFolder
from stride_train.generation.writer import CaseFields, EnsembleWriter, finished_with, saved_members, unique_keys
from stride_train.progress import Advance, progress
from stride_train.provenance import package_versions
from stride_train.run_folder import RunFolder
from stride_train.stopping import StopRequest

__all__ = ["Outcome", "find_request", "generate", "generate_share", "times_to_generate"]


@dataclass(frozen=True)
class Outcome:
    """How far an ensemble is when a process ends.

    Attributes:
        path: Where the finished ensemble stands, or will.
        finished: Whether it stands there.
        stopped: Whether this process was asked to stop before its share was done.
        missing: Pieces of work that are not on disk; 0 with `finished` False means that another process is about to
            finish it.
    """

    path: Path
    finished: bool
    stopped: bool = False
    missing: int = 0


def generate(
    run: RunFolder,
    config: ExperimentConfig,
    name: str = MODEL_SYSTEM,
    checkpoint: Path | None = None,
    *,
    folder: Path | None = None,
) -> Path:
    """Makes the saved ensemble of one system; a finished one is kept, a broken off one continued.

    Args:
        run: The run folder.
        config: Its experiment.
        name: `edm` for the trained model, or a baseline.
        checkpoint: The checkpoint to use; the newest of the run when None.
        folder: Where the ensemble goes; the run's own folder of ensembles when None.

    Returns:
        Path of the saved ensemble.

    Raises:
        StrideError: If the system is unknown, there is no checkpoint, or the data do not fit.
        SystemExit: With code 0, if it was asked to stop (SIGTERM, SIGUSR1, Ctrl-C); what is done is kept.
    """
    outcome = generate_share(find_request(run, config, name, checkpoint, folder=folder))
    if outcome.stopped:
        print(f"{name}: stopped as asked; run the same command again to go on", file=sys.stderr, flush=True)
        raise SystemExit(0)
    if not outcome.finished:
        raise GenerationError(
            f"The ensemble '{outcome.path}' is being finished by another process: wait for it, or run the same "
            "command again."
        )
    return outcome.path


def generate_share(request: Request, share: Share | None = None, *, ignore_space: bool = False) -> Outcome:
    """Does one share of the work for an ensemble; whoever does the last piece of all finishes it.

    Processes with the other shares may run at the same time or at another, on this machine or on others that see the
    same folder. They know of each other by files alone.

    Args:
        request: What is asked for.
        share: Which part of the work; all of it when None.
        ignore_space: Begin although the disk may be too small.

    Raises:
        StrideError: If the system cannot be made, or the ensemble not be written.
    """
    share = share or Share()
    require_writable(request.path)
    with StopRequest() as stop:
        try:
            return _generate_share(request, share, stop, ignore_space=ignore_space)
        except Exception:
            # Where a share is empty or was done twice, another process can finish while this one still looks around.
            if finished_with(request.path, request.fingerprint):
                return Outcome(request.path, finished=True)
            raise


def _generate_share(request: Request, share: Share, stop: StopRequest, *, ignore_space: bool) -> Outcome:
    fingerprint = request.fingerprint
    work = WorkFolder(request.path, fingerprint)
    begun = work.exists  # asked first: what ends to exist afterwards is finished
    if finished_with(request.path, fingerprint):
        work.clear()
        return Outcome(request.path, finished=True)
    system = None if begun else request.system()
    members = saved_members(work.store) if system is None else system.members
    plan, done = request.plan(members), work.done()
    if not ignore_space:
        require_room(request.path, request.size(members).missing(plan, done))
    writer = EnsembleWriter(
        request.adapter,
        request.domain.region,
        request.times,
        members=members,
        summaries=asked_summaries(request.config.generate, members),
        target_times=request.target_times,
        targets=request.targets,
    )
    with writing(request.path):
        if system is not None:
            attrs = _root_attributes(system, request)
            work.lay_out(lambda store: writer.lay_out(store, attrs, fingerprint))
            if finished_with(request.path, fingerprint):
                work.clear()
                return Outcome(request.path, finished=True)
        writer.open(work.store)
    mine = share.part(plan.pieces)
    todo = [piece for piece in mine if piece.name not in done]
    stopped = False
    if todo:
        worker = _Worker(request, system or request.system(), plan, writer, work, share)
        stopped = not worker.draw(todo, set(mine), stop)
    missing = _missing(plan, work)
    if missing:
        return Outcome(request.path, finished=False, stopped=stopped, missing=missing)
    with writing(request.path):
        finished = work.finish(lambda: _complete(request, plan, writer, work), without_locks=share.rank == 0)
    return Outcome(request.path, finished=finished)


class _Stopped(Exception):
    """It was asked to stop."""


class _Worker:
    """Draws pieces and writes them, one after the other."""

    def __init__(
        self, request: Request, system: System, plan: Plan, writer: EnsembleWriter, work: WorkFolder, share: Share
    ):
        self.request, self.system, self.plan = request, system, plan
        self.writer, self.work, self.share = writer, work, share
        self._kept: dict[Piece, np.ndarray] = {}

    def draw(self, todo: Sequence[Piece], mine: set[Piece], stop: StopRequest) -> bool:
        """Draws the pieces in turn, until all are done or it is asked to stop.

        Args:
            todo: What to draw.
            mine: All of this process's share, whether done before or not.
            stop: Asked before every piece.

        Returns:
            Whether all are done.
        """
        label = f"generating {self.system.name}" + (f", {self.share}" if self.share.of > 1 else "")
        try:
            with progress(label) as advance:
                self._draw(todo, mine, stop, advance)
        except _Stopped:
            return False
        return True

    def _draw(self, todo: Sequence[Piece], mine: set[Piece], stop: StopRequest, advance: Advance) -> None:
        total, fields, drawn = len(todo), sum(len(piece.members) for piece in todo), 0
        begun = clock.monotonic()
        for number, piece in enumerate(todo):
            if stop.made:
                raise _Stopped
            self._do(piece, mine, last=number + 1 == total or todo[number + 1].case != piece.case)
            drawn += len(piece.members)
            rate = drawn / max(clock.monotonic() - begun, 1e-9)
            advance(drawn / fields, f"{drawn} of {fields} fields, {rate:.2g} a second")

    def _do(self, piece: Piece, mine: set[Piece], *, last: bool) -> None:
        """One piece, and with the last one of a case that is all this process's what belongs to the case."""
        members = self.system.generate(self.request.times[piece.case], piece.members)
        if self._kept and next(iter(self._kept)).case != piece.case:
            self._kept = {}
        self._kept[piece] = members
        self._require_store()
        with writing(self.request.path):
            self.writer.write_members(piece.case, piece.members, members)
        of_case = self.plan.of_case(piece.case)
        # A case that other processes have a part in is left to the one that finishes, so no two ever write the same.
        if last and mine.issuperset(of_case):
            whole = len(self._kept) == len(of_case)
            drawn = np.concatenate([self._kept[one] for one in of_case]) if whole else None
            _write_case(self.request, piece.case, self.writer, self.work, drawn)
        # At the very end: what is marked is complete, also if the process is killed at any moment.
        with writing(self.request.path):
            self.work.mark(piece.name)

    def _require_store(self) -> None:
        if not self.work.exists:
            raise GenerationError(
                f"The unfinished ensemble '{self.work.folder}' is gone, another process finished or replaced it: run "
                "the same command again."
            )


def _write_case(
    request: Request, case: int, writer: EnsembleWriter, work: WorkFolder, members: np.ndarray | None = None
) -> None:
    """Writes what belongs to a case beside its members; they are read from the store when they are not given."""
    time = request.times[case]
    fields = request.adapter.fields(time, request.domain.box)
    target = fields.target if time in request.target_times else None
    if target is not None and fields.mask is not None:
        target = np.where(fields.mask, target, np.nan)
    target = None if target is None else target[list(request.targets)]
    asked = writer.summaries
    summaries = summarise(writer.read_members(case) if members is None else members, asked) if asked else {}
    with writing(request.path):
        writer.write_case(case, CaseFields(summaries, target, fields.dynamic))
        work.mark(_case_name(case))


def _complete(request: Request, plan: Plan, writer: EnsembleWriter, work: WorkFolder) -> None:
    """Writes what belongs to cases that several processes had a part in, then the store's metadata."""
    done = work.done()
    for case in range(len(plan.times)):
        if _case_name(case) not in done:
            _write_case(request, case, writer, work)
    writer.consolidate(work.store)


def _case_name(case: int) -> str:
    return f"{case:06d}"


def _missing(plan: Plan, work: WorkFolder) -> int:
    """Pieces that are not on disk; none if the folder is gone, because another process has finished."""
    if not work.exists:
        return 0
    done = work.done()
    return sum(piece.name not in done for piece in plan.pieces)


def _root_attributes(system: System, request: Request) -> EnsembleAttrs:
    config, adapter = request.config, request.adapter
    keys = unique_keys(adapter.target_names, adapter.target_vars)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return EnsembleAttrs(
        title=f"{config.name}: {system.name}, {system.members} member{'s' if system.members > 1 else ''}",
        experiment=config.name,
        system=system.name,
        config=config.model_dump(mode="json"),
        model_spec=system.model_spec,
        checkpoint_id=system.checkpoint_id,
        sampler=system.description,
        seed=config.seed,
        transforms=list(adapter.transforms) if system.model_spec else [],
        statistics_id=adapter.statistics_id or "",
        region=request.domain.region,
        package_versions=package_versions(),
        history=f"{now}: written by stride-generate",
        split=config.generate.split,
        targets=tuple(keys[number] for number in request.targets),
    )
