"""Results of families as files: those that are finished already, and those that are computed now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stride_eval import registry
from stride_eval.errors import EvalError
from stride_eval.fingerprint import fingerprint, store_print
from stride_eval.finished import Finished, file_name
from stride_eval.scores import ALL
from stride_eval.workers import computed

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.config import EvalConfig
    from stride_eval.systems import Systems


@dataclass
class FamilyResults:
    """Gets families' results for a region, each as soon as it is there.

    Attributes:
        config: of the evaluation.
        finished: where results lie that need no second computation.
        executor: who computes the others; None: this process, one after the other.
        reused: file names of the results that were not computed again.
        stores: prints of the systems' stores.
    """

    config: EvalConfig
    finished: Finished
    executor: Executor | None = None
    reused: list[str] = field(default_factory=list)
    stores: dict[str, str] = field(default_factory=dict)

    def of(
        self, families: Sequence[str], systems: Systems, started: Callable[[list[str]], None], region: str = ALL
    ) -> Iterator[tuple[str, Path]]:
        """Names of families and files of their results.

        Args:
            families: which.
            systems: of the region.
            started: called with the families that are being computed, whenever they change.
            region: name of the region.

        Raises:
            EvalError: what a family says, or a file that cannot be written.
        """
        for name, saved in systems.saved.items():  # once an evaluation: a store may hold very many files
            if name not in self.stores:
                self.stores[name] = store_print(saved.path)
        prints = {name: fingerprint(registry.module_of(name), systems, self.stores) for name in families}
        waiting = []
        for name in families:
            path = self.finished.find(file_name(name, region), prints[name], self.config)
            if path is None:
                waiting.append(name)
            else:
                self.reused.append(path.name)
                yield name, path
        tasks = {name: (registry.module_of(name), systems) for name in waiting}
        at_once = 1 if self.executor is None else len(waiting)
        if waiting:
            started(waiting[:at_once])
        for name, results, used in computed(tasks, self.config, self.executor):
            waiting.remove(name)
            path = self.finished.keep(file_name(name, region), results, prints[name], used)
            yield name, path
            if waiting:
                started(waiting[:at_once])

    def of_earlier(self, families: Sequence[str], region: str = ALL) -> Iterator[tuple[str, Path]]:
        """The same from the evaluation that lies in the output folder, whatever it was made of.

        Raises:
            EvalError: there is none.
        """
        for name in families:
            path = self.finished.results / file_name(name, region)
            if not path.is_file():
                what, where = (name, "families") if region == ALL else (region, "regions")
                raise EvalError(
                    f"mode 'plots' draws finished results, but {str(path)!r} is not there; run once with mode 'full', "
                    f"or leave {what!r} out of the {where}"
                )
            yield name, path


def loaded(path: Path) -> xr.Dataset:
    """Results from their file.

    Raises:
        EvalError: the file is damaged.
    """
    import xarray as xr

    try:
        return xr.load_dataset(path, engine="netcdf4")
    except (OSError, RuntimeError, ValueError) as error:
        raise EvalError(
            f"the results {str(path)!r} cannot be read ({' '.join(str(error).split())[:200]}); remove it and run again"
        ) from error
