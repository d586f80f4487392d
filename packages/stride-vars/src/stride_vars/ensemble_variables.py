"""A variable's attributes in a saved ensemble, written from its spec and read back to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from stride_vars.catalogue import Catalogue
from stride_vars.config_errors import describe
from stride_vars.errors import StrideError
from stride_vars.spec import VariableSpec


def variable_attrs(spec: VariableSpec) -> dict[str, str | int | float | list[float]]:
    """Attributes for a variable in canonical units: CF's own, and ours so that no catalogue is needed to read it."""
    attrs: dict[str, str | int | float | list[float] | None] = {
        "units": spec.units,
        "long_name": spec.long_name,
        "standard_name": spec.standard_name,
        "cell_methods": spec.cell_methods,
        # CF-1.11, section 3.1.2: without it a converter cannot tell a temperature from a difference of two.
        "units_metadata": "temperature: on_scale" if _is_temperature(spec) else None,
        "stride_variable": spec.key,
        "wet_threshold": spec.wet_threshold,
        # NetCDF has no booleans.
        "is_positive_definite": int(spec.is_positive_definite),
        "display_name": spec.display_name,
        "cmap": spec.cmap,
        "anomaly_cmap": spec.anomaly_cmap,
        "plot_range": None if spec.plot_range is None else list(spec.plot_range),
    }
    return {name: value for name, value in attrs.items() if value is not None}


def _is_temperature(spec: VariableSpec) -> bool:
    return spec.units in ("K", "degC") and (spec.standard_name or "").endswith("temperature")


def summary_attrs(attrs: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Attributes of a variable in a group that sums up the members.

    Args:
        attrs: The variable's own, from ``variable_attrs``.
        group: ``mean`` or ``spread``, whose ``cell_methods`` say so (CF-1.11, section 7.3); any other group, such as
            ``pmm``, for which CF has no method, keeps the attributes as they are.
    """
    if group not in _SUMMARIES:
        return dict(attrs)
    method, words = _SUMMARIES[group]
    own = f"{attrs['cell_methods']} " if "cell_methods" in attrs else ""
    summary = {
        **attrs,
        "long_name": f"{words} of {attrs['long_name']}",
        "cell_methods": f"{own}realization: {method}",
    }
    if group == "spread":
        summary |= {"is_positive_definite": 1, "comment": "sample standard deviation: divided by members - 1"}
        if attrs["units"] in _TEMPERATURES:
            # CF-1.11, section 3.1.2: without it a converter would shift the zero.
            summary["units_metadata"] = "temperature: difference"
    return summary


_SUMMARIES = {"mean": ("mean", "ensemble mean"), "spread": ("standard_deviation", "ensemble standard deviation")}
_TEMPERATURES = ("K", "degC", "degree_Celsius", "Celsius")


def spec_from_attrs(
    name: str, attrs: Mapping[Any, Any], catalogue: Catalogue, *, where: str = "saved ensemble"
) -> VariableSpec:
    """The spec of a variable in a saved ensemble: what its attributes say, and the catalogue for the rest.

    Args:
        name: The variable's name in the file.
        attrs: Its attributes.
        catalogue: Known variables; one that it does not know needs only ``units``.
        where: The file's name, named first in an error.

    Raises:
        StrideError: If the units are missing or not the canonical ones, or an attribute does not read.
    """
    key = str(attrs.get("stride_variable", name))
    known = catalogue.get(key).model_dump() if key in catalogue else {"key": key, "long_name": name}
    units = " ".join(str(attrs.get("units", "")).split())
    if not units:
        raise StrideError(f"{where}: variable '{name}' has no attribute 'units'; add it.")
    if units != known.setdefault("units", units):
        raise StrideError(
            f"{where}: variable '{name}' is in '{units}', a saved ensemble holds '{key}' in '{known['units']}'; "
            "convert the values (or, if they only spell the units otherwise, the attribute)."
        )
    stated = {field: _plain(attrs[field]) for field in _READ_BACK if field in attrs}
    try:
        return VariableSpec.model_validate({**known, **stated})
    except ValidationError as exc:
        raise StrideError(describe(exc, VariableSpec, f"{where}, attributes of variable '{name}'")) from exc


_READ_BACK = (
    "long_name",
    "standard_name",
    "cell_methods",
    "wet_threshold",
    "is_positive_definite",
    "display_name",
    "cmap",
    "anomaly_cmap",
    "plot_range",
)


def _plain(value: Any) -> Any:
    """Python's own numbers and lists in place of numpy's, which file libraries give."""
    return value.tolist() if hasattr(value, "tolist") else value
