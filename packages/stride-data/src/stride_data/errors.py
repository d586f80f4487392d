"""The error that a user of the data layer can cause."""

from __future__ import annotations

from stride_vars.errors import StrideError


class DataError(StrideError):
    """Files, configuration or statistics that do not fit: one sentence with what, where and the mend."""
