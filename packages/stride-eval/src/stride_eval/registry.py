"""The families of an evaluation, found by name and imported only when they run."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from stride_vars.errors import nearest

from stride_eval.errors import EvalError

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.config import EvalConfig
    from stride_eval.plots.record import FigureRecord
    from stride_eval.scores import Score
    from stride_eval.systems import Systems


class Family(Protocol):
    """One aspect of an evaluation; a module with these names is one.

    Regions and seasons are the runner's: it hands ``compute`` the systems of a region, and ``scores`` the dates of a
    season out of finished results. Scores that do not follow from the dates at hand (a fit to the maxima of all years,
    a map over all dates) cannot be cut so: a family names them in a tuple ``OF_ALL_DATES``, and they are given for all
    dates alone. A family that has something to say without observations says so by ``NEEDS_TARGETS = False``.
    """

    TITLE: str
    """Heading of its section in the report."""

    def compute(self, systems: Systems, config: EvalConfig) -> xr.Dataset:
        """Everything that the figures and scores need, with statistics per date."""
        ...

    def plot(self, results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
        """Figures from the results alone."""
        ...

    def compute_and_plot(self, systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
        """Both in turn."""
        ...

    def scores(self, results: xr.Dataset, config: EvalConfig) -> list[Score]:
        """The family's rows of the summary table; empty when it has none."""
        ...


_MODULES: dict[str, str] = {
    "dates": "stride_eval.families.dates",
    "probabilistic": "stride_eval.families.probabilistic",
    "distributions": "stride_eval.families.distributions",
    "extremes": "stride_eval.families.extremes",
    "spatial": "stride_eval.families.spatial",
    "scale": "stride_eval.families.scale",
    "features": "stride_eval.families.features",
    "temporal": "stride_eval.families.temporal",
}


def names() -> tuple[str, ...]:
    """Names of the registered families, in the report's order."""
    return tuple(_MODULES)


def register(name: str, module: str) -> None:
    """Adds a family.

    Args:
        name: what configurations call it.
        module: dotted path of a module that fulfils ``Family``.

    Raises:
        EvalError: the name is taken by another module.
    """
    if _MODULES.get(name, module) != module:
        raise EvalError(f"the family {name!r} is already registered as {_MODULES[name]}; choose another name")
    _MODULES[name] = module


def check(chosen: Iterable[str]) -> None:
    """Refuses names that no family has.

    Raises:
        EvalError: naming the nearest right one.
    """
    for name in chosen:
        if name not in _MODULES:
            raise EvalError(f"unknown family {name!r}.{nearest(name, _MODULES)}")


def module_of(name: str) -> str:
    """Dotted path of the family's module.

    Raises:
        EvalError: no family is called so.
    """
    check([name])
    return _MODULES[name]


def family(name: str) -> Family:
    """The family of that name.

    Raises:
        EvalError: no family is called so.
    """
    return cast(Family, import_module(module_of(name)))
