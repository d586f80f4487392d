"""Which files of a pattern with ``{variable}`` or ``{level}`` belong to which variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stride_vars.catalogue import Catalogue

from stride_data.config import VariableConfig
from stride_data.discovery.cf_names import name_means
from stride_data.discovery.patterns import FoundFile
from stride_data.discovery.selection import pressure_level
from stride_data.errors import DataError


def files_by_variable(
    files: Sequence[FoundFile], variables: Mapping[str, VariableConfig], catalogue: Catalogue, where: str
) -> dict[str, list[FoundFile]]:
    """Files of each variable; those of other variables and levels are left aside.

    Args:
        files: All files that match.
        variables: The configuration's entries by catalogue key.
        catalogue: Where names are resolved.
        where: Key of the source's configuration, for messages.

    Returns:
        Files by catalogue key, in the order given.

    Raises:
        DataError: If a variable has no file, or files under two names mean it.
    """
    groups: dict[str, list[FoundFile]] = {}
    for key, entry in variables.items():
        level = pressure_level(key, catalogue)
        if files[0].level is not None and level is None:
            raise DataError(
                f"{where}.variables.{key}: is on no pressure level, but {where}.files holds {{level}}; make it a "
                "source of its own."
            )
        found = [file for file in files if _belongs(file, key, level, catalogue)]
        if any(file.variable == entry.name for file in files if entry.name is not None):
            # What the configuration calls it goes before what the catalogue would.
            found = [file for file in files if file.variable == entry.name and _on_level(file, level)]
        names = sorted({file.variable for file in found if file.variable is not None})
        if not found:
            there = sorted({_named(file) for file in files})
            raise DataError(
                f"{where}.variables.{key}: no file of {where}.files is named after it (there are "
                f"{', '.join(there[:12])}); set its name to what the files' names have for {{variable}}."
            )
        if len(names) > 1:
            raise DataError(
                f"{where}.variables.{key}: files named {' and '.join(names)} all mean it; set its name to one of them."
            )
        groups[key] = found
    return groups


def _on_level(file: FoundFile, level: int | None) -> bool:
    return file.level is None or level is None or int(file.level) in (level, 100 * level)


def _belongs(file: FoundFile, key: str, level: int | None, catalogue: Catalogue) -> bool:
    return _on_level(file, level) and (file.variable is None or name_means(file.variable, key, catalogue))


def _named(file: FoundFile) -> str:
    return " at ".join(part for part in (file.variable, file.level) if part is not None)
