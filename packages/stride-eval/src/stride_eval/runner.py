"""Runs the chosen families over systems and hands their results on; knows no metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from stride_eval import registry, summary
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.output import check_replaceable, completed_folder
from stride_eval.progress import Progress, silent
from stride_eval.report.section import Section
from stride_eval.scores import Score

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
        summary: system -> target -> score -> {value, lower, upper, units, n, estimator}; None where not defined.
        reference: the system that skill is measured against; None when there is one system alone.
        families: the families that ran.
        dates: the common dates, ISO.
    """

    out: Path
    report: Path
    scores: tuple[Score, ...]
    summary: summary.Summary
    reference: str | None
    families: tuple[str, ...]
    dates: tuple[str, ...]


def evaluate(
    systems: Mapping[str, Path],
    config: EvalConfig | None = None,
    out: Path = Path("evaluation"),
    progress: Progress = silent,
) -> EvaluationResult:
    """Evaluates saved ensembles and writes results, figures, tables and a report.

    Args:
        systems: name -> saved ensemble (Zarr store or NetCDF4 file).
        config: what to do; None: the defaults.
        out: output folder; an evaluation that is already there is replaced when the new one is complete.
        progress: called as the work goes on.

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
    progress(0, len(chosen) + 1, "opening the systems")
    opened = None if config.mode == "plots" else _open(systems, config)
    with completed_folder(out) as folder:
        (folder / "results").mkdir()
        sections, scores = [], []
        about = None
        for done, name in enumerate(chosen):
            progress(done, len(chosen) + 1, f"{name}")
            results = _finished(out, name) if opened is None else registry.family(name).compute(opened, config)
            results.to_netcdf(folder / "results" / f"{name}.nc")
            about = _provenance(results, systems)
            sections.append(_section(name, results, config, folder))
            scores += registry.family(name).scores(results, config)
        progress(len(chosen), len(chosen) + 1, "report")
        assert about is not None
        _write_tables(folder, scores, about, config)
        from stride_eval.report.page import write_report

        write_report(folder, sections, scores, about, config)
    progress(len(chosen) + 1, len(chosen) + 1, "done")
    return EvaluationResult(
        out=out,
        report=out / "report.html",
        scores=tuple(scores),
        summary=summary.nested(scores),
        reference=about.reference,
        families=chosen,
        dates=about.dates,
    )


def _open(systems: Mapping[str, Path], config: EvalConfig) -> Systems:
    from stride_vars.catalogue import Catalogue

    from stride_eval.opening import open_systems

    files = [] if config.variables_file is None else [config.variables_file]
    return open_systems(systems, catalogue=Catalogue.load(*files), reference=config.reference)


def _finished(out: Path, name: str) -> xr.Dataset:
    """The results of a family from an earlier evaluation in the same folder."""
    import xarray as xr

    path = out / "results" / f"{name}.nc"
    if not path.is_file():
        raise EvalError(
            f"mode 'plots' draws finished results, but {str(path)!r} is not there; run once with mode 'full', or leave "
            f"{name!r} out of the families"
        )
    return xr.load_dataset(path)


def _provenance(results: xr.Dataset, systems: Mapping[str, Path]) -> Provenance:
    """What the results are of; finished results of other systems are refused."""
    from stride_eval.provenance import Provenance

    about = Provenance.of(results)
    if set(about.systems) != set(systems):
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


def _write_tables(folder: Path, scores: list[Score], about: Provenance, config: EvalConfig) -> None:
    facts = {
        "stride_eval_version": version("stride-eval"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "systems": {
            name: {"members": about.members[name], "dropped_dates": about.dropped[name]} for name in about.systems
        },
        "reference": about.reference,
        "grid": list(about.shape),
        "dates": list(about.dates),
        "config": config.model_dump(mode="json"),
    }
    (folder / "scores.json").write_text(summary.as_json(scores, facts), encoding="utf-8")
    (folder / "scores.csv").write_text(summary.as_csv(scores), encoding="utf-8")
