"""What a field's values must be, whatever file they come from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from stride_vars.spec import VariableSpec

from stride_data.errors import DataError

# Negative values of a positive definite variable up to this share of its wet threshold (or, without one, of its
# largest value) pass as rounding of the file's packing; larger ones must be dealt with by the configuration.
ROUNDING_SHARE = 1e-3


def check_field(
    values: NDArray[np.float32], spec: VariableSpec, valid_min: float | None, what: str, source: str
) -> NDArray[np.float32]:
    """Raise values to the stated minimum and refuse impossible ones.

    Args:
        values: Any shape, canonical units; NaN is missing.
        spec: The variable.
        valid_min: Values below are set to it.
        what: File and variable, for messages.
        source: Name of the source, for messages.

    Returns:
        The values, NaN kept.

    Raises:
        DataError: If values are infinite, or clearly negative where the variable cannot be.
    """
    if np.isinf(values).any():
        raise DataError(f"{what} holds infinite values; mark them as missing in the file (NaN or its _FillValue).")
    if valid_min is not None:
        return np.maximum(values, np.float32(valid_min))  # NaN stays NaN
    if spec.is_positive_definite and values.size and (values < 0).any():
        scale = spec.wet_threshold if spec.wet_threshold else float(np.nanmax(np.abs(values)))
        lowest = float(np.nanmin(values))
        if lowest < -ROUNDING_SHARE * scale:
            raise DataError(
                f"{what} holds negative values down to {lowest:.4g} {spec.units}, but {spec.key} is never negative; "
                f"set data.sources.{source}.variables.{spec.key}.valid_min: 0 to raise them to 0."
            )
    return values
