"""Transforms by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_vars.errors import nearest
from stride_vars.spec import VariableSpec

from stride_data.errors import DataError, hint
from stride_data.transforms.identity import Identity
from stride_data.transforms.options import OPTIONS
from stride_data.transforms.protocol import Recipe, Requirement, Transform
from stride_data.transforms.quantile import QuantileTransform
from stride_data.transforms.recipes import COMPOSED

_RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (Identity, *COMPOSED, QuantileTransform)}


def names() -> tuple[str, ...]:
    """Names of all transforms."""
    return tuple(_RECIPES)


def recipe_of(name: str) -> Recipe:
    """What makes the transforms of this name; dashes count as underscores.

    Raises:
        DataError: If there is none.
    """
    folded = name.replace("-", "_")
    if folded not in _RECIPES:
        raise DataError(f"unknown transform '{name}'.{nearest(folded, _RECIPES)}")
    return _RECIPES[folded]


def check_options(channel: str, options: Mapping[str, Any]) -> None:
    """Check one entry of a configuration's ``transforms``.

    Args:
        channel: ``source.key``, for the message.
        options: ``name`` and the transform's own options.

    Raises:
        ValueError: If the name, a key or a value is wrong; a validation error of the configuration says where.
    """
    given = options.get("name")
    if given is not None and not isinstance(given, str):
        raise ValueError(f"{channel}.name must be the name of a transform: {', '.join(_RECIPES)}")
    allowed = set(OPTIONS)
    if given is not None:
        if given.replace("-", "_") not in _RECIPES:
            raise ValueError(f"{channel}.name '{given}' is no transform{hint(given, _RECIPES)}")
        allowed = set(recipe_of(given).options)
    for key, value in options.items():
        if key == "name":
            continue
        if key not in allowed:
            raise ValueError(f"unknown key '{channel}.{key}'{hint(key, ['name', *sorted(allowed)])}")
        wanted = OPTIONS[key](value)
        if wanted is not None:
            raise ValueError(f"{channel}.{key} must be {wanted}, not {value!r}")


def _recipe_for(spec: VariableSpec, source: str, options: Mapping[str, Any]) -> Recipe:
    """The named transform, or the variable's default if that takes all options."""
    recipe = recipe_of(options.get("name") or spec.transform_default)
    for key in options:
        if key != "name" and key not in recipe.options:
            raise DataError(
                f"data.transforms.{source}.{spec.key}: '{recipe.name}', the default of {spec.key}, has no '{key}'; "
                "name the transform that is meant."
            )
    return recipe


def requirement(*, spec: VariableSpec, source: str, options: Mapping[str, Any]) -> Requirement:
    """What a channel's transform needs of the statistics.

    Args:
        spec: The variable.
        source: Name of its source.
        options: The configuration's options; without ``name`` the variable's default transform is used.

    Raises:
        DataError: If the transform is unknown or its options do not suit the variable.
    """
    return _recipe_for(spec, source, options).requirement(options, spec, source)


def build(
    entry: Mapping[str, Any],
    *,
    spec: VariableSpec,
    source: str,
    statistics_id: str,
    options: Mapping[str, Any],
) -> Transform:
    """Build a channel's transform.

    Args:
        entry: The variable's entry in the statistics file, as ``stride_data.statistics.file.entry_for`` gives it.
        spec: The variable.
        source: Name of its source.
        statistics_id: Content id of the statistics file.
        options: The configuration's options; without ``name`` the variable's default transform is used.

    Raises:
        DataError: If the transform is unknown or the statistics do not allow it.
    """
    recipe = _recipe_for(spec, source, options)
    return recipe.from_statistics(entry, spec=spec, source=source, statistics_id=statistics_id, options=options)


def from_metadata(metadata: Mapping[str, Any]) -> Transform:
    """Rebuild a transform from its metadata alone.

    Args:
        metadata: What ``Transform.metadata`` gave; a ``role`` beside it, as adapters add, is ignored.

    Raises:
        DataError: If the name is unknown or parameters are missing or unknown.
    """
    parameters = {key: value for key, value in metadata.items() if key not in ("name", "role")}
    recipe = recipe_of(str(metadata.get("name")))
    try:
        return recipe.from_parameters(parameters)
    except TypeError as exc:
        raise DataError(
            f"metadata of transform '{recipe.name}' do not fit: {exc}; take them from the same file."
        ) from exc
