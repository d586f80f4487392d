"""The variables that STRIDE knows, and a user's own beside them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stride_vars.config_errors import describe
from stride_vars.errors import StrideError, nearest
from stride_vars.family import Family, split_member
from stride_vars.spec import VariableSpec

_Entry = TypeVar("_Entry", VariableSpec, Family)


class _File(BaseModel):
    """The layout of a variables file: tables ``[variable.<key>]`` and ``[family.<key>]``."""

    model_config = ConfigDict(extra="forbid")

    variable: dict[str, dict[str, Any]] = {}
    family: dict[str, dict[str, Any]] = {}


class Catalogue:
    """Variables by their key, and by every other name that files give them.

    Names are compared without case, and with ``-`` and spaces as underscores. A key always means itself; otherwise a
    name given by a user's file goes before the same name in the packaged catalogue.
    """

    def __init__(
        self, variables: Mapping[str, VariableSpec], families: Mapping[str, Family], names: Mapping[str, str]
    ) -> None:
        """Hold what ``load`` has read and checked.

        Args:
            variables: Specs by key.
            families: Families by key.
            names: Key of a variable or family by folded name.
        """
        self._variables = dict(variables)
        self._families = dict(families)
        self._names = dict(names)

    @classmethod
    def load(cls, *user_files: Path | str) -> Catalogue:
        """The packaged catalogue, extended by users' TOML files of the same layout.

        A table for a key that exists already changes what it states and keeps the rest; its ``aliases`` are added to
        those there. A table for a new key needs at least ``long_name`` and ``units``.

        Args:
            user_files: Later files go before earlier ones.

        Raises:
            StrideError: If a file cannot be read, has an unknown key or a wrong value, or gives one name to two
                variables.
        """
        catalogue = _packaged()
        for path in user_files:
            catalogue = catalogue._extended(_read(Path(path)), str(path))
        return catalogue

    def get(self, key: str) -> VariableSpec:
        """The variable with this key.

        Raises:
            StrideError: If no variable has it.
        """
        spec = self._by_key(key)
        if spec is None:
            raise StrideError(self._unknown(key))
        return spec

    def resolve(self, name: str) -> VariableSpec:
        """The variable that goes by this name: key, data name, alias, or a standard name that only one variable has.

        Raises:
            StrideError: If no variable, or more than one, goes by it.
        """
        spec = self._by_key(name) or self._by_name(_fold(name))
        if spec is not None:
            return spec
        sharing = [spec.key for spec in self._variables.values() if spec.standard_name == name]
        levels = [f"{family.key}_<level>" for family in self._families.values() if family.standard_name == name]
        if len(sharing) == 1 and not levels:
            return self._variables[sharing[0]]
        if sharing or levels:
            raise StrideError(
                f"the standard name '{name}' fits several variables ({', '.join(sharing + levels)}); give the key "
                "of the one that is meant."
            )
        raise StrideError(self._unknown(name))

    def keys(self) -> tuple[str, ...]:
        """Keys of all variables, in the order of the files; members of families are not among them."""
        return tuple(self._variables)

    def families(self) -> tuple[str, ...]:
        """Keys of the families on pressure levels; ``<family>_<hPa>`` is a variable for any level."""
        return tuple(self._families)

    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in the order of the files."""
        return tuple(dict.fromkeys(spec.group for spec in self._variables.values()))

    def group(self, name: str) -> tuple[VariableSpec, ...]:
        """All variables of a group, in the order of the files.

        Raises:
            StrideError: If there is no such group.
        """
        if name not in self.groups():
            raise StrideError(f"unknown group of variables '{name}'.{nearest(name, self.groups())}")
        return tuple(spec for spec in self._variables.values() if spec.group == name)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._by_key(key) is not None

    def __iter__(self) -> Iterator[VariableSpec]:
        return iter(self._variables.values())

    def __len__(self) -> int:
        return len(self._variables)

    def _by_key(self, key: str) -> VariableSpec | None:
        if key in self._variables:
            return self._variables[key]
        member = split_member(key)
        if member and member[0] in self._families:
            spec = self._families[member[0]].member(member[1])
            return spec if spec.key == key else None
        return None

    def _by_name(self, folded: str) -> VariableSpec | None:
        key = self._names.get(folded)
        if key in self._variables:
            return self._variables[key]
        member = split_member(folded)
        family = self._families.get(self._names.get(member[0], "")) if member else None
        return family.member(member[1]) if member and family else None

    def _unknown(self, word: str) -> str:
        family = self._names.get(_fold(word))
        if family in self._families:
            return f"variable '{word}' stands for every pressure level; name the level in hPa, such as '{family}_850'."
        # Keys go first: they are what an experiment should hold; a file's name is the second guess.
        hints = (nearest(word, self._variables), nearest(word, (name for spec in self for name in spec.names)))
        hint = next((hint for hint in hints if hint.startswith(" Did you mean")), "")
        return f"unknown variable '{word}'.{hint} Add it to a variables file as [variable.{word}] to make it known."

    def _extended(self, tables: _File, where: str) -> Catalogue:
        variables, families = dict(self._variables), dict(self._families)
        for key, table in tables.variable.items():
            known = variables[key].model_dump() if key in variables else {}
            variables[key] = _build(VariableSpec, key, known, table, f"{where}, [variable.{key}]")
        for key, table in tables.family.items():
            known = families[key].model_dump() if key in families else {}
            families[key] = _build(Family, key, known, table, f"{where}, [family.{key}]")
        both = sorted(variables.keys() & families.keys())
        if both:
            raise StrideError(f"{where}: '{both[0]}' is both a variable and a family; rename one of them.")

        given: dict[str, str] = {}
        for key in tables.variable:
            _claim(given, key, variables[key].names, where)
        for key in tables.family:
            _claim(given, key, families[key].names, where)
        own = {_fold(key): key for key in (*variables, *families)}
        for name, key in given.items():
            if own.get(name, key) != key:
                raise StrideError(
                    f"{where}: '{key}' takes the name '{name}', which is the key of another variable; leave it out."
                )
        return Catalogue(variables, families, {**self._names, **given, **own})


def _fold(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def _claim(given: dict[str, str], key: str, names: tuple[str, ...], where: str) -> None:
    """Note ``names`` as those of ``key``; one file may not give a name twice."""
    for name in names:
        owner = given.setdefault(_fold(name), key)
        if owner != key:
            raise StrideError(f"{where}: '{name}' is a name of both '{owner}' and '{key}'; take it from one of them.")


def _build(model: type[_Entry], key: str, known: Mapping[str, Any], table: Mapping[str, Any], where: str) -> _Entry:
    values = {**known, **table, "key": key}
    if known and "long_name" in table and "display_name" not in table:
        del values["display_name"]
    aliases = table.get("aliases", ())
    if known and isinstance(aliases, list):
        values["aliases"] = tuple(dict.fromkeys((*known["aliases"], *aliases)))
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        raise StrideError(describe(exc, model, where)) from exc


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StrideError(f"{path}: there is no such variables file; check the path.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise StrideError(f"{path}: the variables file cannot be read ({exc}); it must be a TOML text file.") from exc
    return _parse(text, str(path))


def _parse(text: str, where: str) -> _File:
    try:
        return _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise StrideError(f"{where}: this is not TOML: {exc}; correct that line.") from exc
    except ValidationError as exc:
        raise StrideError(describe(exc, _File, where)) from exc


@cache
def _packaged() -> Catalogue:
    text = resources.files("stride_vars").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return Catalogue({}, {}, {})._extended(_parse(text, "catalogue.toml"), "catalogue.toml")
