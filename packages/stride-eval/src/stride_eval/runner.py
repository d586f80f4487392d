"""Runs the chosen families over systems and hands their results on; knows no metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from stride_eval import registry, summary
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.family_results import FamilyResults, loaded
from stride_eval.finished import Finished
from stride_eval.output import check_replaceable, completed_folder
from stride_eval.parts import scores_of_parts
from stride_eval.progress import Progress, silent
from stride_eval.regions import pixels
from stride_eval.report.section import Section
from stride_eval.scores import ALL, Score
from stride_eval.seasons import months_of
from stride_eval.workers import Workers, hired

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.provenance import Provenance
    from stride_eval.systems import Systems


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation left behind.

    Attributes:
        out: the output folder.
        report: the HTML report in it.
        scores: every number of the summary.
        summary: system -> target -> score -> {value, lower, upper, units, n, estimator, difference, difference_lower,
            difference_upper, verdict}; None where not defined.
        reference: the system that skill is measured against; None when there is one system alone.
        families: the families that ran.
        dates: the common dates, ISO.
        left_out: families that need observations, where no system has any.
        reused: files of results that were not computed again.
    """

    out: Path
    report: Path
    scores: tuple[Score, ...]
    summary: summary.Summary
    reference: str | None
    families: tuple[str, ...]
    dates: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()


def evaluate(
    systems: Mapping[str, Path],
    config: EvalConfig | None = None,
    out: Path = Path("evaluation"),
    progress: Progress = silent,
    workers: Workers | None = None,
) -> EvaluationResult:
    """Evaluates saved ensembles and writes results, figures, tables and a report.

    Args:
        systems: name -> saved ensemble (Zarr store or NetCDF4 file).
        config: what to do; None: the defaults.
        out: output folder; an evaluation that is already there is replaced when the new one is complete.
        progress: called as the work goes on.
        workers: who computes; None: this process.

    A family that is finished is not computed again: neither after a run that was cut off, nor where only the bootstrap,
    the seasons or the looks have changed. What is finished lies in ``.<out>.unfinished`` beside ``out`` until then.

    Returns:
        The paths and the scores.

    Raises:
        EvalError: anything that the user can mend; nothing is left half-written.
    """
    config = config or EvalConfig()
    chosen = registry.names() if config.families is None else tuple(dict.fromkeys(config.families))
    registry.check(chosen)
    if not chosen:
        raise EvalError("no family is chosen; leave families out for all of them")
    out = Path(out)
    check_replaceable(out)
    workers = workers or Workers()
    progress(0, len(chosen) + 1, "opening the systems")
    opened = None if config.mode == "plots" else _open(systems, config, workers)
    left_out: tuple[str, ...] = ()
    if opened is not None:
        chosen, left_out = _able(chosen, opened)
    finished = Finished.beside(out)
    getting = FamilyResults(config, finished)
    with _tidied(finished):
        with hired(Workers() if opened is None else workers) as getting.executor:
            files, scores, total = _gather(getting, chosen, opened, config, progress)
        with completed_folder(out, finished.scratch) as folder:
            (folder / "results").mkdir()
            sections = []
            about = None
            for name in chosen:
                progress(total - 1, total, "report" if config.mode == "metrics" else f"figures of {name}")
                results = loaded(files[name, ALL])
                about = _provenance(results, systems)
                sections.append(_section(name, results, config, folder))
            progress(total - 1, total, "report")
            for path in files.values():
                finished.hand_on(path, folder / "results")
            assert about is not None
            _write_tables(folder, scores, about, config, left_out)
            from stride_eval.report.page import write_report

            write_report(folder, sections, scores, about, config)
        finished.forget()
    progress(total, total, "done")
    return EvaluationResult(
        out=out,
        report=out / "report.html",
        scores=tuple(scores),
        summary=summary.nested(scores),
        reference=about.reference,
        families=chosen,
        dates=about.dates,
        left_out=left_out,
        reused=tuple(getting.reused),
    )


def _gather(
    getting: FamilyResults, chosen: tuple[str, ...], opened: Systems | None, config: EvalConfig, progress: Progress
) -> tuple[dict[tuple[str, str], Path], list[Score], int]:
    """Files of results by family and region, scores of the whole and of parts, and the number of steps in all.

    In regions only those families run that have scores.
    """
    files: dict[tuple[str, str], Path] = {}
    scores: dict[tuple[str, str], list[Score]] = {}
    total = len(chosen) + 1
    # Pixels first: a region that cannot be is told before anything is computed.
    inside = {} if opened is None else {name: pixels(name, one, opened) for name, one in config.regions.items()}
    for region in (ALL, *config.regions):
        names = chosen if region == ALL else [name for name in chosen if scores[name, ALL]]
        if region != ALL:
            total += len(names)

        def started(waiting: list[str], region: str = region, total: int = total) -> None:
            progress(len(files), total, ", ".join(waiting) + ("" if region == ALL else f" in {region}"))

        if opened is None:
            ready = getting.of_earlier(names, region)
        else:
            part = opened if region == ALL else opened.restricted_to(inside[region])
            ready = getting.of(names, part, started, region)
        for name, path in ready:
            files[name, region] = path
            scores[name, region] = scores_of_parts(name, loaded(path), config, region)
    # The whole first, then all dates of each region, then its seasons; families in the user's order.
    rows = [row for region in (ALL, *config.regions) for name in chosen for row in scores.get((name, region), [])]
    order = {season: index for index, season in enumerate((ALL, *config.seasons))}
    regions = {region: index for index, region in enumerate((ALL, *config.regions))}
    rows.sort(key=lambda row: (regions[row.region], order[row.season]))
    return files, rows, total


def _able(chosen: tuple[str, ...], systems: Systems) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The families that can run, and those that cannot for want of observations."""
    if systems.observer is not None:
        return chosen, ()
    able = tuple(name for name in chosen if not getattr(registry.family(name), "NEEDS_TARGETS", True))
    if not able:
        raise EvalError(
            f"no system has a /target group: {', '.join(chosen)} need{'s' if len(chosen) == 1 else ''} the observed "
            "fields; generate with targets, or add the observations under /target with the same time, y and x"
        )
    return able, tuple(name for name in chosen if name not in able)


@contextmanager
def _tidied(finished: Finished) -> Iterator[None]:
    """Takes an empty work folder away when something goes wrong; one with finished families stays."""
    try:
        yield
    finally:
        with suppress(OSError):
            finished.work.rmdir()


def _open(systems: Mapping[str, Path], config: EvalConfig, workers: Workers) -> Systems:
    from stride_vars.catalogue import Catalogue

    from stride_eval.opening import open_systems

    if workers.scheduler is not None:  # its workers have working folders of their own
        systems = {name: Path(path).absolute() for name, path in systems.items()}
    files = [] if config.variables_file is None else [config.variables_file]
    return open_systems(
        systems, catalogue=Catalogue.load(*files), reference=config.reference, single_fields=config.single_fields
    )


def _provenance(results: xr.Dataset, systems: Mapping[str, Path]) -> Provenance:
    """What the results are of; finished results of other systems are refused."""
    from stride_eval.provenance import Provenance

    about = Provenance.of(results)
    if set(about.systems) - set(about.single_fields) != set(systems):
        raise EvalError(
            f"the finished results are of {', '.join(about.systems)}, not of {', '.join(systems)}; name the same "
            "systems, or run once with mode 'full'"
        )
    return about


def _section(name: str, results: xr.Dataset, config: EvalConfig, folder: Path) -> Section:
    """Draws a family's figures, saves each and lets go of it."""
    family = registry.family(name)
    section = Section(name, family.TITLE)
    if config.mode == "metrics":
        return section
    from stride_eval.plots.png import save_png

    (folder / "figures").mkdir(exist_ok=True)
    for record in family.plot(results, config):
        file = f"figures/{name}_{record.name}.png"
        save_png(record.figure, folder / file, config.dpi)
        record.figure.clear()
        section.figures.append((record, file))
    return section


def _write_tables(
    folder: Path, scores: list[Score], about: Provenance, config: EvalConfig, left_out: Sequence[str]
) -> None:
    months = months_of(about.dates)
    facts = {
        "stride_eval_version": version("stride-eval"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "systems": {
            name: {"members": about.members[name], "dropped_dates": about.dropped[name]} for name in about.systems
        },
        "reference": about.reference,
        "grid": list(about.shape),
        "dates": list(about.dates),
        "season_dates": {name: sum(month in held for month in months) for name, held in config.seasons.items()},
        "families_without_observations": list(left_out),
        "config": config.model_dump(mode="json"),
    }
    (folder / "scores.json").write_text(summary.as_json(scores, facts), encoding="utf-8")
    (folder / "scores.csv").write_text(summary.as_csv(scores), encoding="utf-8")
