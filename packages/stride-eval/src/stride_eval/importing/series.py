"""One variable of one group, over all the files that hold it: which times and members are where, and their values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from stride_vars.catalogue import Catalogue
from stride_vars.spec import VariableSpec

from stride_eval.errors import EvalError
from stride_eval.importing.dimensions import ROLES, chosen, find_roles
from stride_eval.importing.files import FoundFile, find_files
from stride_eval.importing.grid import ForeignGrid, orientation, read_grid
from stride_eval.importing.names import SourceNames, VariableNames
from stride_eval.importing.opened import find_variable, opened
from stride_eval.importing.times import calendar_of, labels, time_coordinate_of
from stride_eval.importing.units import Conversion, conversion

BLOCK_BYTES = 64 * 2**20
"""Of one variable's values that are in memory at once; converting them needs a few times this."""

_UNWRITTEN = 9.969209968386869e36
"""What netCDF puts where nothing was written, in files that do not say so."""


@dataclass(frozen=True)
class Holding:
    """What one file holds of a variable: times along its dimension, or one; members likewise."""

    file: FoundFile
    times: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Fields that were read together: values [time, member, y, x] in canonical units, missing ones NaN."""

    times: tuple[str, ...]
    members: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True)
class Series:
    """One variable over all its files.

    Attributes:
        group: of the saved ensemble.
        key: STRIDE's key.
        spec: what the variable is.
        names: the section of the configuration.
        variable: the variable's entry of it.
        holdings: what each file holds.
        grid: of the first file; all others have the same.
        flips: whether rows and columns are reversed on reading, to be those of the group's first variable or of the
            members.
        calendar: of the times.
        description: name, units and dimensions as the first file has them, for people.
    """

    group: str
    key: str
    spec: VariableSpec
    names: SourceNames
    variable: VariableNames
    catalogue: Catalogue
    label: Callable[[str], str]
    holdings: tuple[Holding, ...]
    grid: ForeignGrid
    calendar: str
    description: str
    flips: tuple[bool, bool] = (False, False)

    @property
    def where(self) -> str:
        """Its key in the configuration."""
        return f"{self.group}.variables.{self.key}"

    @property
    def members(self) -> tuple[str, ...]:
        """Labels of all members, numbers in their order; ("0",) for a variable without members."""
        found = {member for holding in self.holdings for member in holding.members}
        return tuple(sorted(found, key=lambda label: (0, float(label), "") if _is_number(label) else (1, 0.0, label)))

    def complete_times(self) -> tuple[tuple[str, ...], int]:
        """Times that all members have, ascending, and how many times some member lacks."""
        held: dict[str, set[str]] = {}
        for holding in self.holdings:
            for time in holding.times:
                held.setdefault(time, set()).update(holding.members)
        count = len(self.members)
        complete = sorted(time for time, members in held.items() if len(members) == count)
        return tuple(complete), len(held) - len(complete)

    def oriented(self, first: ForeignGrid, called: str) -> Series:
        """The series with its rows and columns in the order of another grid.

        Raises:
            EvalError: the cells are not the same.
        """
        return replace(self, flips=orientation(first, self.grid, (called, f"{self.where}")))

    def blocks(self, times: Sequence[str], budget: int = BLOCK_BYTES) -> Iterator[Block]:
        """All fields of some times, file by file, each read once.

        Args:
            times: those that are wanted; each must be held.
            budget: bytes that a block may have in double precision.

        Raises:
            EvalError: a file that is damaged or not like the first one.
        """
        wanted = set(times)
        for holding in self.holdings:
            if wanted.intersection(holding.times):
                yield from self._blocks_of(holding, wanted, budget)

    def _blocks_of(self, holding: Holding, wanted: set[str], budget: int) -> Iterator[Block]:
        path = holding.file.path
        with opened(path, self.names.group) as dataset:
            array, roles = _found(dataset, self.key, self.names, self.catalogue, self.group, path)
            grid = read_grid(dataset, array, roles["y"], roles["x"], positions=self.grid.y is None)
            if orientation(self.grid, grid, (f"{self.where} in its first file", repr(str(path)))) != (False, False):
                raise EvalError(
                    f"{str(path)!r} runs the other way than the first file of {self.where}; import them apart"
                )
            _require_sizes(array, roles, holding, path)
            to_canonical = _conversion(array, self.variable, self.spec, self.where, path)
            order = [roles[role] for role in ("time", "member", "y", "x") if role in roles]
            array = array.squeeze([dim for dim in array.dims if dim not in order]).transpose(*order)
            rows = [index for index, time in enumerate(holding.times) if time in wanted]
            fields = max(1, budget // (8 * grid.shape[0] * grid.shape[1]))
            for row, column in _pieces(rows, len(holding.members), fields, _chunk_length(array, roles.get("time"))):
                at = {roles[role]: part for role, part in (("time", row), ("member", column)) if role in roles}
                values = self._values(array, at, path)
                shape = (len(row), column.stop - column.start, *grid.shape)
                yield Block(
                    tuple(holding.times[index] for index in row),
                    holding.members[column],
                    to_canonical(values.reshape(shape)[:, :, *(slice(None, None, -1 if f else 1) for f in self.flips)]),
                )

    def _values(self, array: xr.DataArray, at: dict[str, list[int] | slice], path: Path) -> np.ndarray:
        contiguous = {dim: _as_slice(part) for dim, part in at.items()}
        try:
            values = np.asarray(array.isel(contiguous).values)
        except Exception as error:  # every backend raises its own kinds for damaged chunks
            raise EvalError(
                f"'{array.name}' in {str(path)!r} cannot be read ({' '.join(str(error).split())[:200]}); the file is "
                "damaged: get it again"
            ) from error
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        missing = values == values.dtype.type(_UNWRITTEN)
        if self.variable.missing is not None:
            missing |= np.isclose(values, self.variable.missing, rtol=1e-6, atol=0.0)
        return np.where(missing, values.dtype.type(np.nan), values) if missing.any() else values


def open_series(
    group: str,
    key: str,
    names: SourceNames,
    root: Path,
    catalogue: Catalogue,
    *,
    label: Callable[[str], str] = str,
) -> Series:
    """Finds a variable's files and what they hold; reads coordinates and no field.

    Args:
        group: of the saved ensemble; "static" fields have no time, and members are in "ensemble" alone.
        key: STRIDE's key.
        names: the group's section of the configuration.
        root: folder of relative paths.
        catalogue: the known variables.
        label: what is made of a time before times are compared.

    Raises:
        EvalError: nothing there, or something that does not fit.
    """
    spec = catalogue.get(key)
    where = f"{group}.variables.{key}"
    files = find_files(names.files_of(key), root, f"{group}.files")
    if group != "ensemble" and len({file.member for file in files}) > 1:
        # The same observations beside each member: those beside the first.
        files = [file for file in files if file.member == files[0].member]
    first = _look(files[0], group, key, names, catalogue, positions=True)
    variable = names.variables[key]
    _conversion(first.array, variable, spec, where, files[0].path)
    holdings = [first.holding]
    for file in files[1:] if group != "static" else ():
        if file.stamp is not None and first.steps <= 1:
            # Its name tells all that is needed now; what is inside is checked when it is read.
            members = first.holding.members if file.member is None else (file.member,)
            holdings.append(Holding(file, (file.stamp,), members))
        else:
            holdings.append(_look(file, group, key, names, catalogue).holding)
    holdings = [replace(holding, times=tuple(map(label, holding.times))) for holding in holdings]
    _require_no_repeats(holdings, where)
    return Series(
        group=group,
        key=key,
        spec=spec,
        names=names,
        variable=variable,
        catalogue=catalogue,
        label=label,
        holdings=tuple(holdings),
        grid=first.grid,
        calendar=first.calendar,
        description=first.description,
    )


@dataclass(frozen=True)
class _Look:
    """What one file says of a variable."""

    array: xr.DataArray
    holding: Holding
    steps: int
    grid: ForeignGrid
    calendar: str
    description: str


def _look(
    file: FoundFile, group: str, key: str, names: SourceNames, catalogue: Catalogue, *, positions: bool = False
) -> _Look:
    path = file.path
    with opened(path, names.group) as dataset:
        array, roles = _found(dataset, key, names, catalogue, group, path)
        where = f"'{array.name}' in {str(path)!r}"
        steps = array.sizes[roles["time"]] if "time" in roles else 1
        times, calendar = _times(array, roles, file, names, steps, where) if group != "static" else (("",), "standard")
        members = _members(array, roles, file, group, where)
        said = ", ".join(f"{role} = {dim}" if role != dim else dim for role, dim in sorted(roles.items(), key=_role))
        units = names.variables[key].units or array.attrs.get("units", "")
        period = names.variables[key].accumulation
        return _Look(
            array=array,
            holding=Holding(file, times, members),
            steps=steps,
            grid=read_grid(dataset, array, roles["y"], roles["x"], positions=positions),
            calendar=calendar,
            description=f"{array.name} [{units}{f' over {period}' if period else ''}] with {said}",
        )


def _found(
    dataset: xr.Dataset, key: str, names: SourceNames, catalogue: Catalogue, group: str, path: Path
) -> tuple[xr.DataArray, dict[str, str]]:
    """The variable in a file and the roles of its dimensions."""
    entry = names.variables[key]
    name = find_variable(dataset, key, entry.name, catalogue, f"{group}.variables.{key}", path)
    where = f"'{name}' in {str(path)!r}"
    array = chosen(dataset[name], entry.select, where)
    roles = find_roles(array, names.dims, where, group)
    if group != "ensemble" and "member" in roles:
        if array.sizes[roles["member"]] > 1:
            raise EvalError(
                f"{where} has {array.sizes[roles['member']]} members along '{roles['member']}', which only the "
                f"ensemble has; choose one with {group}.variables.{key}.select"
            )
        del roles["member"]
    if group == "static" and "time" in roles:
        if array.sizes[roles["time"]] > 1:
            raise EvalError(
                f"{where} has {array.sizes[roles['time']]} times, a static field has none; choose one with "
                f"static.variables.{key}.select"
            )
        del roles["time"]
    return array, roles


def _times(
    array: xr.DataArray, roles: dict[str, str], file: FoundFile, names: SourceNames, steps: int, where: str
) -> tuple[tuple[str, ...], str]:
    coordinate = time_coordinate_of(array, roles.get("time"), names.dims.time)
    calendar = calendar_of(coordinate, names.calendar)
    if file.stamp is not None and steps == 1:
        return (file.stamp,), calendar
    if coordinate is None:
        raise EvalError(
            f"{where} has no time coordinate; name it with dims.time, or put the date into the pattern of the files as "
            "{date:%Y%m%d}"
        )
    return labels(coordinate, calendar, where), calendar


def _members(array: xr.DataArray, roles: dict[str, str], file: FoundFile, group: str, where: str) -> tuple[str, ...]:
    if group != "ensemble":
        return ("0",)
    dim = roles.get("member")
    if file.member is not None:
        if dim is not None and array.sizes[dim] > 1:
            raise EvalError(
                f"{where} holds {array.sizes[dim]} members along '{dim}', but the pattern of the files tells one by "
                "{member}; write * in its place"
            )
        return (file.member,)
    if dim is None:
        return ("0",)
    if dim not in array.coords:
        return tuple(str(number) for number in range(array.sizes[dim]))
    found = tuple(str(label.decode() if isinstance(label, bytes) else label) for label in array[dim].values.tolist())
    if len(set(found)) != len(found):
        raise EvalError(f"{where}: a member is called twice the same along '{dim}' ({', '.join(found[:6])}); rename it")
    return found


def _require_no_repeats(holdings: Sequence[Holding], where: str) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for holding in holdings:
        path = holding.file.path
        if len(set(holding.times)) < len(holding.times):
            twice = next(time for time in holding.times if holding.times.count(time) > 1)
            raise EvalError(f"{where}: {twice} stands twice in {str(path)!r}; keep one of them")
        for place in itertools.product(holding.times, holding.members):
            if place in seen:
                what = f"{place[0] or 'the field'} of member {place[1]}"
                raise EvalError(
                    f"{where}: {what} stands in {str(path)!r} and in {str(seen[place])!r}; keep one of them"
                )
            seen[place] = path


def _require_sizes(array: xr.DataArray, roles: dict[str, str], holding: Holding, path: Path) -> None:
    for role, labels_held in (("time", holding.times), ("member", holding.members)):
        size = array.sizes[roles[role]] if role in roles else 1
        if size != len(labels_held):
            raise EvalError(
                f"'{array.name}' in {str(path)!r} has {size} along {role} where the first file has {len(labels_held)}; "
                "import such files apart"
            )


def _conversion(array: xr.DataArray, variable: VariableNames, spec: VariableSpec, where: str, path: Path) -> Conversion:
    units = variable.units or " ".join(str(array.attrs.get("units", "")).split())
    if not units:
        raise EvalError(f"'{array.name}' in {str(path)!r} has no units; state them as {where}.units")
    try:
        return conversion(units, spec.units, variable.accumulation)
    except EvalError as error:
        raise EvalError(f"{where} ('{array.name}' in {str(path)!r}): {error}") from error


def _chunk_length(array: xr.DataArray, dim: str | None) -> int:
    """Times that a file keeps in one compressed piece: reading one of them reads all."""
    chunks = array.encoding.get("preferred_chunks", {})
    return int(chunks.get(dim, 1)) if dim is not None else 1


def _pieces(rows: Sequence[int], members: int, fields: int, chunk: int) -> Iterator[tuple[list[int], slice]]:
    """Rows and members to read together, of at most ``fields`` fields, in whole chunks of time where they fit."""
    several = min(members, max(1, fields // min(chunk, fields)))
    length = max(1, fields // several)
    length = length // chunk * chunk or length
    ends = range(0, (rows[-1] if rows else 0) + 1, length)
    for start in ends:
        part = [row for row in rows if start <= row < start + length]
        for first in range(0, members if part else 0, several):
            yield part, slice(first, min(first + several, members))


def _as_slice(part: list[int] | slice) -> list[int] | slice:
    if isinstance(part, slice) or part != list(range(part[0], part[0] + len(part))):
        return part
    return slice(part[0], part[-1] + 1)


def _role(item: tuple[str, str]) -> int:
    return ROLES.index(item[0])


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()
