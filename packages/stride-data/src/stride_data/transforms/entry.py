"""What a transform finds in one variable's entry of a statistics file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_data.errors import DataError
from stride_data.transforms.parameters import as_parameters
from stride_data.transforms.pointwise import PointwiseFunction, Unchanged

_AGAIN = "compute the statistics again with `stride-data stats`"
ESTIMATED = "maximum likelihood"
"""What the entry of a function says under ``estimated`` when its parameter was estimated from the sample."""


def function_key(function: PointwiseFunction, dry_below: float | None) -> dict[str, Any]:
    """What names a function in an entry's ``functions``."""
    return {"function": function.name, **as_parameters(function), "dry_below": dry_below}


def function_moments(
    entry: Mapping[str, Any], function: PointwiseFunction, dry_below: float | None, channel: str, transform: str
) -> Mapping[str, Any]:
    """Mean, standard deviation and extremes of a function of the values.

    Args:
        entry: The variable's entry.
        function: The function.
        dry_below: Values below it count as 0; None for none.
        channel: ``source.key``, for messages.
        transform: Name of the transform, for messages.

    Raises:
        DataError: If the entry has none, or values lay outside the function's domain.
    """
    if isinstance(function, Unchanged) and dry_below is None:
        return entry
    key = function_key(function, dry_below)
    for found in entry["functions"]:
        if all(name in found and found[name] == value for name, value in key.items()):
            if "mean" not in found:
                raise DataError(
                    f"statistics of '{channel}': {found['outside_domain']} values lie outside the domain of "
                    f"{function.formula}, which {transform} takes; set valid_min for the variable, a larger offset, or "
                    "another transform."
                )
            return found
    raise _not_measured(entry, channel, f"{transform} asks for {_described(key)}")


def boxcox_lambda(entry: Mapping[str, Any], offset: float, dry_below: float | None, channel: str) -> float:
    """The Box-Cox exponent estimated with an offset.

    Raises:
        DataError: If the entry has none, or it could not be estimated.
    """
    for found in entry["functions"]:
        same = (found["function"], found.get("offset"), found["dry_below"]) == ("boxcox", offset, dry_below)
        if same and found.get("estimated") == ESTIMATED:
            if found["lambda"] is None:
                raise DataError(
                    f"statistics of '{channel}': no Box-Cox exponent could be estimated, since values lie outside the "
                    f"domain of offset {offset:g} or all are the same; set offset or lambda in "
                    f"data.transforms.{channel}, or another transform."
                )
            return float(found["lambda"])
    asked = _described({"function": "boxcox with an estimated lambda", "offset": offset, "dry_below": dry_below})
    raise _not_measured(entry, channel, f"boxcox asks for {asked}")


def _not_measured(entry: Mapping[str, Any], channel: str, asks: str) -> DataError:
    there = " and ".join(_described(found) for found in entry["functions"]) or "no function of the values"
    return DataError(f"statistics of '{channel}' hold {there}, but {asks}; {_AGAIN}.")


def _described(found: Mapping[str, Any]) -> str:
    words = ("offset", "lambda", "exponent", "scale", "dry_below")
    numbers = [f"{word} {found[word]:g}" for word in words if found.get(word) is not None]
    return f"{found['function']} ({', '.join(numbers)})" if numbers else found["function"]
